"""Who may, how they are found, and how those who guess are slowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, execute
from twisted.internet.task import Clock

from goiptwist.accounts.secrets import Secret
from goiptwist.accounts.users import (
    FAILURES,
    SLOW_AT_A_TIME,
    SLOW_WAITING,
    WINDOW,
    Attempts,
    User,
    Users,
    shared_addresses,
)
from goiptwist.config.values import Network
from goiptwist.errors import Busy
from tests.accounts.test_secrets import CHEAP


@define
class Threads:
    """Stands in for the thread pool: counts, and runs at once or when told."""

    at_once: bool = True
    waiting: list[tuple[Deferred[Any], Callable[[], Any]]] = field(factory=list)
    count: int = 0

    def defer(self, function: Any, *arguments: Any) -> Deferred[Any]:
        self.count += 1
        if self.at_once:
            return execute(function, *arguments)
        result: Deferred[Any] = Deferred()
        self.waiting.append((result, lambda: function(*arguments)))
        return result

    def run(self) -> None:
        """Let everything that waits now come back."""
        now, self.waiting = self.waiting, []
        for result, function in now:
            result.callback(function())


def secret(value: str) -> Secret:
    return Secret.from_setting(value)


def found(users: Users, token: str) -> User | None:
    """Whose token it is, where nothing has to be waited for."""
    result: list[User | None] = []
    ensureDeferred(users.by_token(token)).addCallback(result.append)
    [user] = result
    return user


def passed(users: Users, name: str, password: str) -> User | None:
    result: list[User | None] = []
    ensureDeferred(users.by_password(name, password)).addCallback(result.append)
    [user] = result
    return user


CLEAR = User(name="clear", token=secret("clear-token"), password=secret("clear-word"))
SLOW = User(name="slow", token=secret(CHEAP), password=secret(CHEAP))
BARE = User(name="bare")


def test_a_token_finds_its_user() -> None:
    """A bearer token says who it is by itself, clear or hashed."""
    users = Users([BARE, CLEAR, SLOW], Threads().defer)
    assert found(users, "clear-token") is CLEAR
    assert found(users, "open sesame") is SLOW
    assert found(users, "clear-word") is None
    assert found(users, "") is None


def test_a_password_counts_with_its_name_only() -> None:
    """One user's password opens nothing under another's name."""
    users = Users([BARE, CLEAR, SLOW], Threads().defer)
    assert passed(users, "clear", "clear-word") is CLEAR
    assert passed(users, "slow", "open sesame") is SLOW
    for name, password in [("slow", "clear-word"), ("clear", "open sesame"), ("bare", "")]:
        assert passed(users, name, password) is None, name


def test_a_clear_token_needs_no_thread() -> None:
    """The common case must cost microseconds."""
    threads = Threads()
    found(Users([CLEAR, SLOW], threads.defer), "clear-token")
    assert threads.count == 0


def test_a_right_secret_is_hashed_once_in_a_process() -> None:
    """A tenth of a second for each request would be ten requests a second."""
    threads = Threads()
    users = Users([SLOW], threads.defer)
    for _ in range(3):
        assert found(users, "open sesame") is SLOW
        assert passed(users, "slow", "open sesame") is SLOW
    assert threads.count == 2


def test_a_wrong_secret_is_never_remembered_as_right() -> None:
    """The memory holds successes only."""
    threads = Threads()
    users = Users([SLOW], threads.defer)
    for _ in range(3):
        assert found(users, "wrong") is None
    assert threads.count == 3


@pytest.mark.parametrize("name", ["slow", "clear", "bare", "nobody"])
def test_wrong_and_unknown_cost_the_same(name: str) -> None:
    """Otherwise the time of a refusal tells which names exist."""
    threads = Threads()
    assert passed(Users([BARE, CLEAR, SLOW], threads.defer), name, "wrong") is None
    assert threads.count == 1


def test_a_crowd_with_one_secret_is_one_check() -> None:
    """After a restart every client comes at once; each costs one check, not sixteen."""
    threads = Threads(at_once=False)
    users = Users([SLOW], threads.defer)
    crowd = [ensureDeferred(users.by_token("open sesame")) for _ in range(16)]
    assert len(threads.waiting) == SLOW_AT_A_TIME
    threads.run()
    assert [one.result for one in crowd] == [SLOW] * 16
    assert threads.count == SLOW_AT_A_TIME


def test_slow_checks_do_not_pile_up() -> None:
    """Wrong tokens in a flood take two threads and no more; the rest is told to wait."""
    threads = Threads(at_once=False)
    users = Users([SLOW], threads.defer)
    flood = [
        ensureDeferred(users.by_token(f"guess {n}")) for n in range(SLOW_AT_A_TIME + SLOW_WAITING)
    ]
    assert threads.count == SLOW_AT_A_TIME
    refused: list[Any] = []
    ensureDeferred(users.by_token("one more")).addErrback(refused.append)
    assert refused[0].check(Busy)
    while threads.waiting:
        threads.run()
    assert [one.result for one in flood] == [None] * len(flood)


def test_hanging_up_does_not_free_a_thread_that_still_runs() -> None:
    """Otherwise a stranger who asks and leaves fills every thread that we have."""
    threads = Threads(at_once=False)
    users = Users([SLOW], threads.defer)
    for n in range(20):
        asking = ensureDeferred(users.by_token(f"guess {n}"))
        asking.addErrback(lambda failure: failure.trap(CancelledError))
        asking.cancel()
    assert threads.count == SLOW_AT_A_TIME
    while threads.waiting:
        assert len(threads.waiting) <= SLOW_AT_A_TIME
        threads.run()
    assert threads.count == 20


def test_a_broken_thread_does_not_keep_its_turn() -> None:
    """If a check fails for want of memory, the next one still gets its turn."""
    broken = Users([SLOW], lambda *_: execute(lambda: 1 / 0))
    for _ in range(SLOW_AT_A_TIME + 1):
        failures: list[Any] = []
        ensureDeferred(broken.by_token("x")).addErrback(failures.append)
        assert failures[0].check(ZeroDivisionError)


def test_what_a_user_may() -> None:
    """Scopes are what is written; admin includes the others; nothing by accident."""
    assert [BARE.allowed(scope) for scope in ("send", "read", "admin")] == [True, True, False]
    admin = User(name="a", may=("admin",))
    assert all(admin.allowed(scope) for scope in ("send", "read", "admin"))
    assert not User(name="n", may=()).allowed("read")


def test_an_unknown_scope_is_named() -> None:
    """A slip such as 'sned' must stop the start, not the first message."""
    with pytest.raises(ValueError, match="'sned' is none of send, read, admin"):
        User(name="a", may=("sned",))
    with pytest.raises(ValueError, match="printable"):
        User(name="a\nb")


def test_addresses_of_mails() -> None:
    """An address or a whole domain; a slip is named, and not taken for a domain of its own."""
    User(name="a", mail=("ops@example.org", "@Sub.example.org"))
    for wrong in ("", "ops", "example.org", "@", "a@b", "Ops <ops@example.org>", "a@b.c\r\n"):
        with pytest.raises(ValueError, match=r"mail: .* neither an address") as error:
            User(name="a", mail=(wrong,))
        assert repr(wrong) in str(error.value)


def test_a_repr_shows_no_secret() -> None:
    assert "clear-" not in repr(CLEAR)


def test_failures_are_counted_by_source_and_forgotten() -> None:
    """A person may mistype; a guesser waits; nobody else waits with him."""
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(FAILURES):
        assert attempts.wait("192.0.2.1") == 0
        attempts.failed("192.0.2.1")
    clock.advance(1)
    assert attempts.wait("192.0.2.1") == WINDOW - 1
    assert attempts.wait("192.0.2.2") == 0
    clock.advance(WINDOW - 1)
    assert attempts.wait("192.0.2.1") == 0
    attempts.failed("192.0.2.1")
    assert attempts.wait("192.0.2.1") == 0


@pytest.mark.parametrize(
    ("source", "other", "is_the_same"),
    [
        ("2001:db8::1", "2001:db8::ffff:0:0:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("", "", True),
        ("a:b", "a:c", False),
    ],
)
def test_a_guesser_with_many_addresses(source: str, other: str, is_the_same: bool) -> None:
    """One machine has 2**64 addresses of IPv6: a fresh one for each guess must not help."""
    attempts = Attempts(Clock(), failures=1)
    attempts.failed(source)
    assert (attempts.wait(other) > 0) is is_the_same


def test_many_sources_take_bounded_memory() -> None:
    """An attacker with a whole network must not fill ours."""
    attempts = Attempts(Clock(), failures=1, max_sources=3)
    for n in range(10):
        attempts.failed(f"192.0.2.{n}")
    assert [attempts.wait(f"192.0.2.{n}") > 0 for n in range(10)] == [False] * 7 + [True] * 3


@pytest.mark.parametrize(
    ("networks", "host", "may"),
    [
        ((), "anything", True),
        (("192.0.2.0/24",), "192.0.2.9", True),
        (("192.0.2.0/24",), "::ffff:192.0.2.9", True),
        (("192.0.2.0/24", "2001:db8::/32"), "2001:db8::1", True),
        (("192.0.2.0/24",), "192.0.3.9", False),
        (("192.0.2.0/24",), "2001:db8::1", False),
        (("192.0.2.0/24",), "", False),
        (("192.0.2.0/24",), "localhost", False),
    ],
)
def test_where_a_user_may_come_from(networks: tuple[str, ...], host: str, may: bool) -> None:
    """Without networks from anywhere; with them, only what is known to lie in one."""
    held = tuple(Network.from_setting(network) for network in networks)
    assert User(name="a", networks=held).may_come_from(host) is may


def test_an_address_of_two() -> None:
    """Nobody could say on whose account its mails are sent."""
    users = [
        User(name="ann", mail=("Ann@example.org", "@example.org")),
        User(name="bob", mail=("ann@EXAMPLE.org", "bob@example.org")),
    ]
    assert shared_addresses(users) == [
        "mail: ann@example.org is of 'ann' and 'bob'; its mails can be of one only"
    ]
    assert shared_addresses(users[:1]) == []

"""How a secret is checked: at once, or in a thread, and how often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, execute
from twisted.logger import capturedLogs

from goiptwist.accounts import secrets
from goiptwist.accounts.secrets import Secret, hashed_token
from goiptwist.accounts.users import User
from goiptwist.accounts.verification import SLOW_AT_A_TIME, SLOW_WAITING, CredentialVerifier
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


def found(users: CredentialVerifier, token: str) -> User | None:
    """Whose token it is, where nothing has to be waited for."""
    result: list[User | None] = []
    ensureDeferred(users.by_token(token)).addCallback(result.append)
    [user] = result
    return user


def passed(users: CredentialVerifier, name: str, password: str) -> User | None:
    result: list[User | None] = []
    ensureDeferred(users.by_password(name, password)).addCallback(result.append)
    [user] = result
    return user


CLEAR = User(name="clear", token=secret("clear-token"), password=secret("clear-word"))
SLOW = User(name="slow", token=secret(CHEAP), password=secret(CHEAP))
BARE = User(name="bare")


def test_a_token_finds_its_user() -> None:
    """A bearer token says who it is by itself, clear or hashed."""
    users = CredentialVerifier([BARE, CLEAR, SLOW], Threads().defer)
    assert found(users, "clear-token") is CLEAR
    assert found(users, "open sesame") is SLOW
    assert found(users, "clear-word") is None
    assert found(users, "") is None


def test_a_password_counts_with_its_name_only() -> None:
    """One user's password opens nothing under another's name."""
    users = CredentialVerifier([BARE, CLEAR, SLOW], Threads().defer)
    assert passed(users, "clear", "clear-word") is CLEAR
    assert passed(users, "slow", "open sesame") is SLOW
    for name, password in [("slow", "clear-word"), ("clear", "open sesame"), ("bare", "")]:
        assert passed(users, name, password) is None, name


def test_a_clear_token_needs_no_thread() -> None:
    """The common case must cost microseconds."""
    threads = Threads()
    found(CredentialVerifier([CLEAR, SLOW], threads.defer), "clear-token")
    assert threads.count == 0


def test_a_right_secret_is_hashed_once_in_a_process() -> None:
    """A tenth of a second for each request would be ten requests a second."""
    threads = Threads()
    users = CredentialVerifier([SLOW], threads.defer)
    for _ in range(3):
        assert found(users, "open sesame") is SLOW
        assert passed(users, "slow", "open sesame") is SLOW
    assert threads.count == 2


def test_a_wrong_secret_is_never_remembered_as_right() -> None:
    """The memory holds successes only."""
    threads = Threads()
    users = CredentialVerifier([SLOW], threads.defer)
    for _ in range(3):
        assert found(users, "wrong") is None
    assert threads.count == 3


@pytest.mark.parametrize("name", ["slow", "clear", "bare", "nobody"])
def test_wrong_and_unknown_cost_the_same(name: str) -> None:
    """Otherwise the time of a refusal tells which names exist."""
    threads = Threads()
    assert passed(CredentialVerifier([BARE, CLEAR, SLOW], threads.defer), name, "wrong") is None
    assert threads.count == 1


def test_a_crowd_with_one_secret_is_one_check() -> None:
    """After a restart every client comes at once; each costs one check, not sixteen."""
    threads = Threads(at_once=False)
    users = CredentialVerifier([SLOW], threads.defer)
    crowd = [ensureDeferred(users.by_token("open sesame")) for _ in range(16)]
    assert len(threads.waiting) == SLOW_AT_A_TIME
    threads.run()
    assert [one.result for one in crowd] == [SLOW] * 16
    assert threads.count == SLOW_AT_A_TIME


def test_slow_checks_do_not_pile_up() -> None:
    """Wrong tokens in a flood take two threads and no more; the rest is told to wait."""
    threads = Threads(at_once=False)
    users = CredentialVerifier([SLOW], threads.defer)
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
    users = CredentialVerifier([SLOW], threads.defer)
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
    broken = CredentialVerifier([SLOW], lambda *_: execute(lambda: 1 / 0))
    for _ in range(SLOW_AT_A_TIME + 1):
        failures: list[Any] = []
        ensureDeferred(broken.by_token("x")).addErrback(failures.append)
        assert failures[0].check(ZeroDivisionError)


@pytest.fixture
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """@return: each hash that was made, of which none takes long."""
    made: list[bytes] = []
    make = secrets._Hash.of

    def counted(recipe: Any, candidate: bytes) -> bytes:
        made.append(candidate)
        return make(recipe, candidate)

    monkeypatch.setattr(secrets, "ROUNDS", 2)
    monkeypatch.setattr(secrets._Hash, "of", counted)
    return made


def test_a_guess_at_tokens_is_one_check(cheap_hashes: list[bytes]) -> None:
    """However many users have hashed tokens, whose it is stands in one hash."""
    users = [
        User(name=f"u{n}", token=Secret.from_setting(hashed_token(f"key {n}"))) for n in range(20)
    ]
    verifier = CredentialVerifier(users, Threads().defer)
    cheap_hashes.clear()
    assert found(verifier, "guess") is None
    assert len(cheap_hashes) == 1
    assert found(verifier, "key 17") is users[17]
    assert len(cheap_hashes) == 2


def test_tokens_with_salts_of_their_own_still_count(cheap_hashes: list[bytes]) -> None:
    """They cost a check each, and the log says what would cost one."""
    users = [
        User(name=f"u{n}", token=Secret.from_setting(secrets.hashed(f"key {n}"))) for n in range(3)
    ]
    with capturedLogs() as logs:
        verifier = CredentialVerifier(users, Threads().defer)
    assert [entry["count"] for entry in logs] == [3]
    assert found(verifier, "key 2") is users[2]


def test_of_clear_tokens_one_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guess is looked up, and does not go round among the users."""
    users = [User(name=f"u{n}", token=secret(f"key {n}")) for n in range(20)]
    compared: list[str] = []
    matches = Secret.matches

    def counted(known: Secret, candidate: str) -> bool:
        compared.append(candidate)
        return matches(known, candidate)

    monkeypatch.setattr(Secret, "matches", counted)
    verifier = CredentialVerifier(users, Threads().defer)
    assert found(verifier, "key 20") is None
    assert found(verifier, "key 19") is users[19]
    assert compared == ["key 19"]

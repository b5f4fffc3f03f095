"""One login for every listener: shared users, brake and memory."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from goiptwist.accounts.authenticator import Authenticator
from goiptwist.accounts.secrets import Secret
from goiptwist.accounts.throttle import FAILURES, NAME_FAILURES, WINDOW, TooManyAttempts
from goiptwist.accounts.users import User
from goiptwist.config.values import Network
from goiptwist.errors import Busy, Forbidden
from tests.accounts.test_secrets import CHEAP
from tests.accounts.test_verification import Threads

HERE, THERE = "192.0.2.1", "198.51.100.1"
RIGHT = "open sesame"
OPS = User(name="ops", password=Secret.from_setting(CHEAP), token=Secret.from_setting(CHEAP))
READER = User(name="reader", password=Secret.of("only looks"), may=("read",))
NEAR = User(
    name="near", password=Secret.of("near-word"), networks=(Network.from_setting("192.0.2.0/24"),)
)


class Login:
    """An authenticator with a clock and threads of its own."""

    def __init__(self, *, at_once: bool = True) -> None:
        self.clock = Clock()
        self.threads = Threads(at_once=at_once)
        self.accounts = Authenticator([OPS, READER, NEAR], self.clock, self.threads.defer)

    def by_password(self, source: str, name: str, password: str, **more: Any) -> list[Any]:
        """@return: the user or the error, once it is there."""
        return self._begin(self.accounts.by_password(source, name, password, **more))

    def by_token(self, source: str, token: str) -> list[Any]:
        return self._begin(self.accounts.by_token(source, token))

    def _begin(self, login: Any) -> list[Any]:
        outcome: list[Any] = []
        Deferred.fromCoroutine(login).addCallbacks(
            outcome.append, lambda failure: outcome.append(failure.value)
        )
        return outcome


@pytest.fixture
def login() -> Login:
    return Login()


def is_slowed(outcome: list[Any]) -> bool:
    return isinstance(outcome[0], TooManyAttempts)


def test_who_it_is(login: Login) -> None:
    assert login.by_password(HERE, "ops", RIGHT) == [OPS]
    assert login.by_token(HERE, RIGHT) == [OPS]
    assert login.by_password(HERE, "ops", "wrong") == [None]
    assert login.by_token(HERE, "wrong") == [None]


def test_guesses_over_all_listeners_count_together(login: Login) -> None:
    """Five over HTTP and five over SMTP are ten."""
    for n in range(FAILURES // 2):
        assert login.by_token(HERE, f"guess {n}") == [None]
        assert login.by_password(HERE, "ops", f"guess {n}", scope="send", silent=True) == [None]
    assert is_slowed(login.by_token(HERE, RIGHT))
    assert is_slowed(login.by_password(HERE, "ops", RIGHT))
    assert login.by_token(THERE, RIGHT) == [OPS]
    login.clock.advance(WINDOW)
    assert login.by_password(HERE, "ops", RIGHT) == [OPS]


def test_a_hundred_guesses_at_once() -> None:
    """Ten are checked; for the others no hash is made."""
    login = Login(at_once=False)
    outcomes = [login.by_password(HERE, "ops", f"guess {n}") for n in range(100)]
    assert [is_slowed(one) for one in outcomes if one] == [True] * (100 - FAILURES)
    while login.threads.waiting:
        login.threads.run()
    assert login.threads.count == FAILURES
    assert outcomes[:FAILURES] == [[None]] * FAILURES
    assert is_slowed(login.by_password(HERE, "ops", RIGHT))


def test_600_guesses_from_60_addresses(login: Login) -> None:
    outcomes = [
        login.by_password(f"203.0.113.{n}", "ops", f"guess {n} {m}")
        for n in range(60)
        for m in range(FAILURES)
    ]
    assert outcomes.count([None]) == login.threads.count == NAME_FAILURES
    assert is_slowed(login.by_password(THERE, "ops", RIGHT))


def test_a_right_login_beside_a_guesser(login: Login) -> None:
    """It came from this address before, and comes again at once, without a hash."""
    login.by_password(HERE, "ops", RIGHT)
    count = login.threads.count
    for n in range(600):
        login.by_password(HERE, "ops", f"guess {n}")
    assert login.threads.count == count + FAILURES
    assert login.by_password(HERE, "ops", RIGHT) == [OPS]
    assert login.threads.count == count + FAILURES


def test_a_right_secret_from_elsewhere_is_slowed_too(login: Login) -> None:
    """What is known to be right at one place must not answer the guesses from another."""
    login.by_password(HERE, "ops", RIGHT)
    for n in range(FAILURES):
        login.by_password(THERE, "ops", f"guess {n}")
    assert is_slowed(login.by_password(THERE, "ops", RIGHT))


def test_a_crowd_with_one_secret_is_one_attempt() -> None:
    """After a restart a hundred clients of one machine come at once, and are no guessers."""
    login = Login(at_once=False)
    crowd = [login.by_password(HERE, "ops", RIGHT) for _ in range(100)]
    login.threads.run()
    assert crowd == [[OPS]] * 100
    assert login.threads.count == 1


def test_a_crowd_with_one_guess_has_guessed_that_often() -> None:
    login = Login(at_once=False)
    crowd = [login.by_password(HERE, "ops", "guess") for _ in range(FAILURES)]
    login.threads.run()
    assert crowd == [[None]] * FAILURES
    assert login.threads.count == 1
    assert is_slowed(login.by_password(HERE, "ops", "guess"))


def test_a_crowd_hears_of_an_error_together(login: Login) -> None:
    """Nobody waits for ever where the one check breaks."""
    results: list[Deferred[Any]] = []

    async def busy(*_: str) -> None:
        results.append(Deferred())
        await results[-1]

    login.accounts.verifier.by_password = busy  # type: ignore[method-assign]
    crowd = [login.by_password(HERE, "ops", RIGHT) for _ in range(3)]
    results[0].errback(Busy("too many passwords are being checked already", after=1.0))
    assert [type(outcome) for [outcome] in crowd] == [Busy] * 3
    for _ in range(FAILURES):  # and it was no guess
        login.by_password(HERE, "ops", RIGHT)
        results[-1].callback(None)
    assert is_slowed(login.by_password(HERE, "ops", RIGHT))


def test_hanging_up_is_no_way_around() -> None:
    """A guess counts, even if nobody waits for its answer."""
    login = Login(at_once=False)
    for n in range(FAILURES):
        asking = Deferred.fromCoroutine(login.accounts.by_password(HERE, "ops", f"guess {n}"))
        asking.addErrback(lambda failure: failure.trap(CancelledError))
        asking.cancel()
    while login.threads.waiting:
        login.threads.run()
    assert login.threads.count == FAILURES
    assert is_slowed(login.by_password(HERE, "ops", RIGHT))


def test_networks_of_a_user(login: Login) -> None:
    """A key that was stolen is of no use elsewhere; that is said, and no guess."""
    for _ in range(2 * FAILURES):
        [refused] = login.by_password(THERE, "near", "near-word")
        assert isinstance(refused, Forbidden)
        assert str(refused) == f"user near may not come from {THERE}"
    assert login.by_password(HERE, "near", "near-word") == [NEAR]


def test_scopes_of_a_user(login: Login) -> None:
    [refused] = login.by_password(HERE, "reader", "only looks", scope="send")
    assert str(refused) == "user reader may not send"
    assert login.by_password(HERE, "reader", "only looks", scope="read") == [READER]


@pytest.mark.parametrize("is_known", [False, True])
def test_where_nothing_is_said_the_brake_says_nothing(login: Login, is_known: bool) -> None:
    """Otherwise the eleventh attempt would tell that the tenth was right."""
    if is_known:
        login.by_password(HERE, "reader", "only looks")
    for _ in range(FAILURES):
        login.by_password(HERE, "reader", "only looks", scope="send", silent=True)
    assert is_slowed(login.by_password(HERE, "reader", "only looks", scope="send", silent=True))

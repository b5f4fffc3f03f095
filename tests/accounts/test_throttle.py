"""The brake for those who guess: what counts, for whom, and for how long."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from goiptwist.accounts.throttle import (
    FAILURES,
    KNOWN_FOR,
    MAX_KEPT,
    NAME_FAILURES,
    UNDER_WAY_WAIT,
    WINDOW,
    LoginThrottle,
    TooManyAttempts,
)

HERE, THERE = "192.0.2.1", "198.51.100.1"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> LoginThrottle:
    return LoginThrottle(clock)


def guesses(throttle: LoginThrottle, source: str, name: str = "", times: int = 1) -> int:
    """@return: how many wrong guesses were checked."""
    for checked in range(times):
        try:
            throttle.begin(source, name).failed()
        except TooManyAttempts:
            return checked
    return times


def wait(throttle: LoginThrottle, source: str, name: str = "") -> float:
    """@return: seconds until one more attempt is checked; 0 is now."""
    try:
        throttle.begin(source, name).unchecked()
    except TooManyAttempts as slowed:
        return slowed.after
    return 0.0


def test_failures_are_counted_by_source_and_forgotten(
    clock: Clock, throttle: LoginThrottle
) -> None:
    """A person may mistype; a guesser waits; nobody else waits with it."""
    assert guesses(throttle, HERE, times=20) == FAILURES
    clock.advance(1)
    assert wait(throttle, HERE) == WINDOW - 1
    assert wait(throttle, THERE) == 0
    clock.advance(WINDOW - 1)
    assert guesses(throttle, HERE) == 1
    assert wait(throttle, HERE) == 0


def test_an_attempt_counts_before_it_is_checked(throttle: LoginThrottle) -> None:
    """A hundred guesses at once are ten checks, and not a hundred."""
    begun, refused = [], []
    for n in range(100):
        try:
            begun.append(throttle.begin(HERE, f"name {n}"))
        except TooManyAttempts as slowed:
            refused.append(slowed.after)
    assert (len(begun), set(refused)) == (FAILURES, {UNDER_WAY_WAIT})
    for attempt in begun:
        attempt.failed()
    assert wait(throttle, HERE) == WINDOW


def test_a_right_answer_gives_its_count_back(throttle: LoginThrottle) -> None:
    """Many who log in from one address at once are no guessers."""
    for n in range(100):
        throttle.begin(HERE, f"name {n}").succeeded(f"name {n}")
    assert guesses(throttle, HERE, times=20) == FAILURES


def test_what_nobody_checked_is_no_guess(throttle: LoginThrottle) -> None:
    for _ in range(100):
        throttle.begin(HERE, "ops").unchecked()
    assert guesses(throttle, HERE, "ops", times=20) == FAILURES


def test_many_sources_guess_at_one_name(clock: Clock, throttle: LoginThrottle) -> None:
    """600 guesses from 60 addresses: each address is patient, the name is not."""
    checked = sum(guesses(throttle, f"192.0.2.{n}", "ops", times=10) for n in range(60))
    assert checked == NAME_FAILURES
    assert wait(throttle, THERE, "ops") == WINDOW
    assert wait(throttle, THERE, "other") == 0
    clock.advance(WINDOW)
    assert wait(throttle, THERE, "ops") == 0


def test_a_known_user_is_not_locked_out_by_its_neighbor(throttle: LoginThrottle) -> None:
    """Behind a proxy all have one address."""
    throttle.begin(HERE, "ops").succeeded("ops")
    assert guesses(throttle, HERE, "other", times=20) == FAILURES
    assert wait(throttle, HERE, "another") > 0
    assert wait(throttle, HERE, "ops") == 0


def test_a_known_user_is_not_locked_out_by_guesses_at_its_name(throttle: LoginThrottle) -> None:
    throttle.begin(HERE, "ops").succeeded("ops")
    for n in range(60):
        guesses(throttle, f"203.0.113.{n}", "ops", times=10)
    assert wait(throttle, THERE, "ops") > 0
    assert wait(throttle, HERE, "ops") == 0


def test_beside_a_known_user_guesses_are_slowed_too(throttle: LoginThrottle) -> None:
    """To be known at an address frees a user of what others do, not of its own count."""
    throttle.begin(HERE, "ops").succeeded("ops")
    assert guesses(throttle, HERE, "ops", times=600) == FAILURES


def test_known_is_who_came_lately(clock: Clock, throttle: LoginThrottle) -> None:
    throttle.begin(HERE, "ops").succeeded("ops")
    clock.advance(KNOWN_FOR)
    guesses(throttle, HERE, times=FAILURES)
    assert wait(throttle, HERE, "ops") > 0


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
    throttle = LoginThrottle(Clock(), failures=1)
    guesses(throttle, source)
    assert (wait(throttle, other) > 0) is is_the_same


def test_newcomers_do_not_push_out_a_guesser(throttle: LoginThrottle) -> None:
    """Memory is bounded, but who is being slowed stays so, however many come behind."""
    guesses(throttle, HERE, "ops", times=FAILURES)
    for n in range(2 * MAX_KEPT):
        guesses(throttle, f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", f"name {n}")
    assert wait(throttle, HERE) == WINDOW
    assert len(throttle._sources) <= MAX_KEPT
    assert len(throttle._names) <= MAX_KEPT


def test_the_fewest_guesses_are_forgotten_first(clock: Clock) -> None:
    """Nine guesses are not wiped out by a crowd of single ones."""
    throttle = LoginThrottle(clock, failures=3, room=16)
    guesses(throttle, HERE, times=2)
    for n in range(200):
        guesses(throttle, f"192.0.2.{n + 2}")
    assert guesses(throttle, HERE, times=5) == 1


def test_where_all_are_slowed_newcomers_are_slowed_together(clock: Clock) -> None:
    """With its memory full of guessers, the gateway checks no more than a few of the others."""
    throttle = LoginThrottle(clock, failures=3, room=16)
    throttle.begin(THERE, "ops").succeeded("ops")
    for n in range(16):
        guesses(throttle, f"192.0.2.{n + 2}", times=3)
    assert sum(guesses(throttle, f"203.0.113.{n}") for n in range(100)) == 3
    assert all(wait(throttle, f"192.0.2.{n + 2}") for n in range(16))
    assert wait(throttle, THERE, "ops") == 0
    clock.advance(WINDOW)
    assert guesses(throttle, "203.0.113.1", times=9) == 3


def test_memory_of_known_users_is_bounded(clock: Clock) -> None:
    throttle = LoginThrottle(clock, failures=1, room=16)
    for n in range(100):
        throttle.begin(HERE, f"u{n}").succeeded(f"u{n}")
    assert len(throttle._known) == 16
    guesses(throttle, HERE)
    assert [wait(throttle, HERE, f"u{n}") > 0 for n in (0, 83, 84, 99)] == [
        True, True, False, False,
    ]  # fmt: skip

"""What happens, for those who watch it live."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock

from goiptwist.messaging import events as module
from goiptwist.messaging.events import BusEvent, EventBus
from tests.conftest import FailureLog


@pytest.fixture
def events() -> EventBus:
    clock = Clock()
    clock.advance(1000)
    return EventBus(clock)


def kinds(found: list[BusEvent] | None) -> list[str]:
    assert found is not None
    return [one.kind for one in found]


def test_who_was_away_for_a_moment(events: EventBus) -> None:
    """Hears what was missed, in order, and nothing twice."""
    heard: list[Any] = []
    end = events.subscribe(heard.append)
    events.publish("a", None)
    end()
    for kind in "bc":
        events.publish(kind, None)
    assert kinds(heard) == ["a"]
    assert kinds(events.replay(heard[0].id)) == ["b", "c"]


@pytest.mark.parametrize(
    "last", ["", "1000", "1000-", "1000-x", "1000-4", "999-1", "1000--1", "²-1"]
)
def test_who_knows_something_else(events: EventBus, last: str) -> None:
    """Of another process, or nonsense: nobody can say what was missed."""
    for kind in "abc":
        events.publish(kind, None)
    assert events.replay(last) is None


def test_who_was_away_for_too_long(events: EventBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the newest are kept."""
    monkeypatch.setattr(module, "KEPT", 3)
    few = EventBus(events.clock)
    for kind in "abcde":
        few.publish(kind, None)
    assert few.replay("1000-1") is None
    assert kinds(few.replay("1000-2")) == ["c", "d", "e"]
    assert kinds(few.replay("1000-5")) == []


def test_a_listener_that_breaks(events: EventBus, logged_failures: FailureLog) -> None:
    """Does not keep the others from hearing, nor the SMS from being sent."""
    heard: list[Any] = []
    events.subscribe(lambda one: 1 / 0)
    end = events.subscribe(heard.append)
    events.publish("a", None)
    end()
    end()
    assert kinds(heard) == ["a"]
    assert len(logged_failures.flush()) == 1

"""What is done now and then, and that it ends when the gateway does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from goiptwist.config.common import DAY
from goiptwist.messaging.housekeeping import (
    BITE_EVERY,
    FACTS_EVERY,
    FORGET_EVERY,
    Housekeeping,
)
from goiptwist.store.commands import pruning
from tests.conftest import FailureLog
from tests.store.conftest import AT, Kept
from tests.store.test_settling import SENT, settle
from tests.wire import refuse_writes
from tests.world import now


@define(eq=False)
class House:
    kept: Kept
    keep_days: float = 90.0
    clock: Clock = field(factory=Clock)
    facts_kept: list[float] = field(factory=list)
    keeping: Housekeeping = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.clock.advance(AT)
        self.keeping = Housekeeping(
            self.clock,
            self.kept.store,
            self.keep_days,
            lambda: self.facts_kept.append(self.clock.seconds() - AT),
            4 * 3600.0,
        )

    def settled(self, days_ago: float, many: int = 1) -> None:
        for _ in range(many):
            settle(self.kept, self.kept.order(at=AT - days_ago * DAY)[0], SENT)

    def left(self) -> int:
        return len(now(self.kept.store.messages(None, "", 999)))


@pytest.fixture
def house(kept: Kept) -> House:
    return House(kept)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path)
    yield made
    made.store.close()


def test_rounds(house: House) -> None:
    """Facts each minute, forgetting each hour; not at once, for the start is busy."""
    house.settled(91)
    house.keeping.start()
    assert (house.facts_kept, house.left()) == ([], 1)
    for _ in range(int(FORGET_EVERY / FACTS_EVERY) + 1):
        house.clock.advance(FACTS_EVERY)
    assert house.facts_kept[:2] == [60, 120]
    assert house.left() == 0
    house.keeping.stop()
    assert house.clock.getDelayedCalls() == []


@pytest.mark.parametrize(("days_ago", "left"), [(2.0, 1), (6.9, 1), (7.1, 0)])
def test_repeats_are_known_for_a_week(kept: Kept, days_ago: float, left: int) -> None:
    """What has an id is kept for seven days at least, or a repeat would be sent again."""
    house = House(kept, keep_days=1.0)
    at = AT - days_ago * DAY
    [named] = kept.order(at=at, client_id="mail:1")
    settle(kept, named, SENT)
    house.settled(days_ago)
    house.keeping.start()
    house.clock.advance(FORGET_EVERY)
    assert house.left() == left
    [again] = kept.order(client_id="mail:1")
    assert (again.id == named.id) is bool(left)
    house.keeping.stop()


@pytest.mark.parametrize(("keep_days", "left"), [(90.0, 1), (1.0, 0), (0.0, 2)])
def test_how_long(kept: Kept, keep_days: float, left: int) -> None:
    """As configured; 0 is for ever."""
    house = House(kept, keep_days)
    house.settled(91)
    house.settled(2)
    forgetting = Deferred.fromCoroutine(house.keeping.forget())
    house.clock.pump([BITE_EVERY] * 5)
    now(forgetting)
    assert house.left() == left


def test_in_bites(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Acknowledgements go in between."""
    monkeypatch.setattr(pruning, "AT_ONCE", 2)
    house.settled(91, 5)
    forgetting = Deferred.fromCoroutine(house.keeping.forget())
    assert house.left() == 3
    house.clock.advance(BITE_EVERY)
    assert house.left() == 1
    house.clock.pump([BITE_EVERY] * 2)
    now(forgetting)
    assert house.left() == 0


def test_a_full_disk(house: House, logged_failures: FailureLog) -> None:
    """Nothing can be forgotten now; there is a next round."""
    house.settled(91)
    house.keeping.start()
    refuse_writes(house.kept.store)
    house.clock.advance(FORGET_EVERY)
    assert house.left() == 1
    refuse_writes(house.kept.store, False)
    house.clock.advance(FORGET_EVERY)
    assert house.left() == 0
    house.clock.advance(BITE_EVERY)
    house.keeping.stop()
    logged_failures.flush()


def test_stopping_in_the_middle(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store closes next: no bite may come after that."""
    monkeypatch.setattr(pruning, "AT_ONCE", 2)
    house.settled(91, 5)
    house.keeping.start()
    house.clock.advance(FORGET_EVERY)
    assert house.left() == 3
    house.keeping.stop()
    assert house.clock.getDelayedCalls() == []
    house.clock.advance(10)
    assert house.left() == 3


def test_stopping_twice(house: House) -> None:
    """As when it was never started."""
    house.keeping.stop()
    house.keeping.start()
    house.keeping.stop()
    house.keeping.stop()
    assert house.clock.getDelayedCalls() == []

"""History has an end, but nothing goes that anybody still waits for."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from goiptwist.errors import Refused, TryLater, Unsure
from goiptwist.store import NewLineEvent
from goiptwist.store.commands import pruning
from goiptwist.store.commands.receipts import REPEAT_WINDOW
from tests.store.conftest import AT, Kept
from tests.store.test_settling import SENT, give, settle
from tests.world import now


def rows(kept: Kept) -> dict[str, int]:
    """How many rows of a message there are, and where."""
    connection = kept.store.writer.connection
    with connection.begin():
        return {
            table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in ("message", "delivery", "transmission", "journey", "event", "receipt")
        }


@pytest.mark.parametrize(
    ("answer", "goes"),
    [
        (SENT, True),
        (Refused("no"), True),
        (Unsure("silence"), False),
        (TryLater("busy"), False),
        (None, False),
    ],
    ids=["sent", "failed", "unknown", "put off", "being sent"],
)
def test_what_is_settled_goes(kept: Kept, answer: Any, goes: bool) -> None:
    """With everything about it; unknown and waiting texts stay, however old."""
    [message] = kept.order()
    give(kept, message)
    if answer is not None:
        settle(kept, message, answer)
    assert now(kept.store.prune(AT + 1)) == int(goes)
    assert (kept.message(message) is None) is goes
    left = rows(kept)
    assert (left["delivery"] == left["transmission"] == 0) is goes
    if goes:
        assert left["journey"] == 0


def test_incoming(kept: Kept) -> None:
    """Handed on goes, waiting for a bridge stays."""
    done, waiting = kept.arrival(1), kept.arrival(2)
    assert done is not None
    assert waiting is not None
    settle(kept, done, None)
    assert now(kept.store.prune(AT + 1)) == 1
    assert kept.message(done) is None
    assert kept.message(waiting) is not None


def test_only_what_is_old(kept: Kept) -> None:
    """By the time of acceptance."""
    messages = [kept.order(at=AT + n)[0] for n in range(4)]
    for message in messages:
        settle(kept, message, SENT)
    now(kept.store.keep_event(NewLineEvent(line="g", kind="K", number=1, fields={}, at=AT + 1)))
    now(kept.store.keep_event(NewLineEvent(line="g", kind="K", number=2, fields={}, at=AT + 2)))
    assert now(kept.store.prune(AT + 2)) == 2
    assert [kept.message(m) is not None for m in messages] == [False, False, True, True]
    assert rows(kept)["event"] == 1


def test_in_bites(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """An acknowledgement never waits behind a long delete."""
    monkeypatch.setattr(pruning, "AT_ONCE", 2)
    for _ in range(5):
        settle(kept, kept.order()[0], SENT)
    assert [now(kept.store.prune(AT + 1)) for _ in range(4)] == [2, 2, 1, 0]


def test_receipts(kept: Kept) -> None:
    """Those that no repeat can match any more; a young one must stay."""
    kept.arrival(1, at=AT)
    kept.arrival(2, at=AT + 10)
    assert now(kept.store.forget_receipts(AT + REPEAT_WINDOW + 5)) == 1
    assert kept.arrival(2, at=AT + REPEAT_WINDOW + 5) is None
    assert rows(kept)["receipt"] == 1

"""The questions: queues, pages of messages, journeys."""

from __future__ import annotations

import pytest

from goiptwist.errors import Refused, TryLater, Unacceptable, Unsure
from goiptwist.model.messages import Direction
from goiptwist.model.subscriptions import Subscription
from tests.store.conftest import AT, Kept
from tests.store.test_settling import SENT, give, settle
from tests.world import now, unknown


class TestQueue:
    """What waits for a destination."""

    def test_due_first(self, kept: Kept) -> None:
        """And among equals as they were kept."""
        late, *rest = (kept.order(at=AT + at)[0] for at in (9, 1, 5, 1))
        found = [row.message.id for row in now(kept.store.waiting("pool:a", 9))]
        assert found == [rest[0].id, rest[2].id, rest[1].id, late.id]
        assert len(now(kept.store.waiting("pool:a", 2))) == 2

    def test_what_was_put_off(self, kept: Kept) -> None:
        """With its attempts, and when it is due."""
        [message] = kept.order()
        settle(kept, message, TryLater("busy", after=60))
        [row] = now(kept.store.waiting("pool:a", 9))
        assert (row.attempts, row.due) == (1, AT + 61)

    def test_destinations(self, kept: Kept) -> None:
        """Those that something waits for, and no others."""
        [message] = kept.order()
        kept.arrival(to=("b:a", "b:b"))
        assert sorted(now(kept.store.destinations())) == ["b:a", "b:b", "pool:a"]
        settle(kept, message, SENT)
        assert sorted(now(kept.store.destinations())) == ["b:a", "b:b"]


class TestMessages:
    """Pages of messages, in the order in which they were kept."""

    def test_pages(self, kept: Kept) -> None:
        """Whoever asks on from the last one seen misses none."""
        every = [kept.order()[0].id for _ in range(5)]
        seen: list[str] = []
        while page := now(kept.store.messages(None, seen[-1] if seen else "", 2)):
            assert len(page) <= 2
            seen += [m.id for m in page]
        assert seen == every

    def test_direction(self, kept: Kept) -> None:
        """In, out, or both."""
        kept.order()
        kept.arrival()
        shown = (Direction.IN, Direction.OUT, None)
        kinds = {d: len(now(kept.store.messages(d, "", 9))) for d in shown}
        assert kinds == {Direction.IN: 1, Direction.OUT: 1, None: 2}

    @pytest.mark.parametrize("after", ["x", "xxxxxx-1", "1"])
    def test_after_what_is_no_id(self, kept: Kept, after: str) -> None:
        """An error, not the first page again: a client would read for ever."""
        with pytest.raises(Unacceptable) as caught:
            kept.store.messages(None, after, 9)
        assert caught.value.field == "after"

    def test_nobody(self, kept: Kept) -> None:
        """An id that was never given, or of another store."""
        for message_id in ("", "x", f"{kept.store.ids.tag}-99", "xxxxxx-1"):
            assert now(kept.store.message(message_id)) is None
            assert now(kept.store.journey(message_id)) == []


class TestJourney:
    """Every step of a message, oldest first."""

    def test_out(self, kept: Kept) -> None:
        """With a second attempt by another session."""
        [message] = kept.order(line="goip1")
        give(kept, message, 7, at=AT + 1)
        settle(kept, message, TryLater("busy"), AT + 2)
        give(kept, message, 8, at=AT + 3)
        settle(kept, message, SENT, AT + 4)
        steps = now(kept.store.journey(message.id))
        assert [(s.at - AT, s.what, s.where, s.detail) for s in steps] == [
            (0, "accepted", "goip1", "user:a"),
            (1, "given to the SIM", "goip1", "session 7, number 1"),
            (2, "deferred", "goip1", "busy"),
            (3, "given to the SIM", "goip1", "session 8, number 1"),
            (4, "sent", "goip1", "OK"),
        ]

    def test_in(self, kept: Kept) -> None:
        """Where it came in, and who took it."""
        message = kept.arrival()
        assert message is not None
        settle(kept, message, TryLater("busy"), AT + 1)
        settle(kept, message, None, AT + 2)
        steps = now(kept.store.journey(message.id))
        assert [(s.at - AT, s.what, s.where, s.detail) for s in steps] == [
            (0, "received", "goip1", ""),
            (1, "deferred", "b:a", "busy"),
            (2, "delivered", "b:a", ""),
        ]


def test_how_many_are_unknown(kept: Kept) -> None:
    """They wait for an operator."""
    for silent in (True, False, True):
        [message] = kept.order()
        settle(kept, message, Unsure("silence") if silent else SENT)
    assert unknown(kept.store) == 2


def test_tries_to_tell(kept: Kept) -> None:
    """The journey shows each try to tell somebody, and how it ended."""
    [message] = kept.order(subscriptions=(Subscription("b:a"),))  # type: ignore[arg-type]
    give(kept, message)
    settle(kept, message, SENT)
    [row] = now(kept.store.waiting("b:a", 9))
    settle(kept, row.message, TryLater("hooks.example.org answered 500"), AT + 2)
    settle(kept, row.message, TryLater("away", attempted=False), AT + 3)
    settle(kept, row.message, Refused("gone"), AT + 4)
    told = [
        (step.at, step.what, step.where, step.detail)
        for step in now(kept.store.journey(message.id))
        if "sent" in step.what.split()[1:]
    ]
    assert told == [
        (AT + 2, "deferred: sent", "b:a", "hooks.example.org answered 500"),
        (AT + 4, "not notified: sent", "b:a", "gone"),
    ]

"""Folders of users: each has its own view, and nobody's mark moves history."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from goiptwist.errors import Unacceptable
from goiptwist.model.messages import Message, State
from goiptwist.store import FlagChange
from goiptwist.store.commands import folders
from goiptwist.store.queries.folders import DELETED, DOWNLOADED
from tests.store.conftest import AT, Kept
from tests.store.test_settling import SENT, settle
from tests.world import now


def arrivals(kept: Kept, many: int) -> list[str]:
    """That many came in; with something that went out after each."""
    ids = []
    for number in range(many):
        message = kept.arrival(number, text=f"text {number}", to=())
        assert message is not None
        ids.append(message.id)
        kept.order()
    return ids


def inbox(kept: Kept, owner: str = "user:a", after: str = "", limit: int = 100) -> list[str]:
    found: list[Message] = now(kept.store.inbox(owner, after, limit))
    return [message.id for message in found]


def mark(kept: Kept, *ids: str, owner: str = "user:a", word: str = DOWNLOADED) -> list[str]:
    marked: list[str] = now(kept.store.flag(FlagChange(owner=owner, ids=ids, flag=word)))
    return marked


def rows(kept: Kept) -> int:
    with kept.store.writer.connection.begin():
        return int(
            kept.store.writer.connection.execute(text("SELECT count(*) FROM mark")).scalar_one()
        )


def test_what_came_in(kept: Kept) -> None:
    """Oldest first, nothing that went out, and a page at a time."""
    ids = arrivals(kept, 5)
    assert inbox(kept) == ids
    assert inbox(kept, limit=2) == ids[:2]
    assert inbox(kept, after=ids[1], limit=2) == ids[2:4]


def test_taken_out_is_gone_for_that_user_only(kept: Kept) -> None:
    """Two programs read the same SMS; one that deletes takes nothing from the other."""
    ids = arrivals(kept, 3)
    assert mark(kept, ids[0], word=DELETED) == [ids[0]]
    assert inbox(kept) == ids[1:]
    assert inbox(kept, "user:b") == ids
    assert now(kept.store.message(ids[0])) is not None


def test_out_of_the_middle(kept: Kept) -> None:
    """What stands before it stays, what comes later appears, in any order of marking."""
    ids = arrivals(kept, 6)
    mark(kept, ids[3], ids[1])
    assert inbox(kept) == [ids[0], ids[2], ids[4], ids[5]]
    assert inbox(kept, after=ids[0], limit=2) == [ids[2], ids[4]]
    mark(kept, ids[0], ids[4])
    assert inbox(kept) == [ids[2], ids[5]]
    ids += arrivals_after(kept, 2)
    assert inbox(kept) == [ids[2], *ids[5:]]
    mark(kept, *ids)
    assert inbox(kept) == []


def arrivals_after(kept: Kept, many: int) -> list[str]:
    found = [kept.arrival(100 + number, to=()) for number in range(many)]
    return [message.id for message in found if message is not None]


def test_a_mark_outlives_the_process(kept: Kept) -> None:
    """It was committed before the answer."""
    ids = arrivals(kept, 2)
    mark(kept, ids[0])
    kept.again()
    assert inbox(kept) == ids[1:]


def test_marked_twice_is_marked(kept: Kept) -> None:
    """A client whose answer was lost asks again, and is told yes again."""
    ids = arrivals(kept, 2)
    assert [mark(kept, ids[1]), mark(kept, ids[1])] == [[ids[1]], [ids[1]]]
    assert inbox(kept) == ids[:1]


def test_what_there_is_not_is_not_marked(kept: Kept) -> None:
    """An id of another gateway, of nothing, or of somebody else's message."""
    [own], [foreign] = kept.order(origin="user:a"), kept.order(origin="user:b", client_id="x")
    settle(kept, foreign, SENT)
    ids = ["nonsense", "zzzzzz-1", f"{own.id}99", foreign.id, "x", own.id, "a" * 5000, ""]
    assert mark(kept, *ids) == []  # one's own still waits to be sent
    assert rows(kept) == 0


def test_a_reach_that_ends(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """One mark must not write a row for each of a million messages before it."""
    monkeypatch.setattr(folders, "REACH", 3)
    ids = arrivals(kept, 6)
    assert mark(kept, ids[3], ids[2]) == [ids[2]]
    assert inbox(kept) == [*ids[:2], *ids[3:]]
    assert mark(kept, ids[3]) == [ids[3]]


def test_pruned_with_their_messages(kept: Kept) -> None:
    """History ends, and so do the marks on it; the inbox goes on."""
    ids = arrivals(kept, 4)
    mark(kept, ids[0], word=DELETED)
    mark(kept, ids[2], word=DELETED)
    assert rows(kept) == 3  # two that were deleted, one that was kept between them
    assert now(kept.store.prune(AT + 1)) == 4
    assert rows(kept) == 0
    assert inbox(kept) == []
    later = arrivals_after(kept, 1)
    assert inbox(kept) == later


def test_what_a_user_sent(kept: Kept) -> None:
    """By state, newest last; what others sent is not there, what was deleted neither."""
    messages = [kept.order(origin="user:a")[0] for _ in range(4)]
    kept.order(origin="user:b")
    for message in messages[:3]:
        settle(kept, message, SENT)

    def sent(*states: State, limit: int = 10) -> list[str]:
        found: list[Message] = now(kept.store.sent("user:a", states, limit))
        return [message.id for message in found]

    ids = [message.id for message in messages]
    assert sent(State.SENT) == ids[:3]
    assert sent(State.SENT, limit=2) == ids[1:3]
    assert sent(State.QUEUED, State.SENDING) == ids[3:]
    assert mark(kept, ids[1], ids[3], word=DELETED) == [ids[1]]
    assert sent(State.SENT) == [ids[0], ids[2]]


def test_by_the_name_that_the_client_gave(kept: Kept) -> None:
    """The official client deletes what it sent by its own id."""
    [message] = kept.order(origin="user:a", client_id="mine")
    settle(kept, message, SENT)
    assert mark(kept, "mine", word=DELETED) == ["mine"]
    assert now(kept.store.sent("user:a", [State.SENT], 10)) == []


def test_the_deleted(kept: Kept) -> None:
    """They can be looked at until history forgets them; what was downloaded is elsewhere."""
    ids = arrivals(kept, 3)
    mark(kept, ids[0], word=DELETED)
    mark(kept, ids[1], word=DOWNLOADED)
    mark(kept, ids[2], word=DELETED)
    found: list[Message] = now(kept.store.deleted("user:a", 10))
    assert [message.id for message in found] == [ids[0], ids[2]]
    assert now(kept.store.deleted("user:b", 10)) == []


def test_after_nonsense(kept: Kept) -> None:
    """As for all messages."""
    with pytest.raises(Unacceptable, match="is no id of this gateway"):
        kept.store.inbox("user:a", "nonsense", 10)


def test_read_without_looking_at_what_was_taken_out(kept: Kept) -> None:
    """With a million messages behind it, an empty inbox is read at once."""
    connection = kept.store.writer.connection
    with connection.begin():
        plan = connection.execute(
            text(
                "EXPLAIN QUERY PLAN SELECT * FROM message "
                "WHERE direction = 'in' AND id > 5 ORDER BY id LIMIT 9"
            )
        ).all()
    assert "message_incoming (direction=? AND rowid>?)" in plan[0][3]
    assert len(plan) == 1  # and nothing is sorted

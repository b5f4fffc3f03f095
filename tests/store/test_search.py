"""Looking for messages, newest first, a bounded number of rows at a time."""

from __future__ import annotations

from typing import Any

import pytest

from goiptwist.errors import Unacceptable
from goiptwist.model.messages import Direction, State
from goiptwist.model.queries import Search
from goiptwist.store.queries import search
from tests.store.conftest import AT, Kept
from tests.world import now


def texts(kept: Kept, **wanted: Any) -> list[str]:
    return [message.text for message in now(kept.store.search(Search(**wanted))).messages]


@pytest.fixture
def full(kept: Kept) -> Kept:
    kept.arrival(1, "in 1", AT)
    kept.order("+36301111111", text="out 1", at=AT + 1, line="goip2")
    kept.order("+36302222222", text="out_2 100%", at=AT + 2, origin="user:b")
    kept.arrival(2, "in 2", AT + 3)
    return kept


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["in 2", "out_2 100%", "out 1", "in 1"]),
        ({"direction": Direction.IN}, ["in 2", "in 1"]),
        ({"direction": Direction.OUT, "state": State.QUEUED}, ["out_2 100%", "out 1"]),
        ({"line": "goip2"}, ["out 1"]),
        ({"origin": "user:b"}, ["out_2 100%"]),
        ({"number": "2222"}, ["out_2 100%"]),
        ({"number": "%"}, []),
        ({"text": "2"}, ["in 2", "out_2 100%"]),
        ({"text": "%"}, ["out_2 100%"]),
        ({"text": "t_1"}, []),
        ({"since": AT + 1, "until": AT + 3}, ["out_2 100%", "out 1"]),
    ],
)
def test_what_is_wanted(full: Kept, wanted: dict[str, Any], found: list[str]) -> None:
    """All that is asked for must hold; no character means anything else."""
    assert texts(full, **wanted) == found


@pytest.mark.parametrize("span", [1, 3, 100])
def test_page_by_page(full: Kept, span: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is found once, however few rows are looked at in one go."""
    monkeypatch.setattr(search, "SPAN", span)
    seen, before = [], ""
    for _ in range(20):
        found = now(full.store.search(Search(text="in", before=before, limit=1)))
        seen += [message.text for message in found.messages]
        before = found.more
        if not before:
            break
    assert seen == ["in 2", "in 1"]


def test_an_id_of_another_store(kept: Kept) -> None:
    """An error, not the first page again."""
    with pytest.raises(Unacceptable, match="is no id of this gateway"):
        kept.store.search(Search(before="x-1"))

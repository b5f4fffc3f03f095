"""A store that works at once, on a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import execute
from twisted.internet.task import Clock

from goiptwist.model.commit import Commit
from goiptwist.model.delivery import QueueEntry
from goiptwist.model.messages import IncomingSms, Message, Submission
from goiptwist.store import Arrival, NewSubmission, Store, lock
from goiptwist.store.writer import RunsWork
from tests.world import PromptBus, careless, now

AT = 1_795_000_000.0


class Kept:
    """A store, and short words for what is done to it."""

    def __init__(self, folder: Path, run: RunsWork = execute) -> None:
        self.folder = folder
        self.run = run
        self.bus = PromptBus(Clock())
        self.enqueued: list[QueueEntry] = []
        self.withdrawn: list[tuple[str, str]] = []
        self.events: list[tuple[str, Any]] = []
        self.bus.subscribe_commits(self._committed)
        self.store = self._open()

    def _open(self) -> Store:
        return careless(Store.open(self.folder, lock(self.folder), self.run, execute, self.bus))

    def _committed(self, commits: Sequence[Commit[Any]]) -> None:
        for commit in commits:
            self.enqueued += commit.enqueued
            self.withdrawn += commit.withdrawn
            self.events += commit.events

    def again(self) -> None:
        """The process ends, and another begins."""
        self.store.close()
        self.store = self._open()

    def arrival(
        self, number: int = 1, text: str = "hello", at: float = AT, to: tuple[str, ...] = ("b:a",)
    ) -> Message | None:
        sms = IncomingSms(line="goip1", number=number, sender="1", text=text, at=at)
        message: Message | None = now(self.store.keep_arrival(Arrival(sms, to)))
        return message

    def order(self, *to: str, at: float = AT, **more: str) -> list[Message]:
        wanted = Submission(
            origin=more.pop("origin", "user:a"),
            recipients=to or ("+361",),
            text=more.pop("text", "hello"),
            **more,
        )
        kept = now(
            self.store.keep_submission(
                NewSubmission(submission=wanted, destination="pool:a", at=at)
            )
        )
        messages: list[Message] = kept
        return messages

    def message(self, message: Message) -> Message | None:
        found: Message | None = now(self.store.message(message.id))
        return found


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def keeps(tmp_path: Path) -> Iterator[Callable[[RunsWork], Kept]]:
    """Makes a store whose writer works elsewhere."""
    made = []

    def make(run: RunsWork) -> Kept:
        made.append(Kept(tmp_path, run))
        return made[-1]

    yield make
    for each in made:
        each.store.close()

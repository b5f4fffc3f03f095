"""
What every test promises besides what it tests: nothing left ticking or open
in the reactor, and no failure logged that nobody expected.
"""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.logger import LogEvent, LogLevel, globalLogPublisher

from tests.world import World


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """
    Where processes share the tests, a file at a time, those files come first
    that take long: so no process is left with one of them in the end.
    """
    if hasattr(config, "workerinput"):
        slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
        real = Counter(item.path for item in items if item.get_closest_marker("real"))
        items.sort(key=lambda item: (-slow[item.path], -real[item.path]))


def pytest_collection_finish() -> None:
    """What the imports made need not be looked through after every test."""
    gc.collect()
    gc.freeze()


class FailureLog(list[LogEvent]):
    """The failures and errors logged during one test."""

    def __call__(self, event: LogEvent) -> None:
        if event.get("log_level") in (LogLevel.critical, LogLevel.error):
            self.append(event)

    def flush(self) -> list[LogEvent]:
        """Take what was expected out, so that the test does not fail of it."""
        flushed = list(self)
        self.clear()
        return flushed


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Any:
    """Where nothing may be skipped, a skipped test has failed."""
    report = yield
    if report.skipped and os.environ.get("GOIPTWIST_NO_SKIPS"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and GOIPTWIST_NO_SKIPS is set: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def logged_failures() -> Iterator[FailureLog]:
    """Fails the test that logs a failure, unless it flushes it."""
    failures = FailureLog()
    globalLogPublisher.addObserver(failures)
    try:
        yield failures
        gc.collect()  # an unhandled failed Deferred speaks when it is collected
        gc.freeze()  # what this test leaves alive need not be looked through again
    finally:
        globalLogPublisher.removeObserver(failures)
    assert not failures, [event.get("log_failure") or event.get("log_format") for event in failures]


@pytest.fixture(autouse=True)
def clean_reactor() -> Iterator[None]:
    """Fails the test that leaves a timer or a socket behind."""
    core: Any = reactor
    before = set(core.getDelayedCalls()), set(core.getReaders())
    yield
    left = [c for c in core.getDelayedCalls() if c not in before[0] and c.active()]
    # The reactor's own wakers appear when it starts, in whichever test is first.
    own = before[1] | core._internalReaders
    open_ones = [r for r in core.getReaders() if r not in own]
    for call in left:
        call.cancel()
    assert not left, f"left ticking: {left}"
    assert not open_ones, f"left open: {open_ones}"


@pytest.fixture
def worlds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., World]]:
    """Makes worlds, and ends them."""
    made: list[World] = []

    def make(**options: Any) -> World:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        world = World(folder, monkeypatch, **options)
        made.append(world)
        return world

    yield make
    for world in made:
        world.close()

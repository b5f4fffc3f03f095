"""Gateways with a wire, made and ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.wire import Wire

MakesWires = Callable[..., Wire]


@pytest.fixture
def wires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakesWires]:
    """Makes gateways, and ends them; nothing may tick on."""
    made: list[Wire] = []

    def make(**options: Any) -> Wire:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Wire(folder, monkeypatch, **options))
        return made[-1]

    yield make
    for wire in made:
        wire.close()


@pytest.fixture
def wire(wires: MakesWires) -> Wire:
    """A gateway with one line, which is there."""
    made = wires()
    made.registers()
    return made

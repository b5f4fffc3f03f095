"""Worlds that a test needs no more are ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.world import World


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

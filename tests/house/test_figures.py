"""The figures of the house can be printed; what they are is for a reader to judge."""

from __future__ import annotations

import pytest

from tests.house import figures, measures


@pytest.mark.real
def test_one_of_each_goes_through() -> None:
    """An SMS in and out, an alarm and a keepalive arrive under the profiler."""
    found = dict(figures.running(measures.HERE))
    assert len(found) == 4
    assert all(text.partition(" ")[0] != "0" for text in found.values())


def test_the_source() -> None:
    """Every figure that is read off the source has a value."""
    assert all(text for _, text in figures.static(measures.HERE))

"""
The benchmarks can be started. That they run, and print what they promise, is
tested by C{make bench}: it takes minutes.
"""

from __future__ import annotations

import sys

import pytest

from bench import __main__ as command
from bench import alarming, deviceside, gatewayside, generator, httpside, stationside


@pytest.mark.parametrize("benchmark", command.BENCHMARKS)
def test_names(monkeypatch: pytest.MonkeyPatch, benchmark: str) -> None:
    """Each benchmark is chosen by its name, and can be run."""
    monkeypatch.setattr(sys, "argv", ["bench", benchmark, "--quick"])
    given = command.arguments()
    assert (given.which, given.quick) == ([benchmark], True)
    assert callable(command.BENCHMARKS[benchmark].run)


def test_no_such_benchmark(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong name is named."""
    monkeypatch.setattr(sys, "argv", ["bench", "sned"])
    with pytest.raises(SystemExit):
        command.arguments()
    assert "there is no benchmark sned" in capsys.readouterr().err


def test_processes() -> None:
    """What the benchmarks start is there, and imports what the product has."""
    for side in (deviceside, gatewayside, generator, httpside, stationside):
        assert callable(side.main)
    assert alarming.Alarms

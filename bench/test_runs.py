"""The benchmarks run, and print what they promise to print. No figure counts here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: What the figures of each benchmark must hold.
FIGURES = {
    "receive": ("ratio to the echo, far side away", "ratio to the echo, bridge takes it"),
    "keepalive": ("ratio to the echo",),
    "send": ("sends", "ratio to the echo"),
    "submit": ("submissions", "ratio to the site", "a batch, messages"),
    "lines": ("keepalive answered, p99", "memory of the gateway"),
    "calls": ("alarms delivered, share", "keepalive answered, p99"),
}


@pytest.mark.parametrize("benchmark", FIGURES)
def test_quick_run(benchmark: str, tmp_path: Path) -> None:
    """A quick run ends well, with every figure above nothing."""
    file = tmp_path / "figures.json"
    run = subprocess.run(
        [sys.executable, "-m", "bench", benchmark, "--quick", "--json", file, "--folder", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    (line,) = file.read_text().splitlines()
    report = json.loads(line)
    assert report["benchmark"] == benchmark
    for wanted in FIGURES[benchmark]:
        (figure,) = [
            f for f in report["figures"] if f["name"].removeprefix("... ").endswith(wanted)
        ]
        assert figure["median"] > 0
        assert wanted in run.stdout

"""Under which conditions a benchmark runs: the machine, and above all its disk."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from attrs import frozen

import twisted

#: How often fsync is tried.
FSYNCS = 50


@frozen
class Given:
    """
    What the command line says.

    @ivar quick: only show that the benchmark runs; its figures mean little.
    @ivar folder: where stores are made; it should lie on a real disk.
    """

    quick: bool
    folder: Path

    @contextmanager
    def state_folder(self) -> Iterator[Path]:
        """A new folder, gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="goiptwist-bench-", dir=self.folder) as name:
            yield Path(name)

    def conditions(self, **more: Any) -> dict[str, Any]:
        """What stands above the figures."""
        return {
            "machine": f"{len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}, "
            f"Twisted {twisted.__version__}, load {os.getloadavg()[0]:.2f}",
            "disk": f"{filesystem(self.folder)}, fsync of 4 KiB {fsync_ms(self.folder):.2f} ms",
            **more,
        } | ({"quick": "the figures of a quick run mean little"} if self.quick else {})


def filesystem(folder: Path) -> str:
    """@return: the kind of the file system, such as C{ext4}; C{tmpfs} is no disk."""
    whole = str(folder.resolve())
    best, kind = "", "unknown"
    for line in Path("/proc/mounts").read_text().splitlines():
        place, found = line.split()[1:3]
        below = whole == place or whole.startswith(place.rstrip("/") + "/")
        if below and len(place) >= len(best):
            best, kind = place, found
    return kind


def fsync_ms(folder: Path) -> float:
    """@return: the median time of appending 4 KiB and having it on disk."""
    took = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(FSYNCS):
            file.write(bytes(4096))
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return 1000 * median(took)

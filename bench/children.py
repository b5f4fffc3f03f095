"""
The processes of a benchmark, and how it gives them orders.

An order is one line of JSON on a process's standard input: C{{"order": name,
...}}. Each is answered with one line of JSON. Closing the input ends the
process, so that none outlives the benchmark.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from typing import Any, Self

#: Seconds after which a process that does not answer is given up.
PATIENCE = 300.0


class Child:
    """
    One process.

    @ivar told: what it said of itself when it was ready.
    """

    def __init__(self, module: str, *arguments: str, core: int | None = None) -> None:
        """
        @param core: the only one that it may run on, or C{None}: any.
        """

        def pin() -> None:
            if core is not None:
                os.sched_setaffinity(0, {core})

        self.module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=pin,
        )
        self.told = self._answer()

    def order(self, order: str, **how: Any) -> dict[str, Any]:
        """Have something done; returns when it is."""
        stdin = self._process.stdin
        if stdin is None:  # pragma: no cover
            raise AssertionError("has no input")
        stdin.write(json.dumps({"order": order, **how}).encode() + b"\n")
        stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        stdout = self._process.stdout
        if stdout is None:  # pragma: no cover
            raise AssertionError("has no output")
        # One line for each order, so nothing is left over in the buffer.
        ready, _, _ = select.select([stdout], [], [], PATIENCE)
        line = stdout.readline() if ready else b""
        if not line:
            raise RuntimeError(f"{self.module} said nothing (process {self._process.pid})")
        answer: dict[str, Any] = json.loads(line)
        if "trouble" in answer:
            raise RuntimeError(f"{self.module}: {answer['trouble']}")
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def two_cores() -> tuple[int | None, int | None]:
    """One core for the gateway and another for its devices, where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], cores[1]) if len(cores) > 1 else (None, None)

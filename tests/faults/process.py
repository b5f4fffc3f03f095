"""
A gateway in a process of its own, that can be killed at any moment.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

from attrs import define, field

ROOT = Path(__file__).parents[2]
TWISTD = [sys.executable, "-c", "from twisted.scripts.twistd import run; run()"]
#: The same with fault points, see there.
DYING = [sys.executable, str(Path(__file__).with_name("dying_gateway.py"))]
#: Where it finds a panel and stations.
PLUGINS = Path(__file__).with_name("plugins")

LOOPBACK = "127.0.0.1"
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def free_port(kind: int) -> int:
    """A port of this machine that is free now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def as_toml(tables: dict[str, Any]) -> str:
    """A configuration as a file; a text of JSON is one of TOML."""
    rows = [f"{key} = {json.dumps(value)}" for key, value in tables.items() if _plain(value)]
    for name, value in tables.items():
        if isinstance(value, dict) and all(isinstance(v, dict) for v in value.values()):
            for inner, table in value.items():
                rows += [f"[{name}.{inner}]", as_toml(table)]
        elif isinstance(value, dict):
            rows += [f"[{name}]", as_toml(value)]
        elif not _plain(value):
            for table in value:
                rows += [f"[[{name}]]", as_toml(table)]
    return "\n".join(rows) + "\n"


def _plain(value: Any) -> bool:
    if isinstance(value, list):
        return not any(isinstance(part, dict) for part in value)
    return not isinstance(value, dict)


def _die_with_the_test() -> None:
    """Run in the child: whatever ends the test ends the gateway too."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@define(eq=False)
class GatewayProcess:
    """
    C{twistd goip}, again and again on the same state.

    @ivar folder: for its configuration, its log and its state.
    @ivar starts: how often it was started.
    """

    folder: Path
    starts: int = field(default=0, init=False)
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _log: IO[bytes] | None = field(default=None, init=False)

    def start(self, die_at: str = "") -> None:
        """
        Start it; when it listens is not known yet.

        @param die_at: a fault point, see C{dying_gateway.py}.
        """
        assert self._child is None, "it runs already"
        self.starts += 1
        self._log = (self.folder / "log").open("ab")
        self._child = subprocess.Popen(
            [*(DYING if die_at else TWISTD), "-n", "--pidfile=", "goip", "--config", "goip.toml"],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{PLUGINS}", "DIE_AT": die_at},
            preexec_fn=_die_with_the_test,
        )

    @property
    def pid(self) -> int:
        """The process that runs now."""
        assert self._child is not None
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._child is not None and self._child.poll() is None

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._child is not None
        self._child.send_signal(number)

    def gone(self) -> int:
        """
        Take note that it has ended.

        @return: its exit status; the negative number of the signal that
            killed it.
        """
        assert self._child is not None
        assert self._log is not None
        status = self._child.wait(10)
        self._child = None
        self._log.close()
        return status

    def kill(self) -> None:
        """End it as a power cut does; it may be gone already."""
        if self._child is not None:
            self._child.kill()
            self.gone()

    @property
    def said(self) -> str:
        """Its log, of all starts."""
        return (self.folder / "log").read_text(errors="replace")

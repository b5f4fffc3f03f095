"""A gateway and a simulated device, each a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import urllib.request
from pathlib import Path

from tests.test_twistd import ROOT, TWISTD, Program, free_port, until


class Simulated(Program):
    """
    C{twistd goip} with a C{goip.toml} that has the lines goip1 and goip2, and
    C{twistd goip-sim} with the same.

    @ivar book: what the mobile network has had.
    @ivar control: the port of the device's HTTP control.
    """

    #: Further options of the device.
    behaviour: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.book = folder / "book"
        self.control = free_port(socket.SOCK_STREAM)
        self.simulator: subprocess.Popen[bytes] | None = None

    def options(self) -> list[str]:
        return ["--config", "goip.toml"]

    def switch_on(self) -> None:
        """Start the device."""
        self.simulator = self.twistd(
            *("goip-sim", "--server", f"127.0.0.1:{self.udp}"),
            *("--line", "goip1:secret1", "--line", "goip2:secret2"),
            *("--control", f"127.0.0.1:{self.control}", "--reports"),
            *("--book", str(self.book), *self.behaviour),
        )
        until(lambda: self.lines() == ["present"] * 2, "both lines register")

    def twistd(self, *words: str, log: str = "device.log") -> subprocess.Popen[bytes]:
        """Start a program beside the gateway; what it says goes into a file."""
        with (self.folder / log).open("ab") as file:
            return subprocess.Popen(
                [*TWISTD, *words],
                cwd=self.folder,
                stdout=file,
                stderr=file,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    def lines(self) -> list[str]:
        """How they stand."""
        return [line["presence"] for line in self.api("/api/v1/lines")["lines"]]

    def hand_in(self, line: str, sender: str, text: str) -> None:
        """An SMS comes in from the network."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.control}/lines/{line}/sms",
            data=json.dumps({"sender": sender, "text": text}).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=30).close()

    def sent(self) -> list[tuple[str, str, str]]:
        """Line, number and text of what the network took."""
        lines = self.book.read_text().splitlines() if self.book.exists() else []
        entries = [json.loads(line) for line in lines]
        return [(e["line"], e["recipient"], e["text"]) for e in entries if e["kind"] == "sent"]

    def switch_off(self) -> None:
        """Stop the device."""
        if self.simulator is not None:
            self.simulator.terminate()
            self.simulator.wait(30)

"""A whole gateway in a process of its own, between a simulated device and a Prosody."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from goiptwist.bridging import BRIDGE_AT_ONCE
from tests.test_twistd import ROOT, TWISTD, Program, free_port, until


class Chatting(Program):
    """
    @param bridge: keys of C{[bridge.chat]}.
    """

    def __init__(self, folder: Path, bridge: dict[str, Any]) -> None:
        super().__init__(folder)
        self.under_way = 1 if bridge.get("mode") == "component" else BRIDGE_AT_ONCE
        (folder / "state").mkdir()
        (folder / "state" / "api-token").write_text("token-of-ops")
        keys = "\n".join(f"{key} = {json.dumps(value)}" for key, value in bridge.items())
        (folder / "goip.toml").write_text(f"""
            state = "{folder}/state"
            name = "gw.example.org"
            goip.listen = "127.0.0.1:{self.udp}"
            http.listen = "127.0.0.1:{self.http}"
            numbers.country = "HU"
            delivery.attempts = 1
            line = [
                {{id = "goip1", password = "secret1"}},
                {{id = "goip2", password = "secret2"}},
            ]
            user = [{{name = "ops", token = "token-of-ops"}}]
            contact = [{{number = "+36301234567", name = "Kovács Béla"}}]
            [bridge.chat]
            kind = "xmpp"
            {keys}
            """)
        self.book = folder / "book"
        self.control = free_port(socket.SOCK_STREAM)
        self.simulator: subprocess.Popen[bytes] | None = None

    def options(self) -> list[str]:
        return ["--config", "goip.toml"]

    def switch_on(self) -> None:
        """Start the device; numbers that end in 999 are refused by the network."""
        with (self.folder / "device.log").open("ab") as log:
            self.simulator = subprocess.Popen(
                [
                    *(*TWISTD, "goip-sim", "--server", f"127.0.0.1:{self.udp}"),
                    *("--line", "goip1:secret1", "--line", "goip2:secret2"),
                    *("--control", f"127.0.0.1:{self.control}", "--reports"),
                    *("--error", "999$=38", "--book", str(self.book)),
                ],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        until(lambda: self.lines() == ["present"] * 2, "both lines register")

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

    def survives_a_restart(self, person: Any, prosody: Any) -> None:
        """
        100 SMS come in, and in the middle the server is away for a while. What
        was under way when it stopped may come again, but under its id.
        """
        wanted = [f"restart {number:03}." for number in range(100)]
        for number, text in enumerate(wanted):
            self.hand_in(f"goip{1 + number % 2}", "+36301234567", text)
            if number == 50:
                prosody.stop()
            if number == 70:
                prosody.start()

        def arrived() -> dict[str, list[str]]:
            found: dict[str, list[str]] = {}
            for message in list(person.messages):
                if message["type"] == "chat" and "restart " in message["body"]:
                    text = message["body"].rpartition("\n")[2]
                    found.setdefault(text, []).append(message["id"])
            return found

        until(lambda: len(arrived()) == 100, "all of them arrive")
        until(lambda: self.problems() == [], "all is well again")
        came = arrived()
        assert sorted(came) == wanted
        assert {text: ids for text, ids in came.items() if len(set(ids)) > 1} == {}
        assert sum(map(len, came.values())) - 100 <= self.under_way

    def problems(self) -> list[str]:
        """What /healthz says."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/healthz", timeout=5) as said:
                return list(json.load(said).get("problems", []))
        except urllib.error.HTTPError as unwell:
            return list(json.load(unwell).get("problems", []))


@contextmanager
def chatting(folder: Path, bridge: dict[str, Any]) -> Iterator[Chatting]:
    """Everything started, and stopped again."""
    made = Chatting(folder, bridge)
    try:
        made.start()
        made.switch_on()
        yield made
    finally:
        if made.simulator is not None:
            made.simulator.terminate()
            made.simulator.wait(30)
        in_good_order = made.stop()
        made.device.close()
    assert in_good_order

"""A whole gateway in a process of its own, between a simulated device and a Prosody."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from goiptwist.delivery.retry import BRIDGE_AT_ONCE
from tests.simulated import Simulated
from tests.test_twistd import until


class Chatting(Simulated):
    """
    @param bridge: keys of C{[bridge.chat]}.
    """

    #: Numbers that end in 999 are refused by the network.
    behaviour = ("--error", "999$=38")

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
        made.switch_off()
        in_good_order = made.stop()
        made.device.close()
    assert in_good_order

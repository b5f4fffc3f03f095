"""
The whole way of an alarm, as old programs report it: over HTTP into twistd,
by telephone to a station that is another process, and where the station gives
no kissoff, over IP to the next in the chain.
"""

from __future__ import annotations

import re
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.simulated import Simulated
from tests.test_twistd import free_port, until

pytestmark = [pytest.mark.real, pytest.mark.slow]

SEED = (
    "/api?action=sendmessage&username=httptest&password=abc123"
    "&recipient=06201234567&messagedata=1113,18,1,123,03,003"
)
WORDS = "Account: 1113, Type: Preferred, Event: NewEvent, Code: 123, Partition: 03, Zone: 003"


class Alarmed(Simulated):
    """A gateway, and where its alarms end."""

    def __init__(self, folder: Path, mood: str, wait: float) -> None:
        super().__init__(folder)
        self.sip = free_port(socket.SOCK_DGRAM)
        self.dc09 = free_port(socket.SOCK_STREAM)
        self.mood = mood
        self.end_log = folder / "ends.log"
        (folder / "state").mkdir()
        (folder / "state" / "api-token").write_text("token-of-ann")
        (folder / "goip.toml").write_text(f"""
            state = "{folder}/state"
            goip.listen = "127.0.0.1:{self.udp}"
            http.listen = "127.0.0.1:{self.http}"
            line = [{{id = "goip1", password = "secret1"}}]
            user = [
                {{name = "ann", token = "token-of-ann"}},
                {{name = "httptest", password = "abc123", may = ["send"]}},
            ]
            [[route]]
            user = "httptest"
            alarm = true
            chain = ["station", "receiver"]
            escalate_after = {wait}
            [bridge.station]
            kind = "contact-id-call"
            uri = "sip:9999@127.0.0.1:{self.sip}"
            local = "127.0.0.1:0"
            [bridge.receiver]
            kind = "dc09"
            receiver = "127.0.0.1:{self.dc09}"
            """)

    def switch_on(self) -> None:
        """Start the station and the receiver; no device is needed."""
        self.simulator = self.twistd(
            *("goip-sim", "--mood", self.mood),
            *("--station", f"127.0.0.1:{self.sip}", "--receiver", f"127.0.0.1:{self.dc09}"),
            log="ends.log",
        )
        until(lambda: b"DC-09" in self.end_log.read_bytes(), "somebody takes alarms")

    def report(self) -> str:
        """What an old program does. @return: the id that it is given."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{SEED}", timeout=30) as answer:
            text = answer.read().decode()
        assert "<statuscode>0</statuscode>" in text
        found = re.search("<messageid>(.+)</messageid>", text)
        assert found is not None, text
        return found[1]

    def alarm(self, alarm_id: str) -> Any:
        """How it stands."""
        return self.api(f"/api/v1/alarms/{alarm_id}")

    def delivered(self, alarm_id: str) -> Any:
        """It, once it is."""
        until(lambda: self.alarm(alarm_id)["state"] == "delivered", "it is delivered")
        return self.alarm(alarm_id)


@contextmanager
def alarmed(folder: Path, mood: str = "takes", wait: float = 60.0) -> Iterator[Alarmed]:
    """Everything started, and stopped again."""
    made = Alarmed(folder, mood, wait)
    try:
        made.switch_on()
        made.start()
        yield made
    finally:
        made.switch_off()
        made.stop()
        made.device.close()


def steps(alarm: Any) -> list[tuple[str, str]]:
    """Its journey, each step as a word and a place."""
    return [(step["what"], step.get("where", "")) for step in alarm["journey"]]


def test_by_telephone(tmp_path: Path) -> None:
    """The seed's URL ends in a kissoff, and the log says so in the seed's words."""
    with alarmed(tmp_path) as program:
        alarm = program.delivered(program.report())
        assert steps(alarm)[-1] == ("delivered", "bridge:station")
        assert WORDS in alarm["journey"][-1]["detail"]
        log = program.log.read_text()
        sentences = [
            "Dialing number '9999' to send contact ID alarm",
            "starting the transmission",
            f"contact ID send successful. {WORDS}",
            "Hanging up call.",
        ]
        places = [log.index(sentence) for sentence in sentences]
        assert places == sorted(places)
        assert program.end_log.read_text().count("The station took an event") == 1
        assert "abc123" not in log


def test_no_kissoff(tmp_path: Path) -> None:
    """
    Four tries, and the call is made again; when its time is over the next in
    the chain gets the alarm. The journey tells each, and a call that still goes
    on ends for nothing.
    """
    with alarmed(tmp_path, "silent", wait=22.0) as program:
        alarm = program.delivered(program.report())
        journey = steps(alarm)
        assert ("deferred", "bridge:station") in journey
        assert ("goes on", "bridge:receiver") in journey
        assert journey[-1] == ("delivered", "bridge:receiver")
        details = {step["what"]: step.get("detail", "") for step in alarm["journey"]}
        assert "kissoff" in details["deferred"]
        assert "22 s" in details["goes on"]
        log = program.log.read_text()
        assert log.count("Dialing number '9999'") == 2
        ends = program.end_log.read_text()
        assert "The station took an event" not in ends
        assert ends.count("The receiver took an event") == 1

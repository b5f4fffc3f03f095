"""
The part of the demonstration that is about alarms: a panel that reports one
over HTTP, as old programs do, and a monitoring station that takes it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import treq
from attrs import define, field
from twisted.internet.defer import maybeDeferred
from twisted.internet.task import deferLater

from goiptwist.simulator.dc09 import SimulatedDc09Receiver

HOST = "127.0.0.1"
#: What tones and SIP need: without it the station is reached over IP only.
CALLS_NEED = ("numpy", "sipmessage")
#: The alarm, and to whom the seed of this way of reporting addresses it.
EVENT, NUMBER, ADDRESSEE = "1113,18,1,123,03,003", "9999", "06201234567"
#: Seconds within which the alarm must have been taken, and between two looks.
PATIENCE, PAUSE = 40.0, 0.5
#: Seconds after which the second way begins: a call takes about six.
WAIT = 20.0


@define(eq=False, repr=False)
class AlarmDemonstration:
    """
    @ivar http_port: of the gateway.
    @ivar token: of a user who may read.
    @ivar print_line: prints a line for the spectator.
    """

    reactor: Any
    http_port: int
    token: str
    print_line: Callable[[str], None]
    password: str = field(init=False, factory=lambda: secrets.token_hex(8))
    sip_port: int = field(init=False, default=0)
    dc09_port: int = field(init=False, default=0)
    _receiver: SimulatedDc09Receiver = field(init=False)
    _station: Any = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._receiver = SimulatedDc09Receiver(self.reactor)
        self.dc09_port = self._receiver.listen(HOST)
        if all(find_spec(name) is not None for name in CALLS_NEED):
            from goiptwist.simulator.station import SimulatedStation

            self._station = SimulatedStation(self.reactor)
            self.sip_port = self._station.listen(HOST)

    @property
    def tables(self) -> dict[str, Any]:
        """What the configuration of the gateway needs for it."""
        bridges: dict[str, Any] = {
            "receiver": {"kind": "dc09", "receiver": f"{HOST}:{self.dc09_port}"}
        }
        if self._station is not None:
            uri = f"sip:{NUMBER}@{HOST}:{self.sip_port}"
            call = {"kind": "contact-id-call", "uri": uri, "local": f"{HOST}:0"}
            bridges = {"station": call, **bridges}
        route = {"user": "panel", "alarm": True, "chain": list(bridges), "escalate_after": WAIT}
        user = {"name": "panel", "password": self.password, "may": ["send"]}
        return {"bridge": bridges, "route": [route], "user": [user]}

    async def stop(self) -> None:
        """The station closes."""
        await self._receiver.close()
        if self._station is not None:
            await maybeDeferred(self._station.close)

    async def run(self) -> None:
        """A panel reports an alarm, and it goes the whole way."""
        self.print_line("\nAn alarm panel reports a panic alarm over HTTP, as it would to Ozeki:\n")
        query = {
            "action": "sendmessage",
            "username": "panel",
            "password": self.password,
            "recipient": ADDRESSEE,
            "messagedata": EVENT,
        }
        shown = "&".join(f"{key}={'***' if key == 'password' else query[key]}" for key in query)
        self.print_line(f"    GET /api?{shown}")
        url = f"http://{HOST}:{self.http_port}"
        answer = await treq.get(f"{url}/api", params=query, timeout=PATIENCE)
        text = await answer.text()
        self.print_line("\n".join(f"    | {line.expandtabs(4)}" for line in text.splitlines()))
        found = re.search("<messageid>(.+)</messageid>", text)
        if found is None:
            return
        await self._follow(f"{url}/api/v1/alarms/{found[1]}")

    async def _follow(self, url: str) -> None:
        headers: dict[bytes | str, bytes | str] = {"Authorization": f"Bearer {self.token}"}
        waited = 0.0
        while waited < PATIENCE:
            alarm = await (await treq.get(url, headers=headers)).json()
            if alarm.get("state") != "received":
                break
            await deferLater(self.reactor, PAUSE)
            waited += PAUSE
        self.print_line(f"\n  Its journey, as {url} shows it:\n")
        for step in alarm.get("journey", []):
            parts = (step.get("what"), step.get("where"), step.get("detail"))
            self.print_line("    " + " ".join(part for part in parts if part))

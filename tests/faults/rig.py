"""
A whole installation on loopback: the gateway in a process of its own, which is
killed at will; simulated devices, a smarthost and a client of the HTTP
interface in the process of the test. And the three books, which are compared
in the end: what was accepted, what the mobile network got, what was mailed.
"""

from __future__ import annotations

import random
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import treq
from attrs import define, field, frozen
from twisted.internet import reactor as _reactor
from twisted.internet.defer import CancelledError, maybeDeferred
from twisted.internet.error import ConnectError
from twisted.internet.task import deferLater
from twisted.web.client import Agent, HTTPConnectionPool, PartialDownloadError, ResponseFailed

from goiptwist.simulator.device import SimulatedDevice
from goiptwist.simulator.line import SimulatedLine
from goiptwist.simulator.radio import CLEAR, LATE, Conditions, Radio
from goiptwist.simulator.service import ServerLink, Simulator
from goiptwist.simulator.settings import SimulatorSettings
from goiptwist.simulator.smarthost import Smarthost
from goiptwist.simulator.traffic import RandomTraffic
from tests.faults.process import LOOPBACK, GatewayProcess, as_toml, free_port

reactor: Any = _reactor

TOKEN = "a-token-for-tests"
NO_HEADERS: Mapping[str, str] = {}
#: Seconds within which anything must have happened, however slow the machine.
PATIENCE = 60.0
#: What a client sees of a gateway that dies or is dead.
DEAD = (ConnectError, ResponseFailed, PartialDownloadError, CancelledError)
#: States of an outgoing message that nothing but an operator or a late word
#: of the device changes any more.
SETTLED = {"sent", "failed", "expired", "unknown"}


async def pause(seconds: float) -> None:
    """Let real time pass."""
    await deferLater(reactor, seconds)


async def until(true: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Wait until something is so."""
    end = reactor.seconds() + patience
    while reactor.seconds() < end:
        found = true()
        if hasattr(found, "__await__"):
            found = await found
        if found:
            return found
        await pause(0.05)
    raise AssertionError(f"did not happen in {patience:g} s: {what}")


@frozen(kw_only=True)
class Box:
    """
    One simulated device, and what the gateway is told of its lines.

    @ivar name: of its pool, and how the names of its lines begin.
    @ivar keys: of each C{[[line]]}.
    """

    name: str
    lines: int = 2
    settings: SimulatorSettings
    keys: dict[str, Any] = field(factory=dict)
    to_server: Conditions = CLEAR
    to_device: Conditions = CLEAR


@define(eq=False)
class Rig:
    """
    Use it as C{async with}.

    @ivar folder: for everything that is written.
    @ivar boxes: the devices.
    @ivar tables: more of the configuration.
    @ivar state: the folder of the store.
    """

    folder: Path
    boxes: list[Box]
    seed: int = 1
    tables: dict[str, Any] = field(factory=dict)
    state: Path | None = None
    gateway: GatewayProcess = field(init=False)
    simulators: dict[str, Simulator] = field(factory=dict, init=False)
    smtp_port: int = field(init=False)
    smarthost: Any = field(default=None, init=False)
    _udp: int = field(init=False)
    http_port: int = field(init=False)
    _agent: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.gateway = GatewayProcess(self.folder)
        self._udp, self.http_port = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
        self.smtp_port = free_port(socket.SOCK_STREAM)
        # No connection stays: each may be to a process that is dead.
        self._agent = Agent(reactor, pool=HTTPConnectionPool(reactor, persistent=False))
        rng = random.Random(self.seed)
        for box in self.boxes:
            self.simulators[box.name] = self._simulator(box, rng)
        (self.folder / "goip.toml").write_text(as_toml(self._configuration()))

    def _simulator(self, box: Box, rng: random.Random) -> Simulator:
        device = SimulatedDevice(reactor, rng, settings=box.settings)
        for number in range(1, box.lines + 1):
            device.add_line(f"{box.name}{number}", f"word-{box.name}{number}")
        link = ServerLink(
            (LOOPBACK, self._udp),
            Radio(reactor, rng, box.to_server),
            Radio(reactor, rng, box.to_device),
        )
        return Simulator(reactor, device, link, RandomTraffic(reactor, rng, device))

    def _configuration(self) -> dict[str, Any]:
        lines = [
            {"id": line.name, "password": line.password, "pool": box.name, **box.keys}
            for box in self.boxes
            for line in self.simulators[box.name].device
        ]
        mail = {
            "kind": "mail",
            "to": ["ops@example.org"],
            "sender": "sms@example.org",
            "smarthost": f"{LOOPBACK}:{self.smtp_port}",
        }
        return {
            "state": str(self.state or self.folder / "state"),
            "goip": {"listen": f"{LOOPBACK}:{self._udp}"},
            "http": {"listen": f"{LOOPBACK}:{self.http_port}"},
            "line": lines,
            "user": [{"name": "test", "token": TOKEN}],
            "bridge": {"mail": mail},
            **self.tables,
        }

    # -- from beginning to end --

    async def __aenter__(self) -> Rig:
        self.open_smarthost()
        for simulator in self.simulators.values():
            simulator.startService()
        return self

    async def __aexit__(self, *trouble: object) -> None:
        if any(trouble):
            print(self.gateway.said[-5000:])
        self.gateway.kill()
        for simulator in self.simulators.values():
            await simulator.stopService()
        await self.close_smarthost()
        rough = any(not c.clear for b in self.boxes for c in (b.to_server, b.to_device))
        # What is still in the air falls down, and what was connected notices.
        await pause(LATE + 0.2 if rough else 0.1)

    def open_smarthost(self) -> None:
        """Let mails be taken."""
        mails = Smarthost(self.folder / "Maildir")
        self.smarthost = reactor.listenTCP(self.smtp_port, mails, interface=LOOPBACK)

    async def close_smarthost(self) -> None:
        """Let nobody be there who takes mails."""
        port, self.smarthost = self.smarthost, None
        if port is not None:
            await maybeDeferred(port.stopListening)

    async def start(self, die_at: str = "") -> None:
        """Start the gateway, and wait until it answers or is dead."""
        self.gateway.start(die_at)
        await until(self._up_or_dead, "the gateway answers on /healthz")

    async def _up_or_dead(self) -> bool:
        if not self.gateway.alive:
            return True
        return await self.ask("GET", "/healthz") is not None

    # -- over HTTP --

    async def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] = NO_HEADERS
    ) -> tuple[int, Any] | None:
        """
        One request.

        @return: the status and what was said; C{None} where nobody answered.
        """
        try:
            response = await treq.request(
                method,
                f"http://{LOOPBACK}:{self.http_port}{path}",
                **({} if body is None else {"json": body}),
                headers={"Authorization": f"Bearer {TOKEN}", **headers},
                agent=self._agent,
                timeout=15,
            )
            return response.code, await response.json()
        except DEAD:
            return None

    async def submit(self, client_id: str, to: list[str], text: str, **more: str) -> list[str]:
        """
        Submit until there is a yes; the same submission each time.

        @return: the ids of its messages.
        """
        body = {"to": to, "text": text, "id": client_id, **more}
        end = reactor.seconds() + PATIENCE
        while reactor.seconds() < end:
            answer = await self.ask("POST", "/api/v1/messages", body)
            if answer is not None and answer[0] == 202:
                return [message["id"] for message in answer[1]["messages"]]
            assert answer is None or answer[0] in (429, 503), answer
            await pause(0.2)
        raise AssertionError(f"{client_id} is not accepted")

    async def kept(self, direction: str) -> list[dict[str, Any]] | None:
        """@return: every message of the gateway, or C{None} where it is dead."""
        found: list[dict[str, Any]] = []
        while True:
            after = f"&after={found[-1]['id']}" if found else ""
            path = f"/api/v1/messages?direction={direction}&limit=1000{after}"
            answer = await self.ask("GET", path)
            if answer is None:
                return None
            assert answer[0] == 200, answer
            if not answer[1]["messages"]:
                return found
            found += answer[1]["messages"]

    async def present(self) -> None:
        """Wait until every line has registered."""
        await until(self._all_present, "every line registers")

    async def _all_present(self) -> bool:
        answer = await self.ask("GET", "/healthz")
        figures = answer[1]["figures"] if answer else {}
        return bool(figures) and figures["lines"] == figures["lines_present"]

    async def health(self) -> list[str]:
        """@return: what is wrong, in the words of C{/healthz}."""
        answer = await self.ask("GET", "/healthz")
        assert answer is not None
        return list(answer[1].get("problems", []))

    # -- when all is over --

    async def quiet(self, patience: float = PATIENCE) -> None:
        """Wait until nothing waits for anybody any more."""
        await until(self._nothing_waits, "everything is settled", patience)

    async def _nothing_waits(self) -> bool:
        out, incoming = await self.kept("out"), await self.kept("in")
        if out is None or incoming is None:
            return False
        return (
            not any(simulator.device.unsettled for simulator in self.simulators.values())
            and {message["state"] for message in out} <= SETTLED
            and {message["state"] for message in incoming} <= {"delivered"}
        )

    def clear_up(self) -> None:
        """From now on every datagram arrives."""
        for simulator in self.simulators.values():
            simulator.link.to_server.conditions = simulator.link.to_device.conditions = CLEAR

    # -- the books --

    def every_line(self) -> list[SimulatedLine]:
        """The lines of all devices."""
        return [line for simulator in self.simulators.values() for line in simulator.device]

    def network(self) -> Counter[tuple[str, str]]:
        """How often the mobile network got which text for whom."""
        return Counter(
            (sent.recipient, sent.text)
            for simulator in self.simulators.values()
            for sent in simulator.device.book.sent
        )

    def mails(self) -> list[tuple[str, str]]:
        """@return: the Message-ID and the text of every mail."""
        found = []
        for path in sorted((self.folder / "Maildir" / "new").iterdir()):
            mail = message_from_bytes(path.read_bytes(), policy=policy.default)
            found.append((str(mail["Message-ID"]), mail.get_content().rstrip("\n")))
        return found

"""
The demonstration: a simulated device and a smarthost that keeps mails as
files, so that a gateway shows what it does without a box, a SIM or a network.
What happens is printed in plain sentences.
"""

from __future__ import annotations

import random
import re
import secrets
import socket
import sys
from pathlib import Path
from typing import Any

import treq
from attrs import define, field
from twisted.application.service import IService, IServiceCollection, MultiService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, LogEvent, Logger, LogLevel, formatEvent
from twisted.python.components import Componentized
from zope.interface import provider

from goiptwist.simulator.alarm_demo import AlarmDemonstration
from goiptwist.simulator.device import SimulatedDevice
from goiptwist.simulator.radio import CLEAR, Radio
from goiptwist.simulator.service import ServerLink, Simulator
from goiptwist.simulator.settings import SimulatorSettings
from goiptwist.simulator.smarthost import Smarthost
from goiptwist.simulator.traffic import RandomTraffic

LOOPBACK = "127.0.0.1"
#: The ports that are taken where they are free: those that a real set-up has.
GOIP_PORT, HTTP_PORT = 44444, 8080
#: Lines of the simulated device.
LINES = 4
#: Seconds between two steps of the story, so that a person can follow it.
PAUSE = 1.0
#: Seconds within which each step must have happened.
PATIENCE = 20.0
#: Seconds between two keepalives: a person does not want to wait for 30.
KEEPALIVE = 10.0

SENDER, RECIPIENT = "+36301234567", "+36307654321"
INCOMING = "The cellar is flooding! Please call back."
OUTGOING = "We are on our way."


def free_port(port: int, kind: int) -> int:
    """@return: the port of this machine, or any that is free."""
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def print_line(sentence: str = "") -> None:
    """Print a sentence for the spectator."""
    # twistd makes sys.stdout a part of the log; this is the terminal.
    print(sentence, file=sys.__stdout__, flush=True)


@provider(ILogObserver)
def narrate(event: LogEvent) -> None:
    """The log, as sentences for a person: what the gateway did, and what is wrong."""
    ours = event.get("log_namespace", "").startswith("goiptwist")
    level = event.get("log_level", LogLevel.info)
    if level >= LogLevel.warn or (ours and level >= LogLevel.info):
        mark = "  " if level is LogLevel.info else "! "
        print_line(mark + formatEvent(event))
    if "log_failure" in event:
        print_line(event["log_failure"].getTraceback())


@define(eq=False, slots=False)
class Demonstration(MultiService):
    """
    A smarthost, a gateway, a simulated device, and a story with all of them.

    @ivar folder: for the store of the gateway and the mails.
    """

    reactor: Any
    folder: Path
    goip_port: int = field(init=False)
    http_port: int = field(init=False)
    smtp_port: int = field(init=False)
    token: str = field(init=False, repr=False)
    _alarms: AlarmDemonstration = field(init=False)
    _arrived: Deferred[Path] = field(factory=Deferred, init=False)
    _story: Deferred[None] | None = field(default=None, init=False)
    _simulator: Simulator = field(init=False)
    _smarthost: Any = field(default=None, init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        MultiService.__init__(self)
        self.goip_port = free_port(GOIP_PORT, socket.SOCK_DGRAM)
        self.http_port = free_port(HTTP_PORT, socket.SOCK_STREAM)
        self.smtp_port = free_port(0, socket.SOCK_STREAM)
        self.token = secrets.token_hex(8)
        self._alarms = AlarmDemonstration(self.reactor, self.http_port, self.token, print_line)

    @property
    def tables(self) -> dict[str, Any]:
        """The configuration of the gateway, as a file would hold it."""
        alarms = self._alarms.tables
        return {
            **alarms,
            "state": str(self.folder),
            "name": "demo.localdomain",
            "goip": {"listen": f"{LOOPBACK}:{self.goip_port}"},
            "http": {"listen": f"{LOOPBACK}:{self.http_port}"},
            "line": [
                {"id": f"goip{n}", "password": self._password(n)} for n in range(1, LINES + 1)
            ],
            "user": [{"name": "demo", "token": self.token}, *alarms["user"]],
            "bridge": {
                **alarms["bridge"],
                "mail": {
                    "kind": "mail",
                    "to": ["ops@demo.localdomain"],
                    "sender": "sms@demo.localdomain",
                    "smarthost": f"{LOOPBACK}:{self.smtp_port}",
                },
            },
        }

    def _password(self, number: int) -> str:
        return f"demo-password-{number}"

    def around(self, gateway: IService) -> Demonstration:
        """
        @param gateway: the service of a gateway with the settings of L{tables}.
        """
        gateway.setServiceParent(self)
        self._simulator = self._device()
        self._simulator.setServiceParent(self)
        return self

    def _device(self) -> Simulator:
        rng = random.Random()  # noqa: S311
        settings = SimulatorSettings(
            keepalive=KEEPALIVE, stagger=0.3, pace=(1.0, 2.0), reports=True
        )
        device = SimulatedDevice(self.reactor, rng, settings=settings)
        for number in range(1, LINES + 1):
            device.add_line(f"goip{number}", self._password(number), f"+3630000000{number}")
        link = ServerLink(
            (LOOPBACK, self.goip_port),
            Radio(self.reactor, rng, CLEAR),
            Radio(self.reactor, rng, CLEAR),
            show_datagram,
        )
        return Simulator(self.reactor, device, link, RandomTraffic(self.reactor, rng, device))

    def setServiceParent(self, parent: IServiceCollection) -> None:
        """Twisted makes us part of its application, whose log we then tell."""
        if isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, narrate)
        super().setServiceParent(parent)

    def startService(self) -> None:
        """Start everything, then the story."""
        print_line(
            "A gateway and a simulated GoIP with four lines, over real UDP on this machine.\n"
        )
        mails = Smarthost(self.folder / "Maildir", self._mailed)
        self._smarthost = self.reactor.listenTCP(self.smtp_port, mails, interface=LOOPBACK)
        super().startService()
        self._story = Deferred.fromCoroutine(self._run_story())
        self._story.addErrback(self._story_broke)

    def stopService(self) -> Deferred[None]:
        """End everything, the device first."""
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._story is not None:
            self._story.cancel()
        await maybeDeferred(self._simulator.disownServiceParent)
        await maybeDeferred(super().stopService)
        await maybeDeferred(self._smarthost.stopListening)
        await self._alarms.stop()

    def _story_broke(self, failure: Any) -> None:
        from twisted.internet.defer import CancelledError

        if not failure.check(CancelledError):
            self.log.failure("The demonstration broke", failure=failure)

    # -- what can be seen --

    def _mailed(self, path: Path) -> None:
        print_line(f"  The mail for it lies in {path}")
        if not self._arrived.called:
            self._arrived.callback(path)

    # -- the story --

    async def _run_story(self) -> None:
        await self._pause()
        while not await self._all_present():
            await self._pause()
        await self._pause()
        print_line("\nSomebody texts the SIM in line goip1:\n")
        self._simulator.device.lines["goip1"].receive_sms(SENDER, INCOMING)
        path = await self._arrived.addTimeout(PATIENCE, self.reactor)
        await self._pause()
        print_line("\n" + _indented(path.read_text(errors="replace")))
        print_line("\nSomebody sends an SMS over HTTP:\n")
        await self._send()
        await self._pause()
        await self._alarms.run()
        await self._pause()
        self._print_next_steps(path.parent)

    async def _pause(self) -> None:
        await deferLater(self.reactor, PAUSE)

    async def _all_present(self) -> bool:
        answer = await treq.get(self._url("lines"), headers=self._headers, timeout=PATIENCE)
        lines = (await answer.json())["lines"]
        return all(line["presence"] == "present" for line in lines)

    async def _send(self) -> None:
        url, headers = self._url("messages"), self._headers
        body = {"to": [RECIPIENT], "text": OUTGOING}
        answer = await treq.post(url, json=body, headers=headers, timeout=PATIENCE)
        accepted = await answer.json()
        message = accepted["messages"][0]["id"]
        print_line(f"  HTTP answered {answer.code}: message {message} is on disk")
        waited = 0.0
        while waited < PATIENCE:
            message_now = await (await treq.get(f"{url}/{message}", headers=headers)).json()
            if message_now["state"] not in ("queued", "sending"):
                return
            await self._pause()
            waited += PAUSE

    @property
    def _headers(self) -> dict[bytes | str, bytes | str]:
        return {"Authorization": f"Bearer {self.token}"}

    def _url(self, collection: str) -> str:
        return f"http://{LOOPBACK}:{self.http_port}/api/v1/{collection}"

    def _print_next_steps(self, mails: Path) -> None:
        print_line(
            f"""
That was one SMS in, one out, and one alarm. It all goes on until you press Ctrl-C. Try next:

  Send an SMS:
    curl -H 'Authorization: Bearer {self.token}' -H 'Content-Type: application/json' \\
      -d '{{"to": ["{RECIPIENT}"], "text": "Hello!"}}' {self._url("messages")}

  See what came in:
    curl -H 'Authorization: Bearer {self.token}' '{self._url("messages")}?direction=in'

  Read the mails: {mails}

  With a real GoIP, start the gateway with
    twistd -n goip --line goipid1:password1 --mail-to you@example.org --mail-from sms@example.org
  and type three things into the page of the line ("SMS Server"):
    SMS Server / port:  the address of this machine, 44444
    SMS Client ID:      goipid1
    Password:           password1
"""
        )


_SECRET = re.compile(r"(pass(?:word)?:)[^;]*|(PASSWORD \d+ )\S+")


def show_datagram(to_server: bool, datagram: bytes) -> None:
    """One datagram, its password hidden; keepalives are too many."""
    if datagram.startswith((b"req:", b"reg:")):
        return
    text = datagram.decode("utf-8", "replace").rstrip("\n")
    hidden = _SECRET.sub(lambda found: f"{found[1] or found[2]}***", text)
    print_line(f"    gateway {'<-' if to_server else '->'} device   {hidden}")


def _indented(text: str) -> str:
    return "\n".join(f"    | {line}" for line in text.rstrip().splitlines())

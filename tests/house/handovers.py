"""
How many files one SMS, one alarm or one keepalive goes through: a whole gateway
runs on loopback in this process, under a profiler that notes which file of the
product is called. What is around the gateway (a device, a smarthost, a client
of HTTP) is made here of what every version has: the wire, the settings and
C{goiptwist.tap}.

C{python handovers.py CHECKOUT} prints JSON; see L{tests.house.figures}.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import treq
from attrs import define, field
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import DatagramProtocol, Factory
from twisted.internet.task import deferLater
from twisted.mail import smtp
from zope.interface import implementer

reactor: Any = _reactor

HOST, LINE, PASSWORD, TOKEN = "127.0.0.1", "goip1", "secret1", "a-token-for-figures"
SENDER, RECIPIENT = "+36301234567", "+36307654321"
#: Much is imported at the first time; the last time counts.
ROUNDS = 3
#: Seconds within which a message has arrived.
PATIENCE = 30.0
#: Seconds in which what follows comes to rest: the end is written down.
REST = 0.5


@define
class Trail:
    """
    The files of the product in the order in which they are called.

    @ivar folder: of the product.
    """

    folder: str
    files: list[str] = field(factory=list)
    following: bool = False

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        """Called by the interpreter, in every thread."""
        if self.following and event == "call":
            file = frame.f_code.co_filename
            if file.startswith(self.folder) and (not self.files or self.files[-1] != file):
                self.files.append(file)

    @contextmanager
    def followed(self) -> Iterator[dict[str, int]]:
        """What is called meanwhile, in figures."""
        found: dict[str, int] = {}
        self.files.clear()
        self.following = True
        yield found
        self.following = False
        crossed = len(set(self.files))
        found["files"] = crossed
        found["hand-overs"] = len(self.files) - 1
        found["returns"] = len(self.files) - crossed


@implementer(smtp.IMessage, smtp.IMessageDelivery)
@define(eq=False)
class TakesMails:
    """A smarthost that notes that a mail came."""

    seen: list[str]

    def receivedHeader(self, *parts: object) -> bytes:
        return b"Received: here"

    def validateFrom(self, helo: object, origin: object) -> object:
        return origin

    def validateTo(self, user: object) -> Callable[[], TakesMails]:
        return lambda: self

    def lineReceived(self, line: bytes) -> None:
        pass

    def eomReceived(self) -> Deferred[None]:
        self.seen.append("mail")
        return succeed(None)

    def connectionLost(self) -> None:
        pass


@define(eq=False)
class PlainDevice(DatagramProtocol):
    """A device that sends what it is given, and notes the word of each datagram."""

    server: int
    seen: list[str]

    def startProtocol(self) -> None:
        self.transport.connect(HOST, self.server)

    def send(self, text: str) -> None:
        """Say something to the gateway."""
        self.transport.write(text.encode())

    def datagramReceived(self, datagram: bytes, addr: object) -> None:
        word, *rest = datagram.decode().replace(":", " ", 1).split()
        self.seen.append(word)
        if word == "MSG":
            self.send(f"PASSWORD {rest[0]}\n")
        elif word == "PASSWORD":
            self.send(f"SEND {rest[0]}\n")
        elif word == "SEND":
            self.send(f"OK {rest[0]} {rest[1]} 1\n")
        elif word == "DONE":
            self.send(f"DONE {rest[0]}\n")


@define(eq=False)
class Journeys:
    """
    What is sent through the gateway.

    @ivar cases: for each journey, how the n-th one begins, and what is seen at its end.
    """

    device: PlainDevice
    http: int

    @property
    def cases(self) -> dict[str, tuple[Callable[[int], object], str]]:
        return {
            "keepalive": (self.keepalive, "reg"),
            "SMS in, to the mail": (self.receive, "mail"),
            "SMS out, from HTTP to DONE": (self.submit, "DONE"),
            "alarm, from HTTP to the mail": (self.raise_alarm, "mail"),
        }

    def keepalive(self, number: int) -> None:
        """The line is there."""
        facts = "num:+3630;signal:20;gsm_status:LOGIN;"
        self.device.send(f"req:{number};id:{LINE};pass:{PASSWORD};{facts}")

    def receive(self, number: int) -> None:
        """An SMS came in."""
        head = f"RECEIVE:{number};id:{LINE};password:{PASSWORD};srcnum:{SENDER};"
        self.device.send(f"{head}msg:text {number}")

    def submit(self, number: int) -> None:
        """Somebody sends a text."""
        self._post("messages", {"to": [RECIPIENT], "text": f"text {number}"})

    def raise_alarm(self, number: int) -> None:
        """A panel reports."""
        self._post("alarms", {"event": f"1234,18,1,130,01,{number:03}"})

    def _post(self, path: str, body: dict[str, Any]) -> None:
        asked = treq.post(
            f"http://{HOST}:{self.http}/api/v1/{path}",
            json=body,
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        asked.addCallback(lambda response: response.content())


def free_port(kind: int) -> int:
    """A port that is free now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def configuration(udp: int, http: int, mails: int, state: Path) -> str:
    """A file with one line, one user, one bridge and one route."""
    return f"""
state = "{state}"
goip.listen = "{HOST}:{udp}"
http.listen = "{HOST}:{http}"
[[line]]
id = "{LINE}"
password = "{PASSWORD}"
[[user]]
name = "figures"
token = "{TOKEN}"
[bridge.mail]
kind = "mail"
to = ["ops@example.org"]
sender = "sms@example.org"
smarthost = "{HOST}:{mails}"
[[route]]
account = "*"
to = ["mail"]
"""


async def arrives(seen: list[str], what: str) -> None:
    """Wait until something is seen."""
    end = reactor.seconds() + PATIENCE
    while what not in seen:
        assert reactor.seconds() < end, f"{what} did not come, but {seen}"
        await deferLater(reactor, 0.01)


async def measure(folder: Path, trail: Trail) -> dict[str, dict[str, int]]:
    """Run a gateway, and send one of each through it, several times."""
    from goiptwist import tap

    seen: list[str] = []

    def smtp_side() -> smtp.ESMTP:
        protocol = smtp.ESMTP()
        protocol.delivery = TakesMails(seen)
        return protocol

    udp, http = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
    far = reactor.listenTCP(0, Factory.forProtocol(smtp_side), interface=HOST)
    file = folder / "goip.toml"
    file.write_text(configuration(udp, http, far.getHost().port, folder / "state"))
    options = tap.Options()
    options.parseOptions(["--config", str(file)])
    service = tap.makeService(options)
    service.startService()
    device = PlainDevice(udp, seen)
    reactor.listenUDP(0, device, interface=HOST)
    figures: dict[str, dict[str, int]] = {}
    for number in range(1, ROUNDS + 1):
        for name, (begin, end) in Journeys(device, http).cases.items():
            seen.clear()
            with trail.followed() as figures[name]:
                begin(number)
                await arrives(seen, end)
                await deferLater(reactor, REST)
    await service.stopService()
    return figures


def main() -> None:
    """Measure the checkout that the command line names."""
    root = Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(root))
    trail = Trail(f"{root}/goiptwist/")
    threading.setprofile(trail)
    sys.setprofile(trail)
    results: list[Any] = []

    def run(folder: Path) -> None:
        done = Deferred.fromCoroutine(measure(folder, trail))
        done.addBoth(results.append)
        done.addBoth(lambda _: reactor.stop())

    with tempfile.TemporaryDirectory() as folder:
        reactor.callWhenRunning(run, Path(folder))
        reactor.run()
    (found,) = results
    if hasattr(found, "raiseException"):
        found.raiseException()
    print(json.dumps(found), flush=True)
    os._exit(0)  # what is left open ends here


if __name__ == "__main__":
    main()

"""
The gateway of a benchmark: the whole service as C{twistd goip} runs it, with
its store on a real disk, its writer thread, and its log in a file.

It takes submissions from within the process, as a bridge makes them, and has a
bridge whose far side takes everything at once or is away.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, frozen
from twisted.internet import reactor
from twisted.logger import globalLogBeginner, textFileLogObserver
from twisted.python.logfile import LogFile
from zope.interface import implementer

from bench.alarming import Alarms
from bench.datagrams import name_of, password_of
from bench.orders import obey
from bench.submitting import ORIGIN, Submitter
from goiptwist.errors import TryLater
from goiptwist.gateway import kinds as kinds_module
from goiptwist.gateway.garbage import settle
from goiptwist.gateway.service import GatewayService
from goiptwist.gateway.settings import read_settings
from goiptwist.interfaces import IBridge, IConnectorKind, ITakesReports, Phase
from goiptwist.model.messages import Message
from goiptwist.store import lock
from goiptwist.web.service import HttpService

#: What clients of HTTP say.
TOKEN = "a-token-for-benchmarks"


@implementer(IBridge, ITakesReports)
@define(eq=False)
class Bridge:
    """
    @ivar away: whether the far side is not reached.
    @ivar reported: is told what became of a message.
    """

    away: bool
    reported: Callable[[Message], None]

    async def deliver(self, message: Message) -> None:
        """Take it, or not."""
        if self.away:
            raise TryLater("the far side of this benchmark is away", attempted=False)


@frozen
class Settings:
    """C{[bridge.NAME]} of kind C{bench}."""

    away: bool = False


@implementer(IConnectorKind)
class Kind:
    """Makes the bridge."""

    section, kind = "bridge", "bench"
    phase = Phase.BRIDGE
    settings = Settings

    def __init__(self, reported: Callable[[Message], None]) -> None:
        self.reported = reported

    def build(self, name: str, settings: Settings, gateway: object) -> Bridge:
        return Bridge(settings.away, self.reported)


def configuration(
    lines: int, away: bool, port: int = 0, http: str = "", station: int = 0
) -> dict[str, Any]:
    """What the configuration file would hold."""
    own = {ORIGIN.removeprefix("bridge:"): {"kind": "bench", "away": away}}
    call = {
        "kind": "contact-id-call",
        "uri": f"sip:9999@127.0.0.1:{station}",
        "local": "127.0.0.1:0",
    }
    return {
        "goip": {"listen": f"127.0.0.1:{port}"},
        "http": {"listen": http},
        "user": [{"name": "bench", "token": TOKEN}],
        "line": [{"id": name_of(n), "password": password_of(n)} for n in range(lines)],
        "bridge": {**own, "station": call} if station else own,
        "route": [{"account": "*", "to": ["station"]}] if station else [],
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.gatewayside")
    parser.add_argument("folder", type=Path, help="of the store and the log; it must be empty")
    parser.add_argument("--lines", type=int, default=1)
    parser.add_argument("--away", action="store_true", help="the bridge's far side is away")
    parser.add_argument("--http", action="store_true", help="speak HTTP too")
    parser.add_argument("--station", type=int, default=0, help="port of one that takes alarms")
    return parser.parse_args()


def main() -> None:
    """Run the gateway until the orders end."""
    core: Any = reactor
    given = _arguments()
    # As twistd does it: part of the price of every message.
    log = LogFile.fromFullPath(str(given.folder / "twistd.log"))
    globalLogBeginner.beginLoggingTo([textFileLogObserver(log)], redirectStandardIO=False)
    submitter = Submitter(core)
    kinds = [*kinds_module.connector_kinds(), Kind(submitter.reported)]
    kinds_module.connector_kinds = lambda: kinds
    settings = read_settings(
        configuration(
            given.lines,
            given.away,
            http="127.0.0.1:0" if given.http else "",
            station=given.station,
        ),
        "benchmark",
    )
    service = GatewayService(settings, given.folder, lock(given.folder), core)
    service.startService()
    core.addSystemEventTrigger("before", "shutdown", service.stopService)
    gateway = service.gateway
    submitter.submit = gateway.messaging.submit

    def standing() -> dict[str, Any]:
        writer = gateway.store.writer
        return {
            "present": sum(line.state == "present" for line in gateway.goip.lines.by_id.values()),
            "groups": writer.committed_groups,
            "items": writer.committed_items,
            "complaints": dict(gateway.rejections.counts),
        }

    port = gateway.goip.protocol.transport.getHost().port
    core.callWhenRunning(settle)
    ready = {"port": port}
    if given.http:
        http: Any = next(part for part in service if isinstance(part, HttpService))
        ready["http"] = http.ports[0].getHost().port
    alarms = Alarms(gateway.powers, core)
    obey({"standing": standing, "alarms": alarms.deliver, **submitter.orders}, ready)
    core.run()


if __name__ == "__main__":
    main()

"""
A whole listener in one file: programs on this machine connect by TCP, and each
line that they send is an SMS.

    +36301234567 The pump has stopped

is answered by C{OK} and the id of the message once it is on disk, or by C{NO} and
a sentence. Put it into any C{twisted/plugins/} on the Python path, and configure:

    [textport]
    user = "ops"
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import Attribute, frozen
from twisted.internet.defer import Deferred, DeferredList, DeferredLock
from twisted.internet.protocol import Factory, connectionDone
from twisted.plugin import IPlugin
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from goiptwist.config.values import HostPort, setting
from goiptwist.errors import GoipTwistError
from goiptwist.interfaces import (
    IChecksItself,
    IChecksSettings,
    IConnectorKind,
    IGateway,
    ISections,
    Phase,
)
from goiptwist.model.messages import Submission
from goiptwist.net.draining import Connections
from goiptwist.net.listening import ListenAddress, Listening


def _check_listen(_: Any, __: Attribute[HostPort], listen: HostPort) -> None:
    if not listen.is_loopback:
        raise ValueError("listen: must be on this machine, since nobody logs in")


@frozen(kw_only=True)
class TextPortSettings:
    user: str = setting("The name of the [[user]] on whose account SMS are sent.")
    listen: HostPort = setting(
        "Where to listen, host:port.",
        default=HostPort("127.0.0.1", 7070),
        validator=_check_listen,
    )


class TextPortConnection(LineOnlyReceiver):
    """One program. Its lines are answered in the order in which they come."""

    delimiter = b"\n"
    transport: Any

    def __init__(self, gateway: IGateway, origin: str, connections: Connections[Any]) -> None:
        self.gateway, self.origin, self.connections = gateway, origin, connections
        self.turns = DeferredLock()

    def connectionMade(self) -> None:
        self.connections.came(self)

    def lineReceived(self, line: bytes) -> None:
        self.turns.run(lambda: Deferred.fromCoroutine(self._submit(line)))

    async def _submit(self, line: bytes) -> None:
        number, _, text = line.decode("utf-8", "replace").strip().partition(" ")
        submission = Submission(origin=self.origin, recipients=(number,), text=text)
        try:
            [message] = await self.gateway.messages.submit(submission)
        except GoipTwistError as error:
            self.sendLine(f"NO {error}".encode())
        else:
            self.sendLine(f"OK {message.id}".encode())

    def leave(self) -> None:
        """The gateway stops: close after the answers that are under way."""
        self.turns.run(self.transport.loseConnection)

    def abort(self) -> None:
        """Close now."""
        self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.connections.went(self)


@implementer(IChecksItself)
class TextPort(Listening):
    """Listens while the gateway runs."""

    def __init__(self, settings: TextPortSettings, gateway: IGateway) -> None:
        self.settings = settings
        self.connections: Connections[TextPortConnection] = Connections(gateway.clock)
        origin = f"user:{settings.user}"
        factory = Factory.forProtocol(lambda: TextPortConnection(gateway, origin, self.connections))
        super().__init__(
            gateway.reactor, "Text port", [ListenAddress(settings.listen, "", factory)]
        )

    async def check(self) -> str:
        return f"SMS of {self.settings.user} are taken at {self.settings.listen}"

    def stopService(self) -> Deferred[Any]:
        super().stopService()
        return DeferredList([*self.close_ports(), self.connections.part()])


@implementer(IPlugin, IConnectorKind, IChecksSettings)
class TextPortKind:
    section, kind = "textport", ""
    settings = TextPortSettings
    phase = Phase.LISTENER

    def build(self, name: str, settings: TextPortSettings, gateway: IGateway) -> TextPort:
        return TextPort(settings, gateway)

    def faults(
        self, name: str, settings: TextPortSettings, sections: ISections
    ) -> Iterator[tuple[str, str]]:
        if settings.user not in [user.name for user in sections.rows("user")]:
            yield "[textport]", f"user: there is no user {settings.user!r}"


textport = TextPortKind()

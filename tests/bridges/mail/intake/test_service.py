"""How the intake starts and stops listening."""

import pytest
from twisted.internet import reactor
from twisted.internet.defer import execute
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs

from goiptwist.accounts.authenticator import Authenticator
from goiptwist.bridges.mail.intake.service import MailIntake
from goiptwist.bridges.mail.intake.settings import MailIntakeSettings
from goiptwist.config.values import HostPort
from goiptwist.errors import BadConfiguration
from tests.bridges.mail.intake.rig import TRUSTED, USERS, FakeRejections, FakeSubmission
from tests.bridges.mail.outgoing.smarthosts import Authority, free_port


def intake(core, **keys):
    return MailIntake(
        core,
        MailIntakeSettings(**{"trusted": TRUSTED, **keys}),
        "sms.example.org",
        accounts=Authenticator(USERS, core, execute),
        submission=FakeSubmission(),
        rejections=FakeRejections(),
    )


ANY = HostPort("127.0.0.1", 0)


class SilentClient(Protocol):
    """Connects, and says nothing."""

    lost = False

    def connectionLost(self, reason):
        self.lost = True


def test_where_it_listens(tmp_path):
    """On every address of the settings, IPv4 and IPv6, each with its protocol."""
    Authority(tmp_path).server("localhost")
    pem = str(tmp_path / "Test CA localhost.key")
    core = MemoryReactorClock()
    service = intake(
        core,
        listen=(HostPort("127.0.0.1", 25), HostPort("::1", 25)),
        listen_tls=(HostPort("127.0.0.1", 465),),
        lmtp=(HostPort("127.0.0.1", 24),),
        certificate=pem,
        private_key=pem,
    )
    with capturedLogs() as logs:
        service.privilegedStartService()
        service.startService()
    assert [(server[3], server[0]) for server in core.tcpServers] == [
        ("127.0.0.1", 25),
        ("::1", 25),
        ("127.0.0.1", 465),
        ("127.0.0.1", 24),
    ]
    assert [event["remark"] for event in logs if "remark" in event] == [
        " (listen)",
        " (listen)",
        " (listen_tls)",
        " (lmtp)",
    ]
    assert service.stopService().called
    assert service.ports == []


def test_nowhere():
    """Without an address nothing happens."""
    core = MemoryReactorClock()
    service = intake(core)
    service.startService()
    assert core.tcpServers == []
    assert service.stopService().called


class TakenPort(MemoryReactorClock):
    """A reactor on whose port 25 somebody listens already."""

    def listenTCP(self, port, factory, backlog=50, interface=""):
        if port == 25:
            raise CannotListenError(interface, port, OSError(98, "Address already in use"))
        return super().listenTCP(port, factory, backlog, interface)


def test_a_taken_port_is_a_sentence():
    """It names the address, the key and the cure; the other ports are closed again."""
    service = intake(TakenPort(), listen=(HostPort("::1", 24), HostPort("127.0.0.1", 25)))
    with pytest.raises(BadConfiguration) as problem:
        service.privilegedStartService()
    assert problem.value.problems == (
        "Mail cannot listen on 127.0.0.1:25 (listen): [Errno 98] Address already in use; "
        "is it running already?",
    )
    assert service.ports == []


@pytest.mark.real
async def test_stopping_closes_everything():
    """Idle clients are not waited for, and the ports can be taken again."""
    port = free_port()
    service = intake(reactor, listen=(HostPort("127.0.0.1", port),), lmtp=(ANY,))
    service.startService()
    clients = [
        await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", number), SilentClient())
        for number in (port, service.ports[1].getHost().port)
    ]
    while service.context.trusted_connections.total < 2:
        await deferLater(reactor, 0.01)
    await service.stopService()
    while not all(client.lost for client in clients):
        await deferLater(reactor, 0.01)
    assert service.context.trusted_connections.total == 0
    again = intake(reactor, listen=(HostPort("127.0.0.1", port),))
    again.startService()
    await again.stopService()

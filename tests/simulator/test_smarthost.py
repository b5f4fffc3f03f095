"""The smarthost of the demonstration keeps every mail of this machine, and no other."""

import email
import email.policy

import pytest
from twisted.internet import reactor
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import maybeDeferred
from twisted.internet.testing import StringTransport

from goiptwist.bridges.mail.outgoing.bridge import MailBridge
from goiptwist.bridges.mail.outgoing.settings import MailSettings
from goiptwist.bridges.mail.submission.tokens import AddressTokens
from goiptwist.config.values import HostPort
from goiptwist.model.delivery import Delivered
from goiptwist.simulator.smarthost import MAIL_AT_MOST, Smarthost
from goiptwist.testing.contract import HOSTILE_TEXTS
from goiptwist.testing.stubs import StandInGateway, sms

HERE = IPv4Address("TCP", "127.0.0.1", 1234)


@pytest.fixture
def kept():
    return []


@pytest.fixture
def smarthost(tmp_path, kept):
    return Smarthost(tmp_path / "demo" / "mail", kept.append)


class SmtpCaller:
    """Says something to the smarthost, and hears what it answers."""

    def __init__(self, smarthost):
        self.wire = StringTransport(peerAddress=HERE)
        self.conversation = smarthost.buildProtocol(HERE)
        self.conversation.makeConnection(self.wire)
        self.wire.clear()

    def say(self, *lines):
        self.wire.clear()
        self.conversation.dataReceived(b"".join(line + b"\r\n" for line in lines))
        return self.wire.value()

    def leave(self):
        self.conversation.connectionLost(None)


def envelope(*recipients):
    asked = [b"RCPT TO:<" + to + b">" for to in recipients]
    return [b"EHLO me", b"MAIL FROM:<sms@example.org>", *asked, b"DATA"]


def test_a_mail_is_a_file(smarthost, kept):
    """Each recipient's copy can be read with cat."""
    caller = SmtpCaller(smarthost)
    caller.say(*envelope(b"a@example.org", b"b@example.org"))
    assert kept == []
    assert caller.say(b"Subject: x", b"", b"..dot", b".").startswith(b"250 ")
    assert [path.read_text() for path in kept] == [
        f"Delivered-To: {to}@example.org\nSubject: x\n\n.dot\n" for to in "ab"
    ]
    assert sorted((smarthost.maildir_path / "new").iterdir()) == sorted(kept)
    caller.leave()


def test_a_text_is_legible(smarthost, kept):
    """An encoded text is unpacked; what cannot be unpacked stays as it came."""
    plain = b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: "
    packed = plain + b"base64\n\nxZFy\n"
    assert smarthost.keep(packed).read_text() == plain.decode() + "8bit\n\nőr"
    for odd in (b"", b"\n\n", b"x", packed.replace(b"utf-8", b"utf-99"), b"\xff: \0\n\n\xff"):
        assert smarthost.keep(odd).read_bytes() == odd


def test_half_a_mail_is_none(smarthost, kept):
    """Who hangs up before the dot has sent nothing."""
    caller = SmtpCaller(smarthost)
    caller.say(*envelope(b"a@example.org"), b"Subject: x")
    caller.leave()
    assert kept == []


def test_too_long(smarthost, kept):
    """A mail without end is refused, and the conversation goes on."""
    caller = SmtpCaller(smarthost)
    caller.say(*envelope(b"a@example.org"), b"Subject: x", b"")
    answer = caller.say(*[b"x" * 1000] * (MAIL_AT_MOST // 1000 + 1), b".")
    assert answer == b"552 Too long\r\n"
    assert kept == []
    caller.leave()


@pytest.mark.parametrize("command", [b"AUTH", b"AUTH PLAIN AAAA", b"STARTTLS", b"", b"\xff"])
def test_odd_commands(smarthost, command):
    """It says no, and stays."""
    caller = SmtpCaller(smarthost)
    assert caller.say(command)[:1] in (b"4", b"5")
    assert caller.say(b"NOOP")[:3] in (b"250", b"500")
    caller.leave()


@pytest.mark.parametrize("host", ["192.0.2.1", "10.0.0.1", "0.0.0.0"])
def test_others_are_not_answered(smarthost, host):
    """It is for this machine only."""
    assert smarthost.buildProtocol(IPv4Address("TCP", host, 1)) is None


def test_this_machine_has_two_addresses(smarthost):
    """Both protocols' loopback is this machine."""
    assert smarthost.buildProtocol(IPv6Address("TCP", "::1", 1)) is not None
    assert smarthost.buildProtocol(HERE) is not None


@pytest.mark.real
async def test_the_bridge_and_the_smarthost(smarthost, kept):
    """What the mail bridge sends, the demonstration shows."""
    port = reactor.listenTCP(0, smarthost, interface="127.0.0.1")
    settings = MailSettings(
        to=("ops@example.org",),
        sender="sms@example.org",
        smarthost=HostPort("127.0.0.1", port.getHost().port),
    )
    bridge = MailBridge(
        "mail", settings, reactor, b"gw", AddressTokens(bytes(32)), StandInGateway(reactor, reactor)
    )
    try:
        for text in HOSTILE_TEXTS:
            assert isinstance(await bridge.deliver(sms(text)), Delivered)
    finally:
        await maybeDeferred(port.stopListening)
    mails = [email.message_from_bytes(p.read_bytes(), policy=email.policy.default) for p in kept]
    assert len(mails) == len(HOSTILE_TEXTS)
    assert {mail["Delivered-To"] for mail in mails} == {"ops@example.org"}
    assert "árvíztűrő tükörfúrógép\n" in [mail.get_content() for mail in mails]

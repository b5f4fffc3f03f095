"""The conversation with a smarthost, step by step, with a clock of our own."""

import pytest
from attrs import define, field
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from goiptwist.bridges.mail.outgoing.credentials import SmarthostCredentials
from goiptwist.bridges.mail.outgoing.smtp_client import (
    PATIENCE,
    QUIT_TIMEOUT,
    OutgoingEnvelope,
    SmarthostClient,
    TlsPolicy,
    offered,
)
from goiptwist.bridges.mail.outgoing.verdict import SmarthostReply
from goiptwist.errors import TryLater

IN_CLEAR = TlsPolicy(starttls=None, required=False, clear_login=True)
ENVELOPE = OutgoingEnvelope("sms@example.org", ("ops@example.org",), b"Subject: x\r\n\r\n.dot\r\n")
TIMEOUT = 60.0


class Wire(StringTransport):
    """A connection that ends when it is told to."""

    def setTcpNoDelay(self, enabled):
        pass

    def loseConnection(self):
        super().loseConnection()
        self.protocol.connectionLost(Failure(ConnectionDone()))

    abortConnection = loseConnection


@define
class ScriptedSmarthost:
    """What the far end says and hears."""

    login: object = None
    security: object = IN_CLEAR
    language: object = SmarthostClient
    envelope: object = ENVELOPE
    clock: object = field(factory=Clock)
    wire: object = field(factory=Wire)
    results: list = field(factory=list)
    dialogue: object = None

    def __attrs_post_init__(self):
        self.dialogue = self.language(
            self.clock, b"gw", self.security, self.login, self.envelope, TIMEOUT
        )
        self.dialogue.finished.addBoth(self.results.append)
        self.wire.protocol = self.dialogue
        self.dialogue.makeConnection(self.wire)

    def says(self, answer):
        self.dialogue.dataReceived(answer)

    def hears(self, expected):
        while self.wire.producer:
            self.wire.producer.resumeProducing()
        assert self.wire.value() == expected
        self.wire.clear()

    def takes_the_mail(self):
        self.says(b"220 hi\r\n")
        self.hears(b"EHLO gw\r\n")
        self.says(b"250 hi\r\n")
        self.hears(b"MAIL FROM:<sms@example.org>\r\n")
        self.says(b"250 ok\r\n")
        self.hears(b"RCPT TO:<ops@example.org>\r\n")
        self.says(b"250 ok\r\n")
        self.hears(b"DATA\r\n")
        self.says(b"354 go on\r\n")
        self.hears(b"Subject: x\r\n\r\n..dot\r\n.\r\n")
        self.says(b"250 taken\r\n")
        self.hears(b"QUIT\r\n")

    def trouble(self):
        """The reason why it did not work, with nothing left ticking."""
        [failure] = self.results
        assert self.wire.disconnecting
        assert self.clock.getDelayedCalls() == []
        failure.trap(TryLater)
        return str(failure.value)


def test_a_mail():
    """RFC 5321 appendix D.1, without the detours."""
    smarthost = ScriptedSmarthost()
    smarthost.takes_the_mail()
    assert smarthost.results == []
    smarthost.says(b"221 bye\r\n")
    assert smarthost.results == [smarthost.dialogue]
    assert smarthost.dialogue.replies == {"ops@example.org": SmarthostReply(250, "taken")}
    assert smarthost.clock.getDelayedCalls() == []


def test_silence():
    """Each answer may take as long as the settings say, and no longer."""
    smarthost = ScriptedSmarthost()
    for answer in (b"220-hi\r\n", b"220 hi\r\n", b"250 hi\r\n"):
        smarthost.clock.advance(TIMEOUT - 1)
        smarthost.says(answer)
    smarthost.clock.advance(TIMEOUT)
    assert smarthost.trouble() == "the smarthost did not answer within 60 s"


def test_a_lost_goodbye():
    """After the yes, a smarthost that does not hang up is hung up on; the yes stays."""
    smarthost = ScriptedSmarthost()
    smarthost.takes_the_mail()
    smarthost.clock.advance(QUIT_TIMEOUT)
    assert smarthost.results == [smarthost.dialogue]
    assert smarthost.clock.getDelayedCalls() == []


def test_a_yes_cannot_be_called_off():
    """Who cancels after the yes gets the yes."""
    smarthost = ScriptedSmarthost()
    smarthost.takes_the_mail()
    smarthost.dialogue.finished.cancel()
    assert smarthost.results == [smarthost.dialogue]
    assert smarthost.wire.disconnecting


def test_called_off():
    """Before that the connection is closed at once."""
    smarthost = ScriptedSmarthost()
    smarthost.says(b"220 hi\r\n")
    smarthost.dialogue.finished.cancel()
    assert smarthost.results[0].check(CancelledError)
    assert smarthost.wire.disconnecting
    assert smarthost.clock.getDelayedCalls() == []


def test_one_word_a_minute():
    """Who answers just in time for ever is hung up on all the same."""
    smarthost = ScriptedSmarthost()
    for _ in range(PATIENCE + 1):
        smarthost.clock.advance(TIMEOUT - 1)
        smarthost.says(b"220-wait\r\n")
    smarthost.clock.advance(TIMEOUT - 1)
    smarthost.says(b"220-wait\r\n")
    assert smarthost.trouble() == "the smarthost does not stop talking"


def test_helo_is_said_once():
    """A smarthost from before ESMTP is greeted the old way, but only once."""
    smarthost = ScriptedSmarthost()
    smarthost.says(b"220 hi\r\n")
    smarthost.hears(b"EHLO gw\r\n")
    smarthost.says(b"500 what?\r\n")
    smarthost.hears(b"HELO gw\r\n")
    smarthost.says(b"500 what?\r\n")
    smarthost.hears(b"QUIT\r\n")
    smarthost.says(b"221 bye\r\n")
    assert "500 what?" in smarthost.trouble()


def test_a_password_stays_off_the_network_in_clear():
    """An attacker who takes the STARTTLS out of the offer gets no password."""
    smarthost = ScriptedSmarthost(
        login=SmarthostCredentials(b"goip", b"horse"),
        security=TlsPolicy(starttls=object(), required=False, clear_login=False),
    )
    smarthost.says(b"220 hi\r\n")
    smarthost.hears(b"EHLO gw\r\n")
    smarthost.says(b"250-hi\r\n250 AUTH PLAIN\r\n")
    smarthost.hears(b"QUIT\r\n")
    smarthost.says(b"221 bye\r\n")
    assert "the password is not said in clear" in smarthost.trouble()


@pytest.mark.parametrize("challenge", [b"334 !\r\n", b"334 \r\n", b"334 AAAA\r\n"])
def test_challenges_without_end(challenge):
    """A smarthost that only ever asks gets tired before we do."""
    smarthost = ScriptedSmarthost(login=SmarthostCredentials(b"goip", b"horse"))
    smarthost.says(b"220 hi\r\n")
    smarthost.says(b"250-hi\r\n250 AUTH CRAM-MD5\r\n")
    smarthost.says(challenge)
    for _ in range(1000):
        if not smarthost.results:
            smarthost.says(challenge)
    assert smarthost.trouble().startswith("the smarthost")


def test_nothing_is_kept_of_the_conversation():
    """The record of the stock client would hold the password."""
    login = SmarthostCredentials(b"goip", b"right horse")
    smarthost = ScriptedSmarthost(login=login)
    smarthost.says(b"220 hi\r\n250-hi\r\n250 AUTH LOGIN\r\n")
    assert smarthost.dialogue.log.str() == b""
    assert "horse" not in f"{login!r} {smarthost.dialogue!r}"


@pytest.mark.parametrize(
    ("answer", "items"),
    [
        (b"gw", {}),
        (b"STARTTLS", {}),  # a host of that name
        (
            b"gw\nstarttls\nAuth plain LOGIN\n",
            {b"STARTTLS": b"", b"AUTH": b"plain LOGIN", b"": b""},
        ),
        (b"gw\n\n \nSIZE 1000", {b"": b"", b"SIZE": b"1000"}),
    ],
)
def test_offers(answer, items):
    """Keywords are read in any case; empty lines and the greeting offer nothing."""
    assert offered(answer) == items


def test_every_cut_of_a_conversation():
    """However the network cuts the bytes, the conversation is the same."""
    for size in (1, 2, 3, 7):
        smarthost = ScriptedSmarthost()
        said = b"220 hi\r\n250 hi\r\n250 ok\r\n250 ok\r\n"
        for start in range(0, len(said), size):
            smarthost.says(said[start : start + size])
        assert smarthost.wire.value().endswith(b"DATA\r\n")
        smarthost.dialogue.finished.cancel()

"""LMTP to a neighbour: one answer for each recipient, after the dot, in order (RFC 2033)."""

import pytest
from twisted.internet import reactor
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from goiptwist.bridges.mail.outgoing.credentials import SmarthostCredentials
from goiptwist.bridges.mail.outgoing.lmtp_client import LmtpSmarthostClient
from goiptwist.bridges.mail.outgoing.smtp_client import OutgoingEnvelope
from goiptwist.bridges.mail.outgoing.verdict import NO_REPLY, SmarthostReply
from goiptwist.bridges.mail.submission.smtp_reply import SmtpReply as Answer
from goiptwist.config.values import HostPort, Password
from goiptwist.errors import Refused, TryLater
from goiptwist.model.delivery import Delivered
from goiptwist.testing.contract import outcome
from goiptwist.testing.stubs import sms
from tests.bridges.mail.intake.test_service import ANY, intake
from tests.bridges.mail.outgoing.smarthosts import Authority, mail_bridge, saying, scripted_server
from tests.bridges.mail.outgoing.test_smtp_client import TIMEOUT, ScriptedSmarthost

A, B, C = "a@example.org", "b@example.org", "c@example.org"
ENVELOPE = OutgoingEnvelope("sms@example.org", (A, B, C), b"Subject: x\r\n\r\n.dot\r\n")


def neighbour(**keys):
    return ScriptedSmarthost(language=LmtpSmarthostClient, envelope=ENVELOPE, **keys)


def ready_for(host, *answers):
    """All up to the dot, with these answers to the recipients."""
    host.says(b"220 hi\r\n")
    host.hears(b"LHLO gw\r\n")
    host.says(b"250-hi\r\n250 PIPELINING\r\n")
    host.hears(b"MAIL FROM:<sms@example.org>\r\n")
    host.says(b"250 ok\r\n")
    for to, answer in zip((A, B, C), answers, strict=True):
        host.hears(b"RCPT TO:<%s>\r\n" % to.encode())
        host.says(answer)
    if any(answer.startswith(b"250") for answer in answers):
        host.hears(b"DATA\r\n")
        host.says(b"354 go on\r\n")
        host.hears(b"Subject: x\r\n\r\n..dot\r\n.\r\n")


def fates(host):
    """What it came to, with nothing left ticking."""
    assert host.clock.getDelayedCalls() == []
    assert host.results == [host.dialogue]
    return host.dialogue.replies


def test_an_answer_for_each():
    """The example of RFC 2033 section 4.2: the refused one gets no second answer."""
    host = neighbour()
    ready_for(host, b"250 ok\r\n", b"550 nobody\r\n", b"250 ok\r\n")
    host.says(b"250 taken\r\n")
    host.hears(b"")
    host.says(b"452-mailbox\r\n452 is full\r\n")
    host.hears(b"QUIT\r\n")
    host.says(b"221 bye\r\n")
    assert fates(host) == {
        A: SmarthostReply(250, "taken"),
        B: SmarthostReply(550, "nobody"),
        C: SmarthostReply(452, "mailbox is full"),
    }


def test_all_in_one_go():
    """A network may bring all answers together."""
    host = neighbour()
    ready_for(host, b"250 ok\r\n", b"250 ok\r\n", b"250 ok\r\n")
    host.says(b"250 1\r\n550 2\r\n450 3\r\n221 bye\r\n")
    assert [fate.code for fate in fates(host).values()] == [250, 550, 450]


def test_nobody_is_taken():
    """Then there is no DATA, and the answers to RCPT are the last ones."""
    host = neighbour()
    ready_for(host, b"450 later\r\n", b"550 never\r\n", b"450 later\r\n")
    host.hears(b"QUIT\r\n")
    host.says(b"221 bye\r\n")
    assert [fate.code for fate in fates(host).values()] == [450, 550, 450]


def test_data_is_refused():
    """Before the dot there is one answer for all, as in SMTP."""
    host = neighbour()
    host.says(b"220 hi\r\n250 hi\r\n250 ok\r\n250 ok\r\n550 nobody\r\n250 ok\r\n451 disk full\r\n")
    host.says(b"221 bye\r\n")
    assert fates(host) == {
        A: SmarthostReply(451, "disk full"),
        B: SmarthostReply(550, "nobody"),
        C: SmarthostReply(451, "disk full"),
    }


def gone(host):
    host.dialogue.connectionLost(Failure(ConnectionDone()))


def silent(host):
    host.clock.advance(TIMEOUT)


def noisy(host):
    host.says(b"noise\r\n")


def called_off(host):
    host.dialogue.finished.cancel()


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (gone, "the connection was lost before the smarthost answered"),
        (silent, "the smarthost did not answer within 60 s"),
        (noisy, "the smarthost talks nonsense: 'noise'"),
        (called_off, "the delivery was called off"),
    ],
)
def test_broken_off_among_the_answers(how, words):
    """Who was said to have it has it, and is not asked again; the others are put off."""
    host = neighbour()
    ready_for(host, b"250 ok\r\n", b"550 nobody\r\n", b"250 ok\r\n")
    host.says(b"250 taken\r\n")
    how(host)
    assert fates(host) == {
        A: SmarthostReply(250, "taken"),
        B: SmarthostReply(550, "nobody"),
        C: SmarthostReply(NO_REPLY, words),
    }
    assert str(host.dialogue.replies[C]) == words
    assert not host.dialogue.replies[C].final


def test_no_lmtp_is_spoken():
    """An SMTP server does not know LHLO (RFC 2033 section 4.1); EHLO is not tried."""
    host = neighbour(login=SmarthostCredentials(b"goip", b"horse"))
    host.says(b"220 hi\r\n")
    host.hears(b"LHLO gw\r\n")
    host.says(b"500 what? horse\r\n")
    host.hears(b"QUIT\r\n")
    host.says(b"221 bye\r\n")
    assert host.trouble() == "the smarthost does not want to talk LMTP to us: 500 what? ***"


def test_many_recipients_are_no_flood():
    """Two answers for each of a thousand are not too much."""
    many = tuple(f"{n}@example.org" for n in range(1000))
    host = ScriptedSmarthost(
        language=LmtpSmarthostClient, envelope=OutgoingEnvelope("a@b.org", many, b"x\r\n")
    )
    host.says(b"220 hi\r\n250 hi\r\n250 ok\r\n" + b"250 ok\r\n" * 1000 + b"354 go on\r\n")
    host.wire.producer.resumeProducing()
    host.wire.producer.resumeProducing()
    host.says(b"250 taken\r\n" * 1000 + b"221 bye\r\n")
    assert set(fates(host)) == set(many)


# The whole bridge, with our own intake at the other end

THREE = {"to": (A,), "cc": (B,), "bcc": (C,), "lmtp": True}


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.mark.real
async def test_each_recipient_alone():
    """Nobody gets it twice, and the journey tells of each."""
    server = intake(reactor, lmtp=(ANY,))
    server.startService()
    submission = server.context.submission
    submission.refused[B] = Answer(550, "5.1.1", "No such number")
    submission.replies[C] = Answer(451, "4.3.0", "Disk full")
    bridge = mail_bridge(reactor, server.ports[0].getHost().port, **THREE)
    assert await bridge.deliver_to(sms(), A) == Delivered("250 2.0.0 Queued")
    with pytest.raises(Refused, match=f"{B}: 550 5.1.1 No such number"):
        await bridge.deliver_to(sms(), B)
    with pytest.raises(TryLater, match=f"put it off: {C}: 451 4.3.0 Disk full"):
        await bridge.deliver_to(sms(), C)
    submission.replies.clear()
    assert await bridge.deliver_to(sms(), C) == Delivered("250 2.0.0 Queued")
    found = await bridge.check()
    await server.stopService()
    assert [recipients for _, _, recipients, _ in submission.taken] == [(A,), (C,), (C,)]
    assert "answers in LMTP, without TLS, not logged in" in found


@pytest.mark.real
async def test_refused_for_all():
    """Then, and only then, it is never."""
    server = intake(reactor, lmtp=(ANY,))
    server.startService()
    server.context.submission.replies = {to: Answer(554, "5.6.0", "No") for to in (A, B, C)}
    bridge = mail_bridge(reactor, server.ports[0].getHost().port, **THREE)
    error = await outcome(bridge, sms())
    await server.stopService()
    assert isinstance(error, Refused)


@pytest.mark.real
async def test_tls_and_login(authority):
    """STARTTLS and AUTH are as in SMTP."""
    authority.server("localhost")
    pem = str(authority.kept("localhost"))
    server = intake(reactor, lmtp=(ANY,), certificate=pem, private_key=pem, trusted=())
    server.startService()
    port = server.ports[0].getHost().port
    bridge = mail_bridge(
        reactor,
        port,
        smarthost=HostPort("localhost", port),
        tls="verified",
        ca=authority.pem,
        username="ascii",
        password=Password("right horse"),
        **THREE,
    )
    assert isinstance(await outcome(bridge, sms()), Delivered)
    assert "logged in with PLAIN" in await bridge.check()
    await server.stopService()
    [(client, _, recipients, _)] = server.context.submission.taken
    assert (client.protocol, client.tls, client.user.name) == ("lmtp", True, "ascii")
    assert recipients == (A, B, C)


@pytest.mark.real
async def test_lost_among_the_answers():
    """After the first yes the connection goes; the others have had no reply."""
    answers = [b"220 hi\r\n", b"250 hi\r\n", *[b"250 ok\r\n"] * 4, b"354 go on\r\n"]

    def conversation(heard, connection):
        saying(*answers)(heard, connection)
        while heard.readline() != b".\r\n":
            pass
        connection.sendall(b"250 taken\r\n")

    with scripted_server(conversation) as port:
        bridge = mail_bridge(reactor, port, **THREE)
        error = await outcome(bridge, sms())
    assert isinstance(error, TryLater)
    assert error.attempted
    assert str(error) == (
        f"the smarthost put it off: {B}, {C}: the connection was lost before the smarthost answered"
    )

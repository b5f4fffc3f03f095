"""
A real Postfix hands mail on to us by LMTP, with the very lines of
C{etc/postfix}: who is refused, who waits, and that nothing becomes two SMS.
"""

import smtplib
from pathlib import Path

import pytest
import pytest_twisted
from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import execute
from twisted.internet.threads import deferToThread

from goiptwist.accounts.authenticator import Authenticator
from goiptwist.bridges.mail.intake.service import MailIntake
from goiptwist.bridges.mail.intake.settings import MailIntakeSettings
from goiptwist.bridges.mail.reading.extraction import ReadingSettings
from goiptwist.bridges.mail.submission.addresses import AddressPlan, reply_address
from goiptwist.bridges.mail.submission.service import MailSubmission
from goiptwist.bridges.mail.submission.tokens import DAY, AddressTokens, ReplyGrant
from goiptwist.config.values import HostPort, Network
from goiptwist.errors import StoreUnavailable, Unacceptable
from goiptwist.testing.stubs import StandInGateway, StandInMessages
from tests.bridges.mail.intake.rig import FakeRejections
from tests.bridges.mail.outgoing.postfix import NEEDS_POSTFIX, running, until
from tests.bridges.mail.outgoing.smarthosts import free_port

pytestmark = [pytest.mark.real, NEEDS_POSTFIX]

LINES = Path(__file__).parents[4] / "etc" / "postfix"
DOMAIN = "sms.example.org"
ANN = "ann@example.org"
GOOD, OTHER = f"+36301111111@{DOMAIN}", f"goip1.0036302222222@{DOMAIN}"


@define(eq=False)
class NotingGateway(StandInGateway):
    """
    @ivar full: whether the store cannot keep anything.
    @ivar refused: numbers to which nothing can be sent.
    """

    full: bool = False
    refused: set = field(factory=set)

    def __attrs_post_init__(self):
        super().__attrs_post_init__()
        self.messages = NotingMessages(self)


class NotingMessages(StandInMessages):
    async def submit(self, submission):
        if self.gateway.full:
            raise StoreUnavailable("the disk is full")
        if self.gateway.refused & set(submission.recipients):
            raise Unacceptable("to", "Nothing is sent to this number")
        return await super().submit(submission)


def sent(gateway):
    return [(s.recipients, s.text) for s in gateway.submissions]


def written(name, *changes):
    """One of the files, with what we need otherwise; whatever is changed must stand there."""
    text = (LINES / name).read_text()
    for meant, own in changes:
        assert meant in text
        text = text.replace(meant, own)
    return text


def postfix_for(port, *changes, extra=""):
    """A Postfix with those lines, in which only the places are ours."""
    table = ("/etc/postfix/", "$config_directory/")
    place = ("127.0.0.1:2424", f"127.0.0.1:{port}")
    lines = written("main.cf", table, *changes) + SOON + extra
    return running(lines, sms_transport=written("sms_transport", place))


#: Postfix tries again for days; a test has seconds.
SOON = """
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
"""


@pytest.fixture(scope="module")
def lmtp_port():
    return free_port()


@pytest.fixture(scope="module")
def postfix(lmtp_port):
    with postfix_for(lmtp_port) as made:
        yield made


class MailHost:
    """Our intake, with the real submission, before a gateway that only notes."""

    def __init__(self, port):
        self.port = port
        self.gateway = NotingGateway(reactor, reactor)
        self.tokens = AddressTokens(bytes(range(32)))
        self.grant = ReplyGrant("bridge:ops", "goip1")
        self.tokens.know([self.grant])
        self.intake = None

    def opens(self, *, trusting):
        submission = MailSubmission(
            self.gateway,
            DOMAIN,
            AddressPlan(lines=("goip1", "goip2"), pools=("default",), country="HU"),
            self.tokens,
            ReadingSettings(segments=3),
            execute,
        )
        trusted = (Network.from_setting("127.0.0.1"),) if trusting else ()
        self.intake = MailIntake(
            reactor,
            MailIntakeSettings(lmtp=(HostPort("127.0.0.1", self.port),), trusted=trusted),
            DOMAIN,
            accounts=Authenticator((), reactor, execute),
            submission=submission,
            rejections=FakeRejections(),
        )
        self.intake.startService()

    async def closes(self):
        if self.intake is not None:
            await self.intake.stopService()
            self.intake = None


@pytest_twisted.async_yield_fixture
async def host(lmtp_port):
    made = MailHost(lmtp_port)
    yield made
    await made.closes()


async def mailed(postfix, *recipients, text="Pump 3 stopped", sender=ANN, known="1"):
    """
    A mail by way of Postfix.

    @return: whom it refused while we were connected, with what it said.
    """
    letter = f"From: {sender}\r\nMessage-ID: <{known}@example.org>\r\n\r\n{text}\r\n"

    def client():
        with smtplib.SMTP("127.0.0.1", postfix.port, timeout=60) as server:
            try:
                return server.sendmail(sender, recipients, letter)
            except smtplib.SMTPRecipientsRefused as refused:
                return refused.recipients

    return await deferToThread(client)


def all_gone(postfix):
    return lambda: not postfix.queue()


async def test_one_is_refused_while_the_sender_is_there(postfix, host):
    """Postfix asks us about each address first: no bounce is ever written."""
    host.opens(trusting=True)
    bounces = len(postfix.inbox())
    refused = await mailed(postfix, GOOD, f"nobody@{DOMAIN}", OTHER)
    await until(lambda: len(host.gateway.submissions) == 2 and not postfix.queue(), "it is taken")
    assert list(refused) == [f"nobody@{DOMAIN}"]
    code, words = refused[f"nobody@{DOMAIN}"]
    assert code == 550
    assert b"5.1.1" in words
    assert sorted(sent(host.gateway)) == [
        (("+36301111111",), "Pump 3 stopped"),
        (("+36302222222",), "Pump 3 stopped"),
    ]
    assert len(postfix.inbox()) == bounces


async def test_one_is_refused_after_the_dot(postfix, host):
    """Each recipient has an answer of his own, so only that one comes back."""
    host.opens(trusting=True)
    host.gateway.refused = {"+36302222222"}
    assert await mailed(postfix, GOOD, OTHER, known="2") == {}
    [bounce] = await until(postfix.inbox, "the bounce")
    report = bounce.get_payload(1).get_payload()
    named = [part["Final-Recipient"] for part in report if part["Final-Recipient"]]
    assert named == [f"rfc822; {OTHER}"]
    assert "Nothing is sent to this number" in bounce.as_string()
    assert sent(host.gateway) == [(("+36301111111",), "Pump 3 stopped")]
    await until(all_gone(postfix), "the queue is empty")


async def test_nothing_is_lost_while_we_cannot_keep_it(postfix, host):
    """A full disk is 4xx: Postfix keeps the mail, tries again, and there is one SMS."""
    host.opens(trusting=True)
    host.gateway.full = True
    assert await mailed(postfix, GOOD, known="3") == {}
    [(to, reason)] = await until(
        lambda: [waits for waits in postfix.queue() if waits[1]], "it waits with a reason"
    )
    assert to == GOOD
    assert "451 4.3.0 the disk is full" in reason
    assert host.gateway.submissions == []
    host.gateway.full = False
    await until(all_gone(postfix), "the queue is empty")
    assert sent(host.gateway) == [(("+36301111111",), "Pump 3 stopped")]


async def test_nothing_is_lost_while_we_are_away(postfix, host):
    """The gateway may be restarted whenever one likes."""
    host.opens(trusting=True)
    assert await mailed(postfix, GOOD, text="first", known="4") == {}
    await until(lambda: host.gateway.submissions and not postfix.queue(), "it is taken")
    await host.closes()
    assert await mailed(postfix, GOOD, text="second", known="5") == {}
    await until(lambda: any(reason for _, reason in postfix.queue()), "it waits with a reason")
    host.opens(trusting=True)
    await until(all_gone(postfix), "the queue is empty")
    assert [text for _, text in sent(host.gateway)] == ["first", "second"]


async def test_without_trust_only_answers_get_through(postfix, host):
    """A stranger from the Internet, whose mail Postfix takes, has no SMS to give away."""
    host.opens(trusting=False)
    until_tomorrow = reactor.seconds() + DAY
    answer = reply_address(host.tokens, host.grant, "+36303333333", until_tomorrow, DOMAIN)
    refused = await mailed(postfix, f"+36304444444@{DOMAIN}", answer, known="6")
    assert list(refused) == [f"+36304444444@{DOMAIN}"]
    code, words = refused[f"+36304444444@{DOMAIN}"]
    assert code == 550
    assert b"5.7.1" in words
    await until(lambda: host.gateway.submissions and not postfix.queue(), "it is taken")
    assert sent(host.gateway) == [(("+36303333333",), "Pump 3 stopped")]


@pytest.mark.parametrize(("networks", "code"), [("192.0.2.0/24", 554), ("127.0.0.0/8", None)])
async def test_only_our_users(lmtp_port, host, networks, code):
    """The second form: Postfix itself refuses strangers, and the gateway trusts it."""
    host.opens(trusting=True)
    second = (
        ("\nsmtpd_recipient_restrictions", "\n# was"),
        ("\n#smtpd_recipient_restrictions", "\nsmtpd_recipient_restrictions"),
    )
    with postfix_for(lmtp_port, *second, extra=f"mynetworks = {networks}\n") as postfix:
        refused = await mailed(postfix, GOOD)
        if code is None:
            await until(all_gone(postfix), "it is taken")
    if code is None:
        assert (refused, len(host.gateway.submissions)) == ({}, 1)
    else:
        assert refused[GOOD][0] == code
        assert refused[GOOD][1].endswith(b"Only our users can send SMS")
        assert host.gateway.submissions == []

"""The mail bridge before real SMTP servers: what they do, and what becomes of the mail."""

import pytest
from twisted.internet import reactor
from twisted.logger import LogLevel, capturedLogs

from goiptwist.bridges.mail.kind import MailKind
from goiptwist.config.values import HostPort, Password
from goiptwist.errors import Refused, TryLater
from goiptwist.interfaces import IConnectorKind, IDeliversEach
from goiptwist.model.delivery import Delivered
from goiptwist.testing.contract import outcome
from goiptwist.testing.stubs import StandInGateway, sms
from tests.bridges.mail.outgoing.smarthosts import (
    Mailbox,
    each_recipient,
    free_port,
    mail_bridge,
    outcome_of,
    saying,
    scripted_server,
    smtp_server,
)
from tests.bridges.mail.outgoing.test_composition import author_of

pytestmark = [
    pytest.mark.real,
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS"),
]

TWO = ("ops@example.org", "boss@example.org")
COPIES = {"to": TWO[:1], "cc": TWO[1:], "bcc": ("archive@example.org",)}
LOGIN = {"username": "goip", "password": Password("right horse")}


@pytest.fixture
def mailbox():
    return Mailbox()


def recipients(mailbox):
    return [envelope.rcpt_tos for envelope in mailbox.taken]


# Plain deliveries


async def test_accepted(mailbox):
    """The smarthost's words are the detail; the envelope is ours, not the SMS's."""
    with smtp_server(mailbox) as port:
        answer = await outcome(mail_bridge(reactor, port, to=TWO), sms())
    assert answer == Delivered(detail="250 2.0.0 queued as 1")
    [envelope] = mailbox.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("sms@gateway.example.org", list(TWO))
    assert envelope.content.endswith(b"\r\n\r\nPump 3 stopped\r\n")


@pytest.mark.parametrize("text", ["." * 5, "\n".join(["..", ".", "x"] * 9000)])
async def test_dots_come_through(mailbox, text):
    """A line of dots is text, on whatever chunk's edge it lies."""
    with smtp_server(mailbox) as port:
        await mail_bridge(reactor, port).deliver(sms(text))
    body = mailbox.taken[0].content.decode().partition("\r\n\r\n")[2]
    assert body == text.replace("\n", "\r\n") + "\r\n"


@pytest.mark.parametrize(
    ("where", "answer", "kind"),
    [
        ("mail", "451 4.3.0 try again", TryLater),
        ("mail", "530 5.7.0 authentication required", TryLater),
        ("mail", "553 5.1.8 sender not known here", Refused),
        ("data", "452 4.3.1 disk full", TryLater),
        ("data", "554 5.6.0 smells of spam", Refused),
    ],
)
async def test_answers(mailbox, where, answer, kind):
    """4xx is later, 5xx is never, and the words are passed on and logged."""
    setattr(mailbox, where, answer)
    with smtp_server(mailbox) as port, capturedLogs() as logs:
        error = await outcome(mail_bridge(reactor, port), sms())
    assert type(error) is kind
    assert answer in str(error)
    said = [event for event in logs if event["log_level"] is LogLevel.warn]
    assert [(event["destination"], event["message_id"]) for event in said] == [
        ("bridge:mail", "m1")
    ]
    assert answer in said[0]["reason"]


# Several recipients


async def test_some_are_refused(mailbox):
    """One who took it is enough; who did not is told in the journey and the log."""
    mailbox.rcpt = {TWO[1]: "550 no such user"}
    with smtp_server(mailbox) as port, capturedLogs() as logs:
        answer = await outcome(mail_bridge(reactor, port, to=TWO), sms())
    refusal = "refused for boss@example.org: 550 no such user"
    assert answer == Delivered(detail=f"250 2.0.0 queued as 1; {refusal}")
    assert any(refusal in event.get("reason", "") for event in logs)


async def test_a_failure_for_one_repeats_to_nobody_else(mailbox):
    """Each recipient has a transaction of its own, with the same mail."""
    mailbox.rcpt = {TWO[1]: "450 busy"}
    with smtp_server(mailbox) as port:
        first = await each_recipient(mail_bridge(reactor, port, to=TWO), sms())
        mailbox.rcpt = {}
        # as after a restart: the row is all that is known
        again = mail_bridge(reactor, port, to=TWO)
        second = await outcome_of(again.deliver_to(sms(), TWO[1]))
    assert first[0] == Delivered(detail="250 2.0.0 queued as 1")
    assert isinstance(first[1], TryLater)
    assert str(first[1]) == "the smarthost put it off: boss@example.org: 450 busy"
    assert second == Delivered(detail="250 2.0.0 queued as 2")
    assert recipients(mailbox) == [[TWO[0]], [TWO[1]]]
    assert mailbox.taken[0].content == mailbox.taken[1].content


async def test_a_late_recipient_gets_the_same_mail(mailbox):
    """What came in meanwhile does not change it, nor does what it was noted as."""
    with smtp_server(mailbox) as port:
        bridge = mail_bridge(reactor, port, to=TWO)
        for recipient, message in ((0, sms()), (0, sms(id="m2")), (1, sms()), (1, sms(id="m2"))):
            await bridge.deliver_to(message, TWO[recipient])
    contents = [envelope.content for envelope in mailbox.taken]
    assert contents[:2] == contents[2:]
    assert contents[0] != contents[1]


async def test_a_row_without_a_recipient(mailbox):
    """It goes to all in one transaction, and comes again to all."""
    mailbox.rcpt = {TWO[1]: "450 busy"}
    with smtp_server(mailbox) as port:
        bridge = mail_bridge(reactor, port, to=TWO)
        assert isinstance(await outcome(bridge, sms()), TryLater)
        mailbox.rcpt = {}
        assert await outcome(bridge, sms()) == Delivered(detail="250 2.0.0 queued as 2")
    assert recipients(mailbox) == [[TWO[0]], list(TWO)]
    assert mailbox.taken[0].content == mailbox.taken[1].content


def test_each_recipient_has_a_row():
    """The router asks the settings for the recipients of a bridge that delivers to each."""
    bridge = mail_bridge(reactor, 25, **COPIES)
    assert IDeliversEach.providedBy(bridge)
    assert bridge.settings.recipients == (*TWO, "archive@example.org")


async def test_copies(mailbox):
    """All are in the envelope; the mail itself names those of to and cc."""
    with smtp_server(mailbox) as port:
        bridge = mail_bridge(reactor, port, **COPIES)
        await bridge.deliver(sms())
        assert (await bridge.check()).endswith(
            "goes to ops@example.org, boss@example.org, archive@example.org"
        )
    [envelope] = mailbox.taken
    assert envelope.rcpt_tos == [*TWO, "archive@example.org"]
    assert b"To: ops@example.org\r\nCc: boss@example.org\r\n" in envelope.content
    assert b"archive" not in envelope.content


async def test_copies_are_put_off_like_anybody(mailbox):
    """Each has an outcome of its own, whatever key names it."""
    mailbox.rcpt = {"archive@example.org": "450 busy", TWO[1]: "550 no such user"}
    with smtp_server(mailbox) as port:
        bridge = mail_bridge(reactor, port, **COPIES)
        taken, refused, put_off = await each_recipient(bridge, sms())
        assert isinstance(taken, Delivered)
        assert isinstance(refused, Refused)
        assert isinstance(put_off, TryLater)
        mailbox.rcpt = {}
        assert isinstance(await outcome_of(bridge.deliver_to(sms(), COPIES["bcc"][0])), Delivered)
    assert recipients(mailbox) == [[TWO[0]], ["archive@example.org"]]
    assert b"archive" not in b"".join(envelope.content for envelope in mailbox.taken)


async def test_a_known_correspondent(mailbox):
    """The address book is asked about the number."""
    with smtp_server(mailbox) as port:
        bridge = mail_bridge(reactor, port)
        bridge.gateway.names["+36301234567"] = "Kovács Béla"
        await bridge.deliver(sms())
    assert author_of(mailbox.taken[0].content)[0] == "Kovács Béla (+36301234567)"


# Trouble


async def test_away_and_back(mailbox):
    """A smarthost that is away uses no attempt up, and nothing is remembered against it."""
    port = free_port()
    bridge = mail_bridge(reactor, port)
    error = await outcome(bridge, sms())
    assert isinstance(error, TryLater)
    assert not error.attempted
    assert f"127.0.0.1:{port} cannot be reached: Connection" in str(error)
    with smtp_server(mailbox, port=port):
        assert isinstance(await outcome(bridge, sms()), Delivered)


async def test_unknown_host():
    """A name that does not resolve is away."""
    bridge = mail_bridge(reactor, 25, smarthost=HostPort("smarthost.invalid", 25))
    error = await outcome(bridge, sms())
    assert isinstance(error, TryLater)
    assert not error.attempted


@pytest.mark.parametrize(
    ("answers", "attempted", "words"),
    [
        ([], False, "did not answer within 0.2 s"),
        ([b"220 hi\r\n", b"250 hi\r\n"], True, "did not answer within 0.2 s"),
        ([b"220 never ends"], False, "did not answer within 0.2 s"),
        ([b"554 go away\r\n", b"221 bye\r\n"], False, "does not want to talk to us: 554 go away"),
        ([b"HTTP/1.1 400 Bad Request\r\n"], False, "nonsense: 'HTTP/1.1 400 Bad Request'"),
        ([b"220-\r\n" * 1000], False, "does not stop talking"),
        ([b"2" * 100_000], False, "a line without an end"),
        ([b"\x16\x03\x01\0\r\n"], False, "nonsense"),
        (
            [b"220 hi\r\n", b"250-\r\n250-\r\n250 \r\n", b"599 what?\r\n", b"221 bye\r\n"],
            True,
            "599 what?",
        ),
        ([b"220 hi\r\n"] + [b"500 what?\r\n"] * 9, False, "does not want to talk to us: 500"),
    ],
)
async def test_trouble(answers, attempted, words):
    """Silence, noise and rudeness are no yes; no harm comes of them."""

    def conversation(heard, connection):
        saying(*answers)(heard, connection)
        heard.read()  # until the bridge hangs up

    with scripted_server(conversation) as port:
        error = await outcome(mail_bridge(reactor, port, timeout=0.2), sms())
    assert words in str(error)
    if words != "599 what?":
        assert isinstance(error, TryLater)
        assert error.attempted == attempted


DIALOGUE = [b"220 hi\r\n", b"250 hi\r\n", b"250 sender ok\r\n", b"250 recipient ok\r\n"]


@pytest.mark.parametrize("last", [DIALOGUE[:2], DIALOGUE, [*DIALOGUE, b"354 go on\r\n"]])
async def test_hung_up_on(last):
    """
    A connection that is lost after MAIL is an attempt. If it goes between our
    dot and the answer, nobody knows; the mail comes again, and its Message-ID
    lets the receiver drop it.
    """
    with scripted_server(saying(*last)) as port:
        error = await outcome(mail_bridge(reactor, port), sms())
    assert isinstance(error, TryLater)
    assert error.attempted
    assert str(error) == "the connection was lost before the smarthost answered"


async def test_lost_goodbye_does_not_undo_the_mail():
    """Once the smarthost took it, neither silence nor noise is a reason to send twice."""

    def conversation(heard, connection):
        saying(*DIALOGUE, b"354 go on\r\n")(heard, connection)
        while heard.readline() != b".\r\n":
            pass
        connection.sendall(b"250 taken\r\nnoise\r\n")

    with scripted_server(conversation) as port:
        assert await mail_bridge(reactor, port).deliver(sms()) == Delivered("250 taken")


async def test_an_echoed_password_is_not_passed_on():
    """A smarthost may quote what it did not like; nobody else does."""
    answers = [b"220 hi\r\n", b"250-hi\r\n250 AUTH PLAIN\r\n"]

    def conversation(heard, connection):
        connection.sendall(answers[0])
        heard.readline()
        connection.sendall(answers[1])
        connection.sendall(b"535 do not know right horse, from " + heard.readline())

    with scripted_server(conversation) as port, capturedLogs() as logs:
        error = await outcome(mail_bridge(reactor, port, **LOGIN), sms())
    assert str(error).endswith("535 do not know ***, from AUTH PLAIN ***")
    assert "right horse" not in repr(logs)


def test_kind():
    """C{kind = "mail"} makes one, and says our name in EHLO."""
    assert IConnectorKind.providedBy(MailKind())
    bridge = mail_bridge(reactor, 25)
    for name, said in [("gw.example.org", b"gw.example.org"), ("a b\r\n", b"[127.0.0.1]")]:
        gateway = StandInGateway(reactor, reactor, name)
        assert MailKind().build("mail", bridge.settings, gateway).greeting == said

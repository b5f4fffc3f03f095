"""SMTP as RFC 5321 has it, line by line."""

import re

import pytest
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs

from goiptwist.bridges.mail.submission.interfaces import IMailSubmission, MailProtocol
from goiptwist.bridges.mail.submission.smtp_reply import INTERNAL_ERROR, SmtpReply
from goiptwist.errors import Busy, Refused, StoreUnavailable, TryLater, Unacceptable
from tests.bridges.mail.intake.rig import Certificate, FakeSubmission, IntakeCall, server_context

FROM = b"MAIL FROM:<a@example.org>"
ONE = b"RCPT TO:<+36301111111@sms.example.org>"
TWO = b"RCPT TO:<+36302222222@sms.example.org>"
ONE_NAME, TWO_NAME = "+36301111111@sms.example.org", "+36302222222@sms.example.org"
LETTER = (b"Subject: x", b"", b"Pump 3 stopped")


@pytest.fixture
def call():
    return IntakeCall()


def received(call):
    """The content of the only mail, without our own header."""
    [(_, _, _, content)] = call.submission.taken
    assert content.startswith(b"Received: ")
    return re.split(rb"\r\n(?![ \t])", content, maxsplit=1)[1]


def test_a_mail():
    """RFC 5321 appendix D.1: the order that every client keeps."""
    call = IntakeCall(hello=False)
    assert call.heard() == ["220 sms.example.org ESMTP"]
    assert call.ask(b"EHLO me.example.org") == [
        "250-sms.example.org",
        "250-PIPELINING",
        "250-8BITMIME",
        "250-SMTPUTF8",
        "250-ENHANCEDSTATUSCODES",
        "250-SIZE 262144",
        "250 DSN",
    ]
    assert call.ask(FROM) == ["250 2.1.0 OK"]
    assert call.ask(ONE) == ["250 2.1.5 OK"]
    assert call.ask(b"DATA") == ["354 End with a dot on a line of its own"]
    assert call.ask(*LETTER, b".") == ["250 2.0.0 Queued"]
    assert call.ask(b"QUIT") == ["221 2.0.0 Bye"]
    assert call.is_over()
    assert received(call) == b"\r\n".join((*LETTER, b""))


def test_the_submission_knows_the_client(call):
    """It is told all that is known, at RCPT and with the mail."""
    call.says(FROM, ONE, b"DATA", *LETTER, b".")
    [(client, sender, recipient)] = call.submission.asked
    assert IMailSubmission.providedBy(call.submission)
    assert (client.peer, client.helo, client.protocol) == ("192.0.2.1", "me.example.org", "smtp")
    assert (client.tls, client.user, client.trusted) == (False, None, True)
    assert (sender, recipient) == ("a@example.org", ONE_NAME)
    [taken] = call.submission.taken
    assert taken[:3] == (client, "a@example.org", (ONE_NAME,))


def test_yes_comes_after_the_commit():
    """What was promised must be kept: the answer waits for the submission."""
    call = IntakeCall(server_context(FakeSubmission(slow=True)))
    call.says(FROM, ONE)
    call.submission.goes_on()
    call.says(b"DATA", b"x", b".")
    assert call.codes() == [250, 250, 354]
    call.clock.advance(3000)  # it is not the client who is late
    assert call.codes() == []
    call.submission.goes_on()
    assert call.codes() == [250]


def test_all_in_one_go(call):
    """RFC 2920: a whole conversation may come in one packet, or in single bytes."""
    whole = b"\r\n".join(
        (FROM, ONE, b"DATA", *LETTER, b".", FROM, TWO, b"DATA", b".", b"QUIT", b"")
    )
    call.sends(whole)
    assert call.codes() == [250, 250, 354, 250, 250, 250, 354, 250, 221]
    other = IntakeCall()
    for byte in whole:
        other.sends(bytes([byte]))
    assert other.codes() == [250, 250, 354, 250, 250, 250, 354, 250, 221]


def test_dots(call):
    """RFC 5321 section 4.5.2: a dot before a dot is not of the mail."""
    call.says(FROM, ONE, b"DATA", b"..", b"...x", b".y", b" .", b".")
    assert received(call) == b".\r\n..x\r\ny\r\n .\r\n"


def test_an_empty_mail(call):
    """It is for the submission to say that it is of no use."""
    call.says(FROM, ONE, b"DATA", b".")
    assert received(call) == b""


def test_eight_bits(call):
    """Announced or not, every byte arrives as it was."""
    text = "Ärger bei Pumpe 3 ☔".encode() + bytes(range(128, 256))
    call.says(FROM + b" BODY=8BITMIME", ONE, b"DATA", text, b".")
    assert received(call) == text + b"\r\n"


def test_the_largest_mail():
    """The limit is what it says, to the byte, and dots that are not of the mail do not count."""
    call = IntakeCall(server_context(max_size=1024))
    lines = [b".." + b"x" * 61] * 16  # 16 times 64 bytes with their ends
    assert call.ask(FROM, ONE, b"DATA", *lines, b".")[-1] == "250 2.0.0 Queued"
    assert len(received(call)) == 1024
    lines[-1] += b"x"
    assert call.ask(FROM, ONE, b"DATA", *lines, b".")[-1].startswith("552 5.3.4 ")


@pytest.mark.parametrize("line", [b"\r", b"\r\n.", b"\r\n.\r"])
def test_the_largest_mail_in_pieces(line):
    """The end does not count either, wherever the network cuts it."""
    call = IntakeCall(server_context(max_size=1024))
    call.says(FROM, ONE, b"DATA")
    whole = b"x" * 1022 + b"\r\n.\r\n"
    call.sends(whole[: 1022 + len(line)])
    call.sends(whole[1022 + len(line) :])
    assert call.heard()[-1] == "250 2.0.0 Queued"


def test_an_endless_mail_is_not_read_for_ever():
    """Sixteen times too large is no mistake."""
    call = IntakeCall(server_context(max_size=1024))
    call.says(FROM, ONE, b"DATA")
    call.heard()
    for _ in range(20):
        call.says(b"x" * 1022)
    assert call.heard() == ["552 5.3.4 The mail is larger than 1024 bytes"]
    assert call.is_over()


# Received


def test_trace():
    """RFC 5321 section 4.4: who, where, how, when; not for whom, and not as whom."""
    clock = Clock()
    clock.advance(1_700_000_000.7)
    call = IntakeCall(server_context(clock=clock))
    call.says(FROM, ONE, b"DATA", *LETTER, b".")
    [(_, _, _, content)] = call.submission.taken
    header = content.split(b"\r\nSubject")[0].decode()
    assert re.fullmatch(
        r"Received: from me\.example\.org \(\[192\.0\.2\.1\]\)\r\n"
        r"\tby sms\.example\.org with ESMTP id [0-9a-f]{12};\r\n"
        r"\tTue, 14 Nov 2023 22:13:20 \+0000",
        header,
    )


def test_trace_of_ipv6():
    """RFC 5321 section 4.1.3 marks the address."""
    call = IntakeCall(server_context(), peer="2001:db8::1", implicit=True)
    call.says(b"AUTH PLAIN AG9wcwByaWdodCBob3JzZSDDhMOW", FROM, ONE, b"DATA", b".")
    [(_, _, _, content)] = call.submission.taken
    assert b"([IPv6:2001:db8::1])" in content
    assert b" with ESMTPSA " in content
    assert b"ops" not in content


@pytest.mark.parametrize(
    ("lmtp", "hello", "mail", "way"),
    [
        (False, b"HELO me", FROM, b"SMTP"),
        (False, b"EHLO me", FROM, b"ESMTP"),
        (False, b"EHLO me", FROM + b" SMTPUTF8", b"UTF8SMTP"),
        (True, b"LHLO me", FROM, b"LMTP"),
        (True, b"LHLO me", FROM + b" SMTPUTF8", b"UTF8LMTP"),
    ],
)
def test_how_it_came(lmtp, hello, mail, way):
    """RFC 3848, RFC 6531 section 4.3."""
    call = IntakeCall(lmtp=lmtp, hello=False)
    call.says(hello, mail, ONE, b"DATA", b".")
    [(client, _, _, content)] = call.submission.taken
    assert b" with " + way + b" id " in content
    assert client.protocol is (MailProtocol.LMTP if lmtp else MailProtocol.SMTP)


# The order of commands


@pytest.mark.parametrize(
    ("lines", "codes"),
    [
        ((FROM,), [503]),
        ((b"EHLO me", ONE), [250, 503]),
        ((b"EHLO me", b"DATA"), [250, 503]),
        ((b"EHLO me", FROM, b"DATA"), [250, 250, 503]),
        ((b"EHLO me", FROM, FROM), [250, 250, 503]),
        ((b"EHLO me", FROM, ONE, b"RSET", b"DATA"), [250, 250, 250, 250, 503]),
        ((b"EHLO me", FROM, ONE, b"EHLO me", b"DATA"), [250, 250, 250, 250, 503]),
        ((b"EHLO me", FROM, b"NOOP", b"VRFY x", ONE), [250, 250, 250, 252, 250]),
        ((b"EHLO me", FROM, ONE, b"DATA", b".", ONE), [250, 250, 250, 354, 250, 503]),
        ((b"EHLO",), [501]),
        ((b"EHLO a b",), [501]),
        ((b"EHLO <script>",), [501]),
        ((b"HELO [192.0.2.1]", FROM), [250, 250]),
        ((b"ehlo me", b"mail from:<a@example.org>", b"Rcpt To:<1@x>"), [250, 250, 250]),
        ((b"EHLO me", FROM, ONE, b"DATA now"), [250, 250, 250, 501]),
        ((b"RSET x",), [501]),
        ((b"QUIT x",), [501]),
        ((b"NOOP x",), [250]),
        ((b"HELP me",), [214]),
        ((b"VRFY root",), [252]),
        ((b"EXPN staff", b"ETRN x", b"TURN", b"BDAT 5 LAST"), [502] * 4),
        ((b"UNKNOWN", b"", b" ", b"\t", b"LHLO me", b"state_DATA", b"__init__"), [500] * 7),
        ((b"STARTTLS",), [502]),
        ((b"QUIT", b"NOOP"), [221]),
    ],
)
def test_order(lines, codes):
    """Every state knows what may come, and everything else is answered too."""
    call = IntakeCall(hello=False)
    call.heard()
    call.says(*lines)
    assert call.codes() == codes


@pytest.mark.parametrize("line", [b"GET / HTTP/1.1", b"POST /x HTTP/1.0", b"CONNECT a:25 HTTP/1.1"])
def test_no_web_server(line):
    """A browser on a trusted machine must not be made to send SMS."""
    call = IntakeCall(hello=False)
    call.heard()
    call.says(line, b"Host: x", b"", b"EHLO me", FROM, ONE, b"DATA", b"x", b".")
    assert call.heard() == ["554 5.5.1 This is not a web server"]
    assert call.submission.taken == []
    assert call.is_over()


def test_a_refused_mail_is_forgotten(call):
    """RFC 2920: DATA that was sent before the refusal came must not begin a mail."""
    call.submission.refused[ONE_NAME] = SmtpReply(550, "5.1.1", "No such line")
    call.says(FROM, ONE, b"DATA", b"RSET", FROM, TWO, b"DATA", b"x", b".")
    assert call.heard() == [
        "250 2.1.0 OK",
        "550 5.1.1 No such line",
        "503 5.5.1 No recipient was accepted",
        "250 2.0.0 OK",
        "250 2.1.0 OK",
        "250 2.1.5 OK",
        "354 End with a dot on a line of its own",
        "250 2.0.0 Queued",
    ]


# Who may send


def test_no_open_relay():
    """A stranger is refused at RCPT, in words that help, and nothing is ever mailed back."""
    call = IntakeCall(peer="198.51.100.7")
    assert call.ask(FROM, ONE, b"DATA") == [
        "250 2.1.0 OK",
        "550 5.7.1 Only for users",
        "503 5.5.1 No recipient was accepted",
    ]
    assert call.submission.taken == []
    assert call.context.rejections.counts["mail_refused"] == 1


def test_a_name_is_not_an_address():
    """What a stranger calls himself earns him nothing."""
    call = IntakeCall(peer="198.51.100.7", hello=False)
    call.says(b"EHLO localhost", FROM, ONE)
    assert call.codes() == [220, 250, 250, 550]


def test_without_an_address():
    """A peer that is no address is on no network, and not on this machine."""
    call = IntakeCall(server_context(clear_login=True), peer="192.0.2.1")
    call.server.peer = "somewhere"
    assert not any("AUTH" in line for line in call.ask(b"EHLO me"))


@pytest.mark.parametrize("peer", ["::ffff:192.0.2.9", "192.0.2.9"])
def test_trusted_networks(peer):
    """An IPv4 address is the same in IPv6 clothes."""
    call = IntakeCall(peer=peer)
    call.says(FROM, ONE)
    [(client, _, _)] = call.submission.asked
    assert (client.peer, client.trusted) == ("192.0.2.9", True)


# What the submission says


@pytest.mark.parametrize(
    ("trouble", "answer"),
    [
        (SmtpReply(552, "5.3.4", "12 parts are too many"), "552 5.3.4 12 parts are too many"),
        (Busy("too much is waiting", after=1), "451 4.3.2 too much is waiting"),
        (TryLater("come again"), "451 4.3.0 come again"),
        (StoreUnavailable("the disk is full"), "451 4.3.0 the disk is full"),
        (Unacceptable("text", "the text is empty"), "554 5.6.0 the text is empty"),
        (Refused("never"), "554 5.6.0 never"),
    ],
)
def test_troubles(call, trouble, answer):
    """Each error says by its class whether to come again."""
    call.submission.trouble = trouble
    assert call.ask(FROM, ONE, b"DATA", b"x", b".")[-1] == answer
    assert call.ask(b"NOOP") == ["250 2.0.0 OK"]


def test_a_bug_loses_no_mail(call, logged_failures):
    """It is logged, and the mail comes again."""
    call.submission.trouble = ZeroDivisionError("our bug")
    call.submission.refused[TWO_NAME] = ZeroDivisionError("our bug")
    call.says(FROM, ONE, TWO, b"DATA", b"x", b".")
    assert call.codes() == [250, 250, 451, 354, 451]
    assert [event["log_failure"].type for event in logged_failures.flush()] == [
        ZeroDivisionError,
        ZeroDivisionError,
    ]


def test_a_forgotten_recipient_comes_again(call):
    """A yes that nobody has said is none."""

    async def accept(*_):
        return {}

    call.context.submission = type(
        "Forgetful", (FakeSubmission,), {"accept": staticmethod(accept)}
    )()
    assert call.ask(FROM, ONE, b"DATA", b"x", b".")[-1] == f"451 4.3.0 {INTERNAL_ERROR.text}"


def test_different_fates(call):
    """SMTP has one answer for all: it is only yes if everybody was taken."""
    call.submission.replies[TWO_NAME] = SmtpReply(554, "5.7.1", "Quota is used up")
    assert call.ask(FROM, ONE, TWO, b"DATA", b"x", b".")[-1] == (
        f"554 5.7.1 NOT taken for {TWO_NAME}: Quota is used up; taken for {ONE_NAME}"
    )


def test_what_the_submission_replies_is_made_safe(call):
    """Whatever stands in it, it is answers of SMTP, of lines that are not too long."""
    call.submission.refused[ONE_NAME] = SmtpReply(550, "5.1.1", "Nem\r\n250 jó: ő " + "x " * 600)
    lines = call.ask(FROM, ONE)[1:]
    assert all(line.startswith("550-5.1.1 ") for line in lines[:-1])
    assert lines[-1].startswith("550 5.1.1 ")
    assert lines[0].startswith("550-5.1.1 Nem 250 j?: ? x")
    assert max(map(len, lines)) <= 510


def test_the_same_recipient_twice(call):
    """The submission sees everybody once."""
    call.says(FROM, ONE, ONE, b"DATA", b"x", b".")
    assert call.codes() == [250, 250, 250, 354, 250]
    assert call.submission.taken[0][2] == (ONE_NAME,)


def test_the_log_says_how_much_but_not_what(call):
    """Numbers and texts are nobody's business."""
    with capturedLogs() as logs:
        call.says(FROM, ONE, b"DATA", *LETTER, b".")
    [event] = [event for event in logs if event["log_level"] is LogLevel.info]
    assert (event["peer"], event["user"], event["size"]) == ("192.0.2.1", "-", 30)
    assert event["replies"] == "250 2.0.0"
    assert not any(word in str(event) for word in ("3630", "Pump", "a@example"))
    assert call.context.counts == {"connections": 1, "mails": 1, "recipients_taken": 1}


# STARTTLS


def test_starttls_begins_anew():
    """RFC 3207 section 4.2: what was said in clear is forgotten."""
    call = IntakeCall(server_context(certificate=Certificate()))
    assert "250 STARTTLS" in call.ask(b"EHLO me")
    call.says(FROM)
    assert call.ask(b"STARTTLS") == ["220 2.0.0 Begin"]
    assert call.wire.tls
    assert call.ask(ONE, FROM, b"AUTH PLAIN") == [
        "503 5.5.1 Say MAIL first",
        "503 5.5.1 Say who you are first, and end one mail before the next",
        "503 5.5.1 Log in once, after EHLO and before MAIL",
    ]
    offered = call.ask(b"EHLO me")
    assert "250 AUTH PLAIN LOGIN" in offered
    assert not any("STARTTLS" in line for line in offered)
    assert call.ask(b"STARTTLS") == ["503 5.5.1 TLS has begun already"]


def test_no_starttls_within_tls():
    """Where TLS came first there is none to begin."""
    call = IntakeCall(server_context(certificate=Certificate()), implicit=True)
    offered = call.ask(b"EHLO me")
    assert "250 AUTH PLAIN LOGIN" in offered
    assert not any("STARTTLS" in line for line in offered)
    assert call.ask(b"STARTTLS") == ["503 5.5.1 TLS has begun already"]

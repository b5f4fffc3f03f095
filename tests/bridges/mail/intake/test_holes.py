"""
Why the stock server alone would not do: each hole is shown in it first, and
then that the intake does not have it.
"""

import base64

import pytest
from twisted.mail import smtp
from twisted.mail.imap4 import IllegalClientResponse

from tests.bridges.mail.intake.rig import (
    PASSWORD,
    Certificate,
    FakeSubmission,
    IntakeCall,
    StockCall,
    StockDelivery,
    server_context,
)

BEGIN = (b"MAIL FROM:<a@example.org>", b"RCPT TO:<+36301234567@sms.example.org>")
#: What other programs take for the end of a mail.
ODD_ENDS = (b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r")

LOGIN = base64.b64encode(b"\0ops\0" + PASSWORD.encode())


@pytest.fixture
def stock():
    return StockCall()


@pytest.fixture
def ours():
    return IntakeCall(server_context(certificate=Certificate()))


# Clear text behind STARTTLS (the injection of CVE-2011-0411)


def test_stock_obeys_what_was_said_before_tls(stock):
    """Somebody on the way sets up a mail, into which the victim will talk his password."""
    stock.says(b"STARTTLS", b"EHLO injected", *BEGIN, b"DATA")
    assert stock.wire.tls
    assert stock.codes() == [220, 250, 250, 250, 354]
    stock.says(b"EHLO victim", b"AUTH PLAIN " + LOGIN)
    [message] = stock.delivery.messages
    assert message.lines[-1] == b"AUTH PLAIN " + LOGIN


def test_nothing_said_before_tls_is_obeyed(ours):
    """The connection is cut, and the attempt is counted."""
    ours.says(b"STARTTLS", b"EHLO injected", *BEGIN, b"DATA")
    assert ours.heard() == []
    assert not ours.wire.tls
    assert ours.wire.aborted
    assert ours.is_over()
    assert ours.context.rejections.counts["mail_injected"] == 1


def test_not_even_half_a_line_survives(ours):
    """Half a command in clear must not become a whole one within TLS."""
    ours.sends(b"STARTTLS\r\nRSE")
    assert ours.wire.aborted
    assert ours.is_over()


def test_what_waits_behind_starttls_was_said_in_clear(ours):
    """It makes no difference that STARTTLS itself had to wait for its turn."""
    ours.submission.slow = True
    ours.says(*BEGIN, b"STARTTLS")
    ours.says(b"EHLO injected")
    ours.submission.goes_on()
    assert not ours.wire.tls
    assert ours.wire.aborted
    assert ours.is_over()


# AUTH in clear


def test_stock_takes_passwords_in_clear(stock):
    """It offers AUTH to everybody, and says yes."""
    assert "250-AUTH PLAIN LOGIN" in stock.ask(b"EHLO me")
    assert stock.ask(b"AUTH PLAIN " + LOGIN) == ["235 Authentication successful."]


def test_no_password_in_clear(ours):
    """It is not offered, and where somebody insists, it is not even looked at."""
    assert not any("AUTH" in line for line in ours.ask(b"EHLO me"))
    [answer] = ours.ask(b"AUTH PLAIN " + LOGIN)
    assert answer.startswith("538 5.7.11 ")
    assert ours.server.user is None


@pytest.mark.parametrize("line", [b"AUTH", b"AUTH PLAIN " + base64.b64encode(b"nobody")])
def test_stock_breaks_on_a_bad_login(stock, line):
    """An exception leaves the protocol, and the client is dropped without an answer."""
    with pytest.raises((IndexError, IllegalClientResponse)):
        stock.says(line)


@pytest.mark.parametrize("line", [b"AUTH", b"AUTH PLAIN " + base64.b64encode(b"nobody")])
def test_a_bad_login_is_answered(line):
    """It is the client's mistake, and he is told so."""
    call = IntakeCall(server_context(), implicit=True)
    assert [int(line[:3]) // 100 for line in call.ask(line)] == [5]
    assert not call.closed


# Size


def test_stock_takes_any_size(stock):
    """Five megabytes, of which each recipient gets a copy of its own."""
    stock.says(*BEGIN, b"DATA", *[b"x" * 1000] * 5000, b".")
    assert stock.codes()[-1] == 250
    assert sum(map(len, stock.delivery.messages[0].lines)) == 5_000_000


def test_a_large_mail_is_refused_and_not_kept(ours):
    """It is read to its end, so that the client hears the answer, but not kept."""
    ours.says(*BEGIN, b"DATA")
    for _ in range(2000):
        ours.says(b"x" * 1000)
        assert len(ours.server._content._raw) <= ours.context.settings.max_size + 2000
    ours.heard()
    assert ours.ask(b".") == ["552 5.3.4 The mail is larger than 262144 bytes"]
    assert ours.submission.taken == []
    assert ours.ask(b"NOOP") == ["250 2.0.0 OK"]


def test_stock_ignores_size_and_all_parameters(stock):
    """What it does not know may have been important to the client."""
    stock.says(b"MAIL FROM:<a@example.org> SIZE=99999999 FOO=BAR")
    assert stock.codes() == [250]


def test_a_large_mail_is_refused_before_it_is_sent(ours):
    """RFC 1870 section 6.1."""
    assert ours.ask(b"MAIL FROM:<a@example.org> SIZE=262145") == ["552 5.3.4 At most 262144 bytes"]
    assert ours.ask(b"MAIL FROM:<a@example.org> SIZE=262144") == ["250 2.1.0 OK"]


def test_an_unknown_parameter_is_refused(ours):
    """RFC 5321 section 4.1.1.11."""
    for line in (b"MAIL FROM:<a@example.org> FOO=BAR", b"MAIL FROM:<a@example.org> HOLDFOR=60"):
        assert [answer[:10] for answer in ours.ask(line)] == ["555 5.5.4 "]


# Order


def test_stock_answers_out_of_order():
    """A client who pipelines takes the answer to NOOP for that to RCPT."""
    stock = StockCall(StockDelivery(slow=True))
    stock.says(*BEGIN, b"NOOP")
    assert [line[:3] for line in stock.heard()] == ["250", "500"]  # it has no NOOP, even
    stock.delivery.pending.pop().errback(smtp.SMTPBadRcpt("x", 550))
    assert stock.codes() == [550]


def test_commands_are_answered_in_order():
    """RFC 2920 section 3.2, whatever takes how long."""
    ours = IntakeCall(server_context(FakeSubmission(slow=True)))
    ours.says(*BEGIN, b"RCPT TO:<2@sms.example.org>", b"NOOP", b"HELP")
    assert ours.codes() == [250]
    ours.submission.goes_on()
    assert ours.codes() == [250]
    ours.submission.goes_on()
    assert ours.codes() == [250, 250, 214]


# Line ends, long lines, and bytes that are no text


@pytest.mark.parametrize("end", ODD_ENDS)
def test_stock_hands_odd_line_ends_on(stock, end):
    """It does not end the mail there, but whoever reads the mail next may."""
    stock.says(*BEGIN, b"DATA")
    stock.sends(b"one" + end + b"MAIL FROM:<evil@example.org>\r\n.\r\n")
    [message] = stock.delivery.messages
    assert any(b"\n" in line or b"\r" in line for line in message.lines)
    assert stock.codes()[-1] == 250


@pytest.mark.parametrize("end", ODD_ENDS)
@pytest.mark.parametrize("size", [1, 3, 10000])
def test_no_mail_hides_in_another(ours, end, size):
    """Only CRLF, dot, CRLF ends a mail; one with other ends of lines is refused as a whole."""
    ours.says(*BEGIN, b"DATA")
    ours.heard()
    data = b"one" + end + b"MAIL FROM:<evil@example.org>\r\nRCPT TO:<1@x>\r\nDATA\r\n\r\n.\r\n"
    for start in range(0, len(data), size):
        ours.sends(data[start : start + size])
    assert ours.heard() == ["554 5.6.0 The mail has a CR or LF alone; lines end with both"]
    assert ours.submission.taken == []


def test_stock_obeys_a_mail_behind_a_long_line(stock):
    """It says 500, forgets that it is reading a mail, and takes the rest for commands."""
    stock.says(*BEGIN, b"DATA")
    stock.says(b"x" * 20000)
    stock.heard()
    stock.says(*BEGIN)
    assert stock.codes() == [250, 250]


def test_a_mail_with_a_long_line_is_a_mail(ours):
    """It is read to its end and refused."""
    ours.says(*BEGIN, b"DATA")
    ours.heard()
    ours.says(b"x" * 20000)
    ours.says(*BEGIN)
    assert ours.ask(b".") == ["554 5.6.0 The mail has a line of more than 16384 bytes"]


def test_stock_takes_a_nul(stock):
    """Many a program behind it ends a text there."""
    stock.says(*BEGIN, b"DATA", b"one\0two", b".")
    assert stock.codes()[-1] == 250


def test_a_nul_is_refused(ours):
    """In a mail with its own answer; in a command it ends the call."""
    ours.says(*BEGIN, b"DATA")
    assert ours.ask(b"one\0two", b".") == ["554 5.6.0 The mail has a NUL in it"]
    assert ours.ask(b"NOOP \0")[0].startswith("500 5.5.2 ")
    assert ours.is_over()


def test_stock_lets_line_ends_into_addresses(stock):
    """A bare LF is white space to it; a log or a header may see two lines."""
    stock.says(b"MAIL FROM:<a@example.org>\nX")
    assert stock.codes() == [250]


@pytest.mark.parametrize("line", [b"NOOP\nNOOP", b"NOOP\rNOOP", b"MAIL FROM:<a@example.org>\nX"])
def test_odd_line_ends_in_commands_end_the_call(ours, line):
    """Whoever sends them counts lines differently from us: there is no going on."""
    assert [answer[:10] for answer in ours.ask(line)] == ["500 5.5.2 "]
    assert ours.is_over()


def test_stock_breaks_on_what_is_no_ascii(stock):
    """An exception leaves the protocol."""
    with pytest.raises(UnicodeError):
        stock.says("ÄHLO".encode())


def test_what_is_no_ascii_is_answered(ours):
    """It is no command, that is all."""
    assert ours.ask("ÄHLO".encode()) == ["500 5.5.1 No such command"]
    assert ours.ask("NOOP Ä".encode()) == ["500 5.5.2 Only addresses may have more than ASCII"]


# How much, and how long


def test_stock_takes_a_thousand_recipients(stock):
    """And holds a copy of the mail for each."""
    stock.says(BEGIN[0], *[b"RCPT TO:<%d@example.org>" % n for n in range(1000)], b"DATA")
    assert len(stock.delivery.messages) == 1000


def test_recipients_are_limited(ours):
    """Those beyond are told to come later; the others get their mail (RFC 5321 4.5.3.1.10)."""
    ours.says(BEGIN[0], *[b"RCPT TO:<%d@example.org>" % n for n in range(1000)], b"DATA", b".")
    codes = ours.codes()
    assert codes == [250] + [250] * 100 + [452] * 900 + [354, 250]
    [(_, _, recipients, _)] = ours.submission.taken
    assert len(recipients) == 100


def test_stock_waits_for_ever_for_a_slow_sender(stock):
    """A line every nine minutes holds a connection for days."""
    stock.says(*BEGIN, b"DATA")
    for _ in range(1000):
        stock.clock.advance(540)
        stock.says(b"still there")
    assert not stock.closed


def test_a_mail_has_its_time(ours):
    """However it is cut up: one byte at a time or line by line."""
    ours.says(*BEGIN, b"DATA")
    ours.heard()
    for _ in range(29):
        ours.clock.advance(10)
        ours.says(b"still there")
    assert not ours.closed
    ours.clock.advance(10)
    assert ours.heard() == ["421 4.4.2 You took longer than 300 s"]
    assert ours.is_over()


def test_stock_bears_any_number_of_errors(stock):
    """Whoever guesses may go on guessing."""
    stock.says(*[b"HUH"] * 10000)
    assert not stock.closed


def test_errors_are_limited(ours):
    """Enough for somebody at a keyboard."""
    ours.says(*[b"HUH"] * 10000)
    assert ours.codes() == [500] * 21 + [421]
    assert ours.is_over()

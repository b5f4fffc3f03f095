"""What one client may cost, and that nothing is left of him when he has gone."""

import pytest
from twisted.logger import capturedLogs

from goiptwist.bridges.mail.intake.connection_limiter import (
    ConnectionLimiter,
    source_of,
    unmapped,
)
from goiptwist.bridges.mail.intake.line_server import (
    COMMAND_AT_MOST,
    COMMANDS_AT_MOST,
    LINGER,
    SESSION_AT_MOST,
    UNREAD_AT_MOST,
)
from goiptwist.bridges.mail.submission.smtp_reply import SmtpReply
from tests.bridges.mail.intake.rig import (
    Certificate,
    FakeSubmission,
    IntakeCall,
    address,
    server_context,
)
from tests.bridges.mail.intake.test_session import FROM, ONE, TWO

BYE_SLOW = "421 4.4.2 You took longer than 300 s"


# Time


@pytest.mark.parametrize("said", [(), (b"EHLO me",), (b"EHLO me", FROM), (b"EHLO me", FROM, ONE)])
def test_silence(said):
    """Each command may take as long as the settings say (RFC 5321 section 4.5.3.2.7)."""
    call = IntakeCall(hello=False)
    for line in said:
        call.clock.advance(299)
        call.says(line)
    call.heard()
    call.clock.advance(300)
    assert call.heard() == [BYE_SLOW]
    assert call.is_over()


def test_a_trickle_is_silence():
    """One byte now and then is no command."""
    call = IntakeCall()
    for byte in b"NOOP NOOP NOOP NOOP NOOP NOOP ":
        call.sends(bytes([byte]))
        call.clock.advance(10)
    assert call.heard() == [BYE_SLOW]
    assert call.is_over()


def test_a_login_that_stops_half_way():
    """It is a command like any other."""
    call = IntakeCall(implicit=True)
    call.says(b"AUTH LOGIN")
    call.heard()
    call.clock.advance(300)
    assert call.heard() == [BYE_SLOW]


def test_a_connection_ends():
    """Whoever has more to say calls again."""
    call = IntakeCall()
    for _ in range(int(SESSION_AT_MOST) // 100 - 1):
        call.clock.advance(100)
        call.says(b"NOOP")
    call.heard()
    call.clock.advance(100)
    assert call.heard() == ["421 4.4.2 That was long enough for one connection"]
    assert call.is_over()


def test_a_commit_is_not_cut_off_by_the_clock():
    """The answer comes first, then the end."""
    call = IntakeCall(server_context(FakeSubmission(slow=True)))
    call.says(FROM, ONE)
    call.submission.goes_on()
    call.says(b"DATA", b"x", b".")
    call.heard()
    call.clock.advance(SESSION_AT_MOST)
    assert not call.closed
    call.submission.goes_on()
    assert call.codes() == [250, 421]
    assert call.is_over()


def test_who_does_not_read_is_cut_off():
    """A last answer that nobody fetches must not hold the connection."""
    call = IntakeCall()
    call.wire.stubborn = True
    call.says(b"QUIT", b"NOOP")
    assert call.codes() == [221]
    assert not call.closed
    call.clock.advance(LINGER)
    assert call.wire.aborted
    assert call.is_over()


# Amounts


def test_a_command_without_an_end():
    """It is not kept, and there is no way to find the next one."""
    call = IntakeCall()
    call.sends(b"NOOP " + b"x" * (COMMAND_AT_MOST - 7) + b"\r")
    call.sends(b"\n")
    assert call.codes() == [250]
    call.sends(b"x" * COMMAND_AT_MOST)
    assert call.heard() == [f"500 5.5.2 A command has at most {COMMAND_AT_MOST} bytes"]
    assert call.is_over()


def test_a_tls_greeting_on_the_wrong_port():
    """It has a NUL in it, and nobody waits for its CRLF."""
    call = IntakeCall(hello=False)
    call.heard()
    call.sends(b"\x16\x03\x01\x00\xa5\x01\x00")
    assert call.codes() == [500]
    assert call.is_over()


def test_errors_of_friends():
    """A long list with many wrong numbers is no attack; a stranger's is."""
    wrong = [b"RCPT TO:<%d@x>" % n for n in range(60)]
    refused = {f"{n}@x": SmtpReply(550, "5.1.1", "No") for n in range(60)}
    friend = IntakeCall(server_context(FakeSubmission(refused=refused)))
    friend.says(FROM, *wrong, ONE, b"DATA", b"x", b".")
    assert friend.codes() == [250] + [550] * 60 + [250, 354, 250]
    stranger = IntakeCall(peer="198.51.100.7")
    stranger.says(FROM, *wrong)
    assert stranger.codes() == [250] + [550] * 21 + [421]
    assert stranger.is_over()


def test_mails_of_a_mail_server():
    """It hands in what anybody writes to it; that much of it is refused is not its fault."""
    server = IntakeCall(
        server_context(FakeSubmission(trouble=SmtpReply(550, "5.7.1", "Nothing proves it"))),
        lmtp=True,
    )
    for _ in range(60):
        server.says(FROM, ONE, b"DATA", b"x", b".")
    assert server.codes() == [250, 250, 354, 550] * 60
    server.says(*[b"NONSENSE"] * 30)
    assert server.codes() == [500] * 21 + [421]
    assert server.is_over()


def test_commands_without_a_mail():
    """Polite noise is noise; a mail that is taken shows that it was none."""
    call = IntakeCall()
    for _ in range(COMMANDS_AT_MOST // 5):
        call.says(FROM, ONE, b"DATA", b"x", b".", b"NOOP")
    assert not call.closed
    call.heard()
    call.says(*[b"NOOP"] * (COMMANDS_AT_MOST + 1))
    assert call.codes() == [250] * (COMMANDS_AT_MOST - 1) + [421]
    assert call.is_over()


def test_commands_that_wait_are_bounded():
    """While a command is obeyed, the client's own system keeps what he says further."""
    call = IntakeCall(server_context(FakeSubmission(slow=True)))
    call.says(FROM, ONE)
    while call.wire.producerState == "producing":
        call.sends(b"NOOP " + b"x" * 2000 + b"\r\n")
    assert len(call.server._unread) <= UNREAD_AT_MOST + 2010
    call.submission.goes_on()
    assert call.wire.producerState == "producing"
    assert call.server._unread == b""
    assert set(call.codes()) == {250}


# Crowds


def test_connections_in_all():
    """Strangers share a number of connections; a trusted network has as many for itself."""
    shared = server_context(connections=2, connections_per_peer=2)
    strangers = [IntakeCall(shared, peer=f"198.51.100.{n}") for n in (1, 2)]
    third = IntakeCall(shared, peer="198.51.100.3", hello=False)
    assert third.heard() == ["421 4.7.0 Too many connections; come again later"]
    assert third.closed
    assert not IntakeCall(shared).closed
    assert shared.rejections.counts["mail_crowded"] == 1
    strangers[0].says(b"QUIT")
    assert not IntakeCall(shared, peer="198.51.100.3").closed


def test_connections_of_one():
    """One stranger does not get them all; IPv6 addresses of one network are one."""
    shared = server_context(connections_per_peer=1)
    for first, second in (("198.51.100.1", "198.51.100.1"), ("2001:db8::1", "2001:db8::2")):
        assert not IntakeCall(shared, peer=first).closed
        assert IntakeCall(shared, peer=second, hello=False).closed
    assert not IntakeCall(shared, peer="2001:db8:0:1::1").closed


def test_no_handshake_for_one_too_many():
    """Where TLS comes first, saying sorry would cost more than the connection."""
    shared = server_context(connections=1, certificate=Certificate())
    first = IntakeCall(shared, peer="198.51.100.1", implicit=True)
    assert first.factory.buildProtocol(address("198.51.100.2")) is None


def test_crowd():
    """What came in goes out, and leaves no trace."""
    crowd = ConnectionLimiter(2, 1)
    assert [crowd.acquire(source) for source in "aabc"] == [True, False, True, False]
    crowd.release("a")
    assert crowd.acquire("c")
    crowd.release("b")
    crowd.release("c")
    assert crowd == ConnectionLimiter(2, 1)


def test_sources():
    """Addresses as text, whatever they are."""
    assert unmapped("::FFFF:192.0.2.1") == "192.0.2.1"
    assert unmapped("2001:DB8::1") == "2001:db8::1"
    assert unmapped("/run/socket") == source_of("/run/socket") == "/run/socket"
    assert source_of("2001:db8::1:2:3:4") == "2001:db8::/64"
    assert not server_context().trusts("/run/socket")


# Callers who vanish


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (b"EHLO me",),
        (b"AUTH PLAIN",),
        (FROM,),
        (FROM, ONE),
        (FROM, ONE, b"DATA"),
        (FROM, ONE, b"DATA", b"Subject: x"),
        (FROM, ONE, b"DATA", b"Subject: x", b"."),
        (b"STARTTLS",),
        (b"QUIT",),
        (b"HUH",) * 50,
    ],
)
@pytest.mark.parametrize("half", [b"", b"NOO", b"."])
def test_vanished(lines, half):
    """In whatever state: no timer, no connection counted, no half mail."""
    call = IntakeCall(
        server_context(certificate=Certificate()), implicit=lines[:1] == (b"AUTH PLAIN",)
    )
    call.says(*lines)
    call.sends(half)
    call.hangs_up()
    assert call.is_over()
    assert len(call.submission.taken) == (1 if b"." in lines else 0)


def test_vanished_while_he_was_looked_up():
    """Nobody waits for the answer; what was asked of the submission is given up."""
    call = IntakeCall(server_context(FakeSubmission(slow=True)))
    call.says(FROM, ONE, TWO)
    call.hangs_up()
    assert call.is_over()
    assert len(call.submission.asked) == 1


def test_vanished_before_the_commit():
    """A mail that is whole is taken to its end; the commit knows nothing of sockets."""
    call = IntakeCall(server_context(FakeSubmission(slow=True)))
    call.says(FROM, ONE)
    call.submission.goes_on()
    with capturedLogs() as logs:
        call.says(b"DATA", b"x", b".", FROM)
        call.hangs_up()
        assert call.is_over()
        call.submission.goes_on()
    assert len(call.submission.committed) == 1
    assert call.context.counts["mails"] == 1
    assert "Mail {mail} from" in logs[-1]["log_format"]


def test_vanished_before_a_commit_that_fails():
    """It is only logged that it was not taken."""
    call = IntakeCall(
        server_context(FakeSubmission(slow=True, trouble=SmtpReply(451, "4.3.0", "full")))
    )
    call.says(FROM, ONE)
    call.submission.goes_on()
    call.says(b"DATA", b"x", b".")
    call.hangs_up()
    call.submission.goes_on()
    assert call.context.counts["recipients_refused"] == 1
    assert call.is_over()


# The gateway stops


def test_stopping():
    """Idle clients hear it at once; a mail that is whole gets its answer first."""
    shared = server_context(FakeSubmission(slow=True))
    idle, half, busy = IntakeCall(shared), IntakeCall(shared), IntakeCall(shared)
    for call in (half, busy):
        call.says(FROM, ONE)
        call.submission.goes_on()
        call.says(b"DATA", b"x")
    busy.says(b".")
    for call in (idle, half, busy):
        call.heard()
    gone = [call.factory.close() for call in (idle, half, busy)]
    assert idle.heard() == half.heard() == ["421 4.3.2 The gateway stops; come again later"]
    assert [deferred.called for deferred in gone] == [True, True, False]
    shared.submission.goes_on()
    assert busy.codes() == [250, 421]
    assert gone[2].called
    assert busy.is_over()


def test_stopping_does_not_wait_for_ever():
    """Nor does it undo what is under way."""
    call = IntakeCall(server_context(FakeSubmission(slow=True)))
    call.says(FROM, ONE)
    call.submission.goes_on()
    call.says(b"DATA", b"x", b".")
    gone = call.factory.close()
    call.clock.advance(5)
    assert gone.called
    assert call.is_over()
    call.submission.goes_on()
    assert len(call.submission.committed) == 1

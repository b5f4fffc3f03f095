"""AUTH (RFC 4954): who may log in, when, and what becomes of those who guess."""

import base64

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from goiptwist.accounts.secrets import Secret, hashed
from goiptwist.accounts.throttle import FAILURES, WINDOW
from goiptwist.accounts.users import User
from goiptwist.bridges.mail.intake.login import PasswordClaim
from goiptwist.bridges.mail.intake.session import SmtpSession
from goiptwist.errors import Busy
from tests.bridges.mail.intake.rig import PASSWORD, IntakeCall, server_context
from tests.bridges.mail.intake.test_session import FROM, ONE

STRANGE = "198.51.100.7"
WRONG = "535 5.7.8 No user who may send has this name and password"


def coded(text):
    return base64.b64encode(text.encode() if isinstance(text, str) else text)


def plain(name, password, other=""):
    return b"AUTH PLAIN " + coded(f"{other}\0{name}\0{password}")


@pytest.fixture
def call():
    return IntakeCall(peer=STRANGE, implicit=True)


def test_plain(call):
    """RFC 4616, with the response in the command; then the user may send."""
    assert call.ask(plain("ops", PASSWORD)) == ["235 2.7.0 Welcome"]
    call.says(FROM, ONE)
    [(client, _, _)] = call.submission.asked
    assert (client.user.name, client.tls, client.trusted) == ("ops", True, False)
    assert call.codes() == [250, 250]


def test_plain_in_two_steps(call):
    """The challenge is empty."""
    assert call.ask(b"auth plain") == ["334 "]
    assert call.ask(coded(f"\0ops\0{PASSWORD}")) == ["235 2.7.0 Welcome"]


@pytest.mark.parametrize("initial", [False, True])
def test_login(call, initial):
    """The challenges are words that clients know by heart."""
    if initial:
        assert call.ask(b"AUTH LOGIN " + coded("ops")) == ["334 UGFzc3dvcmQ6"]
    else:
        assert call.ask(b"AUTH LOGIN") == ["334 VXNlcm5hbWU6"]
        assert call.ask(coded("ops")) == ["334 UGFzc3dvcmQ6"]
    assert call.ask(coded(PASSWORD)) == ["235 2.7.0 Welcome"]


@pytest.mark.parametrize(
    "line",
    [
        plain("ops", "wrong"),
        plain("nobody", PASSWORD),
        plain("ops", ""),
        plain("", ""),
        plain("reader", "only looks"),
        plain("elsewhere", PASSWORD),
        b"AUTH PLAIN " + coded(b"\0ops\0\xff\xfe"),
        plain("ops", "x" * 2500),
    ],
)
def test_a_wrong_login(call, line):
    """Each sounds the same: which part was wrong, and who may not send, is not said."""
    assert call.ask(line) == [WRONG]
    assert call.ask(FROM, ONE)[1].startswith("550 ")
    assert call.context.rejections.counts["mail_login_refused"] == 1


@pytest.mark.parametrize(
    ("lines", "last"),
    [
        ((b"AUTH",), "504 5.5.4"),
        ((b"AUTH CRAM-MD5",), "504 5.5.4"),
        ((b"AUTH PLAIN !!!",), "501 5.5.2"),
        ((b"AUTH PLAIN =",), "501 5.5.2"),
        ((b"AUTH PLAIN " + coded("ops"),), "501 5.5.2"),
        ((b"AUTH PLAIN " + coded("a\0b\0c\0d"),), "501 5.5.2"),
        ((plain("ops", PASSWORD, other="root"),), "535 5.7.8"),
        ((b"AUTH LOGIN", b"*"), "501 5.7.0"),
        ((b"AUTH LOGIN", coded("ops"), b"*"), "501 5.7.0"),
        ((b"AUTH LOGIN", b"QUIT"), "334 UGFzc"),  # base64 by chance: a name
        ((b"AUTH LOGIN", "Ä".encode()), "501 5.5.2"),
        ((b"AUTH LOGIN", b""), "334 UGFzc"),
        ((FROM, plain("ops", PASSWORD)), "503 5.5.1"),
        ((plain("ops", PASSWORD), plain("ops", PASSWORD)), "503 5.5.1"),
    ],
)
def test_steps_that_are_wrong(call, lines, last):
    """Every one is answered, and the call goes on."""
    assert call.ask(*lines)[-1][:9] == last
    assert not call.closed


def test_after_a_broken_login_commands_are_commands(call):
    """A login that came to nothing does not eat the next line."""
    call.says(b"AUTH PLAIN", b"*", b"NOOP", b"AUTH LOGIN", b"!!!", b"NOOP")
    assert call.codes() == [334, 501, 250, 334, 501, 250]


def test_before_ehlo():
    """RFC 4954 section 4: it must have been offered."""
    call = IntakeCall(peer=STRANGE, implicit=True, hello=False)
    call.says(b"HELO me", plain("ops", PASSWORD))
    assert call.codes() == [220, 250, 503]


@pytest.mark.parametrize(
    ("peer", "clear_login", "code"),
    [
        ("127.0.0.1", True, 235),
        ("127.0.0.1", False, 538),
        ("::1", True, 235),
        ("192.0.2.1", True, 538),  # a trusted network is a network still
        (STRANGE, True, 538),
    ],
)
def test_in_clear(peer, clear_login, code):
    """Only on this machine, and only if the settings say so."""
    call = IntakeCall(server_context(clear_login=clear_login), peer=peer)
    call.says(plain("ops", PASSWORD))
    assert call.codes() == [code]
    assert any("AUTH" in line for line in call.ask(b"EHLO me")) is (code == 235)


def test_a_login_in_clear_does_not_outlive_starttls():
    """RFC 3207 section 4.2."""
    call = IntakeCall(server_context(clear_login=True, certificate=object()), peer="127.0.0.1")
    call.says(plain("ops", PASSWORD), b"STARTTLS")
    assert call.codes() == [235, 220]
    assert call.server.user is None


# Guessing


def test_guesses_are_slowed():
    """Ten a minute from one source, over all its calls, the right one no better than the others."""
    shared = server_context()
    for _ in range(FAILURES):
        call = IntakeCall(shared, peer=STRANGE, implicit=True)
        assert call.ask(plain("ops", "guess")) == [WRONG]
        call.hangs_up()
    call = IntakeCall(shared, peer=STRANGE, implicit=True)
    assert call.ask(plain("ops", PASSWORD)) == ["454 4.7.0 Too many wrong passwords; wait for 60 s"]
    other = IntakeCall(shared, peer="203.0.113.1", implicit=True)
    assert other.ask(plain("ops", PASSWORD)) == ["235 2.7.0 Welcome"]
    shared.clock.advance(WINDOW)
    assert call.ask(plain("ops", PASSWORD)) == ["235 2.7.0 Welcome"]
    assert shared.rejections.counts == {"mail_login_refused": 10, "mail_login_slowed": 1}


def test_a_guesser_does_not_lock_his_neighbour_out():
    """Who has proved himself from that address is let in."""
    shared = server_context()
    IntakeCall(shared, peer=STRANGE, implicit=True).says(plain("ops", PASSWORD))
    guesser = IntakeCall(shared, peer=STRANGE, implicit=True)
    guesser.says(*[plain("ops", "guess")] * FAILURES)
    assert guesser.codes() == [535] * FAILURES
    again = IntakeCall(shared, peer=STRANGE, implicit=True)
    assert again.ask(plain("ops", PASSWORD)) == ["235 2.7.0 Welcome"]


def test_one_household_is_one_source():
    """Whoever has an IPv6 network has more addresses than there are guesses."""
    shared = server_context()
    for n in range(FAILURES):
        call = IntakeCall(shared, peer=f"2001:db8::{n + 1:x}", implicit=True)
        assert call.ask(plain("ops", "guess")) == [WRONG]
        call.hangs_up()
    call = IntakeCall(shared, peer="2001:db8::ffff", implicit=True)
    assert call.ask(plain("ops", "guess"))[0].startswith("454 ")


def test_hashed_passwords():
    """They take a while, in a thread; what follows waits."""
    user = User(name="ops", password=Secret.from_setting(hashed(PASSWORD)), may=("send",))
    shared = server_context(users=(user,))
    waiting = []

    def in_thread(work, *arguments):
        finished = Deferred().addCallback(lambda _: work(*arguments))
        waiting.append(finished)
        return finished

    shared.accounts.verifier.defer_to_thread = in_thread
    call = IntakeCall(shared, peer=STRANGE, implicit=True)
    assert call.ask(plain("ops", PASSWORD), FROM, ONE) == []
    waiting.pop().callback(None)
    assert call.codes() == [235, 250, 250]


def test_too_many_checks():
    """It is no error of the client, and counts as none."""

    async def busy(name, password):
        raise Busy("too many passwords are being checked already", after=1)

    call = IntakeCall(peer=STRANGE, implicit=True)
    call.context.accounts.verifier.by_password = busy
    assert call.ask(plain("ops", PASSWORD)) == [
        "454 4.7.0 too many passwords are being checked already"
    ]
    assert call.context.rejections.counts == {}


def test_a_guess_counts_if_the_guesser_hangs_up():
    """He will not have the answer, but he has had his try."""
    shared = server_context()
    waiting = Deferred()
    shared.accounts.verifier.by_password = lambda name, password: waiting
    call = IntakeCall(shared, peer=STRANGE, implicit=True)
    call.says(plain("ops", "guess"))
    call.hangs_up()
    waiting.callback(None)
    assert shared.rejections.counts["mail_login_refused"] == 1
    assert call.is_over()


def test_no_password_is_ever_shown():
    """Neither in the log, nor in an answer, nor in the repr of anything."""
    with capturedLogs() as logs:
        call = IntakeCall(peer=STRANGE, implicit=True)
        call.says(plain("ops", "hunter2"), b"AUTH LOGIN", coded("hunter2"), coded("hunter2"))
        call.says(b"hunter2", b"AUTH PLAIN hunter2", FROM, b"RCPT TO:hunter2")
        said = call.heard()
        call.hangs_up()
    for place in (
        logs,
        said,
        call.context.rejections.said,
        PasswordClaim("x", "hunter2"),
        call.server,
    ):
        assert "hunter2" not in repr(place)
        assert coded("hunter2").decode() not in repr(place)


def test_the_verbs_are_all_ours():
    """The stock server obeys every method called do_ or ext_; ours are named one by one."""
    for verb in SmtpSession.verbs:
        name = verb.decode()
        method = SmtpSession.__dict__.get(f"do_{name}") or SmtpSession.__dict__.get(f"ext_{name}")
        assert method is not None, verb

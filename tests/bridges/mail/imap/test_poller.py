"""A mailbox that is emptied into the submission, with a real Dovecot."""

import imaplib
import os
import pwd
import re
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from email import message_from_bytes
from email.utils import parseaddr

import pytest
from attrs import evolve
from hypothesis import given
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from goiptwist.accounts.users import User
from goiptwist.bridges.mail.imap.fetched_mail import FetchedMail
from goiptwist.bridges.mail.imap.poller import ImapIntake, check
from goiptwist.bridges.mail.imap.settings import ImapSettings
from goiptwist.bridges.mail.submission.smtp_reply import SmtpReply
from goiptwist.config.values import HostPort, Password
from goiptwist.errors import Away, TryLater
from goiptwist.testing.contract import any_text
from goiptwist.testing.stubs import sms
from tests.bridges.mail.intake.rig import FakeRejections, FakeSubmission
from tests.bridges.mail.outgoing.smarthosts import Authority, free_port, mail_bridge, smtp_server
from tests.bridges.mail.outgoing.smarthosts import Mailbox as MailBox
from tests.bridges.mail.submission.test_service import SubmissionRig

CONFIGURATION = """
protocols = imap
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
mail_location = maildir:{folder}/mail
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{pem}
ssl_key = <{pem}
passdb {{
  driver = static
  args = password=right"horse
}}
userdb {{
  driver = static
  args = home={folder} uid={user} gid={group}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
auth_failure_delay = 0
service stats {{
  chroot =
}}
"""

LETTER = (
    b"Return-Path: <a@example.org>\r\nDelivered-To: +36301111111@sms.example.org\r\n"
    b"Delivered-To: forged@sms.example.org\r\nMessage-ID: <1@example.org>\r\n"
    b'Subject: x\r\n\r\nPump {3} "stopped" (\\ \xc3\xa4\r\n)\r\n'
)
TO = "+36301111111@sms.example.org"


# Without a server


def test_the_envelope_is_what_the_server_noted():
    """The topmost header is its own; what the mail says of itself further down is not asked."""
    letter = FetchedMail.read(LETTER, "Delivered-To", "unused")
    assert letter == FetchedMail("a@example.org", TO, LETTER)


def test_a_mail_without_a_message_id_gets_one():
    """Always the same, so that a repeat can be recognised."""
    bare = LETTER.replace(b"Message-ID: <1@example.org>\r\n", b"")
    letter = FetchedMail.read(bare, "Delivered-To", "imap-1-2@mail.example.org")
    assert letter.content == b"Message-ID: <imap-1-2@mail.example.org>\r\n" + bare


@pytest.mark.parametrize(
    ("header", "recipient"),
    [
        (
            b"Delivered-To: sms@example.org\r\nTo: Sms <sms+1+x@example.org>\r\n",
            "sms+1+x@example.org",
        ),
        (
            b"Delivered-To: SMS@example.org\r\nTo: a@b.org\r\nCc: sms+2@example.org\r\n",
            "sms+2@example.org",
        ),
        (b"To: b@b.org, sms+3@example.org\r\n", "sms+3@example.org"),
        (b"Delivered-To: sms+4@example.org\r\nTo: sms+5@example.org\r\n", "sms+4@example.org"),
        (b"Delivered-To: other@example.org\r\nTo: sms+6@example.org\r\n", "other@example.org"),
        (b"Delivered-To: sms@example.org\r\nTo: b@b.org, <<,\r\n", "sms@example.org"),
    ],
)
def test_behind_the_plus(header, recipient):
    """Where the server notes only the mailbox, the mail says for which of its addresses it was."""
    letter = FetchedMail.read(header + b"\r\nx\r\n", "Delivered-To", "unused", ["sms@example.org"])
    assert letter.recipient == recipient


@pytest.mark.parametrize(
    "content",
    [b"", b"Subject: x\r\n\r\n", b"Delivered-To: a b\r\n\r\n", LETTER + b"\0", LETTER + b"\n"],
)
def test_no_mail_for_us(content):
    """It is refused, whatever is in it."""
    with pytest.raises(SmtpReply) as refused:
        FetchedMail.read(content, "Delivered-To", "unused")
    assert refused.value.code // 100 == 5


@given(any_text)
def test_any_header(text):
    """A mail that cannot be read is refused, and does not stop those behind it."""
    for header in ("Delivered-To", "To", "Message-ID", "Return-Path"):
        content = f"{header}: {text}\r\nCc: {text}\r\n\r\nx\r\n".encode("utf-8", "surrogatepass")
        with suppress(SmtpReply):
            FetchedMail.read(content, "Delivered-To", "unused", ["sms@example.org"])


def test_no_password_in_clear_over_a_network():
    """Nor half a login."""
    login = {"username": "sms", "password": Password("x y")}
    ImapSettings(server=HostPort("127.0.0.1", 143), tls=False, **login)
    with pytest.raises(ValueError, match="tls must be true"):
        ImapSettings(server=HostPort("192.0.2.1", 143), tls=False, **login)
    with pytest.raises(ValueError, match="needs a username"):
        ImapSettings(server=HostPort("192.0.2.1", 993))


# With Dovecot


@pytest.fixture(scope="module")
def dovecot(tmp_path_factory):
    """Its two ports, in clear and with TLS, and the authority to trust."""
    if shutil.which("dovecot") is None:
        pytest.skip("dovecot-imapd is not installed")
    folder = tmp_path_factory.mktemp("dovecot")
    authority = Authority(folder)
    authority.server("localhost")
    user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    entry = pwd.getpwnam(user)
    ports = free_port(), free_port()
    for sub in ("run", "mail"):
        (folder / sub).mkdir()
        if os.getuid() == 0:
            os.chown(folder / sub, entry.pw_uid, entry.pw_gid)
            for place in (folder, *folder.parents):
                if "pytest-" in str(place):
                    place.chmod(0o755)
    file = folder / "dovecot.conf"
    file.write_text(
        CONFIGURATION.format(
            folder=folder,
            user=user,
            group=subprocess.check_output(["id", "-gn", user], text=True).strip(),
            pem=f"{folder}/Test CA localhost.key",
            port=ports[0],
            tls_port=ports[1],
        )
    )
    server = subprocess.Popen(["dovecot", "-F", "-c", file], stderr=subprocess.PIPE)
    for _ in range(200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", ports[1])):
            break
        time.sleep(0.05)
    yield (*ports, authority.pem)
    server.terminate()
    server.wait(10)
    server.stderr.close()


class Mailbox:
    """The same mailbox as a person sees it."""

    def __init__(self, port):
        self.box = imaplib.IMAP4("127.0.0.1", port)
        self.box.login("sms", 'right"horse')
        for folder in ("INBOX", "sms-taken", "sms-refused"):
            self.box.create(folder)
            chosen = self.box.select(folder)
            assert chosen[0] == "OK", chosen
            self.box.uid("STORE", "1:*", "+FLAGS", r"\Deleted")
            self.box.expunge()

    def put(self, letter):
        assert self.box.append("INBOX", None, None, letter)[0] == "OK"

    def counts(self):
        """How many mails are new, taken and refused."""
        folders = ("INBOX", "sms-taken", "sms-refused")
        return tuple(int(self.box.select(folder)[1][0]) for folder in folders)


@pytest.fixture
def mailbox(dovecot):
    mailbox = Mailbox(dovecot[0])
    yield mailbox
    mailbox.box.logout()


class Open(FakeSubmission):
    """Takes mails from everybody."""

    async def check_recipient(self, client, envelope_from, recipient):
        self.asked.append((client, envelope_from, recipient))


def intake(dovecot, submission, mailboxes=(), **keys):
    settings = {
        "server": HostPort("localhost", dovecot[1]),
        "ca": dovecot[2],
        "username": "sms",
        "password": Password('right"horse'),
        **keys,
    }
    return ImapIntake(reactor, ImapSettings(**settings), submission, FakeRejections(), mailboxes)


async def look(dovecot, submission, **keys):
    """One look, and the mailbox afterwards."""
    service = intake(dovecot, submission, **keys)
    await service.poll()
    assert service._rejections.said == []


@pytest.mark.real
async def test_taken_and_moved(dovecot, mailbox):
    """Every byte arrives; what is taken is gone from the folder."""
    await deferToThread(mailbox.put, LETTER)
    submission = Open()
    await look(dovecot, submission)
    [(client, sender, recipients, content)] = submission.taken
    assert (client.protocol, client.tls, client.known) == ("imap", True, False)
    assert (sender, recipients, content) == ("a@example.org", (TO,), LETTER)
    assert await deferToThread(mailbox.counts) == (0, 1, 0)


#: Whatever IMAP has a meaning for, and every byte that a mail may have.
ODD = (
    b'{5}\r\n"x" {3+}\r\n(\\) [] NIL\r\n* 1 FETCH (UID 1)\r\n)\r\nBODY[] {1}\r\n',
    bytes(byte for byte in range(1, 256) if byte not in b"\r\n") + b"\r\n",
    b"x" * 998 + b"\r\n" + (b'("{' * 300 + b"\r\n") * 200,
    b"\r\n" * 3,
    b"",
)


@pytest.mark.real
@pytest.mark.parametrize("body", ODD)
async def test_odd_mails(dovecot, mailbox, body):
    """Every byte arrives, whatever it would mean in IMAP itself."""
    await deferToThread(mailbox.put, LETTER + body)
    submission = Open()
    await look(dovecot, submission)
    [(_, _, _, content)] = submission.taken
    assert content == LETTER + body
    assert await deferToThread(mailbox.counts) == (0, 1, 0)


@pytest.mark.real
async def test_three_destinations(dovecot, mailbox):
    """Later stays, never is put aside, and so is what is too large; nobody is written to."""
    for number in (1, 2):
        letter = LETTER.replace(b"+36301111111", b"%d" % number)
        await deferToThread(mailbox.put, letter)
    await deferToThread(mailbox.put, LETTER + b"x" * 5000)
    await deferToThread(mailbox.put, b"Subject: for nobody\r\n\r\nx\r\n")
    submission = Open(
        replies={
            "1@sms.example.org": SmtpReply(452, "4.2.2", "Quota is used up"),
            "2@sms.example.org": SmtpReply(554, "5.7.1", "Not allowed"),
        }
    )
    await look(dovecot, submission, max_size=1000)
    assert await deferToThread(mailbox.counts) == (1, 0, 3)
    submission.replies.clear()
    await look(dovecot, submission, server=HostPort("127.0.0.1", dovecot[0]), tls=False)
    assert await deferToThread(mailbox.counts) == (0, 1, 3)


@pytest.mark.real
async def test_what_cannot_be_moved_is_not_taken_again(dovecot, mailbox):
    """Nor does it stop those behind it; the operator hears of it."""
    for _ in range(2):
        await deferToThread(mailbox.put, LETTER)
    submission = Open()
    service = intake(dovecot, submission, taken_folder="../nowhere")
    for looks in (1, 2):
        await service.poll()
        assert len(submission.taken) == 2
        assert service._rejections.counts["mail_imap"] == looks
    assert await deferToThread(mailbox.counts) == (2, 0, 0)


@pytest.mark.real
async def test_a_wrong_password_is_said_and_tried_again(dovecot):
    """It is a matter for the operator, and his to see."""
    service = intake(dovecot, Open(), password=Password("wrong"))
    await service.poll()
    [(kind, host, why)] = service._rejections.said
    assert (kind, host) == ("mail_imap", "localhost")
    assert "AUTHENTICATIONFAILED" in why
    assert "wrong" not in why


@pytest.mark.real
async def test_another_certificate(dovecot, tmp_path):
    """The password is not said to somebody else."""
    service = intake(dovecot, Open(), ca=Authority(tmp_path, "Other CA").pem)
    await service.poll()
    assert service._rejections.counts["mail_imap"] == 1


@pytest.mark.real
async def test_check(dovecot, mailbox, tmp_path):
    """An operator sees that it works before anybody waits for an answer; nothing is touched."""
    await deferToThread(mailbox.put, LETTER)
    settings = intake(dovecot, Open())._settings
    assert re.fullmatch(
        rf"localhost:{dovecot[1]} answers, TLSv1\.3 with the certificate of CN=localhost "
        r"\(from CN=Test CA, valid until 2.* UTC\), verified, logged in; INBOX has 1 mails",
        await check(reactor, settings),
    )
    assert await deferToThread(mailbox.counts) == (1, 0, 0)
    wrong = evolve(settings, password=Password("wrong"))
    with pytest.raises(TryLater, match="AUTHENTICATIONFAILED"):
        await check(reactor, wrong)
    other = evolve(settings, ca=Authority(tmp_path, "Other CA").pem)
    with pytest.raises(TryLater, match="certificate verify failed"):
        await check(reactor, other)
    with pytest.raises(TryLater, match="nowhere"):
        await check(reactor, evolve(settings, folder="nowhere"))
    with pytest.raises(Away, match="cannot be reached"):
        await check(reactor, evolve(settings, server=HostPort("localhost", free_port())))


@pytest.mark.real
async def test_nobody_there():
    """The mailbox waits, and so do we."""
    service = intake((free_port(), free_port(), ""), Open())
    await service.poll()
    assert service._rejections.counts["mail_imap"] == 1


@pytest.mark.real
async def test_a_new_mail_that_the_server_vouches_for(dovecot, mailbox):
    """With authserv a mailbox is for more than answers; without, for answers only."""
    vouched = b"Authentication-Results: mx.example.org; dmarc=pass header.from=example.org\r\n"
    letter = LETTER.replace(b"Subject:", b"From: a@example.org\r\nSubject:")
    ann = User(name="ann", mail=("a@example.org",))
    for authserv, content, counts in [
        ("mx.example.org", vouched + letter, (0, 1, 0)),
        ("mx.example.org", letter, (0, 1, 1)),
        ("", vouched + letter, (0, 1, 2)),
    ]:
        await deferToThread(mailbox.put, content)
        room = SubmissionRig(users=(ann,), imap_authserv=authserv)
        await look(dovecot, room.submission)
        assert await deferToThread(mailbox.counts) == counts
        assert [origin for origin, *_ in room.sent()] == ["user:ann"] * (counts == (0, 1, 0))


@pytest.mark.real
@pytest.mark.parametrize("noted", ["sms@example.org", ""])
async def test_a_plain_reply_without_a_domain(dovecot, mailbox, noted):
    """
    All that a person needs is a mailbox: our mail is from one address, its
    answer comes to the mailbox, and goes out once, by the line of the SMS.
    """
    room = SubmissionRig(mailboxes=("sms@example.org",))
    sent = MailBox()
    with smtp_server(sent) as port:
        bridge = mail_bridge(reactor, port, mailbox="sms@example.org")
        bridge.name, bridge.tokens = "ops", room.tokens
        await bridge.deliver(sms(at=room.gateway.clock.seconds()))
    ours = message_from_bytes(sent.taken[0].content)
    assert parseaddr(ours["From"])[1] == "sms@gateway.example.org"
    answer = (
        f"Return-Path: <a@example.org>\r\nDelivered-To: {noted or parseaddr(ours['Reply-To'])[1]}"
        f"\r\nFrom: a@example.org\r\nTo: {ours['Reply-To']}\r\nMessage-ID: <1@example.org>\r\n"
        f"In-Reply-To: {ours['Message-ID']}\r\n\r\nOn my way.\r\n"
    ).encode()
    for looks in (1, 2):
        await deferToThread(mailbox.put, answer)
        service = intake(dovecot, room.submission, mailboxes=("sms@example.org",))
        await service.poll()
        assert await deferToThread(mailbox.counts) == (0, looks, 0)
    assert room.sent()[0] == ("bridge:ops", "+36301234567", "goip1", "On my way.")
    assert len({submitted.client_id for submitted in room.gateway.submissions}) == 1
    forged = answer.replace(b"++36301234567", b"++36301234568")
    await deferToThread(mailbox.put, forged)
    await intake(dovecot, room.submission, mailboxes=("sms@example.org",)).poll()
    assert await deferToThread(mailbox.counts) == (0, 2, 1)


@pytest.mark.real
async def test_stopping(dovecot, mailbox):
    """A look under way ends; what was committed by then is recognised at the next one."""
    await deferToThread(mailbox.put, LETTER)
    submission = Open(slow=True)
    service = intake(dovecot, submission)
    service.startService()
    while not submission.taken:
        await deferToThread(time.sleep, 0.02)
    service.stopService()
    submission.goes_on()
    assert len(submission.committed) == 1
    assert await deferToThread(mailbox.counts) == (1, 0, 0)

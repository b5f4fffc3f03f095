"""The whole bridge before a real Dovecot that speaks LMTP, and delivers to mailboxes of its own."""

import mailbox
import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from attrs import frozen
from twisted.internet import reactor

from goiptwist.config.values import HostPort
from goiptwist.errors import Refused, TryLater
from goiptwist.model.delivery import Delivered
from goiptwist.testing.contract import outcome
from goiptwist.testing.stubs import sms
from tests.bridges.mail.outgoing.smarthosts import Authority, each_recipient, free_port, mail_bridge

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not Path("/usr/lib/dovecot/lmtp").exists() or os.getuid() != 0,
        reason="dovecot-lmtpd is not installed, or we are not root",
    ),
]

OPS, BOSS, FULL = "ops@example.org", "boss@example.org", "full@example.org"
NOBODY = "nobody@example.org"

CONFIGURATION = """
protocols = lmtp
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
first_valid_uid = 1
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
mail_location = maildir:~/mail
postmaster_address = postmaster@example.org
hostname = mx.example.org
ssl = yes
ssl_cert = <{pem}
ssl_key = <{pem}
quota_full_tempfail = yes
mail_plugins = quota
plugin {{
  quota = maildir
}}
passdb {{
  driver = static
  args = password=unused
}}
userdb {{
  driver = passwd-file
  args = {folder}/users
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


@frozen
class Dovecot:
    folder: Path
    port: int
    ca: str

    def bridge(self, **changes):
        keys = {
            "smarthost": HostPort("localhost", self.port),
            "lmtp": True,
            "tls": "verified",
            "ca": self.ca,
            **changes,
        }
        return mail_bridge(reactor, self.port, **keys)

    def inbox(self, user):
        """The Message-IDs in a mailbox."""
        known = mailbox.Maildir(self.folder / user / "mail")
        return [mail["Message-ID"] for mail in known]


@pytest.fixture(scope="module")
def dovecot():
    with TemporaryDirectory(prefix="dovecot-") as name:
        folder, port = Path(name), free_port()
        folder.chmod(0o755)
        (folder / "run").mkdir()
        users = ""
        for user, rule in ((OPS, ""), (BOSS, ""), (FULL, "userdb_quota_rule=*:bytes=10")):
            (folder / user).mkdir()
            shutil.chown(folder / user, "nobody", "nogroup")
            users += f"{user}::65534:65534::{folder / user}::{rule}\n"
        (folder / "users").write_text(users)
        authority = Authority(folder)
        authority.server("localhost")
        file = folder / "dovecot.conf"
        pem = authority.kept("localhost")
        file.write_text(CONFIGURATION.format(folder=folder, port=port, pem=pem))
        server = subprocess.Popen(["dovecot", "-F", "-c", file])
        try:
            for _ in range(200):
                with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.05)
            yield Dovecot(folder, port, authority.pem)
        finally:
            server.terminate()
            server.wait(10)


async def test_each_recipient_has_an_outcome_of_its_own(dovecot):
    """Some have it, one is full, one does not exist; only the full one is to be tried again."""
    bridge = dovecot.bridge(to=(OPS, NOBODY), cc=(FULL,), bcc=(BOSS,))
    found = await each_recipient(bridge, sms(id="four"))
    outcomes = dict(zip(bridge.settings.recipients, found, strict=True))
    assert isinstance(outcomes[OPS], Delivered)
    assert isinstance(outcomes[BOSS], Delivered)
    assert isinstance(outcomes[NOBODY], Refused)
    assert isinstance(outcomes[FULL], TryLater)
    assert str(outcomes[FULL]).startswith(f"the smarthost put it off: {FULL}: 452 4.2.2")
    sent = ["<four.1767225600250@gateway.example.org>"]
    assert (dovecot.inbox(OPS), dovecot.inbox(BOSS), dovecot.inbox(FULL)) == (sent, sent, [])


async def test_nobody(dovecot):
    """Its no is a no."""
    error = await outcome(dovecot.bridge(to=(NOBODY,)), sms())
    assert isinstance(error, Refused)
    assert "550 5.1.1" in str(error)


async def test_the_last_word_is_of_each(dovecot):
    """What is kept of it is Dovecot's answer for the one mailbox."""
    answer = await outcome(dovecot.bridge(), sms(id="yes"))
    assert isinstance(answer, Delivered)
    assert answer.detail.startswith(f"250 2.0.0 <{OPS}>")


async def test_check(dovecot):
    """TLS is begun in LMTP too."""
    found = await dovecot.bridge().check()
    assert "answers in LMTP, TLSv1.3 with the certificate of CN=localhost (from CN=Test" in found
    assert "verified, not logged in" in found

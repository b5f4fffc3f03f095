"""
A real Postfix of our own: its own folders and ports, on loopback only. It
delivers to a Maildir, or to wherever the lines that it is given say.
"""

import email
import json
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from attrs import define, field
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from tests.bridges.mail.outgoing.smarthosts import Authority, free_port

NEEDS_POSTFIX = pytest.mark.skipif(
    shutil.which("postfix") is None or os.getuid() != 0,
    reason="postfix is not installed, or we are not root, as it must be to start",
)

MAIN = """
compatibility_level = 3.6
mail_owner = postfix
setgid_group = postdrop
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = mx.example.org
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_tls_cert_file = {pem}
smtpd_tls_key_file = {pem}
smtpd_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = {folder}/auth
address_verify_poll_delay = 1s
"""

#: Nothing is chrooted: a bare folder holds neither libraries nor /etc.
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{submission} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
lmtp unix - - n - - lmtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

#: Nothing but the part of Dovecot that knows passwords.
AUTHENTICATION = """
protocols =
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/dovecot.log
ssl = no
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
auth_mechanisms = plain login
auth_failure_delay = 0
passdb {{
  driver = static
  args = user=goip password=right"horse
}}
service auth {{
  chroot =
  unix_listener {folder}/auth {{
    mode = 0666
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


@define
class Postfix:
    """
    @ivar folder: that everybody may look into: its parts run as several users.
    @ivar extra: further lines of main.cf.
    @ivar tables: further files beside it, by name.
    @ivar port: where it takes mail from this machine.
    @ivar submission: where it takes mail from C{goip}, within TLS.
    @ivar authority: who has signed its certificate, which is for C{localhost}.
    """

    folder: Path
    extra: str = ""
    tables: dict[str, str] = field(factory=dict)
    port: int = field(factory=free_port)
    submission: int = field(factory=free_port)
    authority: Authority = field(init=False)

    def __attrs_post_init__(self):
        """Write down all that it needs."""
        self.folder.chmod(0o755)
        for name in ("queue", "data", "mail", "run"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "data", "postfix")
        shutil.chown(self.folder / "mail", "nobody", "nogroup")
        self.authority = Authority(self.folder)
        self.authority.server("localhost")
        known = {
            "folder": self.folder,
            "pem": self.authority.kept("localhost"),
            "port": self.port,
            "submission": self.submission,
        }
        self._write("main.cf", MAIN.format(**known) + self.extra)
        self._write("master.cf", MASTER.format(**known))
        self._write("dovecot.conf", AUTHENTICATION.format(**known))
        for name, text in self.tables.items():
            self._write(name, text)

    def _write(self, name, text):
        (self.folder / name).write_text(text)

    def does(self, command):
        """C{start} comes back when all is open, C{stop} when all is closed."""
        done = subprocess.run(
            ["postfix", "-c", self.folder, command], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"{command}: {done.stderr}\n{self.log}"

    @property
    def runs(self):
        status = ["postfix", "-c", self.folder, "status"]
        return subprocess.run(status, capture_output=True, timeout=60).returncode == 0

    @property
    def log(self):
        log = self.folder / "log"
        return log.read_text() if log.exists() else "there is no log"

    def inbox(self):
        """The mails that were delivered to the Maildir."""
        # The mailbox module wants all three folders, which are made one by one.
        new = self.folder.glob("mail/inbox/new/*")
        return [email.message_from_bytes(path.read_bytes()) for path in new]

    def queue(self):
        """The recipients that wait, each with the reason."""
        command = ["postqueue", "-c", self.folder, "-j"]
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        mails = map(json.loads, said.stdout.splitlines())
        return [
            (to["address"], to.get("delay_reason", ""))
            for mail in mails
            for to in mail["recipients"]
        ]

    def flush(self):
        """What waits is tried now."""
        subprocess.run(["postqueue", "-c", self.folder, "-f"], timeout=60, check=True)


@contextmanager
def running(extra="", **tables):
    """A Postfix from its start to its stop, whatever happens in between."""
    # Not in a folder of pytest's, into which other users cannot look.
    with TemporaryDirectory(prefix="postfix-") as folder:
        postfix = Postfix(Path(folder), extra, tables)
        try:
            postfix.does("start")
            yield postfix
        finally:
            if postfix.runs:
                postfix.does("stop")


@contextmanager
def passwords(postfix):
    """The part of Dovecot that Postfix asks about them."""
    if shutil.which("dovecot") is None:
        pytest.skip("dovecot-imapd is not installed")
    server = subprocess.Popen(["dovecot", "-F", "-c", postfix.folder / "dovecot.conf"])
    try:
        while not (postfix.folder / "auth").exists():
            assert server.poll() is None, (postfix.folder / "dovecot.log").read_text()
            time.sleep(0.01)
        yield
    finally:
        server.terminate()
        server.wait(10)


async def until(look, what, patience=90.0):
    """
    @param look: is asked until its answer is true, while the reactor runs.
    @return: that answer.
    """
    for _ in range(round(patience / 0.05)):
        seen = await deferToThread(look)
        if seen:
            return seen
        await deferLater(reactor, 0.05)
    raise AssertionError(f"never: {what}")

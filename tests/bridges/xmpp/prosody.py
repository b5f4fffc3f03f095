"""
A real Prosody of our own: its own folders and ports, on loopback only, with
several virtual hosts. It uses C{etc/prosody/sms.cfg.lua} as it stands, but for
the secret.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from attrs import define, field

from tests.bridges.xmpp.authority import Authority

NEEDS_PROSODY = pytest.mark.skipif(
    shutil.which("prosody") is None or os.getuid() != 0,
    reason="prosody is not installed, or we are not root, as we must be to become its user",
)

SNIPPET = Path(__file__).parents[3] / "etc" / "prosody" / "sms.cfg.lua"

#: What the accounts and the component of the tests log in with.
PASSWORD = 'correct "horse" <&>'
SECRET = "battery staple"

MAIN = """
daemonize = false
data_path = "{folder}/data"
log = {{ debug = "{folder}/log" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{ {direct_port} }}
c2s_direct_tls_ssl = {{ certificate = "{good}", key = "{good}" }}
component_ports = {{ {component_port} }}
modules_enabled = {{
    "roster", "saslauth", "tls", "disco", "ping", "smacks", "carbons", "pep", "private",
    "vcard4", "vcard_legacy", "blocklist", "offline", "time", "version", "admin_shell",
}}
modules_disabled = {{ "s2s", "s2s_auth_certs", "dialback" }}
admin_socket = "{folder}/data/admin"
authentication = "internal_plain"
c2s_require_encryption = true
allow_registration = false
ssl = {{ certificate = "{good}", key = "{good}" }}
"""

HOST = """
VirtualHost "{name}"
    ssl = {{ certificate = "{pem}", key = "{pem}"{more_tls} }}
    {options}
"""

ROOMS = """
Component "rooms.example.org" "muc"
    restrict_room_creation = false
    muc_room_default_persistent = false
"""

#: The virtual hosts, and what is special about each.
HOSTS = {
    # The domain beside the component, where people live.
    "example.org": "",
    "all.test": "",
    "scram.test": 'disable_sasl_mechanisms = { "PLAIN" }',
    "sha256.test": 'disable_sasl_mechanisms = { "PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS" }',
    "sha1.test": 'disable_sasl_mechanisms = { "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS" }',
    "plain.test": 'disable_sasl_mechanisms = { "SCRAM-SHA-1", "SCRAM-SHA-256" }',
    "tls12.test": "",
    # It cannot say what it has.
    "unsaid.test": 'modules_disabled = { "smacks" }',
    # Its certificates are good for nothing.
    "elsewhere.test": "",
    "stranger.test": "",
    "expired.test": "",
}

#: The accounts that each virtual host has.
USERS = ("bot", "ann", "ben")


def free_port():
    """A port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@define
class Prosody:
    """
    @ivar folder: that everybody may look into, since Prosody runs as its own user.
    @ivar port: for accounts, with STARTTLS.
    @ivar direct_port: for accounts, with TLS from the first byte on.
    @ivar component_port: for the component C{sms.example.org}.
    @ivar ca: the file with the certificate of the authority of the tests.
    """

    folder: Path
    port: int = field(factory=free_port)
    direct_port: int = field(factory=free_port)
    component_port: int = field(factory=free_port)
    ca: str = field(init=False)
    password: str = PASSWORD
    secret: str = SECRET
    domain: str = "sms.example.org"
    rooms: str = "rooms.example.org"
    _process: subprocess.Popen | None = field(default=None, init=False)

    def __attrs_post_init__(self):
        """Write down all that it needs."""
        self.folder.chmod(0o755)
        (self.folder / "data").mkdir()
        ours, stranger = Authority(self.folder / "ca"), Authority(self.folder / "stranger")
        self.ca = str(ours.path)
        good = ours.server("good", *HOSTS)
        pems = {
            "elsewhere.test": ours.server("elsewhere", "somewhere.test"),
            "stranger.test": stranger.server("stranger", "stranger.test"),
            "expired.test": ours.server("expired", "expired.test", expired=True),
        }
        text = MAIN.format(
            folder=self.folder,
            good=good,
            port=self.port,
            direct_port=self.direct_port,
            component_port=self.component_port,
        )
        # A component line begins a section: what is for all goes before it.
        text += SNIPPET.read_text().replace("replace-me", self.secret)
        text += ROOMS
        for name, options in HOSTS.items():
            text += HOST.format(
                name=name,
                pem=pems.get(name, good),
                more_tls=', protocol = "tlsv1_2"' if name == "tls12.test" else "",
                options=options,
            )
            for user in USERS:
                self._account(user, name)
        (self.folder / "prosody.cfg.lua").write_text(text)
        for path in (self.folder, *self.folder.rglob("*")):
            shutil.chown(path, "prosody", "prosody")

    def _account(self, user, host):
        place = self.folder / "data" / host.replace(".", "%2e") / "accounts"
        place.mkdir(parents=True, exist_ok=True)
        quoted = self.password.replace('"', '\\"')
        (place / f"{user}.dat").write_text(f'return {{ ["password"] = "{quoted}"; }};\n')

    def start(self):
        """Comes back when it listens."""
        self._process = subprocess.Popen(
            ["prosody", "-F", "--config", self.folder / "prosody.cfg.lua"],
            user="prosody",
            group="prosody",
            extra_groups=[],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for port in (self.port, self.component_port):
            while not listens(port):
                assert self._process.poll() is None, f"prosody did not start:\n{self.log}"
                time.sleep(0.02)

    def stop(self):
        """In good order: it says goodbye to everybody."""
        self._end(signal.SIGTERM)

    def kill(self):
        """As if the power went."""
        self._end(signal.SIGKILL)

    def pause(self):
        """The process stands still: connections stay open, and nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self):
        """It goes on where it stood."""
        self._process.send_signal(signal.SIGCONT)

    def _end(self, how):
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(how)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait(10)
            self._process = None

    @property
    def runs(self):
        return self._process is not None and self._process.poll() is None

    @property
    def log(self):
        log = self.folder / "log"
        return log.read_text(errors="replace") if log.exists() else "there is no log"


def listens(port):
    """Whether somebody listens there on this machine."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextmanager
def running():
    """A Prosody from its start to its stop, whatever happens in between."""
    # Not in a folder of pytest's, into which other users cannot look.
    with TemporaryDirectory(prefix="prosody-") as folder:
        prosody = Prosody(Path(folder))
        try:
            prosody.start()
            yield prosody
        finally:
            prosody.stop()

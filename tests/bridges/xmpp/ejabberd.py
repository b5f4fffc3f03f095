"""
A real ejabberd of our own: its own folders and ports, on loopback only. It
uses C{etc/ejabberd/sms.yml} as it stands, but for the port and the secret.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import Request, urlopen

import pytest
from attrs import define, field

from tests.bridges.xmpp.authority import Authority
from tests.bridges.xmpp.prosody import PASSWORD, SECRET, free_port, listens

NEEDS_EJABBERD = pytest.mark.skipif(
    shutil.which("ejabberdctl") is None or os.getuid() != 0,
    reason="ejabberd is not installed, or we are not root, as we must be to become its user",
)

SNIPPET = Path(__file__).parents[3] / "etc" / "ejabberd" / "sms.yml"

MAIN = """
hosts: [example.org]
loglevel: info
certfiles: ["{pem}"]
auth_method: internal
auth_password_format: plain
{snippet}
  -
    port: {port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    starttls_required: true
  -
    port: {http_port}
    ip: "127.0.0.1"
    module: ejabberd_http
    request_handlers:
      /api: mod_http_api
api_permissions:
  everything:
    who: all
    what: "*"
modules:
  mod_disco: {{}}
  mod_ping: {{}}
  mod_roster: {{}}
  mod_stream_mgmt: {{}}
  mod_offline: {{}}
"""


@define
class Ejabberd:
    """
    @ivar folder: that everybody may look into, since ejabberd runs as its own user.
    @ivar port: for accounts, with STARTTLS.
    @ivar component_port: for the component C{sms.example.org}.
    @ivar ca: the file with the certificate of the authority of the tests.
    """

    folder: Path
    port: int = field(factory=free_port)
    component_port: int = field(factory=free_port)
    _http_port: int = field(factory=free_port)
    ca: str = field(init=False)
    password: str = PASSWORD
    secret: str = SECRET
    domain: str = "sms.example.org"
    _process: subprocess.Popen | None = field(default=None, init=False)
    _distribution_port: int = field(factory=free_port, init=False)

    def __attrs_post_init__(self):
        """Write down all that it needs."""
        self.folder.chmod(0o755)
        for name in ("config", "spool", "logs"):
            (self.folder / name).mkdir()
        authority = Authority(self.folder / "ca")
        self.ca = str(authority.path)
        snippet = SNIPPET.read_text().replace("replace-me", self.secret)
        snippet = snippet.replace("port: 5347", f"port: {self.component_port}")
        text = MAIN.format(
            pem=authority.server("example", "example.org"),
            snippet=snippet,
            port=self.port,
            http_port=self._http_port,
        )
        (self.folder / "config" / "ejabberd.yml").write_text(text)
        (self.folder / "config" / "inetrc").write_text("{lookup,[file,native]}.\n")
        for path in (self.folder, *self.folder.rglob("*")):
            shutil.chown(path, "ejabberd", "ejabberd")

    def start(self):
        """Comes back when it listens."""
        self._process = subprocess.Popen(
            [
                "ejabberdctl",
                *("--config-dir", self.folder / "config"),
                *("--spool", self.folder / "spool"),
                *("--logs", self.folder / "logs"),
                *("--node", f"test{self._distribution_port}@localhost"),
                "foreground",
            ],
            user="ejabberd",
            group="ejabberd",
            extra_groups=[],
            cwd=self.folder,
            # With a port of its own it needs no epmd, which would stay behind.
            env={
                **os.environ,
                "HOME": str(self.folder),
                "ERL_DIST_PORT": str(self._distribution_port),
                "INET_DIST_INTERFACE": "127.0.0.1",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for port in (self.component_port, self.port):
            while not listens(port):
                assert self._process.poll() is None, f"ejabberd did not start:\n{self.log}"
                time.sleep(0.05)

    def register(self, user):
        """Make an account of C{example.org}, with C{password}."""
        wanted = {"user": user, "host": "example.org", "password": self.password}
        place = f"http://127.0.0.1:{self._http_port}/api/register"
        with urlopen(Request(place, json.dumps(wanted).encode())) as answer:
            assert answer.status == 200

    def stop(self):
        """It and what it has started end."""
        if self._process is not None:
            # ejabberdctl is a shell that waits for Erlang, hence the group.
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    @property
    def runs(self):
        return self._process is not None and self._process.poll() is None

    @property
    def log(self):
        log = self.folder / "logs" / "ejabberd.log"
        return log.read_text(errors="replace") if log.exists() else "there is no log"


@contextmanager
def running():
    """An ejabberd from its start to its stop, whatever happens in between."""
    # Not in a folder of pytest's, into which other users cannot look.
    with TemporaryDirectory(prefix="ejabberd-") as folder:
        ejabberd = Ejabberd(Path(folder))
        try:
            ejabberd.start()
            yield ejabberd
        finally:
            ejabberd.stop()

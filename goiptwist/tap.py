"""
C{twistd goip}: the options, and the service that they describe. The only
module of the gateway that names the reactor.

Kept light to import: C{twistd --help} reads it. What is heavy is imported
where it is used.
"""

from __future__ import annotations

import getpass
import json
import os
import secrets
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from twisted.application.service import IService
from twisted.python import usage

#: The file in the state folder that holds the token made for C{--http}.
TOKEN_FILE = "api-token"  # noqa: S105
#: The state folder of the demonstration.
DEMO_STATE = "demo-state"
#: Bytes of chance in a token that we make.
TOKEN_BYTES = 24

_NOT_WITH_CONFIG = ("listen", "mail-to", "mail-from", "smarthost", "state", "http", "token")


class Options(usage.Options):
    """
    @ivar tables: what the options say, in the shape of a configuration file.
    """

    synopsis = "[--config FILE | --line ID:PASSWORD ... | --demo] [options]"
    longdesc = (
        "Keeps every SMS that GoIP devices hand in, mails it on, and sends SMS for whoever asks "
        "over HTTP. A small set-up needs options only: --line for each SIM, --mail-to and "
        "--mail-from to have SMS mailed, --http to send. Everything else stands in a file, see "
        "etc/goip.toml. --demo shows it all with a simulated device."
    )
    optParameters = [
        ["config", "c", None, "The configuration file (TOML); then no other options are needed."],
        ["listen", "l", None, "UDP host:port that devices send to (default 0.0.0.0:44444)."],
        ["mail-to", "t", None, "Mail address that gets every SMS; several with commas between."],
        ["mail-from", "f", None, "Mail address that the mails come from."],
        ["smarthost", "m", None, "SMTP server that takes the mails (default 127.0.0.1:25)."],
        ["state", "s", None, "Folder for everything that is kept (default goip-state)."],
        ["http", "p", None, "host:port of the HTTP interface (default 127.0.0.1:8080)."],
        ["new-key", None, None, "Make a key for the program of this name, print it, and exit."],
        ["token", "k", None, "Bearer token for HTTP; without it one is made and kept in a file."],
    ]
    optFlags = [
        ["check-config", None, "Check everything, say what was found, and exit."],
        ["demo", "d", "Show it all with a simulated device; needs nothing else."],
        ["hash", None, "Read a password, print it hashed for the file, and exit."],
        ["hash-token", None, "Read a long and random token, print it hashed, and exit."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self.line_options: list[str] = []
        self.tables: dict[str, Any] = {}

    @property
    def prints_secret(self) -> bool:
        """Whether nothing is started: a secret is made, or hashed, and printed."""
        return bool(self["hash"] or self["hash-token"] or self["new-key"] is not None)

    def opt_line(self, line: str) -> None:
        """One line of a device, as ID:PASSWORD. Repeat it for each SIM."""
        self.line_options.append(line)

    def postOptions(self) -> None:
        """
        @raise UsageError: options that do not go together.
        """
        if self["demo"] or self.prints_secret:
            return
        if self["config"]:
            given = [f"--{name}" for name in _NOT_WITH_CONFIG if self[name] is not None]
            given += ["--line"] * bool(self.line_options)
            if given:
                raise usage.UsageError(
                    f"{', '.join(given)}: not together with --config; write it into the file"
                )
        elif not self.line_options:
            raise usage.UsageError(
                "name a line with --line ID:PASSWORD, or a file with --config, or try --demo"
            )
        else:
            self.tables = self._as_tables()

    def _as_tables(self) -> dict[str, Any]:
        tables: dict[str, Any] = {"line": [self._line(text) for text in self.line_options]}
        if self["state"] is not None:
            tables["state"] = self["state"]
        for option, section in (("listen", "goip"), ("http", "http")):
            if self[option] is not None:
                tables[section] = {"listen": self[option]}
        if self["token"] is not None:
            tables["user"] = [{"name": "api", "token": self["token"]}]
        mail = self._mail()
        if mail:
            tables["bridge"] = {"mail": mail}
        return tables

    def _line(self, text: str) -> dict[str, str]:
        name, colon, password = text.partition(":")
        if not colon:
            raise usage.UsageError("--line: write it as ID:PASSWORD, such as goipid1:password1")
        return {"id": name, "password": password}

    def _mail(self) -> dict[str, Any]:
        to, sender, smarthost = self["mail-to"], self["mail-from"], self["smarthost"]
        if to is None and sender is None and smarthost is None:
            return {}
        if to is None or sender is None:
            missing = "--mail-to" if to is None else "--mail-from"
            raise usage.UsageError(f"{missing} is missing: mail needs --mail-to and --mail-from")
        mail = {
            "kind": "mail",
            "to": [address.strip() for address in to.split(",")],
            "sender": sender,
        }
        return mail if smarthost is None else {**mail, "smarthost": smarthost}


def makeService(options: Options) -> IService:
    """
    Twisted calls this with the parsed options. Everything that can be checked
    before a socket is opened is checked here; problems end the process with
    status 1.
    """
    if options["hash"] or options["hash-token"]:
        _print_hash(is_token=bool(options["hash-token"]))
    if options["new-key"] is not None:
        _print_key(options["new-key"])
    from twisted.internet import reactor

    from goiptwist.errors import BadConfiguration

    try:
        if options["demo"]:
            return _demonstration(options, reactor)
        return _gateway(options, reactor)
    except BadConfiguration as problems:
        _stop(problems.problems)


def _gateway(options: Options, reactor: Any) -> IService:
    from goiptwist.config import loader
    from goiptwist.gateway.garbage import settle
    from goiptwist.gateway.service import GatewayService
    from goiptwist.gateway.settings import read_settings
    from goiptwist.store import lock

    if options["config"]:
        path = Path(options["config"])
        settings = read_settings(loader.load(path), str(path))
    else:
        settings = read_settings(_with_token(options.tables, options), "options")
    # Twisted may change the folder later, when it becomes a daemon.
    folder = Path(settings.top.state).expanduser().absolute()
    if options["check-config"]:
        _check(settings, reactor)
    reactor.callWhenRunning(settle)
    return GatewayService(settings, folder, lock(folder), reactor)


def _demonstration(options: Options, reactor: Any) -> IService:
    from goiptwist.gateway.service import GatewayService
    from goiptwist.gateway.settings import read_settings
    from goiptwist.simulator.demo import Demonstration
    from goiptwist.store import lock

    folder = Path(options["state"] or DEMO_STATE).expanduser().absolute()
    held = lock(folder)
    demonstration = Demonstration(reactor, folder)
    settings = read_settings(demonstration.tables, "demo")
    return demonstration.around(GatewayService(settings, folder, held, reactor))


def _with_token(tables: dict[str, Any], options: Options) -> dict[str, Any]:
    """Without a token nobody could send: make one, where only we can read it."""
    if "user" in tables or options["check-config"]:
        return tables
    folder = Path(tables.get("state", "goip-state")).expanduser()
    kept = folder / TOKEN_FILE
    try:
        if not kept.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(TOKEN_BYTES) + "\n")
            print(f"The token for HTTP was made: it stands in {kept}")
        token = kept.read_text().strip()
    except OSError as error:
        _stop([f"--state: cannot use folder {folder}: {error.strerror}"])
    return {**tables, "user": [{"name": "api", "token": token}]}


def _check(settings: Any, reactor: Any) -> NoReturn:
    from goiptwist.gateway.check import check_config

    lines, bridges = len(settings.rows("line")), len(settings.bridges)
    print(f"The settings are right: {lines} lines, {bridges} bridges.")
    raise SystemExit(check_config(settings, reactor))


def _print_hash(*, is_token: bool) -> NoReturn:
    from goiptwist.accounts.secrets import hashed, hashed_token

    secret = getpass.getpass("Secret: ") if sys.stdin.isatty() else sys.stdin.readline()
    secret = secret.rstrip("\r\n")
    if not secret:
        _stop([f"--hash{'-token' * is_token}: there is nothing to hash"])
    print(hashed_token(secret) if is_token else hashed(secret))
    raise SystemExit(0)


def _print_key(name: str) -> NoReturn:
    from goiptwist.accounts.secrets import hashed_token
    from goiptwist.accounts.users import User

    try:
        User(name=name)
    except ValueError as wrong:
        _stop([f"--new-key: {wrong}"])
    key = secrets.token_urlsafe(TOKEN_BYTES)
    quoted = json.dumps(name, ensure_ascii=False)  # a string of TOML too
    print("The key, which is shown this once. The program says it as Authorization: Bearer KEY")
    print(f"\n{key}\n\nFor the configuration file:\n")
    print(f'[[user]]\nname = {quoted}\ntoken = "{hashed_token(key)}"\nmay = ["send"]')
    raise SystemExit(0)


def _stop(problems: Iterable[str]) -> NoReturn:
    for problem in problems:
        print(problem, file=sys.stderr)
    raise SystemExit(1)

"""What the README says can be typed as it stands."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from goiptwist.gateway.settings import read_settings
from goiptwist.simulator.tap import SimulatorOptions
from goiptwist.tap import Options
from goiptwist.web.v1.api import DOCUMENT, PAGE
from goiptwist.web.v1.operations import OPERATIONS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()

#: Every command line that stands in the README, continued lines joined.
COMMANDS = [
    line.strip()
    for line in README.replace("\\\n", " ").splitlines()
    if line.startswith("    ") and not line.startswith("     ")
]


def test_both_commands() -> None:
    """The two commands that come first are there."""
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    made = [line.split()[1] for line in COMMANDS if line.startswith("make ")]
    assert made[:2] == ["run", "test"]
    assert set(made) <= set(targets)


@pytest.mark.parametrize("command", [line for line in COMMANDS if "twistd" in line])
def test_options(command: str) -> None:
    """Every option of every command line exists, and its value is taken."""
    words = shlex.split(command)
    name = next(word for word in words if word in ("goip", "goip-sim"))
    options = Options() if name == "goip" else SimulatorOptions()
    options.parseOptions(words[words.index(name) + 1 :])
    if name == "goip" and not options["config"]:
        assert len(read_settings(options.tables, "README").rows("line")) == 1


def test_configuration() -> None:
    """The configuration in the README is right."""
    blocks = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    first, answering, chat, callbacks, alarms, calls = blocks
    settings = read_settings(tomllib.loads(first), "README")
    assert [line.pool for line in settings.rows("line")] == ["default", "alarms"]
    more = tomllib.loads(answering)
    bridge = {"kind": "mail", "to": ["a@example.org"], "sender": "b@example.org"}
    more["bridge"]["ops"].update(bridge)
    assert read_settings(more, "README").single("mail").domain == "sms.example.org"
    assert list(read_settings(tomllib.loads(callbacks), "README").bridges) == ["hooks"]
    assert list(read_settings(tomllib.loads(chat), "README").bridges) == ["chat"]
    users = '[[user]]\nname = "httptest"\npassword = "abc123"\n'
    read = read_settings(tomllib.loads(alarms + calls + users), "README")
    assert {name: kind for name, (kind, _) in read.bridges.items()} == {
        "station": "contact-id-call",
        "receiver": "dc09",
        "oncall": "sms",
    }


def test_paths() -> None:
    """Every path of the HTTP interface that is named exists, and the other way round."""
    paths = {(operation.method, operation.path) for operation in OPERATIONS}
    paths |= {("GET", DOCUMENT), ("GET", PAGE)}
    routes = {
        (method, path.replace("{message_id}", "ID").replace("{line_id}", "LINE"))
        for method, path in paths
    }
    named = re.findall(r"`(GET|POST|DELETE) (/[^ `?]*)", README)
    assert set(named) == routes


def test_architecture_names_every_room() -> None:
    """Each module of the spine and of the device limb stands on the map."""
    shown = (ROOT / "ARCHITECTURE.md").read_text()
    rooms = [*(ROOT / "goiptwist").glob("*.py"), *(ROOT / "goiptwist" / "goip").glob("*.py")]
    missing = [path.name for path in rooms if path.name not in shown and path.name[0] != "_"]
    assert missing == []

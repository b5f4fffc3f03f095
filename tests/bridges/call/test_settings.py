"""What a section may say, and what is said where it may not."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from goiptwist.bridges.call import settings as module
from goiptwist.bridges.call.settings import CallSettings
from goiptwist.config import loader

FEWEST = {"uri": "sip:9999@127.0.0.1:5080"}


def problems(**table: Any) -> list[str]:
    """What is wrong with a section."""
    found = loader.Problems("goip.toml")
    loader.section(CallSettings, {**FEWEST, **table}, "[bridge.station]", found)
    return [line.removeprefix("goip.toml [bridge.station]: ") for line in found.found]


def test_the_fewest_keys() -> None:
    """Whom to call is enough."""
    assert problems() == []


@pytest.mark.parametrize(
    ("uri", "host", "port", "transport"),
    [
        ("sip:9999@127.0.0.1:5080", "127.0.0.1", 5080, "UDP"),
        ("sip:+36301234567@pbx.example.org;transport=tcp", "pbx.example.org", 5060, "TCP"),
        ("sip:9999@[2001:db8::1]:5062;transport=UDP", "[2001:db8::1]", 5062, "UDP"),
    ],
)
def test_whom_to_call(uri: str, host: str, port: int, transport: str) -> None:
    """The port is that of SIP unless another is said, and the way is UDP."""
    read = module.SipUri.from_setting(uri)
    assert (read.host, read.port, read.transport) == (host, port, transport)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"uri": "9999"}, "uri must be whom to call"),
        ({"uri": "sip:127.0.0.1"}, "uri must be whom to call"),
        ({"uri": "sips:9999@pbx"}, "calls over TLS are not made"),
        ({"uri": "sip:9999@pbx;transport=sctp"}, "udp or tcp"),
        ({"uri": "sip:9999@pbx:99999"}, "uri must be whom to call"),
        ({"uri": "sip:9999@pbx\r\nEvil: 1"}, "uri must be whom to call"),
        ({"register": True}, "register: needs a username"),
        ({"password": "a real one"}, "password: needs a username"),
        ({"wait": 0}, "wait: must be 1 to 180 seconds"),
        ({"calls": 0}, "calls: must be 1 to 100"),
        ({"codecs": ["G729"]}, 'codecs: must be "PCMU", "PCMA", or both'),
        ({"codecs": []}, 'codecs: must be "PCMU", "PCMA", or both'),
    ],
)
def test_what_cannot_be(table: dict[str, Any], words: str) -> None:
    """A sentence that names the key and what was meant."""
    [problem] = problems(**table)
    assert words in problem


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator who names the kind reads what to install."""
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    [problem] = problems()
    assert "pip install 'goiptwist[calls]'" in problem


@pytest.mark.real
def test_nothing_is_imported_before_it_is_wanted() -> None:
    """Neither C{twistd --help} nor a gateway without calls needs the extra."""
    code = (
        "import sys\n"
        "sys.modules['numpy'] = sys.modules['sipmessage'] = None\n"
        "import goiptwist.gateway, goiptwist.tap, goiptwist.simulator.tap\n"
        "from goiptwist.bridges.call.kind import CallKind\n"
        "CallKind()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

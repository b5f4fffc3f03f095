"""
Every section is a connector: every kind, in every mode, is built by a gateway that
does not run, as --check-config does it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from goiptwist.device_interfaces import IDeviceGateway
from goiptwist.errors import NotRunning
from goiptwist.gateway.check import check_connectors
from goiptwist.gateway.connectors import Connectors, planned
from goiptwist.gateway.kinds import own_kinds
from goiptwist.gateway.settings import Settings, read_settings
from goiptwist.gateway.stopped import stopped_gateway
from goiptwist.interfaces import (
    IBridge,
    IChecksItself,
    IConnectorKind,
    IGateway,
    ILines,
    IReportsOutage,
    Phase,
)
from goiptwist.operator_interfaces import IOperatorGateway
from tests.wire import Wire

LINE = {"id": "goip1", "password": "secret1"}
MAIL = {"kind": "mail", "to": ["ops@example.org"], "sender": "sms@example.org"}
CHAT = {"kind": "xmpp", "password": "secret2", "to": ["ann@example.org"]}
CHAT |= {"jid": "sms.example.org", "server": "127.0.0.1:1"}
IMAP = {"server": "127.0.0.1:1", "username": "sms", "password": "secret3", "tls": False}
HOOK = {"kind": "webhook", "url": "http://127.0.0.1:1/", "secret": "s" * 32, "private": True}

PANELS = {"accounts": ["1113"], "dc09_udp": ["127.0.0.1:1"]}

#: Each kind in each of its modes: the sections of a file.
MODES: dict[str, list[dict[str, Any]]] = {
    "goip": [{}],
    "http": [{}, {"http": {"listen": ["127.0.0.1:1", "[::1]:1"], "strict": True}}],
    "mail": [{}, {"mail": {"listen": ["127.0.0.1:1"], "lmtp": ["127.0.0.1:2"]}}],
    "imap": [{}, {"imap": IMAP}],
    "alarm": [{}, {"alarm": {**PANELS, "dc09_listen": ["127.0.0.1:1"]}}],
    "bridge mail": [
        {"bridge": {"x": {**MAIL, "smarthost": "127.0.0.1:1"}}},
        {"bridge": {"x": {**MAIL, "smarthost": "127.0.0.1:1", "lmtp": True}}},
        {"bridge": {"x": {**MAIL, "mailbox": "sms@example.org"}}, "imap": IMAP},
    ],
    "bridge xmpp": [
        {"bridge": {"x": {**CHAT, "jid": "sms@example.org"}}},
        {"bridge": {"x": {**CHAT, "mode": "component"}}},
    ],
    "bridge webhook": [{"bridge": {"x": HOOK}}, {"bridge": {"x": {**HOOK, "events": ["line"]}}}],
    "bridge sms": [
        {"bridge": {"x": {"kind": "sms", "numbers": ["+36301234567"], "until": until}}}
        for until in ("delivered", "sent", "acknowledged")
    ],
    "bridge dc09": [
        {"bridge": {"x": {"kind": "dc09", "receiver": "127.0.0.1:1", "transport": transport}}}
        for transport in ("tcp", "udp")
    ],
    "bridge contact-id-call": [
        {"bridge": {"x": {"kind": "contact-id-call", "uri": "sip:9@127.0.0.1:1;transport=tcp"}}}
    ],
}


def modes(kind: IConnectorKind) -> list[dict[str, Any]]:
    """The modes of a kind."""
    return MODES[f"{kind.section} {kind.kind}".strip()]


def built(settings: Settings, core: Any) -> Connectors:
    """All of them."""
    connectors = stopped_gateway(settings, core)
    for plan in planned(settings, own_kinds()):
        connectors.build(plan)
    return connectors


ALL = [(kind, tables) for kind in own_kinds() for tables in modes(kind)]


@pytest.mark.parametrize(("kind", "tables"), ALL)
def test_each_kind_in_each_mode(kind: Any, tables: dict[str, Any]) -> None:
    """It is built, and is what it says it is; the lines are there, and nobody has heard of them."""
    assert verifyObject(IConnectorKind, kind)
    clock = Clock()
    connectors = built(read_settings({"line": [LINE], **tables}, "test"), clock)
    assert [(line.id, line.presence) for line in connectors.statuses()] == [("goip1", "unheard")]
    if kind.section == "bridge":
        assert verifyObject(IBridge, connectors.bridges["x"])
        assert type(connectors.bridges["x"]) is type(_of(kind, connectors))
    for interface in (IChecksItself, IReportsOutage, ILines):
        for part in connectors.providing(interface).values():
            assert verifyObject(interface, part)
    assert clock.getDelayedCalls() == []


def _of(kind: Any, connectors: Connectors) -> Any:
    (part,) = [one.part for one in connectors.built if one.plan.kind.kind == kind.kind != ""]
    return part


@pytest.mark.real
async def test_a_component_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    """It shows lines as people, and there are lines though the gateway does not run."""
    chat = {"bridge": {"chat": {**CHAT, "mode": "component"}}}
    settings = read_settings({"line": [LINE], **chat}, "test")
    assert await check_connectors(settings, reactor) == []
    assert capsys.readouterr().out.startswith("bridge chat: cannot be checked now: ")


async def test_what_cannot_be_done() -> None:
    """The sentence says what was called; what the settings know can be asked."""
    settings = read_settings({"line": [LINE], "numbers": {"country": "HU"}}, "test")
    powers = stopped_gateway(settings, Clock()).powers_for("x")
    for interface in (IGateway, IOperatorGateway, IDeviceGateway):
        assert verifyObject(interface, powers)
    with pytest.raises(NotRunning, match=r"does not run, so memory\.get cannot be used"):
        await powers.memory.get("key")
    assert powers.directory.normalized("06301234567") == "+36301234567"


@pytest.fixture
def wire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """A gateway that runs, with a mail bridge, what takes mail, and a mailbox."""
    bridges = {"ops": {"kind": "recorder"}, "post": MAIL, "night": MAIL}
    made = Wire(tmp_path, monkeypatch, tables={"bridge": bridges, "imap": IMAP, "http": {}})
    yield made
    made.close()


def test_order(wire: Wire) -> None:
    """The device first, listeners last; those of a file in its order."""
    built = [(one.plan.section, one.plan.kind.phase) for one in wire.gateway.connectors.built]
    ours = [section for section, _ in built if section != "textport"]
    assert ours == ["goip", "bridge.ops", "bridge.post", "bridge.night", "http", "mail", "imap"]
    assert [phase for _, phase in built] == sorted(phase for _, phase in built)
    assert list(Phase) == sorted(Phase)


async def test_all_mail_remembers_together(wire: Wire) -> None:
    """
    What somebody wrote by mail belongs to the conversation that a mail bridge goes on
    with, whichever it is; no other section sees it.
    """
    connectors = wire.gateway.connectors
    mails: Any = connectors.providing(IBridge)
    listener = {one.plan.section: one.part for one in connectors.built}["mail"]
    await listener.submission.gateway.memory.put("key", "known")
    for name in ("post", "night"):
        assert await mails[f"bridge.{name}"].gateway.memory.get("key") == "known"
    assert await wire.gateway.powers.memory.get("key") == ""

"""Texts that mean harm, through a real server: none of them ends the stream."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import strategies as st
from twisted.internet import reactor

from goiptwist.bridges.xmpp.bridge import XmppBridge
from goiptwist.bridges.xmpp.settings import XmppSettings
from goiptwist.bridges.xmpp.stanzas import clean
from goiptwist.config.values import HostPort, Password
from goiptwist.testing.contract import HOSTILE_TEXTS, any_text
from goiptwist.testing.stubs import StandInGateway, sms
from tests.bridges.xmpp.connections import until
from tests.bridges.xmpp.person import Person
from tests.bridges.xmpp.prosody import NEEDS_PROSODY

pytestmark = [pytest.mark.real, NEEDS_PROSODY]

#: Texts that nobody thought of, each with a sender of the same kind.
MANY = 100


def found() -> list[tuple[str, str]]:
    """What hypothesis thinks of."""
    from hypothesis import HealthCheck, Phase, given, settings

    texts: list[tuple[str, str]] = []

    @settings(
        max_examples=MANY,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.tuples(any_text, any_text))
    def think(one: tuple[str, str]) -> None:
        texts.append(one)

    think()
    return texts


@pytest.mark.parametrize("mode", ["client", "component"])
async def test_any_text(prosody: Any, mode: str) -> None:
    """Each arrives as one message, with all of it that XML can say."""
    component = mode == "component"
    settings = XmppSettings(
        mode=mode,
        jid=prosody.domain if component else "bot@all.test",
        password=Password(prosody.secret if component else prosody.password),
        server=HostPort("127.0.0.1", prosody.component_port if component else prosody.port),
        ca=prosody.ca,
        to=("ben@example.org",) if component else ("ben@all.test",),
    )
    ben = Person(prosody, settings.to[0])
    bridge = XmppBridge("chat", settings, StandInGateway(reactor, reactor))
    bridge.startService()
    try:
        await until(lambda: not bridge.outage, lambda: bridge.outage)
        texts = [(text, text) for text in HOSTILE_TEXTS] + found()
        for number, (text, sender) in enumerate(texts):
            message = sms(text, id=f"h{number}", sender=sender)
            await bridge.deliver(evolve(message, at=reactor.seconds()))
        await until(lambda: len(ben.messages) >= len(texts), lambda: f"{len(ben.messages)} came")
        assert [m["id"] for m in ben.messages] == [f"sms-h{n}" for n in range(len(texts))]
        for (text, _), came in zip(texts, ben.messages, strict=True):
            assert clean(text).strip() in came["body"].replace("\r", "\n")
        assert bridge.outage == ""
    finally:
        await bridge.stopService()
        ben.leave()

"""Commands with forms (XEP-0050)."""

from __future__ import annotations

import pytest
from twisted.words.protocols.jabber.error import StanzaError
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import stanzas
from tests.bridges.xmpp.chats import (
    ANN,
    NUMBER,
    component,
    question,
    texts,
)


def command(node: str, content: str = "", sender: str = ANN, **attributes: str) -> Element:
    """A step of a command."""
    more = "".join(f" {name}='{value}'" for name, value in attributes.items())
    return question(
        "sms.example.org",
        f"<command xmlns='{stanzas.COMMANDS}' node='{node}'{more}>{content}</command>",
        "set",
        sender,
    )


async def test_a_form_sends() -> None:
    """XEP-0050: for programs that show commands as buttons; a repeat is one SMS."""
    made, _, gateway = component()
    form = (await made.iq_received(command("send"))).toXml()
    assert "status='executing'" in form
    assert "type='list-single'" in form
    filled = (
        "<x xmlns='jabber:x:data' type='submit'>"
        "<field var='to'><value>+36 30 123 4567</value></field>"
        "<field var='text'><value>one</value><value>two</value></field>"
        "<field var='line'><value>goip1</value></field></x>"
    )
    for _ in range(2):
        answer = await made.iq_received(command("send", filled, sessionid="cmd-q1"))
    assert "status='completed'" in answer.toXml()
    assert texts(gateway) == [(NUMBER, "goip1", "one\ntwo")] * 2
    assert {s.client_id for s in gateway.submissions} == {"ann@example.org cmd-q1"}


async def test_a_wrong_form_is_an_error() -> None:
    """With the reason."""
    made, _, gateway = component()
    filled = (
        "<x xmlns='jabber:x:data' type='submit'><field var='to'><value>Béla</value></field></x>"
    )
    with pytest.raises(StanzaError, match="item-not-found"):
        await made.iq_received(command("send", filled))
    assert gateway.submissions == []


async def test_a_form_is_cancelled() -> None:
    """XEP-0050 section 3.2."""
    made, _, _ = component()
    answer = await made.iq_received(command("send", action="cancel", sessionid="s"))
    assert "status='canceled'" in answer.toXml()


@pytest.mark.parametrize(
    ("node", "told"), [("lines", "goip1: LOGIN"), ("failures", "None of your SMS has failed")]
)
async def test_commands_that_tell(node: str, told: str) -> None:
    """In one step."""
    made, _, _ = component()
    assert told in (await made.iq_received(command(node))).toXml()


async def test_commands_are_for_those_who_may() -> None:
    """A form is a text as well."""
    made, _, _ = component()
    with pytest.raises(StanzaError, match="forbidden"):
        await made.iq_received(command("send", sender="eve@example.net/x"))

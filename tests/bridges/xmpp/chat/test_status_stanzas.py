"""What the writer of an SMS is told about it."""

from __future__ import annotations

import json

import pytest
from attrs import evolve

from goiptwist.bridges.xmpp import stanzas
from goiptwist.bridges.xmpp.chat.reply_context import ReplyContext
from goiptwist.errors import Refused
from tests.bridges.xmpp.chats import (
    ANN,
    REQUEST,
    bridge,
    chat,
    condition,
    news,
    words,
)


async def test_the_receipt_is_asked_of_the_handset() -> None:
    """A tick means that the other has it, unless the settings say otherwise."""
    for receipt in ("delivered", "sent"):
        made, _, gateway = bridge(receipt=receipt)
        await made.stanza_received(chat("@1777: on", REQUEST))
        [wish] = gateway.submissions[0].subscriptions
        good = [what for what in wish.statuses if what in ("sent", "delivered")]
        assert (wish.destination, good) == ("bridge:chat", [receipt])


async def test_a_receipt() -> None:
    """XEP-0184, for the id that the program knows; kept for a phone that is off."""
    made, link, gateway = bridge()
    await made.stanza_received(chat("@1777: on", REQUEST))
    await made.notify(news(gateway, "delivered"))
    [receipt] = link.handed
    assert receipt["to"] == ANN
    assert stanzas.child(receipt, "received", stanzas.RECEIPTS)["id"] == "a1"
    assert stanzas.child(receipt, "store", stanzas.HINTS) is not None


async def test_no_receipt_unasked() -> None:
    """XEP-0184 section 5.4."""
    made, link, gateway = bridge()
    await made.stanza_received(chat("@1777: on"))
    await made.notify(news(gateway, "delivered"))
    assert link.handed == []


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        ("failed", "service-unavailable"),
        ("expired", "remote-server-timeout"),
        ("unknown", "remote-server-timeout"),
        ("undelivered", "recipient-unavailable"),
        ("cancelled", "undefined-condition"),
    ],
)
async def test_a_failure_is_an_error_of_that_message(what: str, wanted: str) -> None:
    """The program marks the very message."""
    made, link, gateway = bridge()
    await made.stanza_received(chat("@1777: on"))
    assert what in gateway.submissions[0].subscriptions[0].statuses
    await made.notify(news(gateway, what, "the network said 38"))
    [answer] = link.handed
    assert (condition(answer), answer["id"]) == (wanted, "a1")
    assert "the network said 38" in words(answer)


async def test_a_late_failure_is_also_told_in_words() -> None:
    """Servers keep no errors for those who are away."""
    made, link, gateway = bridge()
    await made.stanza_received(chat("@1777: on"))
    await made.notify(news(gateway, "expired", after=3600))
    assert [stanza["type"] for stanza in link.handed] == ["error", "chat"]
    assert words(link.handed[1]) == "no line could send the SMS in time"


async def test_what_still_waits_is_told() -> None:
    """Nobody has to guess."""
    made, link, gateway = bridge()
    await made.stanza_received(chat("@1777: on"))
    await made.notify(news(gateway, "delayed"))
    assert words(link.handed[0]) == "the SMS still waits for a line"


async def test_news_of_others_is_not_told() -> None:
    """A context that is not ours leads to nobody."""
    made, _, gateway = bridge()
    await made.stanza_received(chat("@1777: on"))
    for context in (
        "",
        "{}",
        "[",
        json.dumps({"kind": "mail"}),
        ReplyContext(to="", id="").to_text(),
    ):
        told = news(gateway, "failed")
        with pytest.raises(Refused, match="nobody can be told by chat"):
            await made.notify(evolve(told, message=evolve(told.message, context=context)))

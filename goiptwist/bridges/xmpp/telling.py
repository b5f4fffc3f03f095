"""
What became of an SMS, as the stanzas that tell its writer.
"""

from __future__ import annotations

from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import stanzas
from goiptwist.bridges.xmpp.context import Asked
from goiptwist.bridges.xmpp.troubles import trouble_in
from goiptwist.model.notifications import Notification

#: Seconds after which the writer may have gone away. An error stanza is dropped
#: by the server then (RFC 6121 section 8.5); a message is kept.
GONE = 60.0


def stanzas_of(news: Notification, asked: Asked, own_origin: str) -> list[Element]:
    """
    @param own_origin: how the origins of this bridge begin; whoever withdraws
        his own SMS knows that already.
    """
    if news.what == "cancelled" and f"withdrawn by {own_origin}" in news.message.reason:
        return []
    trouble = trouble_in(news)
    if asked.room:
        words = trouble.words if trouble else _waits(news)
        return [_words(news, asked, f"{asked.nick}: {words}", "groupchat")] if words else []
    if trouble is not None:
        answer = stanzas.message(asked.to, "error", id=asked.id, from_=asked.ours)
        stanzas.add_error(answer, trouble.condition, trouble.kind, trouble.words)
        late = news.at - news.message.at > GONE
        return [answer, _words(news, asked, trouble.words, "chat")] if late else [answer]
    if news.what == "delayed":
        return [_words(news, asked, _waits(news), "chat")]
    if not asked.receipt:
        return []
    receipt = stanzas.message(asked.to, "chat", id=f"news-{news.id}", from_=asked.ours)
    receipt.addElement((stanzas.RECEIPTS, "received"))["id"] = asked.id
    # Without a body it is only kept for a phone that is off if we say so.
    receipt.addElement((stanzas.HINTS, "store"))
    return [receipt]


def _waits(news: Notification) -> str:
    if news.what != "delayed":
        return ""
    return f"the SMS still waits for a line{': ' + news.reason if news.reason else ''}"


def _words(news: Notification, asked: Asked, words: str, kind: str) -> Element:
    answer = stanzas.message(asked.to, kind, id=f"news-{news.id}", from_=asked.ours)
    answer.addElement("body", content=stanzas.clean(words))
    if kind == "chat" and asked.id:
        reply = answer.addElement((stanzas.REPLY, "reply"))
        reply["id"], reply["to"] = asked.id, asked.to
    return answer

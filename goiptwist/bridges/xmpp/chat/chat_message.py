"""
What there is in a message stanza, and what of it may ever become an SMS.
"""

from __future__ import annotations

from attrs import field, frozen
from twisted.words.xish.domish import Element

from goiptwist.bridges.xmpp import stanzas
from goiptwist.bridges.xmpp.chat.error_replies import RejectedMessage

#: What carries a text that only the other end can read; the body beside it is
#: an excuse. XEP-0380, XEP-0384 (both ages of it), XEP-0373, XEP-0027, OTR.
_ENCRYPTED = (
    ("encryption", stanzas.EME),
    ("encrypted", "eu.siacs.conversations.axolotl"),
    ("encrypted", "urn:xmpp:omemo:1"),
    ("encrypted", "urn:xmpp:omemo:2"),
    ("openpgp", "urn:xmpp:openpgp:0"),
    ("x", "jabber:x:encrypted"),
)
#: XEP-0066, XEP-0447, XEP-0385 (inside XEP-0372), XEP-0231.
_ATTACHED = (
    ("x", stanzas.OOB),
    ("file-sharing", "urn:xmpp:sfs:0"),
    ("reference", "urn:xmpp:reference:0"),
)
#: Around what is no message to us: copies of our own, of the archive, events.
_COPIES = (
    ("sent", stanzas.CARBONS),
    ("received", stanzas.CARBONS),
    ("result", "urn:xmpp:mam:2"),
    ("event", "http://jabber.org/protocol/pubsub#event"),
    ("x", "jabber:x:conference"),  # XEP-0249: come into a room
    ("invite", "http://jabber.org/protocol/muc#user"),
)

#: Ranges of a body that programs cut out (XEP-0428): one for each thing that it falls back for.
RANGES_AT_MOST = 20


@frozen(kw_only=True)
class ChatMessage:
    """
    A message that somebody wrote.

    @ivar sender: whole JID; in a room, the room's with the nick.
    @ivar to: which address of ours.
    @ivar ids: by which others may mean it, the writer's own first.
    @ivar reply_to: the id of what it answers (XEP-0461).
    @ivar replaces: the id of what it corrects (XEP-0308).
    @ivar retracts: the id of what it takes back (XEP-0424).
    @ivar at: when it was written, if it comes late; else C{None}.
    """

    sender: str = field(repr=False)
    to: str
    ids: tuple[str, ...]
    body: str = field(repr=False)
    room: bool = False
    reply_to: str = ""
    thread: str = ""
    replaces: str = ""
    retracts: str = ""
    receipt: bool = False
    at: float | None = None
    encrypted: bool = False
    attached: bool = False

    @property
    def id(self) -> str:
        """The id that the writer's program knows it by."""
        return self.ids[0] if self.ids else ""

    def check(self, now: float, too_old: float) -> None:
        """
        @param too_old: seconds.
        @raise RejectedMessage: this can be no SMS, and why.
        """
        if self.at is not None and now - self.at > too_old:
            minutes = round((now - self.at) / 60)
            raise RejectedMessage(
                "not-acceptable",
                "modify",
                f"this came {minutes} minutes late and was not sent; send it again if need be",
            )
        if self.encrypted:
            raise RejectedMessage(
                "not-acceptable",
                "modify",
                "this is encrypted, and an SMS cannot be: switch encryption (OMEMO, OpenPGP, OTR) "
                "off for this contact",
            )
        if self.attached:
            raise RejectedMessage(
                "not-acceptable", "modify", "attachments are not supported: an SMS is text alone"
            )


def has_words(stanza: Element) -> bool:
    """Whether somebody wrote anything, or took it back; found without reading it."""
    if stanza.getAttribute("type", "normal") not in ("normal", "chat", "groupchat"):
        return False
    if any(stanzas.child(stanza, name, uri) is not None for name, uri in _COPIES):
        return False
    if stanzas.text_of(stanzas.child(stanza, "body")).strip():
        return True
    others = ("retract", stanzas.RETRACT), *_ENCRYPTED
    return any(stanzas.child(stanza, name, uri) is not None for name, uri in others)


def parse_message(stanza: Element) -> ChatMessage | None:
    """
    @return: C{None} where nobody has written anything to us.
    @raise RejectedMessage: it is made to wear us down.
    """
    if not has_words(stanza):
        return None
    retract = stanzas.child(stanza, "retract", stanzas.RETRACT)
    body = _own_words(stanza)
    encrypted = body.startswith("?OTR") or _any(stanza, _ENCRYPTED)
    if not body.strip() and retract is None and not encrypted:
        return None
    replace = stanzas.child(stanza, "replace", stanzas.CORRECT)
    reply = stanzas.child(stanza, "reply", stanzas.REPLY)
    return ChatMessage(
        sender=stanza.getAttribute("from", ""),
        to=stanza.getAttribute("to", ""),
        ids=_ids(stanza),
        body=body,
        room=stanza.getAttribute("type") == "groupchat",
        reply_to=reply.getAttribute("id", "") if reply is not None else "",
        thread=stanzas.text_of(stanzas.child(stanza, "thread")).strip(),
        replaces=replace.getAttribute("id", "") if replace is not None else "",
        retracts=retract.getAttribute("id", "") if retract is not None else "",
        receipt=stanzas.child(stanza, "request", stanzas.RECEIPTS) is not None,
        at=_delayed(stanza),
        encrypted=encrypted,
        attached=_any(stanza, _ATTACHED),
    )


def _any(stanza: Element, signs: tuple[tuple[str, str], ...]) -> bool:
    return any(
        found.getAttribute("type", "data") == "data"  # a reference may also be a mention
        for name, uri in signs
        if (found := stanzas.child(stanza, name, uri)) is not None
    )


def _ids(stanza: Element) -> tuple[str, ...]:
    """The id of the stanza, the writer's own (XEP-0359), and those of archives."""
    origin = stanzas.child(stanza, "origin-id", stanzas.SID)
    ids = [
        stanza.getAttribute("id", ""),
        origin.getAttribute("id", "") if origin is not None else "",
        *(s.getAttribute("id", "") for s in stanzas.children(stanza, "stanza-id", stanzas.SID)),
    ]
    return tuple(dict.fromkeys(each for each in ids if each))


def _delayed(stanza: Element) -> float | None:
    times = [stanzas.stamped(each) for each in stanzas.children(stanza, "delay", stanzas.DELAY)]
    return min((at for at in times if at is not None), default=None)


def _own_words(stanza: Element) -> str:
    """
    The body without what stands there only for programs that do not know
    better (XEP-0428), such as the quotation of a reply.
    """
    body = stanzas.text_of(stanzas.child(stanza, "body"))
    cuts: list[tuple[int, int]] = []
    for fallback in stanzas.children(stanza, "fallback", stanzas.FALLBACK):
        parts = list(stanzas.children(fallback, "body", stanzas.FALLBACK))
        if next(fallback.elements(), None) is None:
            cuts.append((0, len(body)))
        cuts += [_range(part, len(body)) for part in parts]
        if len(cuts) > RANGES_AT_MOST:
            raise RejectedMessage(
                "not-acceptable", "modify", "this names too many ranges of itself to be read"
            )
    kept, place = [], 0
    for start, end in sorted(cuts):
        kept.append(body[place:start])
        place = max(place, end)
    return "".join((*kept, body[place:]))


def _range(part: Element, size: int) -> tuple[int, int]:
    """XEP-0428 section 2.3: in characters, and without both it is all."""
    start, end = part.getAttribute("start", "0"), part.getAttribute("end", str(size))
    if not (start.isascii() and start.isdigit() and end.isascii() and end.isdigit()):
        return 0, 0
    return min(int(start[:9]), size), min(int(end[:9]), size)

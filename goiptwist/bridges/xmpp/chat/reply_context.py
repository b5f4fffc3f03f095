"""
What is kept with an SMS that came from a chat, to tell its writer what became
of it. Pure.
"""

from __future__ import annotations

import json
from typing import Self

from attrs import asdict, field, fields, frozen

_KIND = "xmpp"
#: Octets of each part of a JID, and so of three with their separators (RFC 6122).
_LONGEST = 3071


@frozen(kw_only=True)
class ReplyContext:
    """
    @ivar to: who wrote it, with the resource; or the room.
    @ivar id: of the stanza.
    @ivar ours: the address of ours that it was written to; empty is an account's.
    @ivar room: whether C{to} is a room, in which all see the answer.
    @ivar receipt: whether a receipt was asked for (XEP-0184).
    @ivar nick: in a room, who wrote it.
    """

    to: str = field(repr=False)
    id: str
    ours: str = ""
    room: bool = False
    receipt: bool = False
    nick: str = field(default="", repr=False)

    def to_text(self) -> str:
        """As L{goiptwist.model.messages.Submission} keeps it."""
        return json.dumps({"kind": _KIND, **asdict(self)}, ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """@raise ValueError: L{to_text} has not written it."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("the context is no JSON") from None
        if not isinstance(value, dict) or value.pop("kind", None) != _KIND:
            raise ValueError("the context is not that of a chat")
        names = {each.name for each in fields(cls)}
        flags = {"room", "receipt"}
        if set(value) != names or not all(
            isinstance(part, bool if name in flags else str) for name, part in value.items()
        ):
            raise ValueError("the context of a chat has other parts")
        if not value["to"] or len(value["to"]) > _LONGEST:
            raise ValueError("the context says nobody to tell")
        return cls(**value)

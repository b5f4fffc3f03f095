"""
What the codes of Contact ID mean (SIA DC-05, and what panels have added to it).

C{codes.json} has the list. A code that is not in it passes all the same: every
panel knows some that no list has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files

from attrs import frozen

#: The classes of events, for rules about them.
KINDS = (
    "medical",
    "fire",
    "panic",
    "burglary",
    "general",
    "24-hour",
    "supervisory",
    "trouble",
    "open/close",
    "access",
    "bypass",
    "test",
    "other",
)


@frozen(kw_only=True)
class Code:
    """
    What a code means.

    @ivar name: a new event, in words.
    @ivar opening: the same with qualifier 1, where the code is about opening
        and closing; or empty.
    @ivar closing: the same with qualifier 3.
    @ivar kind: its class, one of L{KINDS}.
    @ivar who: what the last three digits tell: C{zone} or C{user}.
    @ivar listed: whether anybody has written down what it means.
    """

    name: str
    kind: str
    who: str
    opening: str = ""
    closing: str = ""
    listed: bool = True


def _listed() -> Mapping[str, Code]:
    text = files("goiptwist.contact_id").joinpath("codes.json").read_text("utf-8")
    return {code: Code(**row) for code, row in json.loads(text).items()}


CODES = _listed()

#: The class of a code that is in no list, by how it begins; the longest
#: beginning counts. DC-05 gives out the codes in these blocks.
_BLOCKS = {
    "1": ("general", "alarm"),
    "10": ("medical", "medical alarm"),
    "11": ("fire", "fire alarm"),
    "12": ("panic", "panic alarm"),
    "13": ("burglary", "burglary alarm"),
    "15": ("24-hour", "24 hour alarm"),
    "16": ("24-hour", "24 hour alarm"),
    "2": ("supervisory", "supervisory signal"),
    "3": ("trouble", "trouble"),
    "4": ("open/close", "open/close"),
    "41": ("access", "remote access"),
    "42": ("access", "access"),
    "43": ("access", "access"),
    "5": ("bypass", "bypass"),
    "6": ("test", "test"),
    "62": ("other", "event"),
    "63": ("other", "event"),
    "64": ("other", "event"),
    "65": ("other", "event"),
}


def meaning(code: str) -> Code:
    """
    @param code: three digits.
    @return: what it means; of an unknown one, what its digits tell.
    """
    known = CODES.get(code)
    if known is not None:
        return known
    kind, word = _BLOCKS.get(code[:2]) or _BLOCKS.get(code[:1]) or ("other", "event")
    who = "user" if code.startswith("4") else "zone"
    name = f"unlisted {word}, code {code}"
    if kind != "open/close":
        return Code(name=name, kind=kind, who=who, listed=False)
    opening, closing = f"unlisted opening, code {code}", f"unlisted closing, code {code}"
    return Code(name=name, kind=kind, who=who, opening=opening, closing=closing, listed=False)

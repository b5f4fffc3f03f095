"""
What is kept of a mail, so that its sender can be notified later of what became of
the SMS: it travels with the submission as a text. Pure.
"""

from __future__ import annotations

import json
import re
from typing import Any, Self

from attrs import Attribute, asdict, evolve, fields, frozen
from attrs import field as attribute

#: Characters of the text: as many as a submission may have of them.
TEXT_AT_MOST = 4000
#: Characters of a subject; it only reminds the sender.
SUBJECT_AT_MOST = 200
#: Characters of the sentences about what was left out.
NOTE_AT_MOST = 300
#: Characters of one message id. RFC 5322 section 2.1.1 has 998 for a whole
#: line; real ones have under a hundred.
ID_AT_MOST = 320
#: Ids of a thread that are kept: the mail's own, and the last five before it.
REFERENCES_AT_MOST = 6
#: Mails of a conversation that a mail refers to by their ids, beside its root.
EARLIER_AT_MOST = 3

_KIND = "dsn"
_NOTIFY = frozenset(("success", "failure", "delay"))
_ADDRESS = re.compile(r"[^<>]{1,255}@[^<>@]{1,255}")
_ID = re.compile(rf"[!-;=?-~]{{1,{ID_AT_MOST}}}")


def _check_text(at_most: int) -> Any:
    def check(_: Any, which: Attribute[str], value: Any) -> None:
        # It goes into headers, where a line end would begin another.
        if not isinstance(value, str) or not value.isprintable() or len(value) > at_most:
            raise ValueError(f"{which.name} must be one printable line, {at_most} long at most")

    return check


def _check_to(_: Any, __: Any, value: Any) -> None:
    if not isinstance(value, str) or not value.isprintable() or not _ADDRESS.fullmatch(value):
        raise ValueError("to must be an address")


def _check_id(_: Any, __: Any, value: Any) -> None:
    if value != "" and not is_id(value):
        raise ValueError("message_id must be a message id without brackets, or empty")


def _check_references(_: Any, __: Any, value: Any) -> None:
    right = isinstance(value, tuple) and all(is_id(each) for each in value)
    if not right or len(value) > REFERENCES_AT_MOST:
        raise ValueError(f"references must be message ids, {REFERENCES_AT_MOST} at most")


def _check_ret(_: Any, __: Any, value: Any) -> None:
    if value not in ("", "FULL", "HDRS"):
        raise ValueError("ret must be FULL, HDRS or empty")


def _check_notify(_: Any, __: Any, value: Any) -> None:
    if not isinstance(value, frozenset) or not value <= _NOTIFY:
        raise ValueError(f"notify must be of {', '.join(sorted(_NOTIFY))}")


def _check_arrived(_: Any, __: Any, value: Any) -> None:
    if type(value) is not int or not 0 <= value < 2**40:
        raise ValueError("arrived must be seconds since the epoch")


@frozen(kw_only=True)
class MailContext:
    """
    A mail that became an SMS, as far as a report about it needs to know.

    @ivar to: the address to be notified: the envelope sender.
    @ivar message_id: of the mail, without brackets, or empty.
    @ivar references: ids of its thread, itself last, so that a report joins it.
    @ivar subject: of the mail, as a person reads it.
    @ivar envid: RFC 3461 section 4.4, or empty.
    @ivar orcpt: RFC 3461 section 4.2, such as C{rfc822;ann@example.org}, or empty.
    @ivar ret: C{FULL}, C{HDRS} or empty.
    @ivar notify: what is asked for: of C{success}, C{failure} and C{delay}.
    @ivar recipient: the address of RCPT, as it was written.
    @ivar note: what of the mail is not in the SMS, in sentences, or empty.
    @ivar arrived: when the mail was taken, in whole seconds since the epoch.
    """

    to: str = attribute(validator=_check_to, repr=False)
    message_id: str = attribute(default="", validator=_check_id)
    references: tuple[str, ...] = attribute(default=(), validator=_check_references)
    subject: str = attribute(default="", validator=_check_text(SUBJECT_AT_MOST), repr=False)
    envid: str = attribute(default="", validator=_check_text(100))
    orcpt: str = attribute(default="", validator=_check_text(510), repr=False)
    ret: str = attribute(default="", validator=_check_ret)
    notify: frozenset[str] = attribute(default=frozenset(), validator=_check_notify)
    recipient: str = attribute(validator=_check_text(320), repr=False)
    note: str = attribute(default="", validator=_check_text(NOTE_AT_MOST), repr=False)
    arrived: int = attribute(validator=_check_arrived)

    def to_text(self) -> str:
        """
        @return: JSON of at most C{TEXT_AT_MOST} characters; where that is not
            enough, the oldest ids of the thread stay away, and then the note.
        """
        value = asdict(self) | {"kind": _KIND, "notify": sorted(self.notify)}
        text = json.dumps(value, ensure_ascii=False)
        if len(text) > TEXT_AT_MOST and self.references:
            return evolve(self, references=self.references[1:]).to_text()
        if len(text) > TEXT_AT_MOST and self.note:
            return evolve(self, note="").to_text()
        return text

    @classmethod
    def from_text(cls, text: str) -> Self:
        """@raise ValueError: L{to_text} has not written it."""
        if len(text) > TEXT_AT_MOST:
            raise ValueError("the context is too long")
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("the context is no JSON") from None
        names = {each.name for each in fields(cls)}
        if isinstance(value, dict):
            value.setdefault("note", "")  # earlier versions knew none
        if not isinstance(value, dict) or value.pop("kind", None) != _KIND or set(value) != names:
            raise ValueError("the context is not that of a mail")
        return cls(
            **value
            | {
                "references": tuple(_texts(value["references"])),
                "notify": frozenset(_texts(value["notify"])),
            }
        )


def is_id(value: object) -> bool:
    """Whether it is a message id that may stand in a header of ours."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _texts(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError("the context has no list of texts where one belongs")
    return value

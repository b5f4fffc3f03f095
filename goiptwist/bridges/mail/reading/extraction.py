"""
What a person wrote in a mail: a mail in, the text of an SMS out. Pure.

L{parsing} takes the mail apart, L{html_text}, L{flowed} and L{cleaning} make one
text of it, L{quotes} and L{signatures} cut off what the person did not write.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from attrs import define, field, frozen

from goiptwist.bridges.mail.reading.cleaning import cleaned, rejoined
from goiptwist.bridges.mail.reading.html_text import text_from_html
from goiptwist.bridges.mail.reading.parsing import MailAttachment, ParsedMail
from goiptwist.bridges.mail.reading.quotes import split_quote
from goiptwist.bridges.mail.reading.signatures import (
    TruncatedText,
    without_added,
    without_closing,
    without_delimited,
    without_the_rest,
)
from goiptwist.bridges.mail.reading.subjects import without_prefixes
from goiptwist.config.values import setting
from goiptwist.errors import Unacceptable
from goiptwist.telephony import segments
from goiptwist.telephony.gsm7 import fitted

#: SMS that a text of 3000 bytes, the most a device takes, can need at the most.
SEGMENTS_AT_MOST = 45


class SubjectUse(StrEnum):
    """What the subject is used for."""

    IGNORE = "ignore"
    PREFIX = "prefix"
    IF_EMPTY = "only-if-body-empty"


class AttachmentUse(StrEnum):
    """What follows from an attachment."""

    REJECT = "reject"
    IGNORE = "ignore"


class Gsm7Use(StrEnum):
    """When a text is put into the letters of a cheap SMS."""

    NEVER = "never"
    IF_SHORTER = "if-shorter"
    ALWAYS = "always"


def _check_segments(_: Any, __: Any, segments: int) -> None:
    if not 1 <= segments <= SEGMENTS_AT_MOST:
        raise ValueError(f"segments must be 1 to {SEGMENTS_AT_MOST}")


@frozen(kw_only=True)
class ReadingSettings:
    """C{[mail_text]}: how a mail becomes a text."""

    segments: int = setting(
        "How many SMS the text of one mail may need; a longer one is refused with the count.",
        default=5,
        validator=_check_segments,
        formerly="parts",
    )
    subject_use: SubjectUse = setting(
        'The subject of a mail: "ignore" it, put it before the text ("prefix"), or take it where '
        'there is no text ("only-if-body-empty"). That of an answer is always ignored.',
        default=SubjectUse.IGNORE,
    )
    attachments: AttachmentUse = setting(
        'A mail with an attachment: "reject" it, or "ignore" the attachment, which the answer to '
        "the mail and the mails about what became of the SMS then note.",
        default=AttachmentUse.REJECT,
    )
    end_mark: str = setting(
        'What writers may end their text with, such as "$$", so that nothing behind it is sent; '
        "empty: nothing.",
        default="",
    )
    cut_closing: bool = setting(
        'Whether a closing at the end, such as "Regards, Joe", is cut off.', default=False
    )
    gsm7: Gsm7Use = setting(
        "One letter that GSM 7-bit does not have, such as a typographic quote, makes a text need "
        'more than twice as many SMS. Write such letters as the nearest that there is: "never", '
        '"if-shorter" where that saves an SMS, or "always".',
        default=Gsm7Use.NEVER,
    )
    confirm: bool = setting(
        "Tell senders by mail when the handset has the SMS, without being asked (NOTIFY=SUCCESS).",
        default=False,
    )


class CutReason(StrEnum):
    """What was cut off."""

    QUOTE = "quote"
    SIGNATURE = "signature"
    ADDED = "line of the mail program"
    CLOSING = "closing"
    REST = "text behind the end mark"


@frozen
class CutText:
    """One piece that was left out."""

    what: CutReason
    text: str = field(repr=False)


@frozen(kw_only=True)
class ExtractedText:
    """
    What came of a mail.

    @ivar text: what the person wrote; never empty.
    @ivar subject: without C{Re:} and the like.
    @ivar respelt: whether letters were put into GSM 7-bit.
    @ivar cut: what was left out, in the order of the rules.
    @ivar notes: sentences for the writer: what may surprise.
    @ivar attachments: what was left out beside the text.
    """

    text: str = field(repr=False)
    subject: str = field(repr=False)
    respelt: bool = False
    cut: tuple[CutText, ...] = ()
    notes: tuple[str, ...] = ()
    attachments: tuple[MailAttachment, ...] = ()

    @property
    def note(self) -> str:
        """What the writer should know, in one line; empty where nothing surprises."""
        respelt = ("in the letters of GSM 7-bit",) if self.respelt else ()
        return "; ".join((*respelt, *self.notes))


def extract_text(
    mail: ParsedMail, rules: ReadingSettings, ours: Sequence[str] = ()
) -> ExtractedText:
    """
    @param ours: the texts of ours that this mail answers, where they are
        known (L{ParsedMail.answers} says which mails).
    @raise Unacceptable: there is no text, or an attachment that may not be.
    """
    if mail.attachments and rules.attachments == AttachmentUse.REJECT:
        names = ", ".join(str(attachment) for attachment in mail.attachments[:3])
        raise Unacceptable(
            "attachments", f"an SMS is text only: send the mail again without {names}"
        )
    text = cleaned(rejoined(cleaned(mail.plain))) or cleaned(text_from_html(mail.html))
    work = _Extraction(text)
    work.cut_down(rules, ours)
    subject = without_prefixes(mail.headers.first("Subject"))
    written = _with_subject(work.text, "" if mail.answers else subject, rules.subject_use)
    if not written:
        raise _nothing(work.cut)
    ignored = [f"left out: {attachment}" for attachment in mail.attachments]
    spelt = _spelt(written, rules.gsm7)
    return ExtractedText(
        text=spelt,
        subject=subject,
        respelt=spelt != written,
        cut=tuple(work.cut),
        notes=(*work.notes, *ignored),
        attachments=mail.attachments,
    )


@define
class _Extraction:
    """A text that gets shorter, and what has been cut off it."""

    text: str
    cut: list[CutText] = field(factory=list)
    notes: list[str] = field(factory=list)

    def cut_down(self, rules: ReadingSettings, ours: Sequence[str]) -> None:
        """Every rule in turn."""
        self._take(CutReason.REST, without_the_rest(self.text, rules.end_mark))
        quote = split_quote(self.text, [cleaned(text) for text in ours])
        self._take(CutReason.QUOTE, TruncatedText(quote.kept, quote.cut))
        if quote.below:
            self.notes.append("lines below the quote were left out: write above it")
        self._take(CutReason.SIGNATURE, without_delimited(self.text))
        self._take(CutReason.ADDED, without_added(self.text))
        if rules.cut_closing:
            self._take(CutReason.CLOSING, without_closing(self.text))

    def _take(self, what: CutReason, ended: TruncatedText) -> None:
        self.text = cleaned(ended.text)
        if ended.cut.strip():
            self.cut.append(CutText(what, ended.cut))


def _with_subject(text: str, subject: str, use: SubjectUse) -> str:
    if use == SubjectUse.IF_EMPTY:
        return text or subject
    if use == SubjectUse.PREFIX:
        return "\n".join(part for part in (subject, text) if part)
    return text


def _spelt(text: str, use: Gsm7Use) -> str:
    if use == Gsm7Use.NEVER:
        return text
    plain = fitted(text)
    shorter = segments.count(plain).parts < segments.count(text).parts
    return plain if plain.strip() and (shorter or use == Gsm7Use.ALWAYS) else text


def _nothing(cut: Sequence[CutText]) -> Unacceptable:
    if not cut:
        return Unacceptable("text", "there is no text in the mail")
    found = ", ".join(dict.fromkeys(piece.what.value for piece in cut))
    return Unacceptable(
        "text", f"there is no text in the mail but what is left out: {found}; write above it"
    )

"""
What stands in the SMS that people get, and what they answer. Pure.
"""

from __future__ import annotations

import re

from goiptwist.model.messages import Message
from goiptwist.telephony.validation import LONGEST_TEXT

#: What an answer looks like: ACK, and perhaps the id that the SMS asked for.
#: Telephones put capitals and full stops where they like.
ANSWER = r"(?i)^\s*ack(?:\s+(?P<id>[a-z0-9]+-[0-9]+))?\s*[.!]?\s*$"

#: Control characters, which devices do not take, and halves of surrogate pairs.
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def alarm_text(alarm: Message, form: str) -> str:
    """
    @param form: C{words} for people, with the way to answer; C{machine} for
        receivers that read Contact ID.
    """
    if form == "machine":
        return alarm.alarm
    sentence = alarm.text.partition("\n")[0]
    return f"{sentence}. Reply ACK {alarm.id}"


def forwarded_text(sms: Message, name: str) -> str:
    """
    An SMS that came in, handed over by another bridge.

    @param name: what the address book calls its sender, or empty.
    """
    sender = f"{name} ({sms.sender})" if name else sms.sender
    whole = _UNFIT.sub(" ", f"{sender}: {sms.text}")
    return whole.encode()[:LONGEST_TEXT].decode(errors="ignore")


def acknowledged_id(text: str) -> str | None:
    """@return: the id that an answer names, empty for the latest; C{None} if it is none."""
    found = re.match(ANSWER, text)
    return None if found is None else (found["id"] or "").lower()

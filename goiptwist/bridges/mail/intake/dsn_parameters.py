"""
Of what a sender is to be notified: the parameters of RFC 3461. Pure.
"""

from __future__ import annotations

import re

from goiptwist.bridges.mail.submission.smtp_reply import SmtpReply

#: Characters of ENVID and ORCPT, as written (RFC 3461 section 5.4).
ENVID_AT_MOST = 100
ORCPT_AT_MOST = 500

#: What may be asked for with NOTIFY (section 4.1).
KEYWORDS = ("success", "failure", "delay")

#: Section 4: printable ASCII, of which C{+} and C{=} stand in hexadecimal.
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_HEX = re.compile(r"\+([0-9A-F]{2})")
_PRINTABLE = re.compile(r"[ -~]+")


def read_ret(value: str) -> str:
    """@raise SmtpReply: it is neither FULL nor HDRS (section 4.3)."""
    if value.upper() not in ("FULL", "HDRS"):
        raise _no("RET")
    return value.upper()


def read_envid(value: str) -> str:
    """@raise SmtpReply: it is no name, or too long (section 4.4)."""
    if len(value) > ENVID_AT_MOST:
        raise _no("ENVID")
    return _unwrapped(value, "ENVID")


def read_notify(value: str) -> frozenset[str]:
    """@raise SmtpReply: it is no list of what there is, or NEVER among others (section 4.1)."""
    keywords = value.lower().split(",")
    if keywords == ["never"]:
        return frozenset()
    if not set(keywords) <= set(KEYWORDS):
        raise _no("NOTIFY")
    return frozenset(keywords)


def read_orcpt(value: str) -> str:
    """
    @return: kind and address, as they stand in a report.
    @raise SmtpReply: it is no address of mail (section 4.2, RFC 6533 section 3).
    """
    kind, semicolon, address = value.partition(";")
    known = kind.lower() in ("rfc822", "utf-8")
    if not semicolon or not known or len(value) > ORCPT_AT_MOST:
        raise _no("ORCPT")
    return f"{kind.lower()};{_unwrapped(address, 'ORCPT')}"


def _unwrapped(value: str, key: str) -> str:
    """What the sender meant must be printable ASCII too: it goes into a header."""
    text = _HEX.sub(lambda found: chr(int(found[1], 16)), value)
    if not _XTEXT.fullmatch(value) or not _PRINTABLE.fullmatch(text):
        raise _no(key)
    return text


def _no(key: str) -> SmtpReply:
    return SmtpReply(501, "5.5.4", f"That is no value for {key}")

"""
The arguments of MAIL and RCPT (RFC 5321 section 4.1.2); a parameter whose meaning
we do not know is refused. Pure.
"""

from __future__ import annotations

import re

from attrs import define, evolve, field, frozen

from goiptwist.bridges.mail.intake.dsn_parameters import (
    read_envid,
    read_notify,
    read_orcpt,
    read_ret,
)
from goiptwist.bridges.mail.submission.interfaces import DsnRequest
from goiptwist.bridges.mail.submission.smtp_reply import SmtpReply

#: Octets of a path with its brackets (RFC 5321 section 4.5.3.1.3).
PATH_AT_MOST = 256

#: Characters of local parts: atext and dots of RFC 5322 section 3.2.3, and all
#: that is not ASCII (RFC 6531 section 3.3).
_ATOMS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\u0080-\U0010ffff-]+"
_QUOTED = r'"(?:[^\x00-\x1f\x7f"\\]|\\[\x20-\x7e])*"'
_DOMAIN = r"(?:[A-Za-z0-9._\u0080-\U0010ffff-]+|\[[!-Z^-~]+\])"
#: The route before the colon is from another time; it is read and forgotten
#: (RFC 5321 appendix C).
_PATH = rf"<(?:@[^<>:\"\s]+:)?(?P<local>{_ATOMS}|{_QUOTED})(?:@(?P<domain>{_DOMAIN}))?>"
_ARGUMENT = r"{}: ?(?P<path>{})(?P<parameters>(?: +[!-~]+)*) *"
_MAIL = re.compile(_ARGUMENT.format("FROM", f"<>|{_PATH}"), re.IGNORECASE)
_RCPT = re.compile(_ARGUMENT.format("TO", _PATH), re.IGNORECASE)
_PARAMETER = re.compile(r"(?P<key>[A-Za-z0-9][A-Za-z0-9-]*)(?:=(?P<value>[!-<>-~]+))?")
_SIZE = re.compile(r"[0-9]{1,20}")


@frozen
class RcptArgument:
    """The argument of one RCPT."""

    recipient: str = field(repr=False)
    request: DsnRequest = field(default=DsnRequest(), repr=False)


@define
class SmtpEnvelope:
    """
    The arguments of MAIL and of the RCPTs behind it.

    @ivar sender: empty is the null sender.
    @ivar utf8: whether names beyond ASCII were agreed on (RFC 6531).
    @ivar size: what the client says the mail will have, or 0 (RFC 1870).
    @ivar asked: how many recipients were named, taken or not.
    @ivar ret: how much of the mail the sender wants back (RFC 3461), or empty.
    @ivar envid: the sender's name for the mail, or empty.
    @ivar recipients: those who were taken, in order. The same may stand twice.
    @ivar requests: what the sender wants to hear about each of them.
    """

    sender: str = field(repr=False)
    utf8: bool = False
    size: int = 0
    asked: int = 0
    ret: str = ""
    envid: str = field(default="", repr=False)
    recipients: list[str] = field(factory=list, repr=False)
    requests: dict[str, DsnRequest] = field(factory=dict, repr=False)

    def add(self, named: RcptArgument) -> None:
        """One more; of two requests about the same recipient the first counts."""
        self.recipients.append(named.recipient)
        request = evolve(named.request, envid=self.envid, ret=self.ret)
        self.requests.setdefault(named.recipient, request)


def read_mail(argument: bytes, *, extended: bool, login: bool) -> SmtpEnvelope:
    """
    @param argument: what stands behind C{MAIL}.
    @param extended: whether we have told the client which parameters we know.
    @param login: whether AUTH is among them.
    @raise SmtpReply: it is wrong, or asks for what we do not do.
    """
    match = _matched(_MAIL, argument, "5.1.7", "MAIL FROM:<sender@example.org>")
    parameters = _parameters(match["parameters"])
    envelope = SmtpEnvelope(sender="" if match["path"] == "<>" else _mailbox(match))
    for key, value in parameters.items():
        if not extended:
            raise _unknown(key)
        if key == "SIZE" and _SIZE.fullmatch(value):
            envelope.size = int(value)
        elif key == "SMTPUTF8" and not value:
            envelope.utf8 = True
        elif key == "RET":
            envelope.ret = read_ret(value)
        elif key == "ENVID":
            envelope.envid = read_envid(value)
        elif (key == "BODY" and value.upper() in ("7BIT", "8BITMIME")) or (
            key == "AUTH" and value and login  # RFC 4954 section 5: may be ignored
        ):
            continue
        elif key in ("SIZE", "SMTPUTF8", "BODY", "AUTH"):
            raise SmtpReply(501, "5.5.4", f"That is no value for {key}")
        else:
            raise _unknown(key)
    _agreed(match, "5.1.7", utf8=envelope.utf8)
    return envelope


def read_recipient(argument: bytes, *, extended: bool, utf8: bool) -> RcptArgument:
    """
    @param argument: what stands behind C{RCPT}.
    @param extended: whether we have told the client which parameters we know.
    @param utf8: whether MAIL had SMTPUTF8.
    @raise SmtpReply: it is wrong, or asks for what we do not do.
    """
    match = _matched(_RCPT, argument, "5.1.3", "RCPT TO:<number@example.org>")
    request = DsnRequest()
    for key, value in _parameters(match["parameters"]).items():
        if extended and key == "NOTIFY":
            request = evolve(request, notify=read_notify(value))
        elif extended and key == "ORCPT":
            request = evolve(request, orcpt=read_orcpt(value))
        else:
            raise _unknown(key)
    _agreed(match, "5.1.3", utf8=utf8)
    return RcptArgument(_mailbox(match), request)


def _matched(
    pattern: re.Pattern[str], argument: bytes, enhanced: str, example: str
) -> re.Match[str]:
    try:
        match = pattern.fullmatch(argument.decode("utf-8"))
    except UnicodeDecodeError:
        raise SmtpReply(501, enhanced, "That is no UTF-8") from None
    if match is None:
        raise SmtpReply(501, enhanced, f"Write it as {example}")
    return match


def _agreed(match: re.Match[str], enhanced: str, *, utf8: bool) -> None:
    path = match["path"]
    if not path.isascii() and not utf8:
        raise SmtpReply(553, "5.6.7", "Only with SMTPUTF8 may an address have more than ASCII")
    if not path.isprintable() or len(path.encode()) > PATH_AT_MOST:
        raise SmtpReply(501, enhanced, "That is no address, or one that is too long")


def _parameters(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split():
        match = _PARAMETER.fullmatch(part)
        if match is None:
            raise SmtpReply(501, "5.5.4", "Write parameters as KEY or KEY=VALUE")
        key = match["key"].upper()
        if key in found:
            raise SmtpReply(501, "5.5.4", f"{key} stands there twice")
        found[key] = match["value"] or ""
    return found


def _unknown(key: str) -> SmtpReply:
    return SmtpReply(555, "5.5.4", f"{key[:40]} is not known here")


def _mailbox(match: re.Match[str]) -> str:
    local: str = match["local"]
    if local.startswith('"'):
        bare = re.sub(r"\\(.)", r"\1", local[1:-1])
        local = bare if re.fullmatch(_ATOMS, bare) else local
    return f"{local}@{match['domain']}" if match["domain"] else local

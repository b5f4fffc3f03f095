"""
The keys of a C{[bridge.NAME]} section with C{kind = "mail"}.

Each key has a check of its own, so that all faults can be reported at once.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

from attrs import frozen

from goiptwist.bridges.mail.submission.addresses import MAILBOX_AT_MOST
from goiptwist.config.common import BridgeSettings
from goiptwist.config.values import HostPort, Password, setting
from goiptwist.net.trust import check_ca


class TlsMode(StrEnum):
    """How much the way to the smarthost must be protected."""

    NONE = "none"
    OPPORTUNISTIC = "opportunistic"
    REQUIRED = "required"
    VERIFIED = "verified"


#: RFC 5322 section 3.2.3, dot-atom; quoted local parts are not worth it.
_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
#: RFC 5321 section 4.1.2, Domain.
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.I)
#: Octets of a local part, of a domain and of a path (RFC 5321 section 4.5.3.1).
_LOCAL_AT_MOST, _DOMAIN_AT_MOST, _PATH_AT_MOST = 64, 255, 254

#: The keys that name those who get the mails.
RECIPIENTS = ("to", "cc", "bcc")

#: What a subject may be made of.
PLACEHOLDERS = ("sender", "name", "line", "id", "text")
#: Those of them that a private subject may have.
_PRIVATE_PLACEHOLDERS = ("line", "id")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def fault_of_address(address: object) -> str:
    """@return: what is wrong with a mail address, in words, or an empty text."""
    if not isinstance(address, str):
        return f"{address!r} is no text"
    local, _, domain = address.rpartition("@")
    if not address.isascii():
        return f"{address!r} is not ASCII; write the domain in its xn-- form"
    if not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        return f"{address!r} is no mail address; write it as name@domain, without a display name"
    if len(local) > _LOCAL_AT_MOST or len(domain) > _DOMAIN_AT_MOST or len(address) > _PATH_AT_MOST:
        return f"{address!r} is longer than mail allows"
    return ""


def _check_to(settings: MailSettings, key: Any, to: tuple[str, ...]) -> None:
    if not to or isinstance(to, str):
        raise ValueError('to: name at least one mail address, such as ["ops@example.org"]')
    _check_copies(settings, key, to)


def _check_copies(settings: MailSettings, key: Any, addresses: tuple[str, ...]) -> None:
    """Of an address that stands in two of them, the later is the wrong one."""
    faults = [fault for fault in map(fault_of_address, addresses) if fault]
    if faults:
        raise ValueError(f"{key.name}: {'; '.join(faults)}")
    for address in addresses:
        places = [name for name in RECIPIENTS for _ in range(_count(settings, name, address))]
        if len(places) > 1 and places[-1] == key.name:
            where = " and ".join(dict.fromkeys(places))
            raise ValueError(f"{key.name}: {address} stands twice, in {where}; leave one out")


def _count(settings: MailSettings, name: str, address: str) -> int:
    """How often an address stands in a key, which may itself be wrong or missing."""
    known = getattr(settings, name)
    there = known if isinstance(known, tuple) else ()
    return sum(str(other).lower() == address.lower() for other in there)


def _check_sender(_: Any, __: Any, sender: str) -> None:
    fault = fault_of_address(sender)
    if fault:
        raise ValueError(f"sender: {fault}")


def _check_domain(_: Any, __: Any, domain: str) -> None:
    if domain and (not _DOMAIN.fullmatch(domain) or len(domain) > _DOMAIN_AT_MOST):
        raise ValueError(f"domain: {domain!r} is no domain, such as sms.example.org")


def _check_mailbox(settings: MailSettings, __: Any, mailbox: str) -> None:
    if not mailbox:
        return
    fault = fault_of_address(mailbox)
    name = mailbox.rpartition("@")[0]
    if not fault and "+" in name:
        fault = f"{mailbox!r} has a plus in it already; write the address without what follows it"
    if not fault and len(name) > MAILBOX_AT_MOST:
        fault = (
            f"{name!r} leaves no room for a number and a token behind it; take a mailbox whose "
            f"name has at most {MAILBOX_AT_MOST} letters"
        )
    if not fault and settings.domain:
        fault = "domain says already where answers go; leave one of them out"
    if fault:
        raise ValueError(f"mailbox: {fault}")


def _check_days(_: Any, __: Any, days: int) -> None:
    if not 1 <= days <= 3650:
        raise ValueError("reply_days: must be 1 to 3650")


def _check_lmtp(settings: MailSettings, __: Any, lmtp: bool) -> None:
    if lmtp and settings.smarthost.port == 25:
        raise ValueError(
            "lmtp: LMTP is never spoken on port 25 (RFC 2033 section 5); "
            "set the port of smarthost, which is often 24"
        )


def _check_smarthost(_: Any, __: Any, smarthost: HostPort) -> None:
    if smarthost.port == 0:
        raise ValueError("smarthost: the port is 0; SMTP is usually on 25, 465 or 587")
    try:
        smarthost.host.encode("idna")
    except UnicodeError:
        raise ValueError(f"smarthost: {smarthost.host!r} is no host name") from None


def _check_tls(settings: MailSettings, __: Any, tls: str) -> None:
    if tls and tls not in list(TlsMode):
        raise ValueError(f"tls: must be one of {', '.join(TlsMode)}, or empty; not {tls!r}")
    if tls == TlsMode.NONE and settings.implicit_tls:
        raise ValueError('tls: "none" contradicts implicit_tls = true; leave one of them out')


def _check_username(settings: MailSettings, __: Any, username: str) -> None:
    if "\0" in username:
        raise ValueError("username: must not contain NUL")
    if username and settings.password is None:
        raise ValueError("username: a password must go with it; set password, or leave both out")


def _check_password(settings: MailSettings, __: Any, password: Password | None) -> None:
    if password is None:
        return
    if not settings.username:
        raise ValueError("password: a username must go with it; set username, or leave both out")
    if "\0" in password.clear:
        raise ValueError("password: must not contain NUL")
    if settings.tls == TlsMode.NONE and not settings.smarthost.is_loopback:
        raise ValueError(
            'password: tls = "none" would send it in clear over the network; '
            'set tls = "verified", or "required" if the certificate cannot be verified'
        )


def _check_timeout(_: Any, __: Any, timeout: float) -> None:
    if not 0 < timeout <= 3600:
        raise ValueError("timeout: must be more than 0 and at most 3600 seconds")


def _check_subject(settings: MailSettings, __: Any, subject: str) -> None:
    named = _PLACEHOLDER.findall(subject)
    unknown = [name for name in named if name not in PLACEHOLDERS]
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise ValueError(f"subject: there is no {{{unknown[0]}}}; use {known}")
    telling = [name for name in named if name not in _PRIVATE_PLACEHOLDERS]
    if telling and settings.private:
        raise ValueError(
            f"subject: {{{telling[0]}}} would tell what private = true keeps to itself; "
            "use {line} and {id} only, or leave private out"
        )


@frozen(kw_only=True)
class MailSettings(BridgeSettings):
    """Where incoming SMS are mailed to, and through which smarthost."""

    to: tuple[str, ...] = setting(
        "The mail addresses that get every SMS of this bridge, at least one.", validator=_check_to
    )
    cc: tuple[str, ...] = setting(
        "The mail addresses that get a copy, and are seen to.", validator=_check_copies, default=()
    )
    bcc: tuple[str, ...] = setting(
        "The mail addresses that get a copy of which the mail says nothing.",
        validator=_check_copies,
        default=(),
    )
    sender: str = setting(
        "The address that the mails come from; bounces go there too.", validator=_check_sender
    )
    domain: str = setting(
        "The domain whose mail comes back to this gateway, see [mail]. Mails then come from the "
        "number of the correspondent, and can be answered. Empty: they come from sender.",
        validator=_check_domain,
        default="",
    )
    mailbox: str = setting(
        "Without a domain: the address of the mailbox that [imap] looks into. Mails come from "
        "sender, and answers go to NAME+...@ of the mailbox, which most providers deliver to it.",
        validator=_check_mailbox,
        default="",
    )
    reply_days: int = setting(
        "Days for which a mail can be answered.", validator=_check_days, default=30
    )
    sms: bool = setting(
        "false: takes no SMS by itself, only those that another bridge hands over to it, "
        "and status mails.",
        default=True,
    )
    smarthost: HostPort = setting(
        "The mail server that takes the mails, host:port; it speaks SMTP, or LMTP with "
        "lmtp = true.",
        validator=_check_smarthost,
        default=HostPort("127.0.0.1", 25),
    )
    lmtp: bool = setting(
        "The smarthost speaks LMTP, as Dovecot and Cyrus do: it delivers by itself, and answers "
        "for each recipient. Who was put off is then tried again alone.",
        validator=_check_lmtp,
        default=False,
    )
    tls: str = setting(
        'How the way there is protected: "verified" (STARTTLS, and the certificate must be good '
        'for the name of the smarthost), "required" (STARTTLS, any certificate), '
        '"opportunistic" (STARTTLS if it is offered), "none". Empty: "none" for a smarthost '
        'on this machine, "verified" for any other.',
        validator=_check_tls,
        default="",
    )
    implicit_tls: bool = setting(
        "TLS from the first byte on, as on port 465, instead of STARTTLS.", default=False
    )
    ca: str = setting(
        "A PEM file with the certificates to trust instead of the system's.",
        validator=check_ca,
        default="",
    )
    username: str = setting(
        "The name to log in with; empty: no login.", validator=_check_username, default=""
    )
    password: Password | None = setting(
        "The password that goes with username.", validator=_check_password, default=None
    )
    timeout: float = setting(
        "How long to wait for the connection and for each answer, in seconds.",
        validator=_check_timeout,
        default=60.0,
    )
    subject: str = setting(
        "The subject line, in which {sender}, {name} (what the address book calls the sender, or "
        "the number), {line}, {id} and {text} (the first 40 characters) are filled in. Empty: "
        '"SMS from {sender} on {line}", or "SMS on {line}" with private.',
        validator=_check_subject,
        default="",
    )
    private: bool = setting(
        "What a list of mails or a locked screen shows, the subject and who the mail is from, "
        "tells neither the text nor the sender: mails come from the address in sender, and can "
        "still be answered. A preview of the text itself is the mail program's own affair.",
        default=False,
    )

    @property
    def tls_mode(self) -> TlsMode:
        """What C{tls} comes to, once the default is worked out."""
        if self.tls:
            return TlsMode(self.tls)
        on_this_machine = self.smarthost.is_loopback and not self.implicit_tls
        return TlsMode.NONE if on_this_machine else TlsMode.VERIFIED

    @property
    def recipients(self) -> tuple[str, ...]:
        """All who get the mails, each once."""
        return self.to + self.cc + self.bcc

    @property
    def subject_template(self) -> str:
        """What C{subject} comes to, once the default is worked out."""
        default = "SMS on {line}" if self.private else "SMS from {sender} on {line}"
        return self.subject or default

    @property
    def answers_to(self) -> str:
        """Where answers go: a domain, or the address of a mailbox; empty is nowhere."""
        return self.domain or self.mailbox

    @property
    def own_domain(self) -> str:
        """The domain that our ids are of."""
        return self.domain or self.sender.rpartition("@")[2]

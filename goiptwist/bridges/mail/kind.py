"""
C{kind = "mail"}, C{[mail]} with C{[mail_text]}, and C{[imap]}.
"""

from __future__ import annotations

from collections.abc import Iterator

from zope.interface import implementer

from goiptwist.bridges.mail.imap.poller import ImapIntake
from goiptwist.bridges.mail.imap.settings import ImapSettings
from goiptwist.bridges.mail.intake.service import MailIntake
from goiptwist.bridges.mail.intake.settings import MailIntakeSettings
from goiptwist.bridges.mail.outgoing.bridge import MailBridge, identity
from goiptwist.bridges.mail.outgoing.settings import MailSettings
from goiptwist.bridges.mail.reading.extraction import ReadingSettings
from goiptwist.bridges.mail.submission.addresses import AddressPlan
from goiptwist.bridges.mail.submission.interfaces import IHasSubmission
from goiptwist.bridges.mail.submission.service import MailSubmission
from goiptwist.bridges.mail.submission.tokens import AddressTokens, ReplyGrant
from goiptwist.interfaces import (
    IChecksSettings,
    IConnectorKind,
    IGateway,
    IMoreSections,
    ISections,
    ISharesMemory,
    Phase,
)

#: All mail remembers together which mails belong to one conversation.
MEMORY = "mail"


@implementer(IConnectorKind, ISharesMemory)
class MailKind:
    """Makes mail bridges out of the configuration."""

    section, kind = "bridge", "mail"
    settings = MailSettings
    phase = Phase.BRIDGE
    memory = MEMORY

    def build(self, name: str, settings: MailSettings, gateway: IGateway) -> MailBridge:
        """
        @param gateway: gives the reactor, its name for EHLO, and its key.
        """
        greeting = identity(gateway.name)
        tokens = AddressTokens(gateway.key)
        return MailBridge(name, settings, gateway.reactor, greeting, tokens, gateway)


@implementer(IConnectorKind, IMoreSections, IChecksSettings, ISharesMemory)
class MailListenerKind:
    """Makes what takes mails in by SMTP and LMTP, if only to be used by IMAP."""

    section, kind = "mail", ""
    settings = MailIntakeSettings
    phase = Phase.LISTENER
    memory = MEMORY
    singles = {"mail_text": ReadingSettings}
    rows: dict[str, type] = {}

    def build(self, name: str, settings: MailIntakeSettings, gateway: IGateway) -> MailIntake:
        """@param gateway: takes the texts of mails."""
        return MailIntake(
            gateway.reactor,
            settings,
            gateway.name,
            accounts=gateway.accounts,
            submission=_submission(settings, gateway),
            rejections=gateway.rejections,
        )

    def faults(
        self, name: str, settings: MailIntakeSettings, sections: ISections
    ) -> Iterator[tuple[str, str]]:
        """C{reports} names no mail bridge."""
        if settings.reports not in ("", "none", *_mail_bridges(sections)):
            yield "[mail]", f"reports: there is no mail bridge {settings.reports!r}"


@implementer(IConnectorKind, IChecksSettings, ISharesMemory)
class ImapKind:
    """Makes what fetches mails from a mailbox."""

    section, kind = "imap", ""
    settings = ImapSettings
    phase = Phase.LISTENER
    memory = MEMORY

    def build(self, name: str, settings: ImapSettings, gateway: IGateway) -> ImapIntake | None:
        """@param gateway: knows who takes in what is fetched."""
        if settings.server is None:
            return None
        (mails,) = gateway.connectors.providing(IHasSubmission).values()
        boxes = _mailboxes(gateway.sections)
        return ImapIntake(gateway.reactor, settings, mails.submission, gateway.rejections, boxes)

    def faults(
        self, name: str, settings: ImapSettings, sections: ISections
    ) -> Iterator[tuple[str, str]]:
        """Answers would pile up unread in a mailbox of a bridge."""
        if settings.server is None:
            for box in _mailboxes(sections)[:1]:
                yield "[imap]", f"server: name the server that has the mailbox {box}"


def _submission(settings: MailIntakeSettings, gateway: IGateway) -> MailSubmission:
    sections = gateway.sections
    lines = {line.id: line.pool for line in sections.rows("line")}
    tokens = AddressTokens(gateway.key)
    tokens.know(
        ReplyGrant(f"bridge:{bridge}", line) for bridge in sections.bridges for line in lines
    )
    directory = AddressPlan(
        lines=tuple(lines),
        pools=tuple(sorted(set(lines.values()))),
        country=sections.single("numbers").country,
        mailboxes=_mailboxes(sections),
        correspondents=_correspondents(sections),
    )
    reading = sections.single("mail_text")
    return MailSubmission(
        gateway,
        settings.domain,
        directory,
        tokens,
        reading,
        gateway.defer_to_thread,
        users=sections.rows("user"),
        authserv=settings.authserv,
        imap_authserv=sections.single("imap").authserv,
        reports_by=_reports_by(settings, sections),
    )


def _mail_bridges(sections: ISections) -> list[str]:
    return [name for name, (kind, _) in sections.bridges.items() if kind == MailKind.kind]


def _correspondents(sections: ISections) -> tuple[str, ...]:
    mails = [sections.bridges[name][1] for name in _mail_bridges(sections)]
    return tuple(dict.fromkeys(recipient for mail in mails for recipient in mail.recipients))


def _reports_by(settings: MailIntakeSettings, sections: ISections) -> str:
    """The bridge that tells senders of mails what became of their SMS; empty is none."""
    if settings.reports == "none":
        return ""
    return settings.reports or next(iter(_mail_bridges(sections)), "")


def _mailboxes(sections: ISections) -> tuple[str, ...]:
    """Addresses of the mailboxes that answers come to, where bridges have no domain."""
    named = (getattr(own, "mailbox", "") for _, own in sections.bridges.values())
    return tuple(dict.fromkeys(filter(None, named)))

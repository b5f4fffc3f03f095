"""
What a configuration file may hold, of the spine and of every limb. No logic:
what is wrong with a section, its limb knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from goiptwist.accounts.users import User, shared_addresses
from goiptwist.alarm import routes, supervision
from goiptwist.alarm.settings import AlarmSettings
from goiptwist.bridges.mail.imap.settings import ImapSettings
from goiptwist.bridges.mail.intake.settings import MailIntakeSettings
from goiptwist.bridges.mail.reading.extraction import ReadingSettings
from goiptwist.config import loader
from goiptwist.config.common import DeliverySettings, HistorySettings, TopSettings
from goiptwist.errors import BadConfiguration
from goiptwist.gateway import bridging, kinds
from goiptwist.goip.settings import GoipSettings, LineSettings
from goiptwist.telephony.contacts import Contact
from goiptwist.telephony.numbering import NumbersSettings
from goiptwist.web.settings import HttpSettings


@frozen(kw_only=True)
class Settings:
    """Everything that a configuration says, checked."""

    top: TopSettings
    goip: GoipSettings
    http: HttpSettings
    delivery: DeliverySettings
    history: HistorySettings
    lines: list[LineSettings]
    mail: MailIntakeSettings
    mail_text: ReadingSettings
    imap: ImapSettings
    numbers: NumbersSettings
    alarm: AlarmSettings
    users: list[User]
    contacts: list[Contact]
    routes: list[routes.RouteSettings]
    bridges: Mapping[str, tuple[str, Any]]


def scheme() -> loader.Scheme[TopSettings]:
    """What a configuration file may hold."""
    return loader.Scheme(
        top=TopSettings,
        single={
            "goip": GoipSettings,
            "http": HttpSettings,
            "delivery": DeliverySettings,
            "history": HistorySettings,
            "mail": MailIntakeSettings,
            "mail_text": ReadingSettings,
            "imap": ImapSettings,
            "numbers": NumbersSettings,
            "alarm": AlarmSettings,
        },
        lists={
            "line": LineSettings,
            "user": User,
            "contact": Contact,
            "route": routes.RouteSettings,
        },
        named={"bridge": {name: kind.settings for name, kind in kinds.bridge_kinds().items()}},
    )


def read_settings(tables: loader.Table, file: str) -> Settings:
    """
    @param file: how problems call the place that the tables come from.
    @raise BadConfiguration: with every problem at once.
    """
    problems = loader.Problems(file)
    read = loader.check(tables, scheme(), problems)
    if read is not None:
        loader.unique(read.lists["line"], lambda line: str(line.id), "line", problems)
        loader.unique(read.lists["user"], lambda user: str(user.name), "user", problems)
        for section, sentence in _faults(read):
            problems.add(section, sentence)
    problems.raise_any()
    if read is None:  # pragma: no cover
        raise BadConfiguration([f"{file}: cannot be used"])
    return Settings(
        top=read.top,
        lines=read.lists["line"],
        users=read.lists["user"],
        contacts=read.lists["contact"],
        routes=read.lists["route"],
        bridges=read.named["bridge"],
        **read.single,
    )


def _faults(read: loader.Read[TopSettings]) -> Iterator[tuple[str, str]]:
    """What no section can know of itself: each fault with its section."""
    bridges = read.named["bridge"]
    users = [user for user in read.lists["user"] if user is not None]
    pool_of = {line.id: line.pool for line in read.lists["line"] if line is not None}
    for fault in bridging.faults(bridges, pool_of):
        yield f"[bridge.{fault.bridge}]", fault.sentence
    if (mail := read.single["mail"]) is not None:
        try:
            bridging.reporter(mail.reports, bridges)
        except ValueError as nobody:
            yield "[mail]", str(nobody)
    if (imap := read.single["imap"]) is not None and imap.server is None:
        for box in bridging.mailboxes(bridges)[:1]:
            yield "[imap]", f"server: name the server that has the mailbox {box}"
    names = [user.name for user in users]
    for place, sentence in routes.faults(read.lists["route"], bridges, names):
        yield f"[[route]] {place}", sentence
    if (alarm := read.single["alarm"]) is not None:
        for sentence in supervision.faults(alarm, read.lists["route"], bridges):
            yield "[alarm]", sentence
    for sentence in shared_addresses(users):
        yield "[[user]]", sentence

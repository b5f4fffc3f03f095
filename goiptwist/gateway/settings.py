"""
What a configuration file may hold, of the spine and of every kind of connector.
No logic: what is wrong with a section, its kind knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from attrs import field, frozen
from zope.interface import implementer

from goiptwist.accounts.users import User, shared_addresses
from goiptwist.alarm import routes as alarm_routes
from goiptwist.alarm.routes import RouteSettings
from goiptwist.alarm.settings import AlarmSettings
from goiptwist.config import loader
from goiptwist.config.common import DeliverySettings, HistorySettings, TopSettings
from goiptwist.errors import BadConfiguration
from goiptwist.gateway import bridge_keys, kinds
from goiptwist.interfaces import IChecksSettings, IConnectorKind, IMoreSections, ISections
from goiptwist.telephony.contacts import Contact
from goiptwist.telephony.numbering import NumbersSettings


@implementer(ISections)
@frozen(kw_only=True)
class Settings:
    """
    Everything that a configuration says, checked.

    @ivar top: the keys before any section.
    @ivar bridges: see L{ISections}.
    """

    top: TopSettings
    bridges: Mapping[str, tuple[str, Any]]
    _singles: Mapping[str, Any] = field(alias="singles")
    _rows: Mapping[str, Sequence[Any]] = field(alias="rows")

    def single(self, section: str) -> Any:
        """See L{ISections}."""
        return self._singles[section]

    def rows(self, section: str) -> Sequence[Any]:
        """See L{ISections}."""
        return self._rows[section]

    @property
    def delivery(self) -> DeliverySettings:
        """C{[delivery]}"""
        return cast(DeliverySettings, self.single("delivery"))

    @property
    def history(self) -> HistorySettings:
        """C{[history]}"""
        return cast(HistorySettings, self.single("history"))

    @property
    def alarm(self) -> AlarmSettings:
        """C{[alarm]}"""
        return cast(AlarmSettings, self.single("alarm"))

    @property
    def country(self) -> str:
        """Whose national numbers are meant."""
        return str(self.single("numbers").country)

    @property
    def users(self) -> Sequence[User]:
        """Each C{[[user]]}."""
        return self.rows("user")

    @property
    def contacts(self) -> Sequence[Contact]:
        """Each C{[[contact]]}."""
        return self.rows("contact")

    @property
    def routes(self) -> Sequence[RouteSettings]:
        """Each C{[[route]]}."""
        return self.rows("route")

    @property
    def pool_of(self) -> dict[str, str]:
        """The name of the pool of each line, by the id of the line."""
        return {line.id: line.pool for line in self.rows("line")}


def scheme(known: Sequence[IConnectorKind]) -> loader.Scheme[TopSettings]:
    """What a configuration file may hold, if these are the kinds of connectors."""
    singles: dict[str, type[Any]] = {}
    rows: dict[str, type[Any]] = {}
    for kind in known:
        if kind.section != "bridge":
            singles[kind.section] = kind.settings
        for own, others in _more_sections(kind):
            singles |= own
            rows |= others
    singles |= {
        "delivery": DeliverySettings,
        "history": HistorySettings,
        "numbers": NumbersSettings,
    }
    rows |= {"user": User, "contact": Contact, "route": RouteSettings}
    bridges = {kind.kind: kind.settings for kind in known if kind.section == "bridge"}
    return loader.Scheme(top=TopSettings, single=singles, lists=rows, named={"bridge": bridges})


def _more_sections(kind: Any) -> Iterator[tuple[Mapping[str, type], Mapping[str, type]]]:
    if IMoreSections.providedBy(kind):
        yield kind.singles, kind.rows


def read_settings(tables: loader.Table, file: str) -> Settings:
    """
    @param file: how problems call the place that the tables come from.
    @raise BadConfiguration: with every problem at once.
    """
    problems = loader.Problems(file)
    known = kinds.connector_kinds()
    read = loader.check(tables, scheme(known), problems)
    problems.raise_any()
    if read is None:  # pragma: no cover
        raise BadConfiguration([f"{file}: cannot be used"])
    settings = Settings(
        top=read.top, singles=read.single, rows=read.lists, bridges=read.named["bridge"]
    )
    loader.unique(settings.users, lambda user: str(user.name), "user", problems)
    for section, sentence in _faults(settings, known):
        problems.add(section, sentence)
    problems.raise_any()
    return settings


def _faults(settings: Settings, known: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """What no section can know of itself: each fault with its section."""
    for kind in known:
        section, word = kind.section, kind.kind
        if IChecksSettings.providedBy(kind):
            for name, own in _of_kind(settings, section, word):
                yield from kind.faults(name, own, settings)
    yield from bridge_keys.faults(settings.bridges, settings.pool_of)
    users = settings.users
    names = [user.name for user in users]
    for place, sentence in alarm_routes.faults(settings.routes, settings.bridges, names):
        yield f"[[route]] {place}", sentence
    for sentence in shared_addresses(users):
        yield "[[user]]", sentence


def _of_kind(settings: Settings, section: str, kind: str) -> Iterator[tuple[str, Any]]:
    """The sections of a kind, by the names that connectors are built with."""
    if section == "bridge":
        yield from ((name, own) for name, (word, own) in settings.bridges.items() if word == kind)
    elif (single := settings.single(section)) is not None:
        yield section, single

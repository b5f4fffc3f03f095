"""
All lines: who they are, where they are, and the pools that they make.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from goiptwist.device_interfaces import IInbound, ITransmissionJournal
from goiptwist.errors import StoreUnavailable
from goiptwist.goip.frames import DeviceAnswer, Keepalive, KeepaliveAnswer
from goiptwist.goip.guesses import PasswordGuesses
from goiptwist.goip.line import GoipLine
from goiptwist.goip.pool import LinePool
from goiptwist.goip.session_numbers import SessionNumbers, SessionPermutation
from goiptwist.goip.settings import LineSettings
from goiptwist.goip.transport import Address, DatagramSender
from goiptwist.interfaces import ILines
from goiptwist.model.status import LineStatus
from goiptwist.model.transmissions import LineOccurrence
from goiptwist.net.rejections import Rejections

#: Names of facts that a line may push: firmware knows about forty. They are kept.
FACTS_AT_MOST = 200


@implementer(ILines)
@define(eq=False, repr=False)
class LineRegistry:
    """Every configured line, by its id, and by the address that it was heard from."""

    clock: IReactorTime
    journal: ITransmissionJournal
    inbound: IInbound
    rejections: Rejections
    sender: DatagramSender
    permutation: SessionPermutation
    by_id: dict[str, GoipLine] = field(factory=dict, init=False)
    pools: dict[str, LinePool] = field(factory=dict, init=False)
    _by_address: dict[Address, GoipLine] = field(factory=dict, init=False)
    _unsaved: dict[str, GoipLine] = field(factory=dict, init=False)
    _numbers: SessionNumbers = field(init=False)
    _guesses: PasswordGuesses = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._guesses = PasswordGuesses(self.clock)
        self._numbers = SessionNumbers(self.journal, self.permutation)

    def statuses(self) -> list[LineStatus]:
        """See L{ILines}."""
        return [line.status for line in self.by_id.values()]

    def add(self, all_settings: Iterable[LineSettings]) -> None:
        """Make the lines of a configuration."""
        for settings in all_settings:
            line = self.by_id[settings.id] = GoipLine(
                settings, self.clock, self.journal, self._numbers, self.sender
            )
            for name in (f"pool:{settings.pool}", f"line:{settings.id}"):
                self.pools.setdefault(name, LinePool(name)).add(line)
            line.events.add(self._record_event)

    def _record_event(self, line: GoipLine, what: str, fields: Mapping[str, str]) -> None:
        occurrence = LineOccurrence(
            line=line.settings.id, what=f"line.{what}", fields=fields, at=self.clock.seconds()
        )
        recorded = Deferred.fromCoroutine(self.inbound.record_event(occurrence))
        # Nobody could repeat it; the store has said already why it does not commit.
        recorded.addErrback(lambda failure: failure.trap(StoreUnavailable))

    # -- who is it? --

    def authenticate(self, line_id: str, password: str, host: str) -> GoipLine | str:
        """
        A source that has guessed too often is not answered, but for a line that
        was right from there before: nobody is locked out by what others forge.

        @return: the line, or why not: C{wrong_id}, C{wrong_password},
            C{wrong_address} or C{guesses}.
        """
        line = self.by_id.get(line_id)
        if line is None:
            self.rejections.about("wrong_id", host, f"there is no line {line_id[:64]!r}")
            return "wrong_id"
        settings = line.settings
        if settings.address is not None and not settings.address.holds(host):
            reason = f"line {line_id} may only come from {settings.address}"
            self.rejections.about("wrong_address", host, reason)
            return "wrong_address"
        if line.proven_from != host and self._guesses.are_too_many(host):
            self.rejections.about("guesses", host, "too many wrong passwords: not answered now")
            return "guesses"
        if not settings.password.matches(password):
            self._guesses.failed(host)
            reason = f"line {line_id} came with a wrong password"
            self.rejections.about("wrong_password", host, reason)
            return "wrong_password"
        line.proven_from = host
        return line

    def keepalive(self, frame: Keepalive, address: Address) -> KeepaliveAnswer | None:
        """
        A line reports.

        @return: the answer, or C{None} where a stranger gets none.
        """
        line = self.authenticate(frame.line, frame.password, address[0])
        if isinstance(line, str):
            return None
        if self._by_address.get(address) is not line:
            self._settle_at(address, line)
        if line.keepalive(frame, address):
            self._unsaved[frame.line] = line
        return KeepaliveAnswer(frame.count, line.settings.status)

    def _settle_at(self, address: Address, line: GoipLine) -> None:
        # Lines behind NAT may change places: where another one sits by now,
        # it stays.
        if line.address is not None and self._by_address.get(line.address) is line:
            del self._by_address[line.address]
        self._by_address[address] = line

    def update_facts(self, line: GoipLine, facts: Mapping[str, str]) -> None:
        """A line reported facts outside its keepalive; new names beyond so many are left out."""
        known = line.pushed_facts
        for name, value in facts.items():
            if name in known or len(known) < FACTS_AT_MOST:
                known[name] = value
        self._unsaved[line.settings.id] = line

    # -- sending --

    def answered(self, answer: DeviceAnswer, address: Address) -> None:
        """
        A device said something in a session. It counts only from the address
        of the line's last accepted keepalive.
        """
        line = self._by_address.get(address)
        if line is None:
            reason = f"{answer.verb[:20]} from an address that is no line's"
            self.rejections.about("stray_answer", address[0], reason)
        else:
            line.answered(answer)

    # -- facts --

    async def restore_facts(self) -> None:
        """Show what was known of each line before the gateway stopped."""
        for name, facts in (await self.journal.get_facts()).items():
            line = self.by_id.get(name)
            if line is not None and not line.facts:
                line.facts = {**facts, "gsm_status": ""}

    def save_facts(self) -> None:
        """Write down the facts that changed since the last time."""
        unsaved, self._unsaved = self._unsaved, {}
        now = self.clock.seconds()
        for name, line in unsaved.items():
            self.journal.put_facts(name, {**line.facts, **line.pushed_facts}, now)

    def shut_down(self) -> None:
        """The gateway stops: let nothing tick on."""
        for line in self.by_id.values():
            line.shut_down()

"""
All lines: who they are, where they are, and the pools that they make.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import define, field
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from goiptwist.errors import StoreUnavailable
from goiptwist.goip.frames import Answer, Keepalive, KeepaliveAnswer
from goiptwist.goip.line import Address, Line, SessionNumbers
from goiptwist.goip.pool import Pool
from goiptwist.goip.settings import LineSettings
from goiptwist.interfaces import ILines
from goiptwist.model.messages import Message
from goiptwist.model.status import LineStatus
from goiptwist.net.rejections import Rejections
from goiptwist.store import LateAnswer, LineFacts, NewLineEvent, Store


@implementer(ILines)
@define(eq=False, repr=False)
class Lines:
    """
    @ivar write: sends one datagram from the listening socket.
    @ivar has_room: called with the name of a destination (C{pool:NAME} or
        C{line:ID}) that can take something.
    @ivar settled: called with a message that a late verdict has settled.
    @ivar happened: called with what became of a line.
    """

    clock: IReactorTime
    store: Store
    complaints: Rejections
    write: Callable[[bytes, Address], None]
    has_room: Callable[[str], None]
    settled: Callable[[Message], None]
    happened: Callable[[NewLineEvent], None]
    by_id: dict[str, Line] = field(factory=dict, init=False)
    pools: dict[str, Pool] = field(factory=dict, init=False)
    _by_address: dict[Address, Line] = field(factory=dict, init=False)
    _pools_of: dict[str, tuple[Pool, Pool]] = field(factory=dict, init=False)
    _unkept: dict[str, Line] = field(factory=dict, init=False)
    _numbers: SessionNumbers = field(init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self._numbers = SessionNumbers(self.store)

    def statuses(self) -> list[LineStatus]:
        """See L{ILines}."""
        return [line.status for line in self.by_id.values()]

    def add(self, all_settings: Iterable[LineSettings]) -> None:
        """Make the lines of a configuration."""
        for settings in all_settings:
            self.by_id[settings.id] = Line(
                settings,
                self.clock,
                self.store,
                self._numbers,
                self.write,
                self._room_changed,
                self._late_verdict,
                self._happened,
            )
            names = f"pool:{settings.pool}", f"line:{settings.id}"
            pool, alone = (self.pools.setdefault(name, Pool(name)) for name in names)
            self._pools_of[settings.id] = (pool, alone)

    def _room_changed(self, line: Line) -> None:
        for pool in self._pools_of[line.settings.id]:
            if pool.room_changed(line):
                self.has_room(pool.name)

    def _happened(self, line: Line, what: str, **fields: str) -> None:
        now = self.clock.seconds()
        self.happened(
            NewLineEvent(line=line.settings.id, what=f"line.{what}", fields=fields, at=now)
        )

    # -- who is it? --

    def authenticated(self, line_id: str, password: str, host: str) -> Line | str:
        """
        @return: the line, or why not: C{wrong_id}, C{wrong_password} or
            C{wrong_address}.
        """
        line = self.by_id.get(line_id)
        if line is None:
            self.complaints.about("wrong_id", host, f"there is no line {line_id[:64]!r}")
            return "wrong_id"
        settings = line.settings
        if settings.address is not None and not settings.address.holds(host):
            why = f"line {line_id} may only come from {settings.address}"
            self.complaints.about("wrong_address", host, why)
            return "wrong_address"
        if not settings.password.matches(password):
            why = f"line {line_id} came with a wrong password"
            self.complaints.about("wrong_password", host, why)
            return "wrong_password"
        return line

    def keepalive(self, frame: Keepalive, address: Address) -> KeepaliveAnswer | None:
        """
        A line reports.

        @return: the answer, or C{None} where there shall be none.
        """
        line = self.authenticated(frame.line, frame.password, address[0])
        if isinstance(line, str):
            return None
        if self._by_address.get(address) is not line:
            self._settle_at(address, line)
        if line.keepalive(frame, address):
            self._unkept[frame.line] = line
        return KeepaliveAnswer(frame.count, line.settings.status)

    def _settle_at(self, address: Address, line: Line) -> None:
        # Lines behind NAT may change places: where another one sits by now,
        # it stays.
        if line.address is not None and self._by_address.get(line.address) is line:
            del self._by_address[line.address]
        self._by_address[address] = line

    def note(self, line: Line, fields: dict[str, str]) -> None:
        """A line told a fact outside its keepalive."""
        line.noted.update(fields)
        self._unkept[line.settings.id] = line

    # -- sending --

    def answered(self, answer: Answer, address: Address) -> None:
        """
        Something was said in a session. It counts only from the address of
        the line's last accepted keepalive.
        """
        line = self._by_address.get(address)
        if line is None:
            why = f"{answer.verb[:20]} from an address that is no line's"
            self.complaints.about("stray_answer", address[0], why)
        else:
            line.answered(answer)

    def _late_verdict(self, answer: LateAnswer) -> None:
        def settled(message: Message | None) -> None:
            if message is not None:
                self.log.info(
                    "Message {message_id} is {state} after all",
                    message_id=message.id,
                    state=message.state.value,
                )
                self.settled(message)

        # A verdict that cannot be kept now will not come again; the message
        # stays unknown, which is what the operator sees.
        noted = self.store.late_answer(answer).addCallback(settled)
        noted.addErrback(_unkept)

    # -- facts --

    async def remember(self) -> None:
        """Show what was known of each line before the gateway stopped."""
        for name, (_, facts) in (await self.store.facts()).items():
            line = self.by_id.get(name)
            if line is not None and not line.facts:
                line.facts = {**facts, "gsm_status": ""}

    def keep_facts(self) -> None:
        """Write down the facts that changed since the last time."""
        unkept, self._unkept = self._unkept, {}
        for name, line in unkept.items():
            facts = LineFacts(name, self.clock.seconds(), {**line.facts, **line.noted})
            self.store.keep_facts(facts).addErrback(_unkept)

    def leave(self) -> None:
        """The gateway stops: let nothing tick on."""
        for line in self.by_id.values():
            line.leave()


def _unkept(failure: Failure) -> None:
    """The store has said already why it does not commit."""
    failure.trap(StoreUnavailable)

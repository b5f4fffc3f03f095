"""
Test alarms: each way that an alarm may go is proved at an interval, and a way
that fails is an alarm itself, sent by the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from goiptwist.alarm.routes import Routes, RouteSettings
from goiptwist.alarm.service import AlarmService
from goiptwist.alarm.settings import AlarmSettings
from goiptwist.contact_id.event import NEW, RESTORE, Event
from goiptwist.errors import Busy, Conflict, StoreUnavailable, Unacceptable
from goiptwist.messaging.events import BusEvent
from goiptwist.model.escalation import EscalationStep
from goiptwist.model.messages import AlarmReport, Message, State
from goiptwist.store import Store

#: Contact ID (SIA DC-05): periodic test report, and communication trouble.
TEST, TROUBLE = "602", "350"
#: Who test alarms come from.
ORIGIN = "heartbeat"
#: Seconds until a test that the disk did not take is tried again.
STORE_PATIENCE = 30.0


def ways(settings: AlarmSettings, routes: Sequence[RouteSettings]) -> tuple[str, ...]:
    """@return: the bridges that are tested; the place of each, from 1, is its zone."""
    named = (name for route in routes for name in (*route.to, *route.chain))
    return settings.test_bridges or tuple(dict.fromkeys(named))


def faults(
    settings: AlarmSettings, routes: Sequence[RouteSettings], bridges: Collection[str]
) -> Iterator[str]:
    """What is wrong with the tests, in sentences."""
    for name in settings.test_bridges:
        if name not in bridges:
            yield f"test_bridges: there is no bridge {name!r}"
    if not settings.test_every:
        return
    if not settings.test_account:
        yield "test_every: needs a test_account"
    elif not ways(settings, routes):
        yield "test_every: no [[route]] names a bridge that could be tested"
    else:
        try:
            Routes(routes).steps(_report(settings, TROUBLE, "", ""))
        except Unacceptable as missing:
            yield f"test_account: {missing}"


def _report(
    settings: AlarmSettings, code: str, zone: str, client_id: str, qualifier: str = NEW
) -> AlarmReport:
    account = settings.test_account
    event = Event(account=account, qualifier=qualifier, code=code, zone=zone or "000")
    return AlarmReport(event=event, origin=ORIGIN, client_id=client_id)


@define(eq=False, repr=False)
class Supervision:
    """
    Tests fall on multiples of the interval, under client ids that say which
    one: a restart neither repeats nor forgets one.

    @ivar names: of the bridges that are tested.
    @ivar lost: reason the last test by a bridge did not arrive, by its name.
    """

    clock: IReactorTime
    store: Store
    alarms: AlarmService
    settings: AlarmSettings
    names: tuple[str, ...]
    lost: dict[str, str] = field(factory=dict, init=False)
    _waiting: dict[str, tuple[str, int, IDelayedCall]] = field(factory=dict, init=False)
    _calls: list[IDelayedCall] = field(factory=list, init=False)
    _stopped: bool = field(default=False, init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self.alarms.messaging.events.subscribe(self._published)

    async def start(self) -> None:
        """Remember which ways are lost, and test those that have not been tested lately."""
        if not self.settings.test_every:
            return
        for name in self.names:
            reason = await self.store.get_value(_memory_key(name))
            if reason:
                self.lost[name] = reason
        self._beat()

    def stop(self) -> None:
        """Test no more."""
        self._stopped = True
        for call in self._calls:
            if call.active():
                call.cancel()

    def _later(self, delay: float, what: Callable[..., None], *about: object) -> IDelayedCall:
        call = self.clock.callLater(delay, what, *about)
        self._calls = [known for known in self._calls if known.active()]
        if self._stopped:
            call.cancel()
        else:
            self._calls.append(call)
        return call

    def problems(self) -> list[str]:
        """A sentence for each way that is lost."""
        return [
            f"no test alarm gets through by {name}: {reason}" for name, reason in self.lost.items()
        ]

    # -- tests --

    def _beat(self) -> None:
        every = self.settings.test_every
        turn = int(self.clock.seconds() // every)
        for name in self.names:
            self._begin(name, turn)
        self._later((turn + 1) * every - self.clock.seconds(), self._beat)

    def _begin(self, name: str, turn: int) -> None:
        proving = Deferred.fromCoroutine(self._prove(name, turn))
        proving.addErrback(
            lambda failure: self.log.failure(
                "The test of {destination} broke", failure, destination=name
            )
        )

    async def _prove(self, name: str, turn: int) -> None:
        report = _report(self.settings, TEST, self._zone(name), f"{name}:{turn}")
        try:
            test = await self.alarms.send(report, (EscalationStep(f"bridge:{name}"),))
        except (Busy, StoreUnavailable):
            self._later(STORE_PATIENCE, self._begin, name, turn)
            return
        except Conflict:
            return  # of this turn, with other settings
        left = max(0.0, test.at + self.settings.test_wait - self.clock.seconds())
        timer = self._later(left, self._missed, name, turn)
        self._waiting[test.id] = name, turn, timer
        # It may have ended before we listened, in this life or in the last.
        self._look(await self.store.message(test.id))

    def _published(self, one: BusEvent) -> None:
        if one.kind in ("alarm.delivered", "alarm.failed", "alarm.acknowledged"):
            self._look(one.subject)

    def _look(self, test: Message | None) -> None:
        if test is None or test.state is State.RECEIVED or test.id not in self._waiting:
            return
        name, turn, timer = self._waiting.pop(test.id)
        if timer.active():
            timer.cancel()
        self._ended(name, turn, test)

    def _ended(self, name: str, turn: int, test: Message) -> None:
        if test.state is State.DELIVERED:
            self._recovered(name, turn)
        else:
            self._mark_lost(name, turn, test.reason or "it failed")

    def _missed(self, name: str, turn: int) -> None:
        # It may arrive yet; then the way is found again.
        self._mark_lost(name, turn, f"nothing within {self.settings.test_wait:g} s")

    # -- what follows --

    def _mark_lost(self, name: str, turn: int, reason: str) -> None:
        if name in self.lost:
            return
        self.lost[name] = reason
        self.log.warn(
            "No test alarm gets through by {destination}: {reason}", destination=name, reason=reason
        )
        self._report_trouble(name, turn, NEW, reason)

    def _recovered(self, name: str, turn: int) -> None:
        if self.lost.pop(name, None) is None:
            return
        self.log.info("Test alarms get through by {destination} again", destination=name)
        self._report_trouble(name, turn, RESTORE, "")

    def _report_trouble(self, name: str, turn: int, qualifier: str, note: str) -> None:
        telling = Deferred.fromCoroutine(self._raise_trouble(name, turn, qualifier, note))
        telling.addErrback(
            lambda failure: self.log.failure(
                "{destination} cannot be reported", failure, destination=name
            )
        )

    async def _raise_trouble(self, name: str, turn: int, qualifier: str, note: str) -> None:
        client_id = f"{name}:{turn}:{qualifier}"
        report = _report(self.settings, TROUBLE, self._zone(name), client_id, qualifier)
        try:
            await self.alarms.raise_alarm(report)
            await self.store.put_value(_memory_key(name), note, self.clock.seconds())
        except (Busy, StoreUnavailable):
            self._later(STORE_PATIENCE, self._report_trouble, name, turn, qualifier, note)
        except Unacceptable as wrong:
            self.log.warn(
                "Nobody is told of {destination}: {reason}", destination=name, reason=str(wrong)
            )

    def _zone(self, name: str) -> str:
        return str(self.names.index(name) + 1)


def _memory_key(name: str) -> str:
    return f"heartbeat:{name}"

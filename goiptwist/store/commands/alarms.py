"""
Commands of the writer for alarms: keep one, go on with those whose time is
up, and stop when a person has taken one over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import evolve, frozen
from sqlalchemy import Connection, func, insert, select, update

from goiptwist.errors import Conflict
from goiptwist.model.commit import NOTHING, Commit, joined
from goiptwist.model.delivery import QueueEntry
from goiptwist.model.escalation import ACKNOWLEDGED_BY, EscalationStep
from goiptwist.model.messages import AlarmReport, Direction, Message, State
from goiptwist.model.quota import UNLIMITED, Quota
from goiptwist.store.bulk import BulkStatement
from goiptwist.store.commands.escalation import (
    FailedDelivery,
    alarm_now,
    escalate,
    give_up,
    incoming_states,
    note,
)
from goiptwist.store.commands.notifications import NotificationCommands, queue_row
from goiptwist.store.commands.numbers import take_numbers
from goiptwist.store.commands.usage import spend
from goiptwist.store.recipients import Recipients, for_each
from goiptwist.store.rows import MessageIds, alarm_row, as_message
from goiptwist.store.schema import WAITING, delivery, message

#: Steps of chains that are passed on in one commit.
AT_ONCE = 500

_INSERT_ALARMS = BulkStatement(insert(message))
_INSERT_DELIVERIES = BulkStatement(insert(delivery))
_IS_STEP = (delivery.c.state == WAITING, delivery.c.until.is_not(None))


@frozen(kw_only=True)
class NewAlarm:
    """
    An alarm that was checked, and the steps that it begins with.

    @ivar quota: how much its origin may send in a day.
    """

    report: AlarmReport
    steps: tuple[EscalationStep, ...]
    at: float
    quota: Quota = UNLIMITED

    @property
    def origin(self) -> str:
        """Who pays for it."""
        return self.report.origin

    @property
    def messages(self) -> int:
        """It counts as one."""
        return 1

    @property
    def parts(self) -> int:
        """It is no SMS yet."""
        return 0


@frozen(kw_only=True)
class AlarmAcknowledgement:
    """
    @ivar message_id: as the world sees it.
    @ivar by: the person, for the journey.
    """

    message_id: str
    by: str
    at: float


@frozen(kw_only=True)
class AlarmRepetition:
    """
    An alarm came again, and is no other.

    @ivar message_id: of the first, as the world sees it.
    @ivar count: how often so far.
    @ivar after: seconds since the first.
    """

    message_id: str
    count: int
    after: float
    at: float


@frozen
class AlarmCommands:
    """The commands, as the writer runs them."""

    ids: MessageIds
    notifications: NotificationCommands
    recipients: Recipients

    def alarms(
        self, connection: Connection, items: Sequence[NewAlarm]
    ) -> list[Commit[Message] | Exception]:
        """Keep alarms; the same client id again gives the same alarm."""
        results: list[Commit[Message] | Exception | None] = [
            self._again(connection, i) for i in items
        ]
        first: dict[tuple[str, str], int] = {}
        new = []
        for place, item in enumerate(items):
            name = (item.report.origin, item.report.client_id)
            if results[place] is None and (not name[1] or first.setdefault(name, place) == place):
                new.append(place)
        refusals = spend(connection, [items[place] for place in new])
        payable = [p for p, refusal in zip(new, refusals, strict=True) if refusal is None]
        kept = self._keep(connection, [items[place] for place in payable])
        results = [*results]
        for place, one in zip(payable, kept, strict=True):
            results[place] = one
        for place, refusal in zip(new, refusals, strict=True):
            results[place] = refusal if refusal is not None else results[place]
        return [
            one if one is not None else _repeated(items[place], results, first)
            for place, one in enumerate(results)
        ]

    def _again(self, connection: Connection, item: NewAlarm) -> Commit[Message] | Conflict | None:
        report = item.report
        if not report.client_id:
            return None
        row = connection.execute(
            select(message)
            .where(message.c.origin == report.origin, message.c.client_id == report.client_id)
            .order_by(message.c.id)
            .limit(1)
        ).one_or_none()
        return None if row is None else _same(item, as_message(row, self.ids))

    def _keep(self, connection: Connection, items: Sequence[NewAlarm]) -> list[Commit[Message]]:
        if not items:
            return []
        number = take_numbers(connection, "message", len(items))
        rows, queue, kept = [], [], []
        for place, item in enumerate(items, number):
            alarm = self._message(item, place)
            whole = (
                QueueEntry(
                    destination=step.destination,
                    message=alarm,
                    due=item.at,
                    step=step if step.chain else None,
                )
                for step in item.steps
            )
            entries = for_each(whole, self.recipients)
            rows.append(alarm_row(alarm, place))
            queue += [queue_row(place, entry) for entry in entries]
            kept.append(Commit(alarm, entries, events=(("alarm.received", alarm),)))
        _INSERT_ALARMS(connection, rows)
        _INSERT_DELIVERIES(connection, queue)
        return kept

    def _message(self, item: NewAlarm, number: int) -> Message:
        report = item.report
        event = report.event
        return Message(
            id=self.ids.outside(number),
            direction=Direction.ALARM,
            line=report.line,
            sender=event.heading,
            recipient=report.recipient,
            text=f"{event.words}\n{event.machine}",
            alarm=event.machine,
            at=item.at,
            state=State.RECEIVED,
            origin=report.origin,
            client_id=report.client_id,
            context=report.context,
            subscriptions=report.subscriptions,
        )

    # -- later --

    def overdue(self, connection: Connection, items: Sequence[float]) -> list[Commit[float | None]]:
        """
        Go on with the steps whose time is up by now; at most L{AT_ONCE} of them.

        @return: when to look again, in seconds since the epoch; C{None} where
            no chain waits.
        """
        return [self._overdue(connection, at) for at in items]

    def _overdue(self, connection: Connection, at: float) -> Commit[float | None]:
        late = connection.execute(
            select(message, delivery.c.destination, delivery.c.chain)
            .join_from(delivery, message, delivery.c.message_id == message.c.id)
            .where(*_IS_STEP, delivery.c.until <= at)
            .order_by(delivery.c.until)
            .limit(AT_ONCE)
        ).all()
        first = {(row.id, row.destination): row for row in reversed(late)}
        changes = [self._pass_on(connection, row, at) for row in reversed(first.values())]
        after = connection.execute(select(func.min(delivery.c.until)).where(*_IS_STEP))
        return joined(after.scalar_one_or_none(), changes)

    def _pass_on(self, connection: Connection, row: Any, at: float) -> Commit[None]:
        number, destination, chain = row.id, row.destination, row.chain
        step = EscalationStep.read(destination, chain)
        assert step is not None
        why = f"has not delivered it within {step.wait:g} s"
        states = ("waiting", "failed")
        failed = FailedDelivery(number, as_message(row, self.ids), destination, why, at, states)
        changed = escalate(connection, failed, step.next, self.recipients)
        if not changed.withdrawn:  # nobody is left: it goes on trying
            connection.execute(
                update(delivery)
                .where(delivery.c.message_id == number, delivery.c.destination == destination)
                .values(until=None)
            )
        incoming_states(connection, [(number, f"{destination} {why}")])
        now = alarm_now(connection, self.ids, self.notifications, number, row.state, at)
        return joined(None, (changed, now))

    def acknowledgements(
        self, connection: Connection, items: Sequence[AlarmAcknowledgement]
    ) -> list[Commit[Message] | Conflict]:
        """
        A person has taken an alarm over: nothing more of it begins.

        @return: it, as it stands now; L{Conflict} where there is no such alarm.
        """
        return [self._acknowledge(connection, item) for item in items]

    def _acknowledge(
        self, connection: Connection, item: AlarmAcknowledgement
    ) -> Commit[Message] | Conflict:
        number = self.ids.inside(item.message_id)
        row = connection.execute(select(message).where(message.c.id == number)).one_or_none()
        if row is None or number is None or row.direction != Direction.ALARM.value:
            return Conflict(f"there is no alarm {item.message_id[:40]!r}")
        open_ones = connection.execute(
            select(delivery.c.destination).where(
                delivery.c.message_id == number, delivery.c.state.in_(("waiting", "failed"))
            )
        ).scalars()
        reason = f"{ACKNOWLEDGED_BY}{item.by}"
        given_up = give_up(connection, number, item.message_id, list(open_ones), reason, item.at)
        note(connection, number, item.at, "acknowledged", "", f"by {item.by}")
        incoming_states(connection, [(number, reason)])
        now = alarm_now(connection, self.ids, self.notifications, number, row.state, item.at)
        alarm = now.value or evolve(as_message(row, self.ids), reason=reason)
        events = (("alarm.acknowledged", alarm),)
        return Commit(alarm, now.enqueued, given_up.withdrawn, events)

    def repeats(
        self, connection: Connection, items: Sequence[AlarmRepetition]
    ) -> list[Commit[None]]:
        """Say in the journey of an alarm that it came again."""
        for item in items:
            number = self.ids.inside(item.message_id)
            if number is not None:
                times = "once" if item.count == 1 else f"{item.count} times"
                detail = f"came again {times} within {item.after:.0f} s"
                note(connection, number, item.at, "repeated", "", detail)
        return [NOTHING] * len(items)


def _same(item: NewAlarm, known: Message) -> Commit[Message] | Conflict:
    if known.direction is Direction.ALARM and known.alarm == item.report.event.machine:
        return Commit(known)
    return Conflict(f"id {item.report.client_id!r} was used before for something else")


def _repeated(
    item: NewAlarm,
    results: Sequence[Commit[Message] | Exception | None],
    first: dict[tuple[str, str], int],
) -> Commit[Message] | Exception:
    """What one gets that came just after another of the same client id."""
    earlier = results[first[item.report.origin, item.report.client_id]]
    assert earlier is not None
    return _same(item, earlier.value) if isinstance(earlier, Commit) else earlier

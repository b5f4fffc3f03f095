"""
Commands of the writer for what comes late: delivery reports, answers to
sessions that nobody waits for any more, and what a restart finds open.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, and_, bindparam, delete, insert, select, update

from goiptwist.model.commit import NOTHING, Commit
from goiptwist.model.delivery import AFTER_UNKNOWN, QueueEntry
from goiptwist.model.messages import HandsetReport, Message, OnUnknown, State
from goiptwist.model.transmissions import LateAnswer
from goiptwist.store.commands.notifications import NotificationCommands, StatusChange
from goiptwist.store.commands.receipts import digest_of, unseen
from goiptwist.store.rows import MessageIds, as_message
from goiptwist.store.schema import delivery, journey, message, report, transmission

#: How far back a delivery report may look for its message, in seconds: three
#: days, since an SMSC keeps trying a handset that is switched off for that
#: long. C{sms_no} wraps at 256, so the newest match counts.
REPORT_WINDOW = 3 * 86400.0
#: How long a report waits for the bookkeeping of its OK, in seconds.
ORPHAN_WINDOW = 600.0

#: A message that has one of these gets no other report.
FINAL = ("delivered", "undelivered")
#: Seconds within which the last word on a text, said again, is no word on another
#: one. Devices repeat within seconds; a number of one byte comes round much later.
REPEATED_WITHIN = 600.0

#: Trailing digits that make two spellings of a number one: the national part.
_SAME_NUMBER = 8

_BY_SMS_NO = (
    select(transmission)
    .where(
        and_(
            transmission.c.line == bindparam("line_"),
            transmission.c.sms_no == bindparam("sms_no_"),
            transmission.c.at > bindparam("since"),
        )
    )
    .order_by(transmission.c.at.desc())
)
_LAST_WORD = (
    select(journey.c.at)
    .where(
        and_(
            journey.c.message_id == bindparam("m"),
            journey.c.what.in_(FINAL),
            journey.c.at > bindparam("since"),
        )
    )
    .limit(1)
)
_UNSURE_ON_LINE = (
    select(transmission)
    .where(
        and_(
            transmission.c.line == bindparam("line_"),
            transmission.c.sms_no == "",
            transmission.c.outcome == "unknown",
            transmission.c.at > bindparam("since"),
        )
    )
    .order_by(transmission.c.at.desc())
)
_UNSURE_OF = (
    select(transmission)
    .where(and_(transmission.c.message_id == bindparam("m"), transmission.c.outcome == "unknown"))
    .order_by(transmission.c.at.desc())
)
_BY_SESSION = select(transmission).where(
    and_(
        transmission.c.session == bindparam("session_"),
        transmission.c.telid == bindparam("telid_"),
        transmission.c.line == bindparam("line_"),
    )
)
_MESSAGE = select(message).where(message.c.id == bindparam("m"))


def same_number(one: str, other: str) -> bool:
    """Whether two spellings (+36 30..., 06 30...) can be one subscriber."""
    a = "".join(filter(str.isdigit, one))
    b = "".join(filter(str.isdigit, other))
    if min(len(a), len(b)) < _SAME_NUMBER:
        return a == b
    return a[-_SAME_NUMBER:] == b[-_SAME_NUMBER:]


@frozen
class DeviceReportCommands:
    """The commands, as the writer runs them."""

    ids: MessageIds
    notifications: NotificationCommands

    def reports(
        self, connection: Connection, items: Sequence[HandsetReport]
    ) -> list[Commit[Message | None]]:
        """Find the message of each delivery report and note it there."""
        digests = [
            digest_of(i.line, "DELIVER", i.number, i.sms_no, str(i.state), i.recipient)
            for i in items
        ]
        fresh = unseen(connection, digests, items[-1].at)
        return [
            (self._report(connection, item) if is_new else None) or NOTHING
            for item, is_new in zip(items, fresh, strict=True)
        ]

    def _report(self, connection: Connection, item: HandsetReport) -> Commit[Message] | None:
        found = self._sent_as(connection, item)
        if found is None and self._is_repeated(connection, item):
            return None
        found = found or self._unsure(connection, item)
        if found is None:
            row = {
                "line": item.line,
                "sms_no": item.sms_no,
                "state": item.state,
                "recipient": item.recipient,
                "at": item.at,
            }
            connection.execute(insert(report), row)
            return None
        queued: list[QueueEntry] = []
        if found.outcome == "unknown":
            late = f"the handset's report says {item.words}"
            queued += self._settle(connection, found, True, late, item.sms_no, item.at)
        self._note(connection, found.message_id, item)
        known = self._message(connection, found.message_id)
        queued += self._notify(connection, known, item.words, item.at, f"TP-Status {item.state}")
        return Commit(known, tuple(queued), events=((f"message.{item.words}", known),))

    def _notify(
        self, connection: Connection, known: Message, status: str, at: float, reason: str
    ) -> list[QueueEntry]:
        if not known.subscriptions:
            return []
        changes = StatusChange(message=known, status=status, at=at, reason=reason)
        return self.notifications.notify(connection, [changes])

    def _is_repeated(self, connection: Connection, item: HandsetReport) -> bool:
        """
        Whether its text has had its last word lately: devices say it again under
        another packet number, and once for each part. It proves nothing of any other
        text. Later the number may have come round.
        """
        if not item.sms_no:
            return False
        since = item.at - REPEATED_WITHIN
        known = {"line_": item.line, "sms_no_": item.sms_no, "since": item.at - REPORT_WINDOW}
        rows = connection.execute(_BY_SMS_NO, known).all()
        return any(
            (not item.recipient or same_number(self._recipient(connection, row), item.recipient))
            and connection.execute(_LAST_WORD, {"m": row.message_id, "since": since}).first()
            for row in rows
        )

    def _recipient(self, connection: Connection, row: Any) -> str:
        return self._message(connection, row.message_id).recipient

    def _sent_as(self, connection: Connection, item: HandsetReport) -> Any:
        if not item.sms_no:
            return None
        known = {"line_": item.line, "sms_no_": item.sms_no, "since": item.at - REPORT_WINDOW}
        for row in connection.execute(_BY_SMS_NO, known).all():
            known_message = self._message(connection, row.message_id)
            if known_message.report in FINAL:
                continue  # its number has come round: this is another one's
            if not item.recipient or same_number(known_message.recipient, item.recipient):
                return row
        return None

    def _unsure(self, connection: Connection, item: HandsetReport) -> Any:
        # A text whose OK was lost has no sms_no here; its number tells.
        if not item.recipient:
            return None
        known = {"line_": item.line, "since": item.at - REPORT_WINDOW}
        for row in connection.execute(_UNSURE_ON_LINE, known).all():
            recipient = self._message(connection, row.message_id).recipient
            if same_number(recipient, item.recipient):
                return row
        return None

    def _message(self, connection: Connection, number: int) -> Message:
        return as_message(connection.execute(_MESSAGE, {"m": number}).one(), self.ids)

    def _note(self, connection: Connection, number: int, item: HandsetReport) -> None:
        connection.execute(update(message).where(message.c.id == number).values(report=item.words))
        _step(connection, number, item.at, item.words, item.line, f"TP-Status {item.state}")

    def early(
        self, connection: Connection, line: str, sms_no: str, recipient: str, at: float
    ) -> Commit[Message] | None:
        """
        Match a report that came before the OK it belongs to.

        @return: the message with its report, or C{None}.
        """
        if not sms_no:
            return None
        waiting = connection.execute(
            select(report)
            .where(report.c.line == line, report.c.sms_no == sms_no)
            .order_by(report.c.at.desc())
        ).all()
        for row in waiting:
            if row.at < at - ORPHAN_WINDOW:
                continue
            if row.recipient and not same_number(row.recipient, recipient):
                continue
            return self._adopt(connection, row)
        return None

    def overtaking(
        self, connection: Connection, number: int, recipient: str
    ) -> Commit[Message] | None:
        """
        Match a report that came while its text waited for the device's word,
        which then never came: only the recipient tells whose it is.

        @return: the message with its report, or C{None}.
        """
        given = connection.execute(_UNSURE_OF, {"m": number}).first()
        if given is None:
            return None
        came_since = select(report).where(report.c.line == given.line, report.c.at >= given.at)
        for row in connection.execute(came_since.order_by(report.c.at.desc())).all():
            if row.recipient and same_number(row.recipient, recipient):
                return self._adopt(connection, row)
        return None

    def _adopt(self, connection: Connection, row: Any) -> Commit[Message] | None:
        connection.execute(delete(report).where(report.c.id == row.id))
        known = HandsetReport(
            line=row.line,
            number=0,
            sms_no=row.sms_no,
            state=row.state,
            recipient=row.recipient,
            at=row.at,
        )
        return self._report(connection, known)

    def late_answers(
        self, connection: Connection, items: Sequence[LateAnswer]
    ) -> list[Commit[Message | None]]:
        """Settle what was unknown; C{None} where nothing was."""
        return [self._late(connection, item) or NOTHING for item in items]

    def _late(self, connection: Connection, item: LateAnswer) -> Commit[Message] | None:
        known = {"session_": item.session, "telid_": item.telid, "line_": item.line}
        row = connection.execute(_BY_SESSION, known).one_or_none()
        if row is None or row.outcome != "unknown":
            return None
        notified = self._settle(connection, row, item.sent, item.detail, item.sms_no, item.at)
        after = self._message(connection, row.message_id)
        return Commit(after, tuple(notified), events=((f"message.{after.state.value}", after),))

    def _settle(
        self, connection: Connection, row: Any, sent: bool, detail: str, sms_no: str, at: float
    ) -> list[QueueEntry]:
        outcome = "sent" if sent else "failed"
        connection.execute(
            update(transmission)
            .where(transmission.c.session == row.session, transmission.c.telid == row.telid)
            .values(outcome=outcome, detail=detail, sms_no=sms_no, settled_at=at)
        )
        changed = connection.execute(
            update(message)
            .where(message.c.id == row.message_id, message.c.state == State.UNKNOWN.value)
            .values(state=State.SENT.value if sent else State.FAILED.value, reason=detail)
        )
        if not changed.rowcount:
            return []
        connection.execute(
            update(delivery)
            .where(delivery.c.message_id == row.message_id)
            .values(state="done" if sent else "failed", detail=detail, settled_at=at)
        )
        known = self._message(connection, row.message_id)
        return self._notify(connection, known, known.state.value, at, detail)

    def open_ones(self, connection: Connection, items: Sequence[Restart]) -> list[Commit[int]]:
        """
        After a restart: whatever was given to a SIM and not settled is
        unknown now. Queues are read after this, so they find them on disk.

        @return: how many of them no report had spoken of already.
        """
        (restart,) = items
        rows = connection.execute(select(transmission).where(transmission.c.outcome.is_(None)))
        found = rows.all()
        for row in found:
            self._close(connection, row, restart)
        known = [self._overtaken(connection, row.message_id) for row in found]
        return [Commit(known.count(None))]

    def _close(self, connection: Connection, row: Any, restart: Restart) -> None:
        before = self._message(connection, row.message_id)
        state = _close_open(connection, row, restart, before.on_unknown or restart.policy)
        after = self._message(connection, row.message_id)
        self._notify(connection, after, state.value, restart.at, after.reason)

    def _overtaken(self, connection: Connection, number: int) -> Commit[Message] | None:
        return self.overtaking(connection, number, self._message(connection, number).recipient)


@frozen
class Restart:
    """The gateway starts at C{at}; C{policy} says what unknown texts become."""

    at: float
    policy: OnUnknown


def _close_open(connection: Connection, row: Any, restart: Restart, policy: OnUnknown) -> State:
    detail = "the gateway stopped before the device said what became of it"
    state, queue = AFTER_UNKNOWN[policy]
    connection.execute(
        update(transmission)
        .where(transmission.c.session == row.session, transmission.c.telid == row.telid)
        .values(outcome="unknown", detail=detail, settled_at=restart.at)
    )
    connection.execute(
        update(message)
        .where(message.c.id == row.message_id)
        .values(state=state.value, reason=detail)
    )
    connection.execute(
        update(delivery)
        .where(delivery.c.message_id == row.message_id)
        .values(state=queue, detail=detail, due=restart.at)
    )
    _step(connection, row.message_id, restart.at, "unknown", row.line, detail)
    return state


def _step(
    connection: Connection, number: int, at: float, what: str, where: str, detail: str
) -> None:
    connection.execute(
        insert(journey),
        {"message_id": number, "at": at, "what": what, "where": where, "detail": detail},
    )

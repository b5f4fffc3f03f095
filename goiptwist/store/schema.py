"""
The tables. Statements elsewhere in this package name them; nothing outside
this package does.

Times are seconds since the epoch. Texts are UTF-8. Ids of messages are plain
integers here and get the store's tag in front of them on their way out, see
L{goiptwist.store.rows}.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    and_,
    literal_column,
)

metadata = MetaData()

#: Literals, not parameters: SQLite uses a partial index only where it sees
#: the value in the statement.
WAITING = literal_column("'waiting'", Text)
INCOMING = literal_column("'in'", Text)
ALARM = literal_column("'alarm'", Text)
UNKNOWN = literal_column("'unknown'", Text)
QUEUED = literal_column("'queued'", Text)
NOBODY = literal_column("''", Text)


def _words(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


message = Table(
    "message",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("direction", Text, nullable=False),
    _words("line"),
    _words("pool"),
    _words("sender"),
    _words("recipient"),
    Column("text", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("state", Text, nullable=False),
    _words("reason"),
    _words("report"),
    _words("origin"),
    Column("client_id", Text),
    Column("batch", Integer),
    _words("smsc"),
    _words("context"),
    _words("subscriptions"),
    Column("expires", Float),
    _words("on_unknown"),
    Column("about", Integer),
    _words("topic"),
    _words("alarm"),
)
# What makes a repeated submission one message.
Index(
    "message_client_id",
    message.c.origin,
    message.c.client_id,
    message.c.recipient,
    unique=True,
    sqlite_where=message.c.client_id.is_not(None),
    postgresql_where=message.c.client_id.is_not(None),
)

# What came in, in its order, however much went out in between. The number that
# every index ends with is the id.
Index(
    "message_incoming",
    message.c.direction,
    sqlite_where=message.c.direction == INCOMING,
    postgresql_where=message.c.direction == INCOMING,
)
# Alarms, by the time that they came.
Index(
    "message_alarm",
    message.c.at,
    sqlite_where=message.c.direction == ALARM,
    postgresql_where=message.c.direction == ALARM,
)
# Notifications of a message.
Index(
    "message_about",
    message.c.about,
    sqlite_where=message.c.about.is_not(None),
    postgresql_where=message.c.about.is_not(None),
)
# Texts that wait, of which somebody is notified if they wait for long.
Index(
    "message_delayable",
    message.c.at,
    sqlite_where=and_(message.c.state == QUEUED, message.c.subscriptions != NOBODY),
    postgresql_where=and_(message.c.state == QUEUED, message.c.subscriptions != NOBODY),
)

#: One row for each destination of a message, and where the destination delivers
#: to each recipient by itself one for each of them: the queue, and its history.
#: C{state} is waiting, done, escalated (to another destination), failed, unknown,
#: expired or cancelled. C{since} is when the destination could first have it,
#: where that is not C{message.at}. C{chain} says who follows, see
#: L{goiptwist.model.escalation.EscalationStep}, and C{until} when.
delivery = Table(
    "delivery",
    metadata,
    Column("message_id", Integer, nullable=False),
    Column("destination", Text, nullable=False),
    _words("recipient"),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due", Float, nullable=False),
    _words("detail"),
    Column("settled_at", Float),
    Column("since", Float),
    _words("chain"),
    Column("until", Float),
    PrimaryKeyConstraint("message_id", "destination", "recipient"),
    sqlite_with_rowid=False,
)
Index(
    "delivery_waiting",
    delivery.c.destination,
    delivery.c.due,
    sqlite_where=delivery.c.state == WAITING,
    postgresql_where=delivery.c.state == WAITING,
)

# Steps of chains: the next one of each has its time.
Index(
    "delivery_until",
    delivery.c.until,
    sqlite_where=and_(delivery.c.state == WAITING, delivery.c.until.is_not(None)),
    postgresql_where=and_(delivery.c.state == WAITING, delivery.c.until.is_not(None)),
)

Index(
    "delivery_unknown",
    delivery.c.message_id,
    sqlite_where=delivery.c.state == UNKNOWN,
    postgresql_where=delivery.c.state == UNKNOWN,
)

#: What was given to a SIM, written down before it left. C{outcome} is null
#: until the device says, then sent, failed, deferred or unknown.
transmission = Table(
    "transmission",
    metadata,
    Column("session", Integer, nullable=False),
    Column("telid", Integer, nullable=False),
    Column("message_id", Integer, nullable=False),
    Column("line", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("outcome", Text),
    _words("detail"),
    _words("sms_no"),
    Column("settled_at", Float),
    PrimaryKeyConstraint("session", "telid"),
    sqlite_with_rowid=False,
)
Index("transmission_message", transmission.c.message_id)
Index("transmission_sms_no", transmission.c.line, transmission.c.sms_no)
Index(
    "transmission_open",
    transmission.c.line,
    sqlite_where=transmission.c.outcome.is_(None),
    postgresql_where=transmission.c.outcome.is_(None),
)

#: Steps of a message's journey that no other table tells.
journey = Table(
    "journey",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("message_id", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("what", Text, nullable=False),
    _words("where"),
    _words("detail"),
)
Index("journey_message", journey.c.message_id)

#: What devices handed in, so that a repeat is recognised after a restart.
receipt = Table(
    "receipt",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("at", Float, nullable=False),
    sqlite_with_rowid=False,
)

#: Delivery reports whose message has not been found yet: a report can beat
#: the bookkeeping of the OK that carries its number.
report = Table(
    "report",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("line", Text, nullable=False),
    Column("sms_no", Text, nullable=False),
    Column("state", Integer, nullable=False),
    _words("recipient"),
    Column("at", Float, nullable=False),
)

#: What lines told that is no SMS: calls, USSD, unknown pushes.
event = Table(
    "event",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("line", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("fields", Text, nullable=False),
)

#: The latest facts of each line, as JSON.
line = Table(
    "line",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Float, nullable=False),
    Column("facts", Text, nullable=False),
)

#: How far the inbox of each user has been cleared: of what came in up to
#: C{cleared}, only what C{mark} calls kept is still there.
inbox = Table(
    "inbox",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("cleared", Integer, nullable=False),
)

#: What users said of messages: deleted, downloaded; and kept, see L{inbox}.
mark = Table(
    "mark",
    metadata,
    Column("owner", Text, nullable=False),
    Column("word", Text, nullable=False),
    Column("message_id", Integer, nullable=False),
    PrimaryKeyConstraint("owner", "word", "message_id"),
    sqlite_with_rowid=False,
)
Index("mark_message", mark.c.message_id)

#: Numbers that are never given twice.
counter = Table(
    "counter",
    metadata,
    Column("name", Text, primary_key=True),
    Column("next", Integer, nullable=False),
)

#: One row: the tag of this store.
identity = Table("identity", metadata, Column("tag", Text, primary_key=True))

#: What users have sent on a day (days since the epoch, UTC), for those who may
#: send only so much.
usage = Table(
    "usage",
    metadata,
    Column("origin", Text, nullable=False),
    Column("day", Integer, nullable=False),
    Column("messages", Integer, nullable=False),
    Column("parts", Integer, nullable=False),
    PrimaryKeyConstraint("origin", "day"),
    sqlite_with_rowid=False,
)

#: What bridges note down for themselves.
note = Table(
    "note",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("at", Float, nullable=False),
    sqlite_with_rowid=False,
)

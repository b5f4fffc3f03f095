"""A row of the queue for each recipient, and the words of states and columns."""

from __future__ import annotations

import json
import re

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """
    Copy the deliveries into a table with the recipient in its key, and write
    states and columns as they are called now.
    """
    for index in ("delivery_waiting", "delivery_until", "delivery_unknown"):
        op.drop_index(index, "delivery")
    op.rename_table("delivery", "delivery_before")
    op.create_table(
        "delivery",
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due", sa.Float(), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("settled_at", sa.Float(), nullable=True),
        sa.Column("since", sa.Float(), nullable=True),
        sa.Column("chain", sa.Text(), server_default="", nullable=False),
        sa.Column("until", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("message_id", "destination", "recipient"),
        sqlite_with_rowid=False,
    )
    same = "message_id, destination, state, attempts, due, detail, settled_at, since, chain, until"
    op.execute(f"INSERT INTO delivery ({same}) SELECT {same} FROM delivery_before")  # noqa: S608
    op.drop_table("delivery_before")
    _indexes()
    op.execute("ALTER TABLE message RENAME COLUMN tell TO subscriptions")
    op.execute("ALTER TABLE message RENAME COLUMN news TO topic")
    op.execute("UPDATE message SET direction = 'notification' WHERE direction = 'news'")
    op.execute("UPDATE delivery SET state = 'escalated' WHERE state = 'passed'")
    op.execute("UPDATE message SET state = 'delivered' WHERE state = 'handed_on'")
    op.execute("UPDATE journey SET what = 'delivered' WHERE what = 'handed on'")
    _memory()


def _memory() -> None:
    """Each section has keys of its own, which begin with its name."""
    connection = op.get_bind()
    note = sa.table("note", sa.column("key", sa.Text()), sa.column("value", sa.Text()))
    for row in connection.execute(sa.select(note)).all():
        key, value = _as_now(row.key, row.value)
        if key != row.key:
            connection.execute(
                sa.update(note).where(note.c.key == row.key).values(key=key, value=value)
            )


_CHAT = re.compile(r"xmpp:(.+):([a-z]+):([0-9a-f]{32})", re.DOTALL)
_SEQUENCE = re.compile(r"dc09 (.+) sequence", re.DOTALL)
_TAKEN_OVER = re.compile(r"sms:(.+):([^:]+)", re.DOTALL)


def _as_now(key: str, value: str) -> tuple[str, str]:
    """What a key, and what stands under it, is called now; others stay as they are."""
    if key.startswith('["mail", '):
        return "mail/" + json.dumps(json.loads(key)[1:]), value
    if key.startswith("dc09 heard "):
        return "alarm/received " + key.removeprefix("dc09 heard "), value
    if found := _SEQUENCE.fullmatch(key):
        return f"bridge.{found[1]}/sequence", value
    if found := _TAKEN_OVER.fullmatch(key):
        return f"bridge.{found[1]}/latest {found[2]}", value
    if found := _CHAT.fullmatch(key):
        bridge, subject, digest = found.groups()
        if subject == "roster":
            return f"bridge.{bridge}/roster", value
        if subject == "became":
            became = json.loads(value)
            became["client_id"] = became.pop("by")
            value = json.dumps(became, ensure_ascii=False)
        return f"bridge.{bridge}/{subject}:{digest}", value
    return key, value


def _indexes() -> None:
    for name, columns, where in (
        ("delivery_waiting", ["destination", "due"], "state = 'waiting'"),
        ("delivery_until", ["until"], "state = 'waiting' AND until IS NOT NULL"),
        ("delivery_unknown", ["message_id"], "state = 'unknown'"),
    ):
        op.create_index(
            name,
            "delivery",
            columns,
            unique=False,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )

"""Alarms, and chains of destinations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns, and the indexes of alarms and of what goes on in time."""
    op.add_column("message", sa.Column("alarm", sa.Text(), server_default="", nullable=False))
    op.add_column("delivery", sa.Column("chain", sa.Text(), server_default="", nullable=False))
    op.add_column("delivery", sa.Column("until", sa.Float(), nullable=True))
    op.create_index(
        "message_alarm",
        "message",
        ["at"],
        unique=False,
        sqlite_where=sa.text("direction = 'alarm'"),
        postgresql_where=sa.text("direction = 'alarm'"),
    )
    op.create_index(
        "delivery_until",
        "delivery",
        ["until"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting' AND until IS NOT NULL"),
        postgresql_where=sa.text("state = 'waiting' AND until IS NOT NULL"),
    )

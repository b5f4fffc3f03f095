"""Inboxes of users, and their marks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables, and the index of what came in."""
    op.create_table(
        "inbox",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("cleared", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("owner"),
    )
    op.create_table(
        "mark",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "word", "message_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("mark_message", "mark", ["message_id"], unique=False)
    op.create_index(
        "message_incoming",
        "message",
        ["direction"],
        unique=False,
        sqlite_where=sa.text("direction = 'in'"),
        postgresql_where=sa.text("direction = 'in'"),
    )

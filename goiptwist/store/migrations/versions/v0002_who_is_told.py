"""Who is told of a message, what users have used up, and notes of bridges."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns and tables."""
    for column in (
        sa.Column("context", sa.Text(), server_default="", nullable=False),
        sa.Column("tell", sa.Text(), server_default="", nullable=False),
        sa.Column("expires", sa.Float(), nullable=True),
        sa.Column("on_unknown", sa.Text(), server_default="", nullable=False),
        sa.Column("about", sa.Integer(), nullable=True),
        sa.Column("news", sa.Text(), server_default="", nullable=False),
    ):
        op.add_column("message", column)
    op.add_column("delivery", sa.Column("since", sa.Float(), nullable=True))
    _indexes()
    _tables()


def _indexes() -> None:
    op.create_index(
        "message_about",
        "message",
        ["about"],
        unique=False,
        sqlite_where=sa.text("about IS NOT NULL"),
        postgresql_where=sa.text("about IS NOT NULL"),
    )
    op.create_index(
        "message_delayable",
        "message",
        ["at"],
        unique=False,
        sqlite_where=sa.text("state = 'queued' AND tell != ''"),
        postgresql_where=sa.text("state = 'queued' AND tell != ''"),
    )


def _tables() -> None:
    op.create_table(
        "usage",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("origin", "day"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "note",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sqlite_with_rowid=False,
    )

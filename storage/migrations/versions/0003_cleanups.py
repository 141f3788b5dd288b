"""A round from finding to closing, and its steps."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "cleanups",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("unit_place", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("week", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("suggestion", sa.String(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("choice", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("ends", sa.Date()),
        sa.Column("chosen_by", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("verified", sa.Date()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger()),
        sa.Column("late_at", sa.BigInteger()),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.UniqueConstraint("kind", "subject", "round"),
    )
    op.create_index("ix_cleanups_subject", "cleanups", ["subject"])
    op.create_index("ix_cleanups_previous", "cleanups", ["previous"])
    op.create_index("ix_cleanups_due", "cleanups", ["due"])
    op.create_index("ix_cleanups_state_late_at", "cleanups", ["state", "late_at"])
    op.create_index("ix_cleanups_state_unit_place_unit_place", "cleanups", ["state", "unit_place", "unit", "place"])
    op.create_index("ix_cleanups_unit_state", "cleanups", ["unit", "state"])
    op.create_table(
        "cleanup_steps",
        sa.Column("item", sa.String(), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("whom", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("choice", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("ends", sa.Date()),
        sa.Column("note", sa.Text(), nullable=False),
    )
    op.create_index("ix_cleanup_steps_who", "cleanup_steps", ["who"])
    op.create_index("ix_cleanup_steps_whom", "cleanup_steps", ["whom"])
    op.create_index("ix_cleanup_steps_evidence", "cleanup_steps", ["evidence"])

"""Accounts have the days of their own records; groups and apps are rated without anybody's name."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "app_updates",
        sa.Column("app", sa.String(), primary_key=True),
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("file", sa.String(), nullable=False),
    )
    op.create_table(
        "ballots",
        sa.Column("round", sa.String(), primary_key=True),
        sa.Column("subject", sa.String(), primary_key=True),
        sa.Column("voter", sa.String(), primary_key=True),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("week", sa.String(), nullable=False),
    )
    op.create_table(
        "ratings",
        sa.Column("subject", sa.String(), primary_key=True),
        sa.Column("week", sa.String(), primary_key=True),
        sa.Column("round", sa.String(), nullable=False),
        sa.Column("useful", sa.Integer(), nullable=False),
        sa.Column("useless", sa.Integer(), nullable=False),
        sa.Column("unsure", sa.Integer(), nullable=False),
    )
    op.create_table(
        "rating_invites",
        sa.Column("person", sa.String(), primary_key=True),
        sa.Column("round", sa.String(), primary_key=True),
    )

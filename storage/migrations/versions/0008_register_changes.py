"""The registers' history, files that wait to be confirmed, receipts of erasures."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "register_changes",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("book", sa.String(), nullable=False),
        sa.Column("row", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("via", sa.String(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
    )
    op.create_index("ix_register_changes_act", "register_changes", ["act"])
    op.create_index("ix_register_changes_book_row_id", "register_changes", ["book", "row", "id"])
    op.create_table(
        "register_imports",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("book", sa.String(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.BigInteger()),
        sa.Column("taken_by", sa.String(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
    )
    op.create_index("ix_register_imports_at", "register_imports", ["at"])
    op.create_table(
        "register_parts",
        sa.Column("draft", sa.String(), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_table(
        "erasures",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )

"""What is to be said is claimed by one process; how much was said in a minute is read from the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("outbox", sa.Column("claimed_by", sa.String(), nullable=True))
    op.add_column("outbox", sa.Column("claimed_until", sa.BigInteger(), nullable=True))
    op.create_index("ix_outbox_channel_sent_at", "outbox", ["channel", "sent_at"])

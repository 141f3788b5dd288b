"""The schema as it was before there were revisions.

A database from that time has its tables and no revision: `if_not_exists` takes it over as it is.
"""

from functools import partial

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

table = partial(op.create_table, if_not_exists=True)
index = partial(op.create_index, if_not_exists=True)


def upgrade() -> None:
    _groups()
    _notices()
    _flags()
    _clockwork()
    _inventories()
    _bindings()


def _groups() -> None:
    table(
        "groups",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("created", sa.Date()),
        sa.Column("ends", sa.Date()),
        sa.Column("owner", sa.String()),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("roster_at", sa.BigInteger()),
        sa.Column("dissolved_at", sa.BigInteger()),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_groups"),
    )
    index("ix_groups_dissolved_at", "groups", ["dissolved_at"])
    table(
        "group_versions",
        sa.Column("group", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("created", sa.Date()),
        sa.Column("ends", sa.Date()),
        sa.Column("owner", sa.String()),
        sa.Column("owner_known", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("group", "at", name="pk_group_versions"),
    )
    table(
        "persons",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_persons"),
    )
    table(
        "members",
        sa.Column("group", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("left_at", sa.BigInteger()),
        sa.Column("role", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("group", "person", "joined_at", name="pk_members"),
    )
    index("ix_members_person", "members", ["person"])
    table(
        "activity",
        sa.Column("group", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("work", sa.Integer(), nullable=False),
        sa.Column("rollcall", sa.Integer(), nullable=False),
        sa.Column("other", sa.Integer(), nullable=False),
        sa.Column("last_work_at", sa.BigInteger()),
        sa.Column("last_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("group", "day", name="pk_activity"),
    )


def _notices() -> None:
    table(
        "notices",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("emergency", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("emergency_until", sa.BigInteger()),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("sender_name", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("deadline", sa.BigInteger()),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("closed_at", sa.BigInteger()),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("reply_wanted", sa.Boolean(), nullable=False),
        sa.Column("roster_known", sa.Boolean(), nullable=False),
        sa.Column("summaries", sa.String(), nullable=False),
        sa.Column("revised_at", sa.BigInteger()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
    )
    index("ix_notices_fingerprint", "notices", ["fingerprint"])
    table(
        "notice_groups",
        sa.Column("notice", sa.String(), nullable=False),
        sa.Column("group", sa.String(), nullable=False),
        sa.Column("message", sa.String()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("notice", "group", name="pk_notice_groups"),
    )
    index("ix_notice_groups_group", "notice_groups", ["group"])
    index("ix_notice_groups_message", "notice_groups", ["message"])
    table(
        "audience",
        sa.Column("notice", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("group", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("notice", "person", name="pk_audience"),
    )
    index("ix_audience_person", "audience", ["person"])
    table(
        "roster_changes",
        sa.Column("notice", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("notice", "person", "at", name="pk_roster_changes"),
    )
    table(
        "presses",
        sa.Column("notice", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("via", sa.String(), nullable=False),
        sa.Column("deputy", sa.String()),
        sa.PrimaryKeyConstraint("notice", "person", "at", "action", name="pk_presses"),
    )
    table(
        "receipts",
        sa.Column("notice", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("acked", sa.Boolean(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("acked_at", sa.BigInteger(), nullable=False),
        sa.Column("via", sa.String(), nullable=False),
        sa.Column("deputy", sa.String()),
        sa.PrimaryKeyConstraint("notice", "person", name="pk_receipts"),
    )
    table(
        "reminders",
        sa.Column("notice", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("notice", "person", name="pk_reminders"),
    )
    index("ix_reminders_day", "reminders", ["day"])
    table(
        "digests",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("notice", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("person", "notice", name="pk_digests"),
    )


def _flags() -> None:
    table(
        "flags",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("group", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("span", sa.String(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("suggestion", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_flags"),
    )
    index("ix_flags_at", "flags", ["at"])
    index("ix_flags_group", "flags", ["group"])
    index("ix_flags_message", "flags", ["message"])


def _clockwork() -> None:
    table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.BigInteger()),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("key", name="uq_outbox_key"),
    )
    index("ix_outbox_about", "outbox", ["about"])
    index("ix_outbox_state_not_before", "outbox", ["state", "not_before"])
    table(
        "wakes",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", name="pk_wakes"),
    )
    index("ix_wakes_at", "wakes", ["at"])
    table(
        "slots",
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("job", "at", name="pk_slots"),
    )
    table(
        "claims",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_claims"),
    )
    index("ix_claims_at", "claims", ["at"])
    table(
        "troubles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("handler", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_troubles"),
    )
    table(
        "meta",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_meta"),
    )
    table(
        "gaps",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "since", name="pk_gaps"),
    )


def _inventories() -> None:
    table(
        "snapshots",
        sa.Column("week", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("week", name="pk_snapshots"),
    )
    table(
        "register_groups",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("group", sa.String()),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("admins", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("members", sa.Integer()),
        sa.Column("created", sa.Date()),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("matter", sa.String(), nullable=False),
        sa.Column("ends", sa.Date()),
        sa.Column("last_work_day", sa.Date()),
        sa.Column("messages_30d", sa.Integer()),
        sa.Column("disposition", sa.String(), nullable=False),
        sa.Column("responsible", sa.String(), nullable=False),
        sa.Column("due", sa.String(), nullable=False),
        sa.Column("checker", sa.String(), nullable=False),
        sa.Column("closed", sa.Date()),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("extra", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_register_groups"),
    )
    index("ix_register_groups_group", "register_groups", ["group"])
    table(
        "apps",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("handler", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("functions", sa.String(), nullable=False),
        sa.Column("updated", sa.Date()),
        sa.Column("monthly_active", sa.Integer()),
        sa.Column("similar", sa.String(), nullable=False),
        sa.Column("filing", sa.String(), nullable=False),
        sa.Column("disposition", sa.String(), nullable=False),
        sa.Column("closed", sa.Date()),
        sa.Column("extra", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_apps"),
    )
    table(
        "exemptions",
        sa.Column("group", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("approver", sa.String(), nullable=False),
        sa.Column("since", sa.Date()),
        sa.Column("until", sa.Date()),
        sa.PrimaryKeyConstraint("group", name="pk_exemptions"),
    )


def _bindings() -> None:
    table(
        "bindings",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device", name="pk_bindings"),
    )
    index("ix_bindings_person", "bindings", ["person"])
    table(
        "bind_codes",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_bind_codes"),
    )
    index("ix_bind_codes_device", "bind_codes", ["device"])
    index("ix_bind_codes_expires", "bind_codes", ["expires"])
    table(
        "bind_tries",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person", "at", name="pk_bind_tries"),
    )

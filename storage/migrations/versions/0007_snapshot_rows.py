"""The rows of a snapshot one by one, so that pages are read by index; what is saved is split, nothing of it changes."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

LISTS = ("units", "groups", "apps", "changes", "app_changes", "merges")


def upgrade() -> None:
    op.create_table(
        "takings",
        sa.Column("taking", sa.String(), nullable=False),
        sa.Column("week", sa.String(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("lists", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("taking", name="pk_takings"),
    )
    op.create_index("ix_takings_week", "takings", ["week"])
    op.create_table(
        "snapshot_rows",
        sa.Column("taking", sa.String(), nullable=False),
        sa.Column("list", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("worth", sa.BigInteger()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("taking", "list", "position", name="pk_snapshot_rows"),
    )
    op.create_index("ix_snapshot_rows_taking_list_key", "snapshot_rows", ["taking", "list", "key"])
    op.create_index("ix_snapshot_rows_taking_list_mark_position", "snapshot_rows", ["taking", "list", "mark", "position"])
    op.create_index("ix_snapshot_rows_taking_list_unit_position", "snapshot_rows", ["taking", "list", "unit", "position"])
    op.create_index("ix_snapshot_rows_taking_list_worth_position", "snapshot_rows", ["taking", "list", "worth", "position"])
    # Which units have enough people to be told is asked with every look at the dashboard.
    op.create_index("ix_persons_unit", "persons", ["unit"])
    with op.batch_alter_table("snapshots") as batch:
        batch.add_column(sa.Column("taking", sa.String(), nullable=False, server_default=""))
        batch.add_column(sa.Column("lists", sa.Text(), nullable=False, server_default="{}"))
    with op.batch_alter_table("snapshots") as batch:
        batch.alter_column("taking", server_default=None)
        batch.alter_column("lists", server_default=None)
    _split()


def _split() -> None:
    """Week by week; a snapshot of an older version lacks some of the lists, and goes on lacking them."""
    db = op.get_bind()
    snapshots = sa.table("snapshots", sa.column("week"), sa.column("body"), sa.column("taking"), sa.column("lists"))
    names = ("taking", "list", "position", "key", "unit", "mark", "part", "worth", "body")
    rows = sa.table("snapshot_rows", *(sa.column(name) for name in names))
    for week in db.execute(sa.select(snapshots.c.week)).scalars().all():
        try:
            body = json.loads(db.execute(sa.select(snapshots.c.body).where(snapshots.c.week == week)).scalar_one())
        except ValueError:
            continue
        came = {(one["channel"], one["id"]) for one in body.get("changes") or () if one["part"] in ("added", "rebound")}
        lists = {name: body.pop(name) for name in LISTS if isinstance(body.get(name), list)}
        numbers = {}
        for name, told in lists.items():
            made = [_row(week, name, place, one, came) for place, one in enumerate(told)]
            for start in range(0, len(made), 500):
                db.execute(rows.insert(), made[start : start + 500])
            # A snapshot from before people were counted says nothing of a load, which is not the same as none.
            counted = name == "groups" and all("people" in one for one in told)
            worth = [one["worth"] for one in made if one["worth"] is not None]
            loaded = {"loaded": len(worth), "worth": sum(worth)} if counted else {}
            numbers[name] = {"rows": len(made), **loaded}
        left = {"taking": week, "lists": json.dumps(numbers), "body": json.dumps(body, ensure_ascii=False)}
        db.execute(snapshots.update().where(snapshots.c.week == week).values(**left))


def _row(week: str, name: str, place: int, one: dict[str, Any], came: set[tuple[str, str]]) -> dict[str, Any]:
    key = one.get("id", "")
    mark, part, worth = one.get("verdict", ""), "", None
    if name == "groups":
        key = f"{one['channel']}:{one['id']}"
        back = any(reason["code"] == "rebound" for reason in one.get("reasons", ()))
        part = "rebound" if back else "added" if (one["channel"], one["id"]) in came else "kept"
        worth = one["messages_30d"] * one["people"] if one.get("people") else None
    elif name == "changes":
        key, mark = f"{one['channel']}:{one['id']}", one["part"]
    elif name == "merges":
        key = one["groups"][0]
    elif name == "units":
        key, worth = one["unit"], one["baseline_groups"]
    return {
        "taking": week, "list": name, "position": place, "key": key, "unit": one.get("unit", ""), "mark": mark,
        "part": part, "worth": worth, "body": json.dumps(one, ensure_ascii=False),
    }  # fmt: skip

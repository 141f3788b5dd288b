"""The imported registers of groups and apps; a row is known by its key, and a second import of it changes nothing."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, select

from storage.database import insert, table
from storage.tables import App, Group, RegisterGroup

REGISTER, APPS, GROUPS = table(RegisterGroup), table(App), table(Group)
TABLES: Mapping[str, Any] = {"groups": RegisterGroup, "apps": App}
BATCH = 500
OUTLINE = ("id", "position", "group", "name", "unit", "created", "closed")

What = Literal["groups", "apps"]
# A row that only moved within the file is the same.
Outcome = Literal["new", "changed", "same"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A group that the bot has heard of, as far as the register may be matched to it."""

    id: str
    name: str
    unit: str
    living: bool = True


def group_rows(db: Connection, keys: Collection[str] | None = None) -> Sequence[Row[Any]]:
    """All rows, or those with these ids."""
    query = select(REGISTER).order_by(REGISTER.c.position, REGISTER.c.id)
    if keys is None:
        return db.execute(query).all()
    listed = sorted(keys)
    parts = (listed[start : start + BATCH] for start in range(0, len(listed), BATCH))
    return [row for part in parts for row in db.execute(query.where(REGISTER.c.id.in_(part)))]


def outlines(db: Connection) -> Sequence[Row[Any]]:
    """Of all rows what their order, and their beginning and end, are known by."""
    query = select(*(REGISTER.c[name] for name in OUTLINE)).order_by(REGISTER.c.position, REGISTER.c.id)
    return db.execute(query).all()


def app_rows(db: Connection) -> Sequence[Row[Any]]:
    return db.execute(select(APPS).order_by(APPS.c.position, APPS.c.id)).all()


def first_import(db: Connection) -> datetime | None:
    found: datetime | None = db.execute(select(func.min(REGISTER.c.imported_at))).scalar_one()
    return found


def live_groups(db: Connection) -> list[Live]:
    query = select(GROUPS.c.id, GROUPS.c.name, GROUPS.c.unit, GROUPS.c.dissolved_at).order_by(GROUPS.c.id)
    return [
        Live(id=row.id, name=row.name, unit=row.unit, living=row.dissolved_at is None) for row in db.execute(query)
    ]


def compare(db: Connection, what: What, rows: Sequence[Mapping[str, Any]]) -> list[Outcome]:
    """What saving would do to each row, in order; writes nothing."""
    return [outcome for outcome, _ in _completed(db, what, rows)]


def save(db: Connection, what: What, rows: Sequence[Mapping[str, Any]], at: datetime) -> list[Outcome]:
    """Write the new and the changed ones; a changed row keeps the time of its first import.

    A row is told by its `id` and what is known of it now: None empties a column, one not mentioned stays as it was.
    """
    completed = _completed(db, what, rows)
    told = [{**row, "imported_at": at} for outcome, row in completed if outcome != "same"]
    for start in range(0, len(told), BATCH):
        batch = told[start : start + BATCH]
        statement = insert(db, TABLES[what])
        renewed = {name: statement.excluded[name] for name in batch[0] if name not in ("id", "imported_at")}
        db.execute(statement.on_conflict_do_update(index_elements=["id"], set_=renewed), batch)
    return [outcome for outcome, _ in completed]


def _completed(
    db: Connection, what: What, rows: Sequence[Mapping[str, Any]]
) -> list[tuple[Outcome, Mapping[str, Any]]]:
    columns = table(TABLES[what])
    blank = {name: _blank(column) for name, column in columns.c.items() if name != "imported_at"}
    known = {row.id: {name: row._mapping[name] for name in blank} for row in db.execute(select(columns))}
    found: list[tuple[Outcome, Mapping[str, Any]]] = []
    for row in rows:
        before = known.get(row["id"])
        told = {name: blank.get(name) if value is None else value for name, value in row.items()}
        after = {**(before or blank), **told}
        same = before is not None and all(before[name] == after[name] for name in blank if name != "position")
        found.append(("same" if same else "changed" if before else "new", after))
    return found


def _blank(column: Any) -> Any:
    """What a cell that nobody filled holds."""
    if column.nullable:
        return None
    return 0 if column.name == "position" else "{}" if column.name == "extra" else ""


def pair(rows: Iterable[Any], groups: Iterable[Live]) -> dict[str, str]:
    """Register row → the group it is about: named by id, or the only one of its name (and unit, where both tell it).

    Each group is taken once, by the first row; living groups come before dissolved ones.
    """
    listed = sorted(groups, key=lambda one: one.id)
    known = {one.id for one in listed}
    by_name: dict[str, list[Live]] = defaultdict(list)
    for one in listed:
        by_name[folded(one.name)].append(one)
    rows = list(rows)
    named = ((row.id, row.group if row.group in known else row.id) for row in rows)
    found = {row: group for row, group in named if group in known}
    taken = set(found.values())
    for row in rows:
        if row.id in found:
            continue
        match = _only(row, [one for one in by_name[folded(row.name)] if one.id not in taken])
        if match is not None:
            found[row.id] = match
            taken.add(match)
    return found


def _only(row: Any, candidates: list[Live]) -> str | None:
    same = [one for one in candidates if folded(one.unit) == folded(row.unit)]
    loose = [one for one in candidates if not one.unit or not row.unit]
    for choice in (same, loose):
        for living in (True, False):
            some = [one for one in choice if one.living is living]
            if some:
                return some[0].id if len(some) == 1 else None
    return None


def folded(text: str) -> str:
    """Names are compared without width, case and blanks."""
    return "".join(unicodedata.normalize("NFKC", text).lower().split())

"""The imported registers of groups and apps; a row is known by its key, and a second import of it changes nothing."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Date, Integer, Row, func, select

from storage.database import insert, table
from storage.tables import App, Group, RegisterChange, RegisterGroup

REGISTER, APPS, GROUPS = table(RegisterGroup), table(App), table(Group)
CHANGES = table(RegisterChange)
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
    # Names that it had before.
    former: tuple[str, ...] = ()


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


def row(db: Connection, what: What, key: str) -> Row[Any] | None:
    rows = table(TABLES[what])
    return db.execute(select(rows).where(rows.c.id == key)).one_or_none()


def version(row: Row[Any]) -> str:
    """Of two rows with the same one, every cell is the same."""
    told = {name: written(value) for name, value in row._mapping.items() if name not in ("imported_at", "position")}
    return hashlib.sha256(json.dumps(told, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:20]


def last_position(db: Connection, what: What) -> int:
    """Of the last row; 0 in an empty register."""
    found: int = db.execute(select(func.coalesce(func.max(table(TABLES[what]).c.position), 0))).scalar_one()
    return found


def first_import(db: Connection) -> datetime | None:
    found: datetime | None = db.execute(select(func.min(REGISTER.c.imported_at))).scalar_one()
    return found


def live_groups(db: Connection) -> list[Live]:
    query = select(GROUPS.c.id, GROUPS.c.name, GROUPS.c.unit, GROUPS.c.dissolved_at).order_by(GROUPS.c.id)
    return [
        Live(id=row.id, name=row.name, unit=row.unit, living=row.dissolved_at is None) for row in db.execute(query)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who changes the register, and by which way; `act` is the edit or the import."""

    who: str = "bot"
    via: Literal["page", "import", "bot"] = "bot"
    file: str = ""
    sha256: str = ""
    act: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One cell, as texts."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What saving does to one row; `after` is the whole of it. `before` None: it is new."""

    outcome: Outcome
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    changes: tuple[Change, ...] = ()


def compare(db: Connection, what: What, rows: Sequence[Mapping[str, Any]]) -> list[Outcome]:
    """What saving would do to each row, in order; writes nothing."""
    return [one.outcome for one in weigh(db, what, rows)]


def save(
    db: Connection, what: What, rows: Sequence[Mapping[str, Any]], at: datetime, by: By | None = None
) -> list[Outcome]:
    """Write the new and the changed ones with their history; a changed row keeps the time of its first import.

    A row is told by its `id` and what is known of it now: None empties a column, one not mentioned stays as it was.
    """
    weighed = weigh(db, what, rows)
    write(db, what, weighed, at, by or By())
    return [one.outcome for one in weighed]


def write(db: Connection, what: What, weighed: Sequence[Weighed], at: datetime, by: By) -> None:
    changed = [one for one in weighed if one.outcome != "same"]
    told = [{**one.after, "imported_at": at} for one in changed]
    for start in range(0, len(told), BATCH):
        batch = told[start : start + BATCH]
        statement = insert(db, TABLES[what])
        renewed = {name: statement.excluded[name] for name in batch[0] if name not in ("id", "imported_at")}
        db.execute(statement.on_conflict_do_update(index_elements=["id"], set_=renewed), batch)
    _log(db, what, changed, at, by)


def _log(db: Connection, what: What, changed: Sequence[Weighed], at: datetime, by: By) -> None:
    entry = {"book": what, "at": at, **asdict(by)}
    new = Change(field="", before="", after="")
    told = [
        {**entry, "row": one.after["id"], **asdict(change)}
        for one in changed
        for change in (one.changes if one.before is not None else (new,))
    ]
    for start in range(0, len(told), BATCH):
        db.execute(CHANGES.insert(), told[start : start + BATCH])


def weigh(db: Connection, what: What, rows: Sequence[Mapping[str, Any]]) -> list[Weighed]:
    """Row by row what saving would do, in order; writes nothing."""
    columns = table(TABLES[what])
    blank = blank_row(what)
    asked = [str(row["id"]) for row in rows]
    known: dict[str, Mapping[str, Any]] = {}
    for start in range(0, len(asked), BATCH):
        few = select(columns).where(columns.c.id.in_(asked[start : start + BATCH]))
        known |= {row.id: {name: row._mapping[name] for name in blank} for row in db.execute(few)}
    found: list[Weighed] = []
    for row in rows:
        before = known.get(row["id"])
        told = {name: blank.get(name) if value is None else value for name, value in row.items()}
        after = {**(before or blank), **told}
        changes = tuple(
            Change(field=name, before=written(before[name]), after=written(after[name]))
            for name in blank
            if before is not None and name != "position" and before[name] != after[name]
        )
        outcome: Outcome = "new" if before is None else "changed" if changes else "same"
        found.append(Weighed(outcome=outcome, before=before, after=after, changes=changes))
    return found


def blank_row(what: What) -> dict[str, Any]:
    """What the cells of a row hold that nobody filled, by column."""
    return {name: _blank(column) for name, column in table(TABLES[what]).c.items() if name != "imported_at"}


def _blank(column: Any) -> Any:
    if column.nullable:
        return None
    return 0 if column.name == "position" else "{}" if column.name == "extra" else ""


def written(value: Any) -> str:
    """A cell as the history keeps it."""
    return "" if value is None else value.isoformat() if isinstance(value, date) else str(value)


def read_back(what: What, told: Mapping[str, Any]) -> dict[str, Any]:
    """A row that was JSON, with days and numbers as the table has them; "" of these is none."""
    columns = table(TABLES[what]).c
    return {name: _typed(columns[name].type, value) for name, value in told.items()}


def _typed(kind: Any, value: Any) -> Any:
    if isinstance(kind, Date):
        return date.fromisoformat(value) if value else None
    if isinstance(kind, Integer):
        return None if value in (None, "") else int(value)
    return value


def pair(rows: Iterable[Any], groups: Iterable[Live]) -> dict[str, str]:
    """Register row → the group it is about: named by id, or the only one of its name (and unit, where both tell it).

    Each group is taken once, by the first row; living groups come before dissolved ones, present names before former.
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
    by_former: dict[str, list[Live]] = defaultdict(list)
    for one in listed:
        for name in {folded(name) for name in one.former}:
            by_former[name].append(one)
    for row in rows if by_former else ():
        if row.id not in found and (match := _only(row, [a for a in by_former[folded(row.name)] if a.id not in taken])):
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

"""The register as pages and the API show it: in its own order, a page at a time, and the history of a row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from storage.database import table
from storage.register import CHANGES, TABLES, What
from storage.tables import Group, GroupVersion, PersonRow

VERSIONS, PERSONS, GROUPS = table(GroupVersion), table(PersonRow), table(Group)
SEARCHED: dict[str, tuple[str, ...]] = {
    "groups": ("name", "owner", "purpose", "matter", "note", "id"),
    "apps": ("name", "handler", "basis", "filing", "id"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """`unit` None: all; "": those without one. `open` leaves out what the register has closed.

    `within` are the units beyond which nobody may see; None: there are none such.
    """

    words: str = ""
    unit: str | None = None
    open: bool = False
    within: Collection[str] | None = None


def _narrowed(what: What, wanted: Wanted) -> list[Any]:
    rows = table(TABLES[what])
    conditions = []
    if wanted.unit is not None:
        conditions.append(rows.c.unit == wanted.unit)
    if wanted.within is not None:
        conditions.append(rows.c.unit.in_(sorted(wanted.within)))
    if wanted.open:
        conditions.append(rows.c.closed.is_(None))
    for word in wanted.words.split():
        conditions.append(or_(*(rows.c[name].icontains(word, autoescape=True) for name in SEARCHED[what])))
    return conditions


def count(db: Connection, what: What, wanted: Wanted) -> int:
    query = select(func.count()).select_from(table(TABLES[what])).where(*_narrowed(what, wanted))
    return db.execute(query).scalar_one()


def listed(db: Connection, what: What, wanted: Wanted, limit: int, offset: int) -> Sequence[Row[Any]]:
    rows = table(TABLES[what])
    query = select(rows).where(*_narrowed(what, wanted)).order_by(rows.c.position, rows.c.id)
    return db.execute(query.limit(limit).offset(offset)).all()


def units(db: Connection, what: What, within: Collection[str] | None = None) -> list[tuple[str, int]]:
    """Each unit with the number of its rows, as they first stand in the register."""
    rows = table(TABLES[what])
    query = select(rows.c.unit, func.count()).where(*_narrowed(what, Wanted(within=within)))
    ordered = query.group_by(rows.c.unit).order_by(func.min(rows.c.position), rows.c.unit)
    return [(unit, number) for unit, number in db.execute(ordered)]


def history(db: Connection, what: What, row: str) -> Sequence[Row[Any]]:
    """Every change of a row, the newest first."""
    query = select(CHANGES).where(CHANGES.c.book == what, CHANGES.c.row == row)
    return db.execute(query.order_by(CHANGES.c.id.desc())).all()


def was_done(db: Connection, act: str) -> bool:
    """Whether an edit or an import has changed anything."""
    return db.execute(select(CHANGES.c.id).where(CHANGES.c.act == act).limit(1)).first() is not None


def group_of(db: Connection, row: Any) -> Row[Any] | None:
    """The live group that a row is about: named in it, or the only one of its name."""
    named = db.execute(select(GROUPS).where(GROUPS.c.id.in_([row.group or row.id, row.id]))).all()
    if named:
        return named[0]
    found = db.execute(select(GROUPS).where(GROUPS.c.name == row.name).limit(2)).all()
    return found[0] if len(found) == 1 else None


def versions(db: Connection, group: str) -> Sequence[Row[Any]]:
    """What the bot has seen of a group, the oldest first, with `owner_name`."""
    query = select(VERSIONS, PERSONS.c.name.label("owner_name"))
    joined = query.outerjoin(PERSONS, PERSONS.c.id == VERSIONS.c.owner)
    return db.execute(joined.where(VERSIONS.c.group == group).order_by(VERSIONS.c.at)).all()

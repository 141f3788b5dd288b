"""Rounds as pages and the API list them: in the order of the register, a page at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select

from storage.cleanups import APPS, GROUPS, ITEMS, STEPS, led_by
from storage.database import table
from storage.tables import EPOCH, PersonRow

PERSONS = table(PersonRow)
ORDER = (ITEMS.c.unit_place, ITEMS.c.unit, ITEMS.c.place, ITEMS.c.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which rounds: in these states; of one unit; only those that are late; `looked`: what was looked at again.

    `within` is the units beyond which nothing is shown.
    """

    states: tuple[str, ...] = ()
    unit: str | None = None
    late: bool = False
    looked: bool = False
    within: Collection[str] | None = None

    def condition(self) -> Any:
        parts = [ITEMS.c.state.in_(self.states)] if self.states else []
        if self.looked:
            parts = [or_(ITEMS.c.state == "reopened", and_(ITEMS.c.state == "closed", ITEMS.c.due.is_(None)))]
        if self.unit is not None:
            parts.append(ITEMS.c.unit == self.unit)
        if self.within is not None:
            parts.append(ITEMS.c.unit.in_(sorted(self.within)))
        if self.late:
            # An index answers this, IS NOT NULL it does not.
            parts.append(ITEMS.c.late_at > EPOCH)
        return and_(*parts) if parts else ITEMS.c.id.is_not(None)


def listed(db: Connection, wanted: Wanted, limit: int, offset: int = 0) -> Sequence[Row[Any]]:
    return db.execute(select(ITEMS).where(wanted.condition()).order_by(*ORDER).limit(limit).offset(offset)).all()


def count(db: Connection, wanted: Wanted) -> int:
    return int(db.execute(select(func.count()).select_from(ITEMS).where(wanted.condition())).scalar_one())


def units(db: Connection, wanted: Wanted) -> list[str]:
    """The units of these rounds, in the order of the register."""
    query = select(ITEMS.c.unit, func.min(ITEMS.c.unit_place).label("place")).where(wanted.condition())
    return [row.unit for row in db.execute(query.group_by(ITEMS.c.unit).order_by("place", ITEMS.c.unit))]


def of_person(db: Connection, person: str, states: Collection[str], since: datetime) -> Sequence[Row[Any]]:
    """About the groups that this person is in charge of: in these states, or over since then."""
    recent = or_(ITEMS.c.state.in_(sorted(states)), ITEMS.c.at >= since)
    query = select(ITEMS).where(ITEMS.c.kind == "group", ITEMS.c.subject.in_(led_by(person)), recent)
    return db.execute(query.order_by(*ORDER)).all()


def follower(db: Connection, item: str) -> Row[Any] | None:
    """The round that came after this one was reopened."""
    return db.execute(select(ITEMS).where(ITEMS.c.previous == item).limit(1)).one_or_none()


def names(db: Connection, people: Collection[str]) -> dict[str, str]:
    query = select(PERSONS.c.id, PERSONS.c.name).where(PERSONS.c.id.in_(sorted(people)))
    return {row[0]: row[1] for row in db.execute(query)}


def titles(db: Connection, kind: str, subjects: Collection[str]) -> dict[str, str]:
    """The names of groups or apps."""
    rows = GROUPS if kind == "group" else APPS
    found = db.execute(select(rows.c.id, rows.c.name).where(rows.c.id.in_(sorted(subjects))))
    return {row[0]: row[1] for row in found}


def led(db: Connection, person: str) -> list[tuple[str, str]]:
    """(key, name) of the living groups that this person is in charge of."""
    query = select(GROUPS.c.id, GROUPS.c.name).where(GROUPS.c.dissolved_at.is_(None), GROUPS.c.id.in_(led_by(person)))
    return [(row[0], row[1]) for row in db.execute(query.order_by(GROUPS.c.name, GROUPS.c.id))]


def neighbours(db: Connection, kind: str, unit: str, limit: int = 200) -> list[tuple[str, str]]:
    """(key, name) of what the unit has besides."""
    rows = GROUPS if kind == "group" else APPS
    living = GROUPS.c.dissolved_at.is_(None) if kind == "group" else APPS.c.closed.is_(None)
    query = select(rows.c.id, rows.c.name).where(living, rows.c.unit == unit).order_by(rows.c.name, rows.c.id)
    return [(row[0], row[1]) for row in db.execute(query.limit(limit))]


def within(db: Connection, items: Collection[str], units: Collection[str]) -> set[str]:
    """Those of these rounds that are about these units."""
    query = select(ITEMS.c.id).where(ITEMS.c.id.in_(sorted(items)), ITEMS.c.unit.in_(sorted(units)))
    return set(db.execute(query).scalars())


def steps_count(db: Connection, items: Collection[str]) -> dict[str, int]:
    """How many steps each has; what an event did not move has as many as before."""
    query = select(ITEMS.c.id, ITEMS.c.steps).where(ITEMS.c.id.in_(sorted(items)))
    return {row[0]: row[1] for row in db.execute(query)}


def last_steps(db: Connection, items: Collection[str], steps: Collection[str]) -> dict[str, Row[Any]]:
    """By round, the newest of these steps."""
    query = select(STEPS).where(STEPS.c.item.in_(sorted(items)), STEPS.c.step.in_(sorted(steps)))
    return {row.item: row for row in db.execute(query.order_by(STEPS.c.item, STEPS.c.number))}

"""What weeks brought, as the office's dashboard counts it and lists it: notices, acknowledgements, flags; no person."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, and_, func, select, type_coerce

from storage.database import table
from storage.tables import EPOCH, Audience, Cleanup, Flag, Gap, Group, Notice, NoticeGroup, PersonRow, Receipt

NOTICES, AUDIENCE, RECEIPTS = table(Notice), table(Audience), table(Receipt)
FLAGS, PERSONS, ITEMS = table(Flag), table(PersonRow), table(Cleanup)
GROUPS, GAPS, PLACES = table(Group), table(Gap), table(NoticeGroup)
WEEK_MS = 7 * 86_400_000
# These do not count: the office or the sender took them back.
VOID = ("dismissed", "cleared")
# Whose: of some units alone, or of all.
Units = Collection[str] | None
TITLE: tuple[Any, ...] = (NOTICES.c.id, NOTICES.c.at, NOTICES.c.title, NOTICES.c.text, NOTICES.c.sender_name)


def counts(db: Connection, since: datetime, until: datetime, units: Units = None) -> tuple[int, int, int]:
    """How many notices, how many people they asked (one asked twice counts twice), how many 收到 nobody had to type."""
    within = (NOTICES.c.at >= since, NOTICES.c.at < until, *_placed(units))
    asked = select(func.count()).select_from(AUDIENCE).join(NOTICES, NOTICES.c.id == AUDIENCE.c.notice)
    asked = asked.where(*within, *_asked_in(units))
    return (
        db.execute(select(func.count()).select_from(NOTICES).where(*within)).scalar_one(),
        db.execute(asked).scalar_one(),
        db.execute(select(func.count()).select_from(RECEIPTS).where(*_untyped(since, until, units))).scalar_one(),
    )


def _groups_of(units: Collection[str]) -> Any:
    return select(GROUPS.c.id).where(GROUPS.c.unit.in_(sorted(units)))


def _placed(units: Units) -> tuple[Any, ...]:
    """A notice that stands in a group of these units."""
    if units is None:
        return ()
    here = and_(PLACES.c.notice == NOTICES.c.id, PLACES.c.group.in_(_groups_of(units)))
    return (select(PLACES.c.notice).where(here).exists(),)


def _asked_in(units: Units) -> tuple[Any, ...]:
    """Who was asked in a group of these units."""
    return () if units is None else (AUDIENCE.c.group.in_(_groups_of(units)),)


def saved_by_week(db: Connection, monday: datetime, until: datetime, units: Collection[str]) -> dict[int, int]:
    """Weeks after `monday` → how many 收到 nobody had to type."""
    start = (monday - EPOCH) // timedelta(milliseconds=1)
    week = ((type_coerce(RECEIPTS.c.acked_at, BigInteger) - start) // WEEK_MS).label("week")
    query = select(week, func.count()).where(*_untyped(monday, until, units))
    return {int(number): many for number, many in db.execute(query.group_by(week))}


def issued(db: Connection, since: datetime, until: datetime, units: Units = None) -> Sequence[Any]:
    """The notices, the oldest first, with the number of `people` they asked."""
    asked = select(func.count()).select_from(AUDIENCE).where(AUDIENCE.c.notice == NOTICES.c.id, *_asked_in(units))
    query = select(*TITLE, asked.scalar_subquery().label("people"))
    query = query.where(NOTICES.c.at >= since, NOTICES.c.at < until, *_placed(units))
    return db.execute(query.order_by(NOTICES.c.at, NOTICES.c.id)).all()


def saved(db: Connection, since: datetime, until: datetime, units: Units = None) -> Sequence[Any]:
    """By notice, the acknowledgements that nobody had to type, by `card` and by `link`, and their `number`."""
    query = select(
        RECEIPTS.c.notice,
        func.count().label("number"),
        func.count().filter(RECEIPTS.c.via == "link").label("link"),
        func.count().filter(RECEIPTS.c.via != "link").label("card"),
    ).where(*_untyped(since, until, units))
    counted = query.group_by(RECEIPTS.c.notice).subquery()
    rows = select(*TITLE, counted.c.number, counted.c.link, counted.c.card)
    rows = rows.join(counted, counted.c.notice == NOTICES.c.id)
    return db.execute(rows.order_by(NOTICES.c.at, NOTICES.c.id)).all()


def _untyped(since: datetime, until: datetime, units: Units = None) -> tuple[Any, ...]:
    when = (RECEIPTS.c.acked, RECEIPTS.c.via != "typed", RECEIPTS.c.acked_at >= since, RECEIPTS.c.acked_at < until)
    if units is None:
        return when
    one = and_(AUDIENCE.c.notice == RECEIPTS.c.notice, AUDIENCE.c.person == RECEIPTS.c.person, *_asked_in(units))
    return *when, select(AUDIENCE.c.person).where(one).exists()


def flags_by_week(db: Connection, monday: datetime, until: datetime, units: Units = None) -> dict[tuple[int, str], int]:
    """(weeks after `monday`, category) → how many."""
    start = (monday - EPOCH) // timedelta(milliseconds=1)
    week = ((type_coerce(FLAGS.c.at, BigInteger) - start) // WEEK_MS).label("week")
    query = select(week, FLAGS.c.category, func.count()).where(*_counted(monday, until, units))
    return {(number, category): many for number, category, many in db.execute(query.group_by(week, FLAGS.c.category))}


def flags_listed(
    db: Connection,
    since: datetime,
    until: datetime,
    category: str,
    units: Collection[str] | None,
    start: int,
    length: int,
) -> tuple[int, Sequence[Any]]:
    """How many, and some of them, the oldest first; of every category when none is given, of every unit with None."""
    which = [*_counted(since, until), *([FLAGS.c.category == category] if category else [])]
    which += [] if units is None else [FLAGS.c.unit.in_(sorted(units))]
    number = db.execute(select(func.count()).select_from(FLAGS).where(*which)).scalar_one()
    query = select(FLAGS.c.at, FLAGS.c.category, FLAGS.c.unit, FLAGS.c.state).where(*which)
    return number, db.execute(query.order_by(FLAGS.c.at, FLAGS.c.id).limit(length).offset(start)).all()


def _counted(since: datetime, until: datetime, units: Units = None) -> tuple[Any, ...]:
    here = () if units is None else (FLAGS.c.unit.in_(sorted(units)),)
    return FLAGS.c.at >= since, FLAGS.c.at < until, FLAGS.c.state.not_in(VOID), *here


def units_of(db: Connection, units: Collection[str], fewest: int) -> set[str]:
    """Those of these units that have so many people."""
    if not units:
        return set()
    query = select(PERSONS.c.unit).where(PERSONS.c.unit.in_(sorted(units)), PERSONS.c.unit != "")
    return set(db.execute(query.group_by(PERSONS.c.unit).having(func.count() >= fewest)).scalars())


def items_by_week(db: Connection, states: Collection[str], units: Units = None) -> Sequence[Any]:
    """Rounds of cleaning up in these states: state, `week` in which it was found, number."""
    query = select(ITEMS.c.state, ITEMS.c.week, func.count().label("number")).where(ITEMS.c.state.in_(sorted(states)))
    query = query if units is None else query.where(ITEMS.c.unit.in_(sorted(units)))
    return db.execute(query.group_by(ITEMS.c.state, ITEMS.c.week)).all()


def items_listed(
    db: Connection, states: Collection[str], after: str, last: str, start: int, length: int, units: Units = None
) -> tuple[int, Sequence[Any]]:
    """How many were found after the one week and until the other, and some of them, in the register's order."""
    here = () if units is None else (ITEMS.c.unit.in_(sorted(units)),)
    which = (ITEMS.c.state.in_(sorted(states)), ITEMS.c.week > after, ITEMS.c.week <= last, *here)
    number = db.execute(select(func.count()).select_from(ITEMS).where(*which)).scalar_one()
    query = select(ITEMS).where(*which).order_by(ITEMS.c.unit_place, ITEMS.c.unit, ITEMS.c.place, ITEMS.c.id)
    return number, db.execute(query.limit(length).offset(start)).all()


def group_gaps(db: Connection, since: datetime, until: datetime, units: Units = None) -> Sequence[Any]:
    """When a group alone was not heard, in the order of unit and name: id, name, unit, channel, since, until."""
    query = select(GROUPS.c.id, GROUPS.c.name, GROUPS.c.unit, GROUPS.c.channel, GAPS.c.since, GAPS.c.until)
    query = query.join(GAPS, GAPS.c.channel == GROUPS.c.id).where(GAPS.c.until > since, GAPS.c.since < until)
    query = query if units is None else query.where(GROUPS.c.unit.in_(sorted(units)))
    return db.execute(query.order_by(GROUPS.c.unit, GROUPS.c.name, GROUPS.c.id, GAPS.c.since)).all()

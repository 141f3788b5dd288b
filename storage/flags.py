"""Flags: a span, a clause and a hash; never the message, except one that its author shared."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from storage.database import insert, table
from storage.tables import Flag

FLAGS = table(Flag)


def add(db: Connection, values: dict[str, Any]) -> bool:
    return bool(db.execute(insert(db, Flag).values(**values).on_conflict_do_nothing()).rowcount)


def get(db: Connection, flag: str) -> Row[Any] | None:
    return db.execute(select(FLAGS).where(FLAGS.c.id == flag)).one_or_none()


def siblings(db: Connection, message: str) -> Sequence[Row[Any]]:
    """All flags of one message."""
    return db.execute(select(FLAGS).where(FLAGS.c.message == message).order_by(FLAGS.c.id)).all()


def open_of(db: Connection, person: str) -> list[Sequence[Row[Any]]]:
    """What this person was told and has not answered, message by message, the newest first."""
    query = select(FLAGS).where(FLAGS.c.person == person, FLAGS.c.state == "open")
    rows = db.execute(query.order_by(FLAGS.c.at.desc(), FLAGS.c.id)).all()
    return [list(found) for _, found in groupby(rows, key=lambda row: row.message)]


def answer(db: Connection, message: str, state: str, at: datetime, text: str = "", of: tuple[str, ...] = ("open",)) -> int:
    """Set the state of all flags of a message that are in one of the states `of`; gives how many."""
    query = update(FLAGS).where(FLAGS.c.message == message, FLAGS.c.state.in_(of))
    return int(db.execute(query.values(state=state, answered_at=at, text=text)).rowcount)


def decide(db: Connection, flag: str, state: str, at: datetime) -> bool:
    query = update(FLAGS).where(FLAGS.c.id == flag, FLAGS.c.state == "appealed")
    return bool(db.execute(query.values(state=state, answered_at=at)).rowcount)


def tally(db: Connection, since: datetime, until: datetime) -> Sequence[Row[Any]]:
    """category, unit, number; dismissed and cleared ones do not count."""
    query = select(FLAGS.c.category, FLAGS.c.unit, func.count().label("number"))
    query = query.where(FLAGS.c.at >= since, FLAGS.c.at < until, FLAGS.c.state.not_in(("dismissed", "cleared")))
    return db.execute(query.group_by(FLAGS.c.category, FLAGS.c.unit).order_by(FLAGS.c.category, FLAGS.c.unit)).all()


def appealed(db: Connection, units: Collection[str] | None = None) -> Sequence[Row[Any]]:
    query = select(FLAGS).where(FLAGS.c.state == "appealed")
    query = query if units is None else query.where(FLAGS.c.unit.in_(sorted(units)))
    return db.execute(query.order_by(FLAGS.c.at)).all()

"""What has happened already and what is to come: claims, slots, wakes and a few remembered values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from storage.database import Hot, insert, insert_for, table
from storage.tables import Claim, Gap, Meta, Slot, Trouble, WakeRow

WAKES, META, CLAIMS, GAPS, SLOTS = table(WakeRow), table(Meta), table(Claim), table(Gap), table(Slot)


def claim(db: Connection, key: str, at: datetime) -> bool:
    """True for the first who asks; an event that was claimed has had its effect."""
    return bool(CLAIMING(db, {"key": key, "at": at}).rowcount)


CLAIMING = Hot(lambda dialect: insert_for(dialect, Claim).on_conflict_do_nothing())


def claim_slot(db: Connection, job: str, at: datetime) -> bool:
    """True for the one process that may fire this scheduled moment."""
    return bool(db.execute(insert(db, Slot).values(job=job, at=at).on_conflict_do_nothing()).rowcount)


def slot_fired(db: Connection, job: str, at: datetime) -> bool:
    return db.execute(select(SLOTS.c.job).where(SLOTS.c.job == job, SLOTS.c.at == at)).first() is not None


def wake(db: Connection, kind: str, subject: str, at: datetime, move: bool = False) -> None:
    """The wake that is there stays, unless it is to be moved. Its row is written all the same: a decision that takes the
    wake at this moment and does not see this one is in conflict with it, and one of them is made anew.
    """
    (MOVING if move else WAKING)(db, {"kind": kind, "subject": subject, "at": at})


def _waking(dialect: str, move: bool) -> Any:
    statement = insert_for(dialect, WakeRow)
    at_last = statement.excluded.at if move else WAKES.c.at
    return statement.on_conflict_do_update(index_elements=["kind", "subject"], set_={"at": at_last})


MOVING, WAKING = Hot(partial(_waking, move=True)), Hot(partial(_waking, move=False))


def due(db: Connection, now: datetime, most: int) -> Sequence[Row[Any]]:
    query = select(WAKES).where(WAKES.c.at <= now).order_by(WAKES.c.at, WAKES.c.kind, WAKES.c.subject)
    return db.execute(query.limit(most)).all()


def next_wake(db: Connection, after: datetime | None = None) -> Row[Any] | None:
    query = select(WAKES).order_by(WAKES.c.at, WAKES.c.kind, WAKES.c.subject).limit(1)
    return db.execute(query if after is None else query.where(WAKES.c.at > after)).one_or_none()


def take_wake(db: Connection, kind: str, subject: str, at: datetime) -> bool:
    """Remove it; False when somebody else was quicker or it was moved."""
    gone = delete(WAKES).where(WAKES.c.kind == kind, WAKES.c.subject == subject, WAKES.c.at == at)
    return bool(db.execute(gone).rowcount)


def recall(db: Connection, name: str) -> str | None:
    return db.execute(select(META.c.value).where(META.c.name == name)).scalar_one_or_none()


def remember(db: Connection, name: str, value: str) -> None:
    statement = insert(db, Meta).values(name=name, value=value)
    db.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": value}))


def note_trouble(db: Connection, event: str, handler: str, error: str, at: datetime) -> None:
    db.execute(insert(db, Trouble).values(event=event, handler=handler, error=error[:500], at=at))


def troubles(db: Connection) -> int:
    return int(db.execute(select(func.count()).select_from(table(Trouble))).scalar_one())


def note_gap(db: Connection, channel: str, since: datetime, until: datetime) -> None:
    """The channel was deaf from `since` to `until`."""
    statement = insert(db, Gap).values(channel=channel, since=since, until=until)
    db.execute(statement.on_conflict_do_update(index_elements=["channel", "since"], set_={"until": until}))


def gaps(db: Connection, since: datetime, until: datetime) -> Sequence[Row[Any]]:
    return db.execute(select(GAPS).where(GAPS.c.until > since, GAPS.c.since < until)).all()


def claimed(db: Connection, key: str) -> bool:
    return db.execute(select(CLAIMS.c.key).where(CLAIMS.c.key == key)).first() is not None

"""What is to be said: written with the decision, spoken after the commit, at least once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, update

from storage.database import insert, table
from storage.tables import Outgoing

OUTBOX = table(Outgoing)


def put(
    db: Connection, *, key: str, channel: str, kind: str, target: str, payload: str, at: datetime, not_before: datetime,
    about: str = "",
) -> bool:
    """False when the same effect was written before. A waiting revision of the same post gives way to this one."""
    if kind == "revise":
        older = update(OUTBOX).where(OUTBOX.c.kind == "revise", OUTBOX.c.about == about, OUTBOX.c.state == "waiting")
        db.execute(older.where(OUTBOX.c.target == target).values(state="superseded"))
    statement = insert(db, Outgoing).values(
        key=key, channel=channel, kind=kind, target=target, about=about, payload=payload, at=at, not_before=not_before
    )
    return bool(db.execute(statement.on_conflict_do_nothing(index_elements=["key"])).rowcount)


def due(db: Connection, now: datetime, limit: int = 100) -> Sequence[Row[Any]]:
    """The waiting ones whose time has come, oldest first."""
    query = select(OUTBOX).where(OUTBOX.c.state == "waiting", OUTBOX.c.not_before <= now)
    return db.execute(query.order_by(OUTBOX.c.id).limit(limit)).all()


def next_due(db: Connection) -> datetime | None:
    return _moment(db, select(func.min(OUTBOX.c.not_before)).where(OUTBOX.c.state == "waiting"))


def settle(db: Connection, row_id: int, state: str, now: datetime, reference: str = "", error: str = "") -> None:
    """Mark it sent, failed or stale; what was sent keeps no text."""
    query = update(OUTBOX).where(OUTBOX.c.id == row_id)
    db.execute(query.values(state=state, sent_at=now, reference=reference, error=error[:300], payload=""))


def retry(db: Connection, row_id: int, not_before: datetime, error: str, counts: bool = True) -> None:
    """`counts` False: the platform asked to wait, which is no failed attempt."""
    query = update(OUTBOX).where(OUTBOX.c.id == row_id)
    db.execute(query.values(attempts=OUTBOX.c.attempts + int(counts), not_before=not_before, error=error[:300]))


def settle_all(db: Connection, state: str, now: datetime) -> None:
    """Give up on everything that waits, e.g. after a replay: the past is not said again."""
    db.execute(update(OUTBOX).where(OUTBOX.c.state == "waiting").values(state=state, sent_at=now, payload=""))


def reference(db: Connection, key: str) -> str | None:
    """The platform's id of what was said under this key; None when it was not said (yet)."""
    query = select(OUTBOX.c.reference).where(OUTBOX.c.key == key, OUTBOX.c.state == "sent")
    return db.execute(query).scalar_one_or_none()


def depths(db: Connection) -> dict[str, int]:
    query = select(OUTBOX.c.state, func.count()).group_by(OUTBOX.c.state)
    return {row[0]: row[1] for row in db.execute(query)}


def oldest_waiting(db: Connection) -> datetime | None:
    return _moment(db, select(func.min(OUTBOX.c.at)).where(OUTBOX.c.state == "waiting"))


def _moment(db: Connection, query: Select[Any]) -> datetime | None:
    found: datetime | None = db.execute(query).scalar_one()
    return found

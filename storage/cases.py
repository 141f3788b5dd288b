"""Cases: messages shared for an appeal and decided by the office, without whose they are; the rules are tried on them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from storage.database import insert, table
from storage.tables import Case

CASES = table(Case)


def add(db: Connection, *, id: str, text: str, at: datetime, category: str, demands: bool, decided_at: datetime) -> None:
    """Kept once; the first decision stands."""
    values = {"id": id, "text": text, "at": at, "category": category, "demands": demands, "decided_at": decided_at}
    db.execute(insert(db, Case).values(**values).on_conflict_do_nothing())


def every(db: Connection) -> Sequence[Row[Any]]:
    return db.execute(select(CASES).order_by(CASES.c.decided_at, CASES.c.id)).all()


def forget(db: Connection, case: str) -> bool:
    return bool(db.execute(delete(CASES).where(CASES.c.id == case)).rowcount)

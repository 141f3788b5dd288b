"""The days on which accounts published something, by the files that their units gave."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from storage.database import insert, table
from storage.tables import AppUpdate

UPDATES = table(AppUpdate)


def replace(db: Connection, app: str, days: Collection[date], file: str) -> None:
    """What the newest file says, in place of what an older one said."""
    db.execute(delete(UPDATES).where(UPDATES.c.app == app))
    if days:
        db.execute(insert(db, AppUpdate), [{"app": app, "day": day, "file": file} for day in sorted(days)])


def updates(db: Connection, until: date) -> Mapping[str, Row[Any]]:
    """By app, the last of its `day`s not after `until`, and the `file` that tells it."""
    last = select(UPDATES.c.app, func.max(UPDATES.c.day).label("day")).where(UPDATES.c.day <= until)
    newest = last.group_by(UPDATES.c.app).subquery()
    query = select(UPDATES).join(newest, (newest.c.app == UPDATES.c.app) & (newest.c.day == UPDATES.c.day))
    return {row.app: row for row in db.execute(query)}

"""How much work was spoken of, by group and day; no message is kept."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import Any, Literal, get_args

from sqlalchemy import Connection, case

from storage.database import Hot, insert_for, table
from storage.tables import Activity

ACTIVITY = table(Activity)
Sort = Literal["work", "rollcall", "other"]


def count(db: Connection, group: str, day: date, sort: Sort, at: datetime, by: str) -> None:
    """Count one message. A late one never moves `last_work_at` back."""
    last = {"last_work_at": at, "last_by": by} if sort == "work" else {"last_work_at": None, "last_by": ""}
    numbers = {"work": 0, "rollcall": 0, "other": 0, sort: 1}
    COUNTING[sort](db, {"group": group, "day": day, **numbers, **last})


def _counting(sort: Sort, dialect: str) -> Any:
    statement = insert_for(dialect, Activity)
    new, old = statement.excluded, ACTIVITY.c
    changes: dict[str, object] = {sort: old[sort] + 1}
    if sort == "work":
        newer = old.last_work_at.is_(None) | (new.last_work_at > old.last_work_at)
        changes["last_work_at"] = case((newer, new.last_work_at), else_=old.last_work_at)
        changes["last_by"] = case((newer, new.last_by), else_=old.last_by)
    return statement.on_conflict_do_update(index_elements=["group", "day"], set_=changes)


COUNTING = {sort: Hot(partial(_counting, sort)) for sort in get_args(Sort)}

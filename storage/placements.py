"""Where notices were shown: what a person who is in several groups gets more than once."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import Connection, func, select

from storage.database import table
from storage.tables import NoticeGroup

PLACES = table(NoticeGroup)


def copied(db: Connection, since: datetime, until: datetime) -> dict[str, frozenset[str]]:
    """By group, the notices that were shown in it between the two moments, and in another group, too."""
    recent = (PLACES.c.at >= since, PLACES.c.at < until)
    several = select(PLACES.c.notice).where(*recent).group_by(PLACES.c.notice).having(func.count() > 1)
    found: dict[str, set[str]] = defaultdict(set)
    query = select(PLACES.c.group, PLACES.c.notice).where(*recent, PLACES.c.notice.in_(several))
    for group, notice in db.execute(query):
        found[group].add(notice)
    return {group: frozenset(notices) for group, notices in found.items()}

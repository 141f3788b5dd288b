"""Who read personal data: rows are added and listed, and go when they are old; nothing changes one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, select

from storage.database import table
from storage.tables import AuditRow

AUDIT = table(AuditRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which rows: between two moments; of one reader; of readers who see one of these units and nothing beyond it."""

    since: datetime | None = None
    until: datetime | None = None
    who: str = ""
    units: Collection[str] | None = None

    def condition(self) -> Any:
        parts = [] if self.since is None else [AUDIT.c.at >= self.since]
        parts += [] if self.until is None else [AUDIT.c.at < self.until]
        parts += [AUDIT.c.who == self.who] if self.who else []
        parts += [] if self.units is None else [AUDIT.c.scope.in_(sorted(self.units))]
        return and_(*parts) if parts else AUDIT.c.id.is_not(None)


def add(db: Connection, values: Mapping[str, Any]) -> None:
    db.execute(insert(AUDIT).values(**values))


def count(db: Connection, asked: Asked) -> int:
    return int(db.execute(select(func.count()).select_from(AUDIT).where(asked.condition())).scalar_one())


def listed(db: Connection, asked: Asked, limit: int, offset: int = 0) -> Sequence[Row[Any]]:
    """The newest first."""
    query = select(AUDIT).where(asked.condition()).order_by(AUDIT.c.at.desc(), AUDIT.c.id.desc())
    return db.execute(query.limit(limit).offset(offset)).all()


def readers(db: Connection, units: Collection[str] | None) -> list[tuple[str, str]]:
    """(id, name) of everybody in the log, by name."""
    query = select(AUDIT.c.who, func.max(AUDIT.c.name).label("name")).where(Asked(units=units).condition())
    return [(row[0], row[1]) for row in db.execute(query.group_by(AUDIT.c.who).order_by("name", AUDIT.c.who))]


def forget(db: Connection, before: datetime) -> None:
    db.execute(delete(AUDIT).where(AUDIT.c.at < before))

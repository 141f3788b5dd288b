"""Files on their way into the register: kept until somebody confirms what they change, then accounted for row by row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from storage import register
from storage.database import insert, table
from storage.register import By, Weighed, What
from storage.registermatch import Place, located
from storage.tables import RegisterImport, RegisterPart

IMPORTS, PARTS = table(RegisterImport), table(RegisterPart)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a file changes: of each of its rows, and of the register the rows that it does not have."""

    places: Sequence[Place]
    rows: Sequence[Weighed]
    missing: Sequence[Row[Any]]

    @property
    def digest(self) -> str:
        """Two differences with one digest do the same."""
        done = [(one.outcome, one.after["id"], [(c.field, c.before, c.after) for c in one.changes]) for one in self.rows]
        text = json.dumps([done, [row.id for row in self.missing]], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def difference(db: Connection, what: What, rows: Sequence[Mapping[str, Any]]) -> Difference:
    """Between these rows of a file and the register as it is now; writes nothing."""
    known = (register.group_rows if what == "groups" else register.app_rows)(db)
    places = located(what, rows, known)
    weighed = register.weigh(db, what, [{**row, "id": at.id} for row, at in zip(rows, places, strict=True)])
    told = {at.id for at in places}
    return Difference(places=places, rows=weighed, missing=[row for row in known if row.id not in told])


def keep(db: Connection, draft: Mapping[str, Any], number: int, body: str) -> None:
    """One part of a file; twice is once."""
    note(db, draft)
    db.execute(insert(db, RegisterPart).values(draft=draft["id"], number=number, body=body).on_conflict_do_nothing())


def note(db: Connection, draft: Mapping[str, Any]) -> None:
    """Know of a file; its rows come in parts, or are at hand."""
    db.execute(insert(db, RegisterImport).values(taken_by="", account="", **draft).on_conflict_do_nothing())


def get(db: Connection, draft: str) -> Row[Any] | None:
    return db.execute(select(IMPORTS).where(IMPORTS.c.id == draft)).one_or_none()


def recent(db: Connection, number: int) -> Sequence[Row[Any]]:
    """The newest files, without their accounts."""
    columns = [column for column in IMPORTS.c if column.name != "account"]
    return db.execute(select(*columns).order_by(IMPORTS.c.at.desc(), IMPORTS.c.id).limit(number)).all()


def rows_of(db: Connection, draft: Row[Any]) -> list[dict[str, Any]] | None:
    """Every row of the file as it was read; None while parts of it are on their way, or when they are gone."""
    query = select(PARTS.c.body).where(PARTS.c.draft == draft.id).order_by(PARTS.c.number)
    bodies = list(db.execute(query).scalars())
    if len(bodies) != draft.parts:
        return None
    return [row for body in bodies for row in json.loads(body)]


def told(what: What, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Those rows of a file that go into the register."""
    return [register.read_back(what, row["told"]) for row in rows if row["told"]]


def take(
    db: Connection, draft: Row[Any], rows: Sequence[Mapping[str, Any]], found: Difference, at: datetime, who: str
) -> None:
    """Write what was shown, keep the account, forget the rows."""
    by = By(who=who, via="import", file=draft.file, sha256=draft.sha256, act=draft.id)
    register.write(db, draft.book, found.rows, at, by)
    account = json.dumps(accounted(rows, found), ensure_ascii=False)
    db.execute(update(IMPORTS).where(IMPORTS.c.id == draft.id).values(taken_at=at, taken_by=who, account=account))
    db.execute(delete(PARTS).where(PARTS.c.draft == draft.id))


def accounted(rows: Sequence[Mapping[str, Any]], found: Difference) -> list[dict[str, Any]]:
    """What becomes of each row of the file, in its order; a skipped row is told why. Holds no cell but name and unit."""
    became = iter(zip(found.places, found.rows, strict=True))
    account = []
    for row in rows:
        line = {"row": row["number"], "problems": row["problems"], "note": row["note"]}
        if not row["told"]:
            account.append({**line, "outcome": "skipped", "name": row["name"], "unit": "", "why": row["skipped"]})
            continue
        place, one = next(became)
        account.append(
            {
                **line,
                "outcome": one.outcome,
                "id": one.after["id"],
                "name": one.after["name"],
                "unit": one.after["unit"],
                "formerly": place.formerly or next((c.before for c in one.changes if c.field == "name"), ""),
                "fields": [change.field for change in one.changes],
            }
        )
    return account


def former_names(db: Connection, what: What, row: str | None = None) -> dict[str, list[str]]:
    """By row, the names that it had, the oldest first; of one row, or of all."""
    changes = register.CHANGES
    query = select(changes.c.row, changes.c.before).where(changes.c.book == what, changes.c.field == "name")
    query = query if row is None else query.where(changes.c.row == row)
    found: dict[str, list[str]] = {}
    for key, before in db.execute(query.order_by(changes.c.id)):
        found.setdefault(key, []).append(before)
    return found


def forget(db: Connection, unconfirmed: datetime, accounts: datetime) -> None:
    """Files that nobody confirmed since then, and accounts from before then."""
    waiting = (IMPORTS.c.taken_at.is_(None)) & (IMPORTS.c.at < unconfirmed)
    old = select(IMPORTS.c.id).where(waiting | (IMPORTS.c.at < accounts))
    db.execute(delete(PARTS).where(PARTS.c.draft.in_(old)))
    db.execute(delete(IMPORTS).where(waiting | (IMPORTS.c.at < accounts)))


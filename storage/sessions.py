"""Who is signed in, and who tried to be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, func, select, update

from storage.database import insert, table
from storage.tables import SessionRow, SigninTry

SESSIONS, TRIES = table(SessionRow), table(SigninTry)


def start(db: Connection, values: Mapping[str, Any]) -> None:
    db.execute(insert(db, SessionRow).values(**values).on_conflict_do_nothing())


def living(db: Connection, session: str, at: datetime, seen_after: datetime) -> Row[Any] | None:
    """None when it is over, or nothing was done in it for too long."""
    query = select(SESSIONS).where(SESSIONS.c.id == session, SESSIONS.c.until > at, SESSIONS.c.seen > seen_after)
    return db.execute(query).one_or_none()


def see(db: Connection, session: str, at: datetime) -> None:
    db.execute(update(SESSIONS).where(SESSIONS.c.id == session, SESSIONS.c.seen < at).values(seen=at))


def end(db: Connection, session: str) -> None:
    db.execute(delete(SESSIONS).where(SESSIONS.c.id == session))


def end_all(db: Connection, account: str, but: str = "") -> None:
    """Every session of an account, except perhaps one."""
    db.execute(delete(SESSIONS).where(SESSIONS.c.account == account, SESSIONS.c.id != but))


def note_try(db: Connection, values: Mapping[str, Any]) -> None:
    db.execute(insert(db, SigninTry).values(**values).on_conflict_do_nothing())


def get_try(db: Connection, attempt: str) -> Row[Any] | None:
    return db.execute(select(TRIES).where(TRIES.c.id == attempt)).one_or_none()


def failures(
    db: Connection, by: Literal["login", "address"], value: str, since: datetime
) -> tuple[int, datetime | None]:
    """How many tries were wrong (or are being looked at), and when the last of them was."""
    query = select(func.count(), func.max(TRIES.c.at)).where(
        TRIES.c[by] == value, TRIES.c.at > since, TRIES.c.state == "tried"
    )
    number, last = db.execute(query).one()
    return int(number), last


def forgive(db: Connection, login: str) -> None:
    """The right password came: what was wrong before it counts no more."""
    db.execute(update(TRIES).where(TRIES.c.login == login, TRIES.c.state == "tried").values(state="forgiven"))


def forget(db: Connection, over: datetime, tried: datetime) -> None:
    """Sessions that are over, tries from before the other moment."""
    db.execute(delete(SESSIONS).where(SESSIONS.c.until < over))
    db.execute(delete(TRIES).where(TRIES.c.at < tried))

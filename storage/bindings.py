"""Which browser stands for whom, and the codes by which that is agreed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from storage.database import insert, table
from storage.tables import BindCode, Binding, BindTry

BINDINGS, CODES, TRIES = table(Binding), table(BindCode), table(BindTry)


def show(db: Connection, code: str, device: str, at: datetime, expires: datetime) -> bool:
    """False when the code is another device's and may still be used; a device's older codes go."""
    db.execute(delete(CODES).where(CODES.c.expires <= at))
    db.execute(delete(CODES).where(CODES.c.device == device))
    values = {"code": code, "device": device, "at": at, "expires": expires}
    return bool(db.execute(insert(db, BindCode).values(**values).on_conflict_do_nothing()).rowcount)


def living(db: Connection, at: datetime) -> int:
    return int(db.execute(select(func.count()).select_from(CODES).where(CODES.c.expires > at)).scalar_one())


def claim(db: Connection, code: str, person: str, channel: str, at: datetime) -> bool:
    """True for the first who sends a living code; nobody after them."""
    query = update(CODES).where(CODES.c.code == code, CODES.c.state == "waiting", CODES.c.expires > at)
    return bool(db.execute(query.values(state="claimed", person=person, channel=channel)).rowcount)


def code_of(db: Connection, device: str, at: datetime) -> Row[Any] | None:
    """The living code of a device, waiting or claimed."""
    query = select(CODES).where(
        CODES.c.device == device, CODES.c.state.in_(("waiting", "claimed")), CODES.c.expires > at
    )
    return db.execute(query.order_by(CODES.c.at.desc()).limit(1)).one_or_none()


def settle(db: Connection, code: str, state: str) -> bool:
    """True when it was claimed until now."""
    query = update(CODES).where(CODES.c.code == code, CODES.c.state == "claimed")
    return bool(db.execute(query.values(state=state)).rowcount)


def bind(db: Connection, device: str, person: str, channel: str, at: datetime) -> None:
    values = {"person": person, "channel": channel, "at": at}
    statement = insert(db, Binding).values(device=device, **values)
    db.execute(statement.on_conflict_do_update(index_elements=["device"], set_=values))


def owner(db: Connection, device: str) -> Row[Any] | None:
    return db.execute(select(BINDINGS).where(BINDINGS.c.device == device)).one_or_none()


def devices(db: Connection, person: str) -> Sequence[str]:
    return list(db.execute(select(BINDINGS.c.device).where(BINDINGS.c.person == person)).scalars())


def unbind(db: Connection, person: str) -> int:
    """Every device of this person; gives how many there were."""
    db.execute(delete(CODES).where(CODES.c.person == person))
    return int(db.execute(delete(BINDINGS).where(BINDINGS.c.person == person)).rowcount)


def unbind_device(db: Connection, device: str) -> None:
    db.execute(delete(BINDINGS).where(BINDINGS.c.device == device))


def note_try(db: Connection, person: str, at: datetime) -> None:
    db.execute(insert(db, BindTry).values(person=person, at=at).on_conflict_do_nothing())


def tries(db: Connection, person: str, since: datetime) -> int:
    query = select(func.count()).select_from(TRIES).where(TRIES.c.person == person, TRIES.c.at > since)
    return int(db.execute(query).scalar_one())


def forget(db: Connection, before: datetime) -> None:
    """Codes and tries from before this moment are of no use to anybody."""
    db.execute(delete(CODES).where(CODES.c.expires < before))
    db.execute(delete(TRIES).where(TRIES.c.at < before))

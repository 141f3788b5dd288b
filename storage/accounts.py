"""Accounts and the links that make them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from storage.database import insert, table
from storage.tables import Account, Group, Invitation

ACCOUNTS, INVITATIONS, GROUPS = table(Account), table(Invitation), table(Group)


def get(db: Connection, account: str) -> Row[Any] | None:
    return db.execute(select(ACCOUNTS).where(ACCOUNTS.c.id == account)).one_or_none()


def by_login(db: Connection, login: str) -> Row[Any] | None:
    return db.execute(select(ACCOUNTS).where(ACCOUNTS.c.login == login)).one_or_none()


def listed(db: Connection, units: Collection[str] | None) -> Sequence[Row[Any]]:
    """In the order in which they were made; with units, the accounts that see one of these and nothing beyond it."""
    query = select(ACCOUNTS)
    if units is not None:
        query = query.where(ACCOUNTS.c.role != "group", ACCOUNTS.c.unit.in_(sorted(units)))
    return db.execute(query.order_by(ACCOUNTS.c.at, ACCOUNTS.c.id)).all()


def groups_of(row: Any) -> tuple[str, ...]:
    return tuple(json.loads(row.groups))


def add(db: Connection, values: Mapping[str, Any]) -> bool:
    """False when the login is somebody else's."""
    return bool(db.execute(insert(db, Account).values(**values).on_conflict_do_nothing()).rowcount)


def change(db: Connection, account: str, **values: Any) -> bool:
    return bool(db.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == account).values(**values)).rowcount)


def remove(db: Connection, account: str) -> None:
    db.execute(delete(ACCOUNTS).where(ACCOUNTS.c.id == account))


def invite(db: Connection, values: Mapping[str, Any]) -> None:
    db.execute(insert(db, Invitation).values(**values).on_conflict_do_nothing())


def invitation(db: Connection, link: str) -> Row[Any] | None:
    return db.execute(select(INVITATIONS).where(INVITATIONS.c.id == link)).one_or_none()


def use(db: Connection, link: str, at: datetime) -> bool:
    """True for the one who uses it: once, and in time."""
    living = (INVITATIONS.c.id == link, INVITATIONS.c.used_at.is_(None), INVITATIONS.c.until > at)
    return bool(db.execute(update(INVITATIONS).where(*living).values(used_at=at)).rowcount)


def withdraw_resets(db: Connection, account: str, at: datetime) -> None:
    """Of an account's links only the newest counts."""
    old = update(INVITATIONS).where(INVITATIONS.c.account == account, INVITATIONS.c.used_at.is_(None))
    db.execute(old.values(used_at=at))


def forget(db: Connection, before: datetime) -> None:
    """Links that ended before this moment."""
    db.execute(delete(INVITATIONS).where(INVITATIONS.c.until < before))


def keys_within(db: Connection, units: Collection[str]) -> set[str]:
    """The keys of the groups that these units have made, those that are gone among them."""
    return set(db.execute(select(GROUPS.c.id).where(GROUPS.c.unit.in_(sorted(units)))).scalars())


def units(db: Connection) -> list[str]:
    """The units that have a group."""
    query = select(GROUPS.c.unit).where(GROUPS.c.unit != "").distinct()
    return list(db.execute(query.order_by(GROUPS.c.unit)).scalars())

"""People, groups, memberships and invitations of the playground."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection, Row

from bot.channels.playground.book import millis


@dataclass(frozen=True, slots=True, kw_only=True)
class Someone:
    """`role` is "office" for the people of the office, who have it in every group."""

    id: str
    name: str
    unit: str = ""
    role: str = ""
    post: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A group: its facts as a roster says them; dates are ISO or empty."""

    id: str
    name: str
    unit: str = ""
    purpose: str = ""
    kind: str = ""
    created: str = ""
    ends: str = ""
    owner: str | None = None
    dissolved: bool = False


def add_people(db: Connection, people: Iterable[Someone]) -> None:
    rows = [(one.id, one.name, one.unit, one.role, one.post) for one in people]
    db.executemany("insert or ignore into people (id, name, unit, role, post) values (?, ?, ?, ?, ?)", rows)


def everybody(db: Connection) -> list[Someone]:
    """In the order in which they came."""
    return [_someone(row) for row in db.execute("select * from people order by rowid")]


def person(db: Connection, person_id: str) -> Someone | None:
    row = db.execute("select * from people where id = ?", (person_id,)).fetchone()
    return _someone(row) if row else None


def _someone(row: Row) -> Someone:
    return Someone(id=row["id"], name=row["name"], unit=row["unit"], role=row["role"], post=row["post"])


def save_room(db: Connection, room: Room, members: Sequence[tuple[str, str]], heard: bool) -> None:
    """A group with (person, role) members; what was there under the same id is replaced."""
    values = (room.id, room.name, room.unit, room.purpose, room.kind, room.created, room.ends, room.owner, heard)
    db.execute(
        "insert or replace into groups (id, name, unit, purpose, kind, created, ends, owner, heard)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )
    db.execute("delete from members where grp = ?", (room.id,))
    db.executemany("insert into members (grp, person, role) values (?, ?, ?)", [(room.id, p, r) for p, r in members])


def room(db: Connection, room_id: str) -> Room | None:
    row = db.execute("select * from groups where id = ?", (room_id,)).fetchone()
    return _room(row) if row else None


def rooms_of(db: Connection, person_id: str) -> list[Room]:
    query = "select g.* from groups g join members m on m.grp = g.id where m.person = ? order by g.rowid"
    return [_room(row) for row in db.execute(query, (person_id,))]


def all_rooms(db: Connection) -> list[Room]:
    return [_room(row) for row in db.execute("select * from groups where dissolved_at is null order by rowid")]


def _room(row: Row) -> Room:
    facts = {name: row[name] for name in ("id", "name", "unit", "purpose", "kind", "created", "ends", "owner")}
    return Room(**facts, dissolved=row["dissolved_at"] is not None)


def members(db: Connection, room_id: str) -> list[tuple[Someone, str]]:
    """Everybody in the group with their role there, in the order of the people's list."""
    query = (
        "select p.*, m.role as here from members m join people p on p.id = m.person where m.grp = ? order by p.rowid"
    )
    return [(_someone(row), row["here"]) for row in db.execute(query, (room_id,))]


def role_in(db: Connection, room_id: str, person_id: str) -> str | None:
    """None when the person is not in the group; "" for a plain member."""
    row = db.execute("select role from members where grp = ? and person = ?", (room_id, person_id)).fetchone()
    return row["role"] if row else None


def join(db: Connection, room_id: str, person_id: str) -> None:
    db.execute("insert or ignore into members (grp, person) values (?, ?)", (room_id, person_id))
    db.execute(
        "insert or replace into seen (person, room, message)"
        " select ?, ?, coalesce(max(id), 0) from messages where room = ?",
        (person_id, room_id, room_id),
    )
    db.execute("update groups set heard = 0 where id = ?", (room_id,))


def leave(db: Connection, room_id: str, person_id: str) -> None:
    db.execute("delete from members where grp = ? and person = ?", (room_id, person_id))
    db.execute("update groups set owner = null where id = ? and owner = ?", (room_id, person_id))
    db.execute("update groups set heard = 0 where id = ?", (room_id,))


def hand_over(db: Connection, room_id: str, person_id: str) -> None:
    db.execute("update groups set owner = ?, heard = 0 where id = ?", (person_id, room_id))


def dissolve(db: Connection, room_id: str, at: datetime) -> None:
    db.execute(
        "update groups set dissolved_at = ?, heard = 0 where id = ? and dissolved_at is null", (millis(at), room_id)
    )


def unheard_rooms(db: Connection) -> list[str]:
    return [row["id"] for row in db.execute("select id from groups where heard = 0 order by rowid")]


def room_heard(db: Connection, room_id: str) -> None:
    db.execute("update groups set heard = 1 where id = ?", (room_id,))


def invite(db: Connection, person_id: str, expires_at: datetime) -> str:
    """A word that signs this person in once; only its digest is kept."""
    token = secrets.token_urlsafe(24)
    db.execute("insert into invitations values (?, ?, ?, null)", (_digest(token), person_id, millis(expires_at)))
    return token


def accept(db: Connection, token: str, at: datetime) -> str | None:
    """The person, the first time only; None when it is unknown, used or too old."""
    query = "update invitations set used_at = ? where digest = ? and used_at is null and expires_at > ?"
    if not db.execute(query, (millis(at), _digest(token), millis(at))).rowcount:
        return None
    row = db.execute("select person from invitations where digest = ?", (_digest(token),)).fetchone()
    return str(row["person"])


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

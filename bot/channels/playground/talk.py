"""What was said in the playground: messages of people, cards and files of the bot."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from sqlite3 import Connection, Row
from typing import Any

from bot.channels.playground.book import instant, millis

# The private talk of a person with the bot is a room of its own.
PRIVATE = "@"
PAGE = 60


def private_room(person_id: str) -> str:
    return PRIVATE + person_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`sender` is empty for the bot; `said_as` is the name of the effect or of the client's press of “发送”."""

    id: int = 0
    room: str
    sender: str
    kind: str = "text"
    text: str = ""
    quotes: int | None = None
    at: datetime
    heard: bool = True
    said_as: str | None = None
    card: str = ""
    version: int = 0
    recalled: bool = False
    file: str = ""


COLUMNS = "m.*, f.name as file from messages m left join files f on f.message = m.id"


def add(db: Connection, message: Message) -> Message:
    """Store it and give it its id; a message said under a known name gives the one that is there."""
    values = (
        message.room, message.sender, message.kind, message.text, message.quotes, millis(message.at), message.heard,
        message.said_as, message.card,
    )  # fmt: skip
    made = db.execute(
        "insert into messages (room, sender, kind, text, quotes, at, heard, said_as, card)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (said_as) do nothing",
        values,
    )
    if made.rowcount:
        return replace(message, id=int(made.lastrowid or 0))
    return _message(db.execute(f"select {COLUMNS} where m.said_as = ?", (message.said_as,)).fetchone())


def attach(db: Connection, message_id: int, name: str, content: bytes) -> None:
    db.execute("insert or ignore into files values (?, ?, ?)", (message_id, name, content))


def file_of(db: Connection, message_id: int) -> tuple[str, bytes] | None:
    row = db.execute("select name, content from files where message = ?", (message_id,)).fetchone()
    return (row["name"], row["content"]) if row else None


def get(db: Connection, message_id: int) -> Message | None:
    row = db.execute(f"select {COLUMNS} where m.id = ?", (message_id,)).fetchone()
    return _message(row) if row else None


def history(db: Connection, room: str, before: int | None = None) -> list[Message]:
    """The newest page of a room (older than `before`), oldest first; recalls show at the message they took back."""
    query = f"select {COLUMNS} where m.room = ? and m.id < ? and m.kind != 'recall' order by m.id desc limit ?"
    rows = db.execute(query, (room, before or 1 << 62, PAGE)).fetchall()
    return [_message(row) for row in reversed(rows)]


def last_of(db: Connection, room: str) -> Message | None:
    query = f"select {COLUMNS} where m.room = ? and m.kind != 'recall' order by m.id desc limit 1"
    row = db.execute(query, (room,)).fetchone()
    return _message(row) if row else None


def unheard(db: Connection) -> list[Message]:
    rows = db.execute(f"select {COLUMNS} where m.heard = 0 order by m.id").fetchall()
    return [_message(row) for row in rows]


def heard(db: Connection, message_id: int) -> None:
    db.execute("update messages set heard = 1 where id = ?", (message_id,))


def revise(db: Connection, message_id: int, card: dict[str, Any]) -> Message | None:
    """Show a newer card in place; None when there is no such message."""
    text = json.dumps(card, ensure_ascii=False)
    query = "update messages set card = ?, version = version + 1 where id = ? and card != ?"
    db.execute(query, (text, message_id, text))
    return get(db, message_id)


def take_back(db: Connection, message_id: int, at: datetime) -> bool:
    """The words go at once; True the first time."""
    query = "update messages set recalled_at = ?, text = '', version = version + 1 where id = ? and recalled_at is null"
    return bool(db.execute(query, (millis(at), message_id)).rowcount)


def mark_seen(db: Connection, person_id: str, room: str, message_id: int) -> None:
    """Only ever shown to the person themselves, as the number beside a room."""
    query = (
        "insert into seen values (?, ?, ?)"
        " on conflict (person, room) do update set message = max(message, excluded.message)"
    )
    db.execute(query, (person_id, room, message_id))


def unseen(db: Connection, person_id: str, room: str) -> int:
    query = (
        "select count(*) as number from messages where room = ? and sender != ? and kind != 'recall'"
        " and id > coalesce((select message from seen where person = ? and room = ?), 0)"
    )
    return int(db.execute(query, (room, person_id, person_id, room)).fetchone()["number"])


def forget(db: Connection, now: datetime, days: int) -> None:
    first = millis(now - timedelta(days=days))
    db.execute("delete from files where message in (select id from messages where at < ?)", (first,))
    db.execute("delete from messages where at < ? and heard = 1", (first,))
    db.execute("delete from invitations where expires_at < ?", (first,))


def quoted(db: Connection, messages: Iterable[Message]) -> dict[int, Message]:
    """The messages that these quote, by id."""
    found = (get(db, message.quotes) for message in messages if message.quotes)
    return {message.id: message for message in found if message}


def _message(row: Row) -> Message:
    return Message(
        id=row["id"], room=row["room"], sender=row["sender"], kind=row["kind"], text=row["text"], quotes=row["quotes"],
        at=instant(row["at"]), heard=bool(row["heard"]), said_as=row["said_as"], card=row["card"],
        version=row["version"], recalled=row["recalled_at"] is not None, file=row["file"] or "",
    )  # fmt: skip

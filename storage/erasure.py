"""Delete one person on request (个人信息保护法 第四十七条): rows about them go, rows about something else lose them.

What counts stays without whom it counts: messages of a group's day, flags by category and unit, weekly figures.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, String, cast, delete, literal, or_, select, update
from sqlmodel import SQLModel

from storage.database import savepoint, table
from storage.personal import CELLS, NAMED, OWN, TRACES, Subject, subject
from storage.tables import (
    Activity,
    BindCode,
    Binding,
    Claim,
    Cleanup,
    CleanupStep,
    Flag,
    Group,
    GroupVersion,
    Notice,
    Outgoing,
    RegisterGroup,
    Snapshot,
)

# Nobody can be whispered to it, and no token is called so.
NO_SENDER = "token:"
BATCH = 500


@dataclass(frozen=True, slots=True)
class Erased:
    """By table, how many rows went and how many stayed without the person.

    `elsewhere` rows of the register have the same name where it may be somebody else's; they are as they were.
    """

    deleted: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    elsewhere: int = 0

    def __bool__(self) -> bool:
        return bool(self.deleted.total() or self.changed.total())


@dataclass(frozen=True, slots=True)
class Words:
    """What takes a person's place where a cell cannot be empty."""

    someone: str
    sender: str


class _Foreseen(Exception):
    """Nothing of it is to stay."""


def foresee(db: Connection, key: str, words: Words) -> Erased:
    """What `erase` would do, done and taken back."""
    try:
        with savepoint(db):
            done = erase(db, key, words)
            raise _Foreseen
    except _Foreseen:
        return done


def erase(db: Connection, key: str, words: Words) -> Erased:
    """In the caller's transaction. Whoever speaks again afterwards is somebody new."""
    if db.dialect.name == "sqlite":
        # What is deleted is overwritten in the file, too.
        db.exec_driver_sql("PRAGMA secure_delete=ON")
    who = subject(db, key)
    done = Erased(elsewhere=_elsewhere(db, who))
    # Texts first: where a name means this person is told by the rows that go.
    for step in (_register, _snapshots, _cleanups, _cards, _notices, _traces):
        step(db, who, words, done)
    _forget_flags(db, key, done)
    for model, column in NAMED:
        _rename(db, model, column, key, words, done)
    _forget_rows(db, key, done)
    return done


def _count(counter: Counter[str], model: type[SQLModel], number: int) -> None:
    if number:
        counter[table(model).name] += number


def _rows_with(db: Connection, model: type[SQLModel], who: Subject, *columns: str) -> Iterator[Row[Any]]:
    """The rows in which one of the names stands, a few at a time."""
    rows = table(model)
    # JSON has a backslash for what it may not hold as it is.
    spelt = {spelling for name in who.names for spelling in (name, json.dumps(name, ensure_ascii=False)[1:-1])}
    within = [rows.c[column].contains(name, autoescape=True) for column in columns for name in spelt]
    if within:
        keys = list(rows.primary_key.columns)
        for key in db.execute(select(*keys).where(or_(*within))).all():
            same = [column == value for column, value in zip(keys, key, strict=True)]
            yield db.execute(select(rows).where(*same)).one()


def _change(db: Connection, model: type[SQLModel], row: Row[Any], values: Mapping[str, Any], done: Erased) -> None:
    rows = table(model)
    same = [column == getattr(row, column.name) for column in rows.primary_key.columns]
    changed = {name: value for name, value in values.items() if value != getattr(row, name)}
    if changed:
        _count(done.changed, model, db.execute(update(rows).where(*same).values(**changed)).rowcount)


def _register(db: Connection, who: Subject, words: Words, done: Erased) -> None:
    for row in _rows_with(db, RegisterGroup, who, *CELLS):
        if row.id in who.groups:
            _change(db, RegisterGroup, row, who.cells(row._asdict(), words.someone), done)


def _elsewhere(db: Connection, who: Subject) -> int:
    rows = _rows_with(db, RegisterGroup, who, *CELLS)
    return sum(row.id not in who.groups and bool(who.cells(row._asdict())) for row in rows)


def _snapshots(db: Connection, who: Subject, words: Words, done: Erased) -> None:
    """Saved weeks keep every figure; one at a time, for they are large."""
    for row in _rows_with(db, Snapshot, who, "body"):
        body = json.loads(row.body)
        for group in body.get("groups", ()):
            register = group.get("register") or {}
            if f"{group['channel']}:{group['id']}" in who.groups:
                for name, value in who.cells({**register, "owner": group["owner"]}, words.someone).items():
                    (group if name == "owner" else register)[name] = value
        _change(db, Snapshot, row, {"body": json.dumps(body, ensure_ascii=False)}, done)


def _cleanups(db: Connection, who: Subject, words: Words, done: Erased) -> None:
    items = table(Cleanup)
    for row in _rows_with(db, Cleanup, who, "facts", "reason"):
        if row.subject in who.groups:
            facts = json.loads(row.facts)
            facts |= who.cells(facts, words.someone)
            values = {"facts": json.dumps(facts, ensure_ascii=False), "reason": who.without(row.reason, words.someone)}
            _change(db, Cleanup, row, values, done)
    for row in _rows_with(db, CleanupStep, who, "note"):
        if db.scalar(select(items.c.subject).where(items.c.id == row.item)) in who.groups:
            _change(db, CleanupStep, row, {"note": who.without(row.note, words.someone)}, done)


def _cards(db: Connection, who: Subject, words: Words, done: Erased) -> None:
    """What is waiting to be said to others about a notice that the person sent or was asked by."""
    for row in _rows_with(db, Outgoing, who, "payload"):
        if row.target in who.groups or any(f":{notice}:" in f":{row.key}:" for notice in who.notices):
            payload = json.dumps(_reworded(json.loads(row.payload), who, words.someone), ensure_ascii=False)
            _change(db, Outgoing, row, {"payload": payload}, done)


def _reworded(value: Any, who: Subject, instead: str) -> Any:
    if isinstance(value, str):
        return who.without(value, instead) or instead if value else value
    if isinstance(value, list):
        return [_reworded(one, who, instead) for one in value]
    if isinstance(value, dict):
        return {name: _reworded(one, who, instead) for name, one in value.items()}
    return value


def _notices(db: Connection, who: Subject, words: Words, done: Erased) -> None:
    """A notice stays for those who were asked; its sender goes, also where they signed it."""
    for row in db.execute(select(table(Notice)).where(table(Notice).c.sender == who.key)).all():
        signed = {name: who.without(getattr(row, name), words.sender) for name in ("title", "text", "reason")}
        _change(db, Notice, row, {**signed, "sender": NO_SENDER, "sender_name": words.sender}, done)


def _traces(db: Connection, who: Subject, words: Words, done: Erased) -> None:
    """An event's claim goes; where the rest of the row is needed, the id in it does."""
    for model, column in TRACES:
        rows = table(model)
        key = list(rows.primary_key.columns)
        native = who.key.partition(":")[2]
        query = select(*key, rows.c[column]).where(rows.c[column].contains(native, autoescape=True))
        for row in db.execute(query).all():
            text = getattr(row, column)
            if (without := who.untraced(text, "erased")) == text:
                continue
            same = [one == getattr(row, one.name) for one in key]
            if model is Claim:
                _count(done.deleted, model, db.execute(delete(rows).where(*same)).rowcount)
                continue
            # Two keys in the outbox must not become one.
            values = {column: f"{without}#{row.id}" if model is Outgoing else without}
            theirs = [rows.c.target != who.key] if model is Outgoing else []
            _count(done.changed, model, db.execute(update(rows).where(*same, *theirs).values(**values)).rowcount)


def _forget_flags(db: Connection, key: str, done: Erased) -> None:
    """As after their number of days (storage.retention); an appeal that nobody can be answered is none."""
    flags = table(Flag)
    theirs = flags.c.person == key
    db.execute(update(flags).where(theirs, flags.c.state == "appealed").values(state="open"))
    blank = dict.fromkeys(("span", "digest", "text", "why", "suggestion", "message", "person"), "")
    _count(done.changed, Flag, db.execute(update(flags).where(theirs).values(**blank)).rowcount)


def _rename(db: Connection, model: type[SQLModel], column: str, key: str, words: Words, done: Erased) -> None:
    """That a group has no owner would be a finding: nothing is known of its owner until the next roster."""
    values: dict[str, Any] = {column: words.someone}
    if model is Activity:
        values = {column: ""}
    elif model is Group:
        values = {column: None}
    elif model is GroupVersion:
        values = {column: None, "owner_known": False}
    rows = table(model)
    _count(done.changed, model, db.execute(update(rows).where(rows.c[column] == key).values(**values)).rowcount)


def _forget_rows(db: Connection, key: str, done: Erased) -> None:
    codes, bindings, outbox = table(BindCode), table(Binding), table(Outgoing)
    devices = select(bindings.c.device).where(bindings.c.person == key)
    _count(done.deleted, BindCode, db.execute(delete(codes).where(codes.c.device.in_(devices))).rowcount)
    # What is being said this moment is settled by its number, which must not become another row's.
    waiting = update(outbox).where(outbox.c.target == key, outbox.c.state == "waiting")
    nothing = {"target": "", "payload": "", "about": "", "error": "", "state": "superseded"}
    emptied = db.execute(waiting.values(key=literal("erased#").concat(cast(outbox.c.id, String)), **nothing))
    _count(done.changed, Outgoing, emptied.rowcount)
    for model, column in OWN.items():
        rows = table(model)
        _count(done.deleted, model, db.execute(delete(rows).where(rows.c[column] == key)).rowcount)

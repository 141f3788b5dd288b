"""Delete one person on request (个人信息保护法 第四十七条): rows about them go, rows about something else lose them.

What counts stays without whom it counts: messages of a group's day, flags by category and unit, weekly figures.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, String, cast, delete, insert, literal, or_, select, update
from sqlmodel import SQLModel

from storage import inventories
from storage.database import savepoint, table
from storage.personal import APP_CELLS, BY_ACCOUNT, CELLS, NAMED, NAMING, OWN, TRACES, Subject, subject
from storage.tables import (
    Account,
    Activity,
    App,
    Audience,
    BindCode,
    Binding,
    Claim,
    Cleanup,
    CleanupStep,
    Erasure,
    Flag,
    Group,
    GroupVersion,
    Invitation,
    Member,
    Notice,
    Outgoing,
    Press,
    Receipt,
    RegisterChange,
    RegisterGroup,
    RegisterImport,
    RegisterPart,
    SessionRow,
    SnapshotRow,
)

# Nobody can be whispered to it, and no token is called so.
NO_SENDER = "token:"
# Rows of these are counted: they stay, about nobody.
NOBODY = "erased:"
COUNTED: tuple[type[SQLModel], ...] = (Audience, Member, Press, Receipt)
BATCH = 500


@dataclass(frozen=True, slots=True)
class Erased:
    """By table, how many rows went and how many stayed without the person.

    `elsewhere` rows of the register have the same name where it may be somebody else's; they are as they were.
    """

    deleted: Counter[str] = field(default_factory=Counter)
    # By table, the keys of the rows: one in which several cells changed counts once.
    altered: dict[str, set[tuple[Any, ...]]] = field(default_factory=dict)
    elsewhere: int = 0

    @property
    def changed(self) -> Counter[str]:
        return Counter({name: len(keys) for name, keys in self.altered.items() if keys})

    def __bool__(self) -> bool:
        return bool(self.deleted.total() or self.changed.total())

    def alter(self, model: type[SQLModel], keys: Iterable[Any]) -> None:
        self.altered.setdefault(table(model).name, set()).update(tuple(key) for key in keys)


@dataclass(frozen=True, slots=True)
class Words:
    """What takes a person's place where a cell cannot be empty."""

    someone: str
    sender: str


class _Foreseen(Exception):
    """Nothing of it is to stay."""


def foresee(db: Connection, key: str, words: Words, at: datetime) -> Erased:
    """What `erase` would do, done and taken back."""
    try:
        with savepoint(db):
            done = erase(db, key, words, at)
            raise _Foreseen
    except _Foreseen:
        return done


def erase(db: Connection, key: str, words: Words, at: datetime) -> Erased:
    """In the caller's transaction. Whoever speaks again afterwards is somebody new."""
    if db.dialect.name == "sqlite":
        # What is deleted is overwritten in the file, too.
        db.exec_driver_sql("PRAGMA secure_delete=ON")
    who = subject(db, key)
    done = Erased(elsewhere=_elsewhere(db, who))
    # Texts first: where a name means this person is told by the rows that go.
    for step in (_register, _apps, _drafts, _accounts, _history, _snapshots, _cleanups, _cards, _notices, _traces):
        step(db, who, words, done)
    _forget_account(db, key, done)
    _forget_flags(db, key, done)
    _forget_rows(db, key, words, at, done)
    for model, column in NAMED:
        _rename(db, model, column, key, words, done)
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
        db.execute(update(rows).where(*same).values(**changed))
        done.alter(model, [[getattr(row, column.name) for column in rows.primary_key.columns]])


def _register(db: Connection, who: Subject, words: Words, done: Erased) -> None:
    for row in _rows_with(db, RegisterGroup, who, *CELLS):
        if row.id in who.groups:
            _change(db, RegisterGroup, row, who.cells(row._asdict(), words.someone), done)


def _elsewhere(db: Connection, who: Subject) -> int:
    rows = _rows_with(db, RegisterGroup, who, *CELLS)
    other = sum(row.id not in who.groups and bool(who.cells(row._asdict())) for row in rows)
    return other + sum(row.unit not in who.units for row in _handled(db, who))


def _handled(db: Connection, who: Subject) -> Iterator[Row[Any]]:
    """The apps whose 经办人 has one of the names."""
    return (row for row in _rows_with(db, App, who, *APP_CELLS) if _less(row, who, ""))


def _less(row: Row[Any], who: Subject, instead: str) -> dict[str, str]:
    cells: dict[str, str] = {name: getattr(row, name) for name in APP_CELLS}
    return {name: new for name, old in cells.items() if (new := who.without(old, instead)) != old}


def _apps(db: Connection, who: Subject, words: Words, done: Erased) -> None:
    """Of the person's own unit."""
    for row in _handled(db, who):
        if row.unit in who.units:
            _change(db, App, row, _less(row, who, words.someone), done)


def _drafts(db: Connection, who: Subject, words: Words, done: Erased) -> None:
    """A file that waits to be confirmed would bring the name back: it is forgotten, and has to be uploaded again."""
    drafts = {row.draft for row in _rows_with(db, RegisterPart, who, "body") if who.without(row.body, "") != row.body}
    parts = table(RegisterPart)
    _count(done.deleted, RegisterPart, db.execute(delete(parts).where(parts.c.draft.in_(drafts))).rowcount)


def _accounts(db: Connection, who: Subject, words: Words, done: Erased) -> None:
    """What could not be read of a file was quoted."""
    for row in _rows_with(db, RegisterImport, who, "account", "file"):
        account = json.dumps(_reworded(json.loads(row.account or "[]"), who, words.someone), ensure_ascii=False)
        file = who.without(row.file, words.someone)
        _change(db, RegisterImport, row, {"account": account if row.account else "", "file": file}, done)


def _history(db: Connection, who: Subject, words: Words, done: Erased) -> None:
    """That a cell was changed stays; what stood in it goes, and with an owner the telephone numbers of the row."""
    owned: set[tuple[str, str]] = set()
    for row in _rows_with(db, RegisterChange, who, "before", "after"):
        theirs = row.row in who.groups if row.book == "groups" else _unit_of_app(db, row.row) in who.units
        if row.field not in NAMING or not theirs:
            continue
        values = {side: who.without(getattr(row, side), words.someone) for side in ("before", "after")}
        if row.field == "owner" and values != {"before": row.before, "after": row.after}:
            owned.add((row.book, row.row))
        _change(db, RegisterChange, row, values, done)
    changes = table(RegisterChange)
    for book, key in sorted(owned):
        phones = (changes.c.book == book, changes.c.row == key, changes.c.field == "phone")
        for row in db.execute(select(changes).where(*phones)).all():
            _change(db, RegisterChange, row, {"before": "", "after": ""}, done)


def _unit_of_app(db: Connection, key: str) -> str:
    return str(db.scalar(select(table(App).c.unit).where(table(App).c.id == key)) or "")


def _snapshots(db: Connection, who: Subject, words: Words, done: Erased) -> None:
    """Saved weeks keep every figure; one that is being taken from what was known before is taken anew."""
    inventories.drop_unsealed(db)
    for row in inventories.rows_about(db, who.groups):
        group = json.loads(row.body)
        register = group.get("register") or {}
        for name, value in who.cells({**register, "owner": group["owner"]}, words.someone).items():
            (group if name == "owner" else register)[name] = value
        _change(db, SnapshotRow, row, {"body": inventories.encoded(group)}, done)


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
            if db.execute(update(rows).where(*same, *theirs).values(**values)).rowcount:
                done.alter(model, [[getattr(row, one.name) for one in key]])


def _forget_account(db: Connection, key: str, done: Erased) -> None:
    """Of whoever signs in: what they did for the office, and the log of what they read, stay for as long as the law says."""
    if key.startswith(BY_ACCOUNT):
        account = key.removeprefix(BY_ACCOUNT)
        for model, column in ((SessionRow, "account"), (Invitation, "account"), (Account, "id")):
            rows = table(model)
            _count(done.deleted, model, db.execute(delete(rows).where(rows.c[column] == account)).rowcount)


def _forget_flags(db: Connection, key: str, done: Erased) -> None:
    """As after their number of days (storage.retention); an appeal that nobody can be answered is none."""
    flags = table(Flag)
    theirs = flags.c.person == key
    db.execute(update(flags).where(theirs, flags.c.state == "appealed").values(state="open"))
    blank = dict.fromkeys(("span", "digest", "text", "why", "suggestion", "message", "person"), "")
    done.alter(Flag, db.execute(select(flags.c.id).where(theirs)).all())
    db.execute(update(flags).where(theirs).values(**blank))


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
    done.alter(model, db.execute(select(*rows.primary_key.columns).where(rows.c[column] == key)).all())
    db.execute(update(rows).where(rows.c[column] == key).values(**values))


def _leave(db: Connection, key: str, words: Words, at: datetime, done: Erased) -> None:
    """Who was in a group and who was asked and answered stays counted, under a name that leads to nobody.

    They have left every group; where an open notice still waits for them, it waits no more.
    """
    alias = f"{NOBODY}{secrets.token_hex(8)}"
    audience, receipts, notices = table(Audience), table(Receipt), table(Notice)
    answered = select(receipts.c.notice).where(receipts.c.person == key, receipts.c.acked)
    still = select(notices.c.id).where(notices.c.state == "open")
    pending = (audience.c.person == key, audience.c.notice.in_(still), audience.c.notice.not_in(answered))
    _count(done.deleted, Audience, db.execute(delete(audience).where(*pending)).rowcount)
    members = table(Member)
    db.execute(update(members).where(members.c.person == key, members.c.left_at.is_(None)).values(left_at=at))
    named: dict[type[SQLModel], dict[str, Any]] = {Audience: {"name": words.someone}}
    for model in COUNTED:
        rows = table(model)
        theirs = rows.c.person == key
        done.alter(model, db.execute(select(*rows.primary_key.columns).where(theirs)).all())
        db.execute(update(rows).where(theirs).values(person=alias, **named.get(model, {})))
        if model in (Press, Receipt):
            own = (rows.c.person == alias, rows.c.deputy == key)
            db.execute(update(rows).where(*own).values(deputy=words.someone))


def _forget_rows(db: Connection, key: str, words: Words, at: datetime, done: Erased) -> None:
    _leave(db, key, words, at, done)
    codes, bindings, outbox = table(BindCode), table(Binding), table(Outgoing)
    devices = select(bindings.c.device).where(bindings.c.person == key)
    _count(done.deleted, BindCode, db.execute(delete(codes).where(codes.c.device.in_(devices))).rowcount)
    # What is being said this moment is settled by its number, which must not become another row's.
    waiting = update(outbox).where(outbox.c.target == key, outbox.c.state == "waiting")
    nothing = {"target": "", "payload": "", "about": "", "error": "", "state": "superseded"}
    still = select(outbox.c.id).where(outbox.c.target == key, outbox.c.state == "waiting")
    done.alter(Outgoing, db.execute(still).all())
    db.execute(waiting.values(key=literal("erased#").concat(cast(outbox.c.id, String)), **nothing))
    for model, column in OWN.items():
        rows = table(model)
        theirs = rows.c[column] == key
        if (altered := done.altered.get(rows.name)) is not None:
            altered -= {tuple(one) for one in db.execute(select(*rows.primary_key.columns).where(theirs))}
        _count(done.deleted, model, db.execute(delete(rows).where(theirs)).rowcount)


def keep_receipt(db: Connection, request: str, at: datetime, who: str, receipt: Mapping[str, Any]) -> None:
    body = json.dumps(receipt, ensure_ascii=False)
    db.execute(insert(table(Erasure)).values(id=request, at=at, who=who, body=body))


def receipts(db: Connection, number: int) -> Sequence[Row[Any]]:
    """The newest ones: id, at, who."""
    rows = table(Erasure)
    return db.execute(select(rows.c.id, rows.c.at, rows.c.who).order_by(rows.c.at.desc()).limit(number)).all()


def receipt(db: Connection, request: str) -> dict[str, Any] | None:
    body = db.scalar(select(table(Erasure).c.body).where(table(Erasure).c.id == request))
    return None if body is None else dict(json.loads(body))

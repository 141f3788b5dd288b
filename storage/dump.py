"""Everything that is stored, row by row, or what concerns one person; streamed from one moment of the database."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Boolean, Connection, Date, Integer, Row, false, or_, select

from config.settings import TIMEZONE
from storage import inventories
from storage.database import table
from storage.personal import BY_ACCOUNT, CELLS, NAMED, OWN, TRACES, Subject
from storage.tables import Account, App, Instant, Notice, RegisterGroup, SnapshotRow, Table

CHUNK = 1000
OFFICE = "office:"
NOTICE_FACTS = ("id", "title", "at")
GROUP_FACTS = ("id", "group", "name", "unit")
APP_FACTS = ("id", "name", "unit")

# What lets somebody in, or is a hash of it, leaves in no export; short-lived codes and sign-ins not as rows either.
SECRET_TABLES = frozenset({"bind_codes", "bind_tries"})
SECRET_TABLE = re.compile(r"session|signin|login_tr|token")
SECRET_COLUMNS = frozenset({("bindings", "device"), ("invitations", "id"), ("ballots", "voter")})
SECRET_COLUMN = re.compile(r"password|secret|token|session|cookie|salt|otp$|hash$")

Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One table: its columns with their types, and its rows as JSON would have them."""

    name: str
    columns: Mapping[str, str]
    rows: Iterator[Told]


def everything(db: Connection) -> Iterator[Part]:
    """Every table, by name, without what is secret; each is read before the next begins."""
    for rows in Table.metadata.sorted_tables:
        if not is_secret(rows.name):
            hidden = {column.name for column in rows.columns if is_secret(rows.name, column.name)}
            yield _without(Part(rows.name, _types(rows), _told(db, rows, select(rows))), hidden)


def is_secret(table_name: str, column: str = "") -> bool:
    """A whole table, or one column of it."""
    if not column:
        return table_name in SECRET_TABLES or bool(SECRET_TABLE.search(table_name))
    return (table_name, column) in SECRET_COLUMNS or bool(SECRET_COLUMN.search(column))


def _without(part: Part, hidden: set[str]) -> Part:
    if not hidden:
        return part
    columns = {name: kind for name, kind in part.columns.items() if name not in hidden}
    return Part(part.name, columns, ({name: row[name] for name in columns} for row in part.rows))


def about(db: Connection, who: Subject, other: str) -> Iterator[Part]:
    """Only rows that concern this person; where a row names somebody else, it says `other`."""
    for rows in Table.metadata.sorted_tables:
        part = None if is_secret(rows.name) else SPECIAL.get(rows.name, _keyed)(db, rows, who, other)
        if part is not None:
            yield _without(part, {name for name in part.columns if is_secret(rows.name, name)})


def _keyed(db: Connection, rows: Any, who: Subject, other: str) -> Part | None:
    """The rows in which the person's key stands, whole."""
    keys = _key_columns(rows)
    traces = [column for model, column in TRACES if table(model) is rows]
    native = who.key.partition(":")[2]
    holds = [rows.c[name] == who.key for name in keys]
    holds += [rows.c[name].contains(native, autoescape=True) for name in traces]
    if not holds:
        return None

    def concerns(row: Told) -> bool:
        return any(row[name] == who.key for name in keys) or any(
            who.untraced(row[name], "") != row[name] for name in traces
        )

    found = _told(db, rows, select(rows).where(or_(*holds)))
    return Part(rows.name, _types(rows), (_masked(row, keys, traces, who, other) for row in found if concerns(row)))


def _masked(row: Told, keys: list[str], traces: list[str], who: Subject, other: str) -> Told:
    """The bot and the office are nobody in particular; an id that is not the person's may be somebody else's."""
    hidden = {name: other for name in keys if row[name] != who.key and _is_person(row[name])}
    hidden |= {name: other for name in traces if _is_person(row[name]) and who.untraced(row[name], "") == row[name]}
    return {**row, **hidden}


def _is_person(key: str | None) -> bool:
    return ":" in (key or "") and not str(key).startswith((OFFICE, "token:"))


def _key_columns(rows: Any) -> list[str]:
    own = [column for model, column in OWN.items() if table(model) is rows]
    return own + [column for model, column in NAMED if table(model) is rows]


def _notices(db: Connection, rows: Any, who: Subject, other: str) -> Part:
    """What the person sent, whole; of what they were asked to read, which it was."""

    def told() -> Iterator[Told]:
        for row in _told(db, rows, select(rows)):
            if row["sender"] == who.key:
                yield row
            elif row["id"] in who.notices:
                yield {name: row[name] for name in NOTICE_FACTS}

    return Part(rows.name, _types(rows), told())


def _register(db: Connection, rows: Any, who: Subject, other: str) -> Part:
    """Which rows name them, in which cells; the phone where they are the owner."""

    def told() -> Iterator[Told]:
        for row in _told(db, rows, select(rows)):
            if row["id"] in who.groups and (cells := _own_cells(row, who)):
                yield {**{name: row[name] for name in GROUP_FACTS}, **cells}

    columns = _types(rows)
    return Part(rows.name, {name: columns[name] for name in (*GROUP_FACTS, *CELLS, "phone")}, told())


def _accounts(db: Connection, rows: Any, who: Subject, other: str) -> Part:
    """With what they sign in."""
    own = rows.c.id == who.key.removeprefix(BY_ACCOUNT) if who.key.startswith(BY_ACCOUNT) else false()
    return Part(rows.name, _types(rows), _told(db, rows, select(rows).where(own)))


def _apps(db: Connection, rows: Any, who: Subject, other: str) -> Part:
    """The apps of their unit that they handle."""

    def told() -> Iterator[Told]:
        for row in _told(db, rows, select(rows).where(rows.c.unit.in_(who.units))):
            if who.without(row["handler"], "") != row["handler"]:
                yield {**{name: row[name] for name in APP_FACTS}, "handler": who.names[0]}

    columns = _types(rows)
    return Part(rows.name, {name: columns[name] for name in (*APP_FACTS, "handler")}, told())


def _snapshots(db: Connection, rows: Any, who: Subject, other: str) -> Part:
    """The groups of saved weeks under which their name stands."""

    def told() -> Iterator[Told]:
        weeks = inventories.moments(db)
        for row in inventories.rows_about(db, who.groups):
            group = json.loads(row.body)
            cells = _own_cells({**(group.get("register") or {}), "owner": group["owner"]}, who)
            if cells and row.taking in weeks:
                week, at = weeks[row.taking]
                moment = at.astimezone(TIMEZONE).isoformat(timespec="milliseconds")
                yield {"week": week, "at": moment, "id": row.key, "name": group["name"], **cells}

    text = dict.fromkeys(("id", "name", *CELLS, "phone"), "text")
    return Part(rows.name, {"week": "text", "at": "instant", **text}, told())


def _own_cells(row: Mapping[str, Any], who: Subject) -> Told:
    """Of a cell with more in it, no more than that they are in it."""
    named = who.cells(row)
    own = {name: row[name] if not named[name] else who.names[0] for name in named if name != "phone"}
    return {**own, "phone": row["phone"]} if "phone" in named else own


SPECIAL: Mapping[str, Callable[[Connection, Any, Subject, str], Part | None]] = {
    table(Account).name: _accounts,
    table(App).name: _apps,
    table(Notice).name: _notices,
    table(RegisterGroup).name: _register,
    table(SnapshotRow).name: _snapshots,
}


def _told(db: Connection, rows: Any, query: Any) -> Iterator[Told]:
    plain = {column.name: _plain(column) for column in rows.columns}
    ordered = query.order_by(*rows.primary_key.columns).execution_options(yield_per=CHUNK)
    row: Row[Any]
    for row in db.execute(ordered):
        yield {name: make(value) for (name, make), value in zip(plain.items(), row, strict=True)}


def _plain(column: Any) -> Callable[[Any], Any]:
    if isinstance(column.type, Instant):
        return lambda at: at and at.astimezone(TIMEZONE).isoformat(timespec="milliseconds")
    if isinstance(column.type, Date):
        return lambda day: day and date.isoformat(day)
    return lambda value: value


def _types(rows: Any) -> dict[str, str]:
    return {column.name: _type(column.type) for column in rows.columns}


def _type(kind: Any) -> str:
    if isinstance(kind, Instant):
        return "instant"
    for known, name in ((Boolean, "boolean"), (Integer, "integer"), (Date, "date")):
        if isinstance(kind, known):
            return name
    return "text"

"""Rows of any table in an open form: read page by page, written back on either engine, compared by checksum.

The tables are read from the database itself, so that the form follows whatever schema it has.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Column, Connection, Date, LargeBinary, MetaData, Table, func, literal, select, text, tuple_

PAGE = 1000
NOT_DATA = ("alembic_version", "transfer_progress")
MODULUS = 1 << 256

Values = list[Any]


@dataclass(slots=True)
class Tally:
    """How many rows, and the sum of their hashes: the same for the same rows in whatever order."""

    rows: int = 0
    total: int = 0

    def add(self, table: Table, values: Sequence[Values]) -> None:
        order = sorted(range(len(table.columns)), key=lambda place: list(table.columns)[place].name)
        for row in values:
            self.rows += 1
            whole = json.dumps([row[place] for place in order], ensure_ascii=False, separators=(",", ":"))
            self.total = (self.total + int.from_bytes(hashlib.sha256(whole.encode()).digest())) % MODULUS

    @property
    def checksum(self) -> str:
        return f"{self.total:064x}"


def tables(db: Connection) -> list[Table]:
    """Every table with data in it, by name."""
    found = MetaData()
    found.reflect(db)
    return sorted((one for one in found.tables.values() if one.name not in NOT_DATA), key=lambda one: one.name)


def counts(db: Connection) -> dict[str, int]:
    """How many rows each table has; tables without rows are left out."""
    numbers = {one.name: db.execute(select(func.count()).select_from(one)).scalar_one() for one in tables(db)}
    return {name: number for name, number in numbers.items() if number}


def clear(db: Connection) -> None:
    """Every table goes, whoever made it."""
    found = MetaData()
    found.reflect(db)
    found.drop_all(db)


def pages(db: Connection, table: Table, after: Values | None = None) -> Iterator[list[Values]]:
    """The rows in the order of their key, a page at a time; `after` is the key of the last row that is known."""
    key = key_of(table)
    places = [list(table.columns).index(column) for column in key]
    while True:
        query = select(table).order_by(*key).limit(PAGE)
        if after is not None:
            query = query.where(_beyond(key, after))
        rows = [[encoded(value) for value in row] for row in db.execute(query)]
        if rows:
            yield rows
        if len(rows) < PAGE:
            return
        after = [rows[-1][place] for place in places]


def key_of(table: Table) -> list[Column[Any]]:
    return list(table.primary_key.columns) or list(table.columns)


def last_key(table: Table, names: Sequence[str], rows: Sequence[Values]) -> Values:
    return [rows[-1][names.index(column.name)] for column in key_of(table)]


def _beyond(key: Sequence[Column[Any]], after: Values) -> Any:
    values = [literal(_decoded(column, value), column.type) for column, value in zip(key, after, strict=True)]
    return key[0] > values[0] if len(key) == 1 else tuple_(*key) > tuple_(*values)


def put(db: Connection, table: Table, names: Sequence[str], rows: Sequence[Values]) -> None:
    """Insert encoded rows; `names` are the columns of the values."""
    if rows:
        columns = [table.columns[name] for name in names]
        told = [
            {column.name: _decoded(column, value) for column, value in zip(columns, row, strict=True)} for row in rows
        ]
        db.execute(table.insert(), told)


def tally(db: Connection, table: Table) -> Tally:
    found = Tally()
    for page in pages(db, table):
        found.add(table, page)
    return found


def set_sequences(db: Connection) -> None:
    """PostgreSQL counts on from the highest number that was copied; SQLite does so by itself."""
    if db.dialect.name != "postgresql":
        return
    for table in tables(db):
        for column in table.primary_key.columns:
            quoted = db.dialect.identifier_preparer.quote
            name = db.scalar(text("SELECT pg_get_serial_sequence(:t, :c)"), {"t": quoted(table.name), "c": column.name})
            highest = db.execute(select(func.max(column))).scalar_one() if name else None
            if highest is not None:
                db.execute(text("SELECT setval(CAST(:name AS regclass), :highest)"), {"name": name, "highest": highest})


def encoded(value: Any) -> Any:
    """As JSON holds it: dates by ISO, bytes by base64; moments are whole milliseconds in the tables already."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return value


def _decoded(column: Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(column.type, Date):
        return date.fromisoformat(value)
    if isinstance(column.type, LargeBinary):
        return b64decode(value)
    return value

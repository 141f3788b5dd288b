"""The store: one protocol, `write` returns after the commit, `read` sees committed rows only.

Work is a plain function of one open connection. It runs in a transaction of its own or shares one with
its neighbours; when it raises, nothing of it stays. It never waits for anything but the database.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

Result = TypeVar("Result")
Work = Callable[[Connection], Result]
Insert = sqlite.Insert | postgresql.Insert


class StoreError(Exception):
    """The database did not take it; the message is a Chinese sentence. Nothing of the work was kept."""


class StoreBusy(StoreError):
    """Another process holds the file."""


class Store(Protocol):
    async def open(self) -> None: ...
    async def write(self, work: Work[Result]) -> Result: ...
    async def read(self, work: Work[Result]) -> Result: ...
    async def close(self) -> None: ...


def table(model: type[SQLModel]) -> Any:
    """The Core table of a model: rows on the hot path are tuples, not objects."""
    return model.__table__  # type: ignore[attr-defined]


def insert(db: Connection, model: type[SQLModel]) -> Any:
    """An INSERT in the dialect of this connection, with `on_conflict_do_nothing` and `…_do_update`."""
    make = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
    return make(table(model))

"""A database to test with, on either engine, and ways to look into it without a store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine, inspect
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from storage.database import Store
from storage.postgresql import PostgresStore
from storage.sqlite import SqliteStore

Result = TypeVar("Result")


class Place:
    """An SQLite file, or, with a URL, a PostgreSQL database."""

    def __init__(self, path: Path, url: str = "") -> None:
        self.path = path
        self.url = url

    def store(self) -> Store:
        return PostgresStore(self.url) if self.url else SqliteStore(self.path)

    async def opened(self) -> None:
        """Let a program start and stop."""
        store = self.store()
        try:
            await store.open()
        finally:
            await store.close()

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        """In one transaction, past the store, whatever the schema is."""
        if not self.url:
            with create_engine(f"sqlite:///{self.path}", poolclass=NullPool).begin() as db:
                return work(db)
        async with create_async_engine(self.url, poolclass=NullPool).begin() as db:
            return await db.run_sync(work)


def clear(db: Connection) -> None:
    """Drop every table there is, whoever made it."""
    quoted = db.dialect.identifier_preparer.quote
    for name in inspect(db).get_table_names():
        db.exec_driver_sql(f"DROP TABLE {quoted(name)}")


def described(db: Connection) -> dict[str, dict[str, Any]]:
    """Everything the engine knows of every table but `alembic_version`; the order of columns does not count."""
    inspector = inspect(db)
    return {
        name: {
            "columns": {one["name"]: {**one, "type": str(one["type"])} for one in inspector.get_columns(name)},
            "key": inspector.get_pk_constraint(name),
            "unique": sorted(inspector.get_unique_constraints(name), key=str),
            "indexes": sorted(inspector.get_indexes(name), key=str),
            "foreign": inspector.get_foreign_keys(name),
            "checks": inspector.get_check_constraints(name),
        }
        for name in inspector.get_table_names()
        if name != "alembic_version"
    }

"""The store at scale: PostgreSQL through asyncpg; the same plain functions, run over the async connection."""

from __future__ import annotations

import asyncio

from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from storage.database import Result, StoreError, Work
from storage.migrate import upgrade

# One number, so that two processes that start at once upgrade once.
SCHEMA_LOCK = 7_216_001


class PostgresStore:
    def __init__(self, url: str, pool_size: int = 8) -> None:
        self._engine = create_async_engine(url, pool_size=pool_size, pool_pre_ping=True)
        # One writer at a time in this process: handlers read, decide and write in one piece.
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        try:
            async with self._engine.begin() as db:
                await db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})")
                await db.run_sync(upgrade)
        except (DBAPIError, OSError) as error:
            raise _explained(error) from error

    async def write(self, work: Work[Result]) -> Result:
        return await asyncio.shield(self._write(work))

    async def _write(self, work: Work[Result]) -> Result:
        try:
            async with self._turn, self._engine.begin() as db:
                return await db.run_sync(work)
        except (InterfaceError, DBAPIError, OSError) as error:
            raise _explained(error) from error

    async def read(self, work: Work[Result]) -> Result:
        try:
            async with self._engine.connect() as db:
                return await db.run_sync(work)
        except (InterfaceError, DBAPIError, OSError) as error:
            raise _explained(error) from error

    async def study(self, work: Work[Result]) -> Result:
        return await asyncio.to_thread(asyncio.run, self._study(work))

    async def _study(self, work: Work[Result]) -> Result:
        """In a thread with a loop and a connection of its own; a repeatable read sees one state of the database."""
        engine = create_async_engine(self._engine.url, poolclass=NullPool, isolation_level="REPEATABLE READ")
        try:
            async with engine.connect() as db:
                return await db.run_sync(work)
        except (InterfaceError, DBAPIError, OSError) as error:
            raise _explained(error) from error
        finally:
            await engine.dispose()

    async def close(self) -> None:
        await self._engine.dispose()


def _explained(error: Exception) -> StoreError:
    reason = str(getattr(error, "orig", error)).splitlines()[0]
    return StoreError(f"PostgreSQL 没有接受：{reason}。请检查 database 设置和数据库服务后重试。")

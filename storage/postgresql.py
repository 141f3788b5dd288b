"""The store at scale: PostgreSQL through asyncpg; the same plain functions, run over the async connection.

Writes are serializable: what two processes decide at once is as if one had decided after the other. Whoever loses
such a race is run again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from storage.database import Result, StoreError, Work, is_outage, state_of
from storage.locks import Keys, Locks, number
from storage.migrate import upgrade

# One number, so that two processes that start at once upgrade once.
SCHEMA_LOCK = 7_216_001
# serialization_failure, deadlock_detected
CONFLICTS = ("40001", "40P01")
WRITERS = 4
MOST_RUNS = 40
FIRST_PAUSE, LONGEST_PAUSE = 0.002, 0.25
# A statement that takes longer than that has lost its server; in seconds.
PATIENCE = 300
FAILURES = (InterfaceError, DBAPIError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
KEYS = number("key")


class PostgresStore:
    def __init__(self, url: str, pool_size: int = 8) -> None:
        self._engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            isolation_level="SERIALIZABLE",
            connect_args={"command_timeout": PATIENCE, "server_settings": {"application_name": "qingqun"}},
        )
        # A reader never makes a writer begin anew.
        self._reading = self._engine.execution_options(isolation_level="READ COMMITTED")
        self._locks = Locks(url)
        # So many writers at a time in this process, each of another key.
        self._turn = asyncio.Semaphore(WRITERS)
        self._keys = Keys()

    async def open(self) -> None:
        try:
            # Read committed: whoever waited for the lock sees what its holder has made.
            async with self._reading.begin() as db:
                await db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})")
                await db.run_sync(upgrade)
        except FAILURES as error:
            raise explained(error) from error

    async def write(self, work: Work[Result], key: str = "") -> Result:
        return await asyncio.shield(self._write(work, key))

    async def _write(self, work: Work[Result], key: str) -> Result:
        async with self._keys.turn(key):
            for run in range(MOST_RUNS):
                try:
                    async with self._turn, self._engine.connect() as db, _alone(db, key), db.begin():
                        return await db.run_sync(work)
                except FAILURES as error:
                    if _is_own_fault(error):
                        raise
                    if not _is_conflict(error):
                        raise explained(error) from error
                await asyncio.sleep(random.random() * min(FIRST_PAUSE * 2**run, LONGEST_PAUSE))
        raise StoreError("数据库太忙，写入一直与其他进程冲突，这次没有写入。请稍后再试。")

    async def read(self, work: Work[Result]) -> Result:
        try:
            async with self._reading.connect() as db:
                return await db.run_sync(work)
        except FAILURES as error:
            raise explained(error) from error

    async def snapshot(self, work: Work[Result]) -> Result:
        frozen = self._engine.execution_options(isolation_level="REPEATABLE READ")
        try:
            async with frozen.connect() as db:
                await db.exec_driver_sql("SET TRANSACTION READ ONLY")
                return await db.run_sync(work)
        except FAILURES as error:
            raise explained(error) from error

    async def hold(self, group: str, names: Collection[str]) -> frozenset[str]:
        try:
            return await self._locks.hold(group, names)
        except FAILURES as error:
            raise explained(error) from error

    async def holders(self, group: str) -> int:
        try:
            return await self._locks.holders(group)
        except FAILURES as error:
            raise explained(error) from error

    async def close(self) -> None:
        await self._locks.close()
        await self._engine.dispose()


@asynccontextmanager
async def _alone(db: AsyncConnection, key: str) -> AsyncIterator[None]:
    """Before the transaction begins, so that it sees what the one before it has made."""
    if not key:
        yield
        return
    session = (await db.get_raw_connection()).driver_connection
    assert session is not None
    await session.execute("SELECT pg_advisory_lock($1, $2)", KEYS, number(key))
    try:
        yield
    finally:
        try:
            await session.execute("SELECT pg_advisory_unlock($1, $2)", KEYS, number(key))
        except BaseException:
            # The session must not go back to the pool with the lock.
            await db.invalidate()
            raise


def _is_own_fault(error: Exception) -> bool:
    """True for what the work asked and nobody could answer: coming again is useless."""
    return isinstance(error, DBAPIError) and not error.connection_invalidated and not is_outage(error)


def _is_conflict(error: Exception) -> bool:
    return isinstance(error, DBAPIError) and state_of(error) in CONFLICTS


def explained(error: Exception) -> StoreError:
    return StoreError(f"PostgreSQL 没有接受：{reason_of(error)}。请检查 database 设置和数据库服务后重试。")


def reason_of(error: Exception) -> str:
    return (str(getattr(error, "orig", error)) or type(error).__name__).splitlines()[0]

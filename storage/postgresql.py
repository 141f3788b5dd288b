"""The store at scale: PostgreSQL through asyncpg; the same plain functions, run over the async connection.

Writes are serializable: what two processes decide at once is as if one had decided after the other. Whoever loses
such a race is run again. What waits for the same key is committed together, as in the embedded store: a stampede on one
notice costs as many commits as the server can do, not one per person.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Collection, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from storage.database import Result, StoreError, Work, is_outage, state_of
from storage.locks import Locks, number
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
BATCH = 256


@dataclass(slots=True)
class Job:
    work: Work[Any]
    future: asyncio.Future[Any]


class PostgresStore:
    def __init__(self, url: str, pool_size: int = 8) -> None:
        self._engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            isolation_level="SERIALIZABLE",
            # A failed statement is told without what people wrote.
            hide_parameters=True,
            connect_args={"command_timeout": PATIENCE, "server_settings": {"application_name": "qingqun"}},
        )
        # A reader never makes a writer begin anew.
        self._reading = self._engine.execution_options(isolation_level="READ COMMITTED")
        self._locks = Locks(url)
        # So many writers at a time in this process, each of another key.
        self._turn = asyncio.Semaphore(WRITERS)
        self._lines: dict[str, deque[Job]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        try:
            # Read committed: whoever waited for the lock sees what its holder has made.
            async with self._reading.begin() as db:
                await db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})")
                await db.run_sync(upgrade)
        except FAILURES as error:
            raise explained(error) from error

    async def write(self, work: Work[Result], key: str = "") -> Result:
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        job = Job(work, future)
        if not key:
            self._start(self._do([job], key))
        elif key in self._lines:
            self._lines[key].append(job)
        else:
            self._lines[key] = deque([job])
            self._start(self._follow(key))
        # A caller that goes away does not take back what is under way.
        return await asyncio.shield(future)

    def _start(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(doing, name="write")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, key: str) -> None:
        """Everything that waits for this key, one transaction after the other; the line ends when nobody waits."""
        line = self._lines[key]
        try:
            while line:
                await self._do([line.popleft() for _ in range(min(len(line), BATCH))], key)
        finally:
            del self._lines[key]

    async def _do(self, jobs: Sequence[Job], key: str) -> None:
        try:
            results = await self._together([job.work for job in jobs], key)
        except Exception as error:
            if len(jobs) > 1 and not isinstance(error, StoreError):
                # Nothing of the batch stayed. One by one, so that only the culprit hears of it.
                for job in jobs:
                    await self._do([job], key)
                return
            for job in jobs:
                if not job.future.done():
                    job.future.set_exception(error)
        else:
            for job, result in zip(jobs, results, strict=True):
                if not job.future.done():
                    job.future.set_result(result)

    async def _together(self, works: Sequence[Work[Any]], key: str) -> list[Any]:
        """StoreError when the server failed, so that whether it stayed is not known; what a work raised otherwise."""
        for run in range(MOST_RUNS):
            try:
                async with self._turn, self._engine.connect() as db, _alone(db, key), db.begin():
                    return await db.run_sync(lambda one: [work(one) for work in works])
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
        """The same as `study`: the server keeps the old rows of a long transaction, nothing has to be copied."""
        return await self.study(work)

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

    async def study(self, work: Work[Result]) -> Result:
        return await asyncio.to_thread(asyncio.run, self._study(work))

    async def _study(self, work: Work[Result]) -> Result:
        """In a thread with a loop and a connection of its own; a repeatable read sees one state of the database."""
        engine = create_async_engine(self._engine.url, poolclass=NullPool, hide_parameters=True, isolation_level="REPEATABLE READ")
        try:
            async with engine.connect() as db:
                await db.exec_driver_sql("SET TRANSACTION READ ONLY")
                return await db.run_sync(work)
        except FAILURES as error:
            raise explained(error) from error
        finally:
            await engine.dispose()

    async def close(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks)
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

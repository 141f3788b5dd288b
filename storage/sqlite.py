"""The embedded store: one SQLite file, one writer thread, group commit.

All that is waiting is committed with one fsync (WAL, synchronous=FULL): a `write` that has returned survives
a kill -9 or a power cut, and a stampede costs as many commits as the disk can do, not one per person.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import NullPool, QueuePool

from storage.database import Result, StoreBusy, StoreError, Work
from storage.migrate import upgrade

BATCH = 512
READERS = 4
BUSY_MS = 10_000
JOURNAL = 64_000_000
# As SQLite says it of a file that is not whole.
DAMAGED = ("malformed", "not a database")


@dataclass(slots=True)
class Job:
    work: Work[Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class SqliteStore:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = _engine(path)
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="read")

    async def open(self) -> None:
        """Make the file, or bring it to the newest schema; safe to repeat."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.get_running_loop().run_in_executor(self._readers, self._create)
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def _create(self) -> None:
        try:
            with self._engine.begin() as db:
                upgrade(db)
        except DatabaseError as error:
            if not _is_the_files(error):
                raise
            raise _explained(error) from error

    async def write(self, work: Work[Result], key: str = "") -> Result:
        """All works take turns here, whatever their key."""
        if self._closed:
            # A study may outlast the store that it writes to.
            raise StoreError("数据库已经关闭，数据没有写入。请重新启动后再试。")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._jobs.put(Job(work, loop, future))
        # A caller that goes away does not take back what is under way.
        return await asyncio.shield(future)

    async def read(self, work: Work[Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def study(self, work: Work[Result]) -> Result:
        """In a thread of its own: the readers go on answering. A transaction sees one state of the file."""
        return await asyncio.to_thread(self._read, work)

    def _read(self, work: Work[Result]) -> Result:
        try:
            with self._engine.connect().execution_options(reads_only=True) as db:
                return work(db)
        except DatabaseError as error:
            if not _is_the_files(error):
                raise
            raise _explained(error) from error

    async def snapshot(self, work: Work[Result]) -> Result:
        return await asyncio.to_thread(self._snapshot, work)

    def _snapshot(self, work: Work[Result]) -> Result:
        """Of a copy by SQLite's own backup, so that a long reading does not make the log grow."""
        with TemporaryDirectory(dir=self.path.parent, prefix="snapshot-") as folder:
            copy = Path(folder) / self.path.name
            try:
                copy_file(self.path, copy)
                with create_engine(f"sqlite:///{copy}", poolclass=NullPool, hide_parameters=True).connect() as db:
                    return work(db)
            except (OperationalError, sqlite3.Error) as error:
                raise _explained(error) from error

    async def hold(self, group: str, names: Collection[str]) -> frozenset[str]:
        """The file has one owner (the lock of the data directory), so everything is held."""
        return frozenset(names)

    async def holders(self, group: str) -> int:
        return 1

    async def close(self) -> None:
        self._closed = True
        if self._thread is not None:
            self._jobs.put(None)
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
            self._thread = None
        self._readers.shutdown()
        self._engine.dispose()

    def _run(self) -> None:
        while (first := self._jobs.get()) is not None:
            jobs, more = [first], True
            while more and len(jobs) < BATCH:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    more = False
                else:
                    jobs.append(job)
            self._commit(jobs)
            if not more:
                return

    def _commit(self, jobs: list[Job]) -> None:
        try:
            self._together(jobs)
        except BaseException as error:  # whoever waits must hear of it
            if isinstance(error, DatabaseError) and _is_the_files(error):
                for job in jobs:
                    job.error = _explained(error)
            elif len(jobs) == 1:
                jobs[0].error = error
            else:
                # Nothing of the batch stayed. One by one, so that only the culprit hears of it.
                for job in jobs:
                    self._commit([job])
                return
        for loop in {job.loop for job in jobs}:
            _settle(loop, [job for job in jobs if job.loop is loop])

    def _together(self, jobs: list[Job]) -> None:
        """All in one transaction; a savepoint for each would cost as much as what a message writes."""
        with self._engine.begin() as db:
            for job in jobs:
                job.result = job.work(db)


def _settle(loop: asyncio.AbstractEventLoop, jobs: list[Job]) -> None:
    def settle() -> None:
        for job in jobs:
            if job.future.done():
                continue
            if job.error is not None:
                job.future.set_exception(job.error)
            else:
                job.future.set_result(job.result)

    if not loop.is_closed():
        loop.call_soon_threadsafe(settle)


def copy_file(source: Path, target: Path) -> None:
    """A database in use, whole, as it is at this moment (SQLite's online backup)."""
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as write:
        read.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        read.backup(write, pages=-1)


def _engine(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        pool_size=READERS + 4,
        # A failed statement is told without what people wrote.
        hide_parameters=True,
        connect_args={"check_same_thread": False, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        _write_ahead(cursor)
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA cache_size=-32000")
        # What a long study beside many writes has let grow is given back.
        cursor.execute(f"PRAGMA journal_size_limit={JOURNAL}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begun(db: Connection) -> None:
        reads_only = db.get_execution_options().get("reads_only")
        db.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")

    return engine


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Two that open a new file in one moment are in each other's way here, and SQLite does not wait for that by itself."""
    until = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.02)


def _is_the_files(error: DatabaseError) -> bool:
    """True when the file failed, not what was asked of it."""
    return isinstance(error, OperationalError) or any(word in str(error.orig) for word in DAMAGED)


def _explained(error: DatabaseError | sqlite3.Error) -> StoreError:
    reason = str(getattr(error, "orig", error))
    if any(word in reason for word in DAMAGED):
        return StoreError(
            f"数据库文件已损坏（{reason}）。请停掉轻群，把数据目录另存一份，再用最近的备份恢复：qingqun restore FILE.zip --force。"
        )
    if "locked" in reason or "busy" in reason:
        return StoreBusy("数据库文件正被另一个进程占用，请等它结束后再试。")
    if "full" in reason:
        return StoreError("磁盘已满，数据没有写入。请清理磁盘后重试。")
    if "unable to open" in reason or "readonly" in reason:
        return StoreError("数据库文件打不开或不可写，请检查数据目录的路径和权限。")
    return StoreError(f"数据库出错，数据没有写入：{reason}。请运行 qingqun doctor 查看。")

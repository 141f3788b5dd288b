"""The playground's own SQLite file: who there is, who is in which group, what was said."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")

SCHEMA = """
create table if not exists people (
    id text primary key, name text not null, unit text not null default '', role text not null default '',
    post text not null default ''
);
create table if not exists groups (
    id text primary key, name text not null, unit text not null default '', purpose text not null default '',
    kind text not null default '', created text not null default '', ends text not null default '',
    owner text, dissolved_at integer, heard integer not null default 1
);
create table if not exists members (
    grp text not null, person text not null, role text not null default '', primary key (grp, person)
);
create index if not exists members_person on members (person);
create table if not exists messages (
    id integer primary key autoincrement, room text not null, sender text not null, kind text not null,
    text text not null default '', quotes integer, at integer not null, heard integer not null default 1,
    said_as text unique, card text not null default '', version integer not null default 0, recalled_at integer
);
create index if not exists messages_room on messages (room, id);
create index if not exists messages_unheard on messages (heard) where heard = 0;
create table if not exists files (message integer primary key, name text not null, content blob not null);
create table if not exists seen (
    person text not null, room text not null, message integer not null, primary key (person, room)
);
create table if not exists invitations (
    digest text primary key, person text not null, expires_at integer not null, used_at integer
);
"""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def millis(at: datetime) -> int:
    return (at - EPOCH) // timedelta(milliseconds=1)


def instant(value: int) -> datetime:
    return EPOCH + timedelta(milliseconds=value)


class Book:
    """One connection on one thread: every piece of work is a transaction of its own, in the order of asking."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="playground")
        self._db: sqlite3.Connection | None = None

    async def __call__(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Returns after the commit; when the work raises, nothing of it stays."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    def _run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        db = self._db = self._db or _connect(self._path)
        db.execute("begin immediate")
        try:
            result = work(db)
        except BaseException:
            db.execute("rollback")
            raise
        db.execute("commit")
        return result

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    db.execute("pragma busy_timeout=10000")
    db.execute("pragma journal_mode=wal")
    db.execute("pragma synchronous=full")
    db.executescript(SCHEMA)
    return db

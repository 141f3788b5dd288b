"""From an SQLite file to an empty PostgreSQL database: by pages, taken up where it was broken off, compared at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, Text, create_engine, delete, inspect, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from storage import copying
from storage.copying import Tally, Values
from storage.database import Result, StoreError, Work
from storage.locks import Locks
from storage.migrate import PROGRESS, known, revision, upgrade
from storage.postgresql import explained, reason_of

DONE = Table(PROGRESS, MetaData(), Column("name", String, primary_key=True), Column("state", Text, nullable=False))
# The row of the whole; the others are named after tables.
WHOLE = ""

Told = Callable[[str, Tally, bool], None]


class TransferRefused(StoreError):
    """Nothing was copied; the message says what to do."""


class Transfer:
    """`told` hears of each table when it is compared: its name, its tally at the source, whether the target has the same."""

    def __init__(self, source: Path, target: str, told: Told) -> None:
        self._source, self._target, self._told = source, target, told
        self._engine: AsyncEngine = create_async_engine(target, poolclass=NullPool, hide_parameters=True)

    async def run(self) -> list[str]:
        """Copy what is missing and compare everything; gives the names of the tables that differ (none, if all is well)."""
        locks = Locks(self._target)
        try:
            if await locks.holders("process"):
                raise TransferRefused("目标数据库正由运行中的轻群使用，请先全部停掉再迁移。")
            if not await locks.hold("transfer", {"transfer"}):
                raise TransferRefused("另一个 qingqun migrate 正在写这个数据库，请等它结束。")
            with _reading(self._source) as source:
                return await self._transfer(source)
        except (DBAPIError, OSError) as error:
            raise explained(error) from error
        finally:
            await locks.close()
            await self._engine.dispose()

    async def _transfer(self, source: Connection) -> list[str]:
        schema = revision(source)
        if schema is None or not known(schema):
            raise TransferRefused("源文件的结构版本太旧或太新：请先用本版本的 qingqun doctor 打开一次，再迁移。")
        whole = json.dumps({"source": str(self._source.resolve()), "schema": schema}, ensure_ascii=False)
        await self._do(lambda db: _prepare(db, schema, whole))
        targets = {one.name: one for one in await self._do(copying.tables)}
        tables = copying.tables(source)
        if strange := [one.name for one in tables if one.name not in targets]:
            raise TransferRefused(f"源文件里有不认识的表 {'、'.join(strange)}，没有迁移。请先处理掉这些表。")
        different = []
        for table in tables:
            if not await self._table(source, table, targets[table.name]):
                different.append(table.name)
        if not different:
            await self._do(_finish)
        return different

    async def _table(self, source: Connection, table: Table, target: Table) -> bool:
        """Copied and compared; what was changed at the source since a broken-off run is copied once more."""
        wanted = copying.tally(source, table)
        for again in (False, True):
            await self._copy(source, table, target, anew=again)
            found = await self._do(lambda db: copying.tally(db, target))
            if (found.rows, found.checksum) == (wanted.rows, wanted.checksum):
                self._told(table.name, wanted, True)
                return True
        self._told(table.name, wanted, False)
        return False

    async def _copy(self, source: Connection, table: Table, target: Table, anew: bool) -> None:
        if anew:
            await self._do(lambda db: _forget(db, target))
        after = await self._do(lambda db: _last(db, table.name))
        for page in copying.pages(source, table, after):
            await self._do(partial(_take, names=[one.name for one in table.columns], table=target, page=page))

    async def _do(self, work: Work[Result]) -> Result:
        async with self._engine.begin() as db:
            return await db.run_sync(work)


@contextmanager
def _reading(path: Path) -> Iterator[Connection]:
    """The file as it is at this moment."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, hide_parameters=True)
    try:
        with engine.connect() as db:
            db.exec_driver_sql("BEGIN")
            yield db
    finally:
        engine.dispose()


def _prepare(db: Connection, schema: str, whole: str) -> None:
    """An empty database gets the source's schema; a half-done run of the same source goes on; all else is refused."""
    if inspect(db).has_table(PROGRESS):
        begun = _noted(db, WHOLE)
        if begun != whole:
            before = json.loads(begun or "{}").get("source", "")
            raise TransferRefused(
                f"目标数据库里有另一次没做完的迁移（来自 {before}）。请接着做完那一次，或换一个空的数据库。"
            )
        return
    if there := copying.counts(db):
        listed = "，".join(f"{name} {number} 行" for name, number in there.items())
        raise TransferRefused(f"目标数据库不是空的（{listed}）。迁移只写入空数据库：请换一个，或先清空它。")
    copying.clear(db)
    upgrade(db, schema)
    DONE.create(db)
    _note(db, WHOLE, whole)


def _noted(db: Connection, name: str) -> str | None:
    found: str | None = db.scalar(select(DONE.c.state).where(DONE.c.name == name))
    return found


def _note(db: Connection, name: str, state: str) -> None:
    statement = postgresql.insert(DONE).values(name=name, state=state)
    db.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"state": state}))


def _last(db: Connection, name: str) -> Values | None:
    state = _noted(db, name)
    return list(json.loads(state)) if state else None


def _forget(db: Connection, table: Table) -> None:
    db.execute(delete(table))
    db.execute(delete(DONE).where(DONE.c.name == table.name))


def _take(db: Connection, table: Table, names: list[str], page: list[Values]) -> None:
    """The rows and how far we are, in one transaction."""
    try:
        copying.put(db, table, names, page)
    except DBAPIError as error:
        first = json.dumps(copying.last_key(table, names, page[:1]), ensure_ascii=False)
        raise StoreError(f"表 {table.name} 从 {first} 起的一页写不进目标数据库：{reason_of(error)}。") from error
    _note(db, table.name, json.dumps(copying.last_key(table, names, page), ensure_ascii=False))


def _finish(db: Connection) -> None:
    copying.set_sequences(db)
    DONE.drop(db)
    upgrade(db)

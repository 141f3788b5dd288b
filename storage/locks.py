"""Who may act alone: advisory locks of one PostgreSQL session, free again in the moment in which its process dies.

A session is needed for as long as the process lives: a pooler between must not share it (pgbouncer: session mode).
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

PATIENCE = 5.0
# The server notices within seconds that the machine at the other end is gone.
ALIVE = {"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3"}
COUNT = text(
    "SELECT count(DISTINCT objid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2"
    " AND classid = CAST(:group AS bigint)::oid AND database = (SELECT oid FROM pg_database"
    " WHERE datname = current_database())"
)


class Locks:
    def __init__(self, url: str) -> None:
        settings = {"application_name": "qingqun-locks", **ALIVE}
        self._engine = create_async_engine(
            url,
            poolclass=NullPool,
            hide_parameters=True,
            isolation_level="AUTOCOMMIT",
            connect_args={"timeout": PATIENCE, "command_timeout": PATIENCE, "server_settings": settings},
        )
        self._db: AsyncConnection | None = None
        self._held: dict[str, set[str]] = {}
        self._turn = asyncio.Lock()

    async def hold(self, group: str, names: Collection[str]) -> frozenset[str]:
        """After a lost session nothing is held any more; what is asked for is asked for anew."""
        async with self._turn:
            try:
                return await self._hold(await self._session(), group, names)
            except (DBAPIError, OSError):
                await self._drop()
                raise

    async def _hold(self, db: AsyncConnection, group: str, names: Collection[str]) -> frozenset[str]:
        held = self._held.setdefault(group, set())
        for name in held - set(names):
            await db.execute(text("SELECT pg_advisory_unlock(:group, :name)"), _both(group, name))
            held.discard(name)
        for name in sorted(set(names) - held):
            got = await db.execute(text("SELECT pg_try_advisory_lock(:group, :name)"), _both(group, name))
            if got.scalar_one():
                held.add(name)
        if names and held == set(names):
            # Nothing was asked of the server, perhaps: it must still know us.
            await db.execute(text("SELECT 1"))
        return frozenset(held)

    async def holders(self, group: str) -> int:
        async with self._turn:
            try:
                found = await (await self._session()).execute(COUNT, {"group": number(group)})
                return int(found.scalar_one())
            except (DBAPIError, OSError):
                await self._drop()
                raise

    async def close(self) -> None:
        async with self._turn:
            await self._drop()
            await self._engine.dispose()

    async def _session(self) -> AsyncConnection:
        if self._db is None:
            self._db = await self._engine.connect()
        return self._db

    async def _drop(self) -> None:
        self._held.clear()
        if self._db is not None:
            db, self._db = self._db, None
            try:
                async with asyncio.timeout(PATIENCE):
                    await db.close()
            except (DBAPIError, OSError):
                await db.invalidate()


def number(name: str) -> int:
    """A PostgreSQL integer is signed."""
    return zlib.crc32(name.encode()) & 0x7FFF_FFFF


def _both(group: str, name: str) -> dict[str, int]:
    return {"group": number(group), "name": number(name)}

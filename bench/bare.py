"""The limit beside the acknowledge page: a bare Starlette route that inserts one row and answers after the commit.

`each`: one row, one commit a request. SQLite: in the event loop, on one connection with the pragmas of our store (nothing
is quicker there, and every request waits for its own fsync). PostgreSQL: through a pool of as many connections as ours.
`grouped`: one row through our own store, so with its group commit; SQLite only.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

TABLE = "CREATE TABLE IF NOT EXISTS bare (notice TEXT, person TEXT, at BIGINT, PRIMARY KEY (notice, person))"
SQLITE_INSERT = "INSERT INTO bare VALUES (?, ?, ?)"
CONNECTIONS = 8
Insert = Callable[[str, str, int], Awaitable[object]]


def durable(path: Path) -> sqlite3.Connection:
    """As our store opens its file; every statement is a transaction of its own."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-32000"):
        db.execute(f"PRAGMA {pragma}")
    db.execute(TABLE)
    return db


@asynccontextmanager
async def sqlite_each(folder: Path, _: str) -> AsyncIterator[Insert]:
    db = durable(folder / "bare.db")

    async def insert(*row: object) -> object:
        return db.execute(SQLITE_INSERT, row)

    yield insert
    db.close()


@asynccontextmanager
async def sqlite_grouped(folder: Path, _: str) -> AsyncIterator[Insert]:
    from storage.sqlite import SqliteStore

    store = SqliteStore(folder / "grouped.db")
    await store.open()
    await store.write(lambda db: db.exec_driver_sql(TABLE))
    yield lambda *row: store.write(lambda db: db.exec_driver_sql(SQLITE_INSERT, row).rowcount)
    await store.close()


@asynccontextmanager
async def postgresql_each(_: Path, database: str) -> AsyncIterator[Insert]:
    import asyncpg

    address = database.replace("+asyncpg", "")
    async with asyncpg.create_pool(address, min_size=CONNECTIONS, max_size=CONNECTIONS) as pool:
        await pool.execute(TABLE)
        yield lambda *row: pool.execute("INSERT INTO bare VALUES ($1, $2, $3)", *row)


def application(folder: Path, database: str, how: str) -> Starlette:
    inserts = {"each": sqlite_each if database == "sqlite" else postgresql_each, "grouped": sqlite_grouped}
    doing: list[Insert] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with inserts[how](folder, database) as insert:
            doing.append(insert)
            yield

    async def tap(request: Request) -> Response:
        at = int(datetime.now(UTC).timestamp() * 1000)
        await doing[0](request.path_params["notice"], request.path_params["person"], at)
        return Response(status_code=303, headers={"location": "/"})

    return Starlette(routes=[Route("/n/{notice}/{person}", tap, methods=["POST"])], lifespan=lifespan)


class Server(uvicorn.Server):
    async def startup(self, sockets: object = None) -> None:
        await super().startup(sockets)  # type: ignore[arg-type]
        port = self.servers[0].sockets[0].getsockname()[1]
        print(f"http://127.0.0.1:{port}/", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default="sqlite")
    parser.add_argument("--how", choices=("each", "grouped"), default="each")
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    app = application(given.folder, given.database, given.how)
    # As `qingqun run` has its server, with uvicorn's own choice of loop.
    Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, server_header=False)).run()


if __name__ == "__main__":
    main()

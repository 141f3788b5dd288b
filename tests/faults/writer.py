"""A process that commits until it is killed: one line for each commit that was answered, and how long the log was then.

`python -m tests.faults.writer FILE FIRST COUNT`
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from storage import clockwork
from storage.sqlite import SqliteStore

EPOCH = datetime(2026, 11, 16, tzinfo=UTC)
AT_ONCE = 8


def both(db: Connection, number: int) -> None:
    """Two rows that stand together or not at all, and some weight."""
    at = EPOCH + timedelta(seconds=number)
    clockwork.claim(db, f"torn:{number}", at)
    clockwork.note_trouble(db, f"torn:{number}", "x" * 200, "y" * 400, at)


async def main(path: Path, first: int, count: int) -> None:
    store, log = SqliteStore(path), path.with_name(path.name + "-wal")
    await store.open()

    async def write(start: int) -> None:
        for number in range(first + start, first + count, AT_ONCE):
            await store.write(partial(both, number=number))
            os.write(1, f"{number} {log.stat().st_size}\n".encode())

    await asyncio.gather(*(write(start) for start in range(AT_ONCE)))
    await asyncio.sleep(3600)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))

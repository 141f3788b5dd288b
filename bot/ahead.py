"""The week's snapshot taken ahead of its event: read and judged beside the writer, written in pieces between its turns.

Nobody sees the pieces; the event's own transaction makes them the week's snapshot, whole or not at all. Where nothing
was taken ahead (a replay, or this failed), the event takes the snapshot in its transaction, as slow as that may be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import uuid4

from loguru import logger

from config.settings import Settings
from config.wording import Wording
from handlers import snapshot
from storage import inventories
from storage.database import Store, StoreError
from storage.inventories import Dropped, Piece

MOST_RUNS = 3


async def take_ahead(store: Store, settings: Settings, say: Wording, week: str) -> None:
    """A second process that does the same does it in vain, and in nobody's way: the first to be sealed counts."""
    for _ in range(MOST_RUNS):
        if await store.read(lambda db: inventories.is_saved(db, week) or inventories.ready(db, week) is not None):
            return
        try:
            await _take(store, settings, say, week)
        except StoreError:
            raise
        except Dropped:
            # Another was first, or somebody was erased meanwhile; what was written has gone with it.
            continue
        except Exception as error:
            # The event meets the same failure, where it is noted.
            logger.opt(exception=error).error("{} 的清单没有预先算出", week)
            return


async def _take(store: Store, settings: Settings, say: Wording, week: str) -> None:
    taking, loop = f"{week}/{uuid4().hex}", asyncio.get_running_loop()
    await store.write(lambda db: inventories.begin(db, week, taking))

    def keep(pieces: Sequence[Piece]) -> None:
        written = store.write(lambda db: inventories.add(db, taking, pieces))
        asyncio.run_coroutine_threadsafe(written, loop).result()

    await store.study(lambda db: snapshot.take(db, settings, week, say, keep))

"""The week's snapshot taken ahead of its event: read and judged beside the writer, written in pieces between its turns.

Nobody sees the pieces; the event's own transaction makes them the week's snapshot, whole or not at all. Where nothing
was taken ahead (a replay, or this failed), the event takes the snapshot in its transaction, as slow as that may be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import uuid4

from loguru import logger
from sqlalchemy import Connection

from config.settings import Settings
from config.wording import Wording
from handlers import snapshot
from storage import inventories
from storage.database import Store, StoreError
from storage.inventories import Piece, Sealed


async def take_ahead(store: Store, settings: Settings, say: Wording, week: str) -> None:
    """A second process that does the same does it in vain, and in nobody's way: the first to be sealed counts."""
    if await store.read(lambda db: inventories.is_saved(db, week) or inventories.ready(db, week) is not None):
        return
    taking, loop = f"{week}/{uuid4().hex}", asyncio.get_running_loop()

    def keep(pieces: Sequence[Piece]) -> None:
        written = store.write(lambda db: inventories.add(db, week, taking, pieces))
        asyncio.run_coroutine_threadsafe(written, loop).result()

    def take(db: Connection) -> None:
        snapshot.take(db, settings, week, say, keep)

    try:
        await store.study(take)
    except StoreError:
        raise
    except Sealed:
        # Another was first. This one goes no further, and what it had written has gone with the sealing.
        return
    except Exception as error:
        # The event meets the same failure, where it is noted.
        logger.opt(exception=error).error("{} 的清单没有预先算出", week)

"""The bus inside one process: publishing is dispatching, and returns after the commit."""

from __future__ import annotations

from bot.bus import Backlog, BusError, Consume
from handlers.events import Event
from storage.database import StoreError


class MemoryBus:
    def __init__(self) -> None:
        self._consume: Consume | None = None

    async def open(self, consume: Consume) -> None:
        self._consume = consume

    async def publish(self, event: Event) -> None:
        if self._consume is None:
            raise BusError("事件通道还没有打开，请稍后再试。")
        try:
            await self._consume(event)
        except StoreError as error:
            raise BusError(str(error)) from error

    async def backlog(self) -> Backlog:
        """Nothing waits: whoever publishes waits for the commit."""
        return Backlog()

    async def close(self) -> None:
        self._consume = None

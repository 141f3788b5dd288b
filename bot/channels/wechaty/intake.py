"""From the stream to the house: many payloads asked for at once, taken in order, one lane a room, nothing unbounded."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from itertools import islice
from typing import Any

from loguru import logger

from bot.bus import BusError, partition_of
from bot.channels import Hear
from config.logging import told
from handlers.events import Event

WINDOW = 64
WAITING = 2_000
# So many of one room are told at once, in order: the store commits them together.
TOGETHER = 64
AGAIN = (0.05, 0.2, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)

Found = Coroutine[Any, Any, Sequence[Event]]


class Intake:
    """`put` waits when too much is under way, and with it the stream: a slow database makes us late, never full."""

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._finding: asyncio.Queue[asyncio.Task[Sequence[Event]]] = asyncio.Queue(WINDOW)
        self._room = asyncio.Semaphore(WAITING)
        self._lanes: dict[str, deque[Event]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sorter: asyncio.Task[None] | None = None
        self.dropped = 0

    def open(self) -> None:
        self._sorter = asyncio.create_task(self._sort(), name="wechaty-sort")

    async def close(self, patience: float = 5.0) -> None:
        """What has been taken is told; after `patience` seconds the rest is given up."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience)
        ending = [task for task in (self._sorter, *self._tasks) if task is not None]
        while not self._finding.empty():
            ending.append(self._finding.get_nowait())  # type: ignore[arg-type]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def put(self, found: Found) -> None:
        """Begin to find out what happened; it is told after everything that was put before it."""
        await self._finding.put(asyncio.create_task(found))

    async def _sort(self) -> None:
        while True:
            task = await self._finding.get()
            try:
                events = await task
            except Exception as error:  # the message is lost, the stream goes on
                self.dropped += 1
                logger.warning("一个微信事件没有取到（累计 {} 个）：{}", self.dropped, told(error))
                continue
            for event in events:
                await self.tell(event)

    async def tell(self, event: Event) -> None:
        """Into its room's lane."""
        await self._room.acquire()
        name = partition_of(event)
        lane = self._lanes.get(name)
        if lane is not None:
            lane.append(event)
            return
        self._lanes[name] = deque([event])
        task = asyncio.create_task(self._follow(name), name="wechaty-lane")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, name: str) -> None:
        """A lane lives while there is something in it; in order, except that what failed comes after what stood by it."""
        lane = self._lanes[name]
        try:
            while lane:
                some = list(islice(lane, TOGETHER))
                told = await asyncio.gather(*map(self._hear, some), return_exceptions=True)
                for event, result in zip(some, told, strict=True):
                    if isinstance(result, Exception):
                        await self._one(event)
                    lane.popleft()
                    self._room.release()
        finally:
            del self._lanes[name]

    async def _one(self, event: Event) -> None:
        """An outage is waited for, however long: the lane is full then, and the stream waits. Another error is given up."""
        away, pauses = iter(AGAIN), iter(AGAIN)
        while True:
            try:
                await self._hear(event)
                return
            except BusError:
                await asyncio.sleep(next(away, AGAIN[-1]))
            except Exception as error:
                pause = next(pauses, 0.0)
                if not pause:
                    self.dropped += 1
                    logger.error("事件 {} 始终没有处理成功，已放弃：{}", type(event).__name__, told(error))
                    return
                await asyncio.sleep(pause)


async def patiently(
    ask: Callable[[], Awaitable[Any]], is_final: Callable[[Exception], bool], pauses: Sequence[float]
) -> Any:
    """Ask again after each pause; the last error, or a final one, is raised."""
    for pause in pauses:
        try:
            return await ask()
        except Exception as error:
            if is_final(error):
                raise
            await asyncio.sleep(pause)
    return await ask()

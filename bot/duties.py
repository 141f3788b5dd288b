"""What one process at a time may do: hold a channel, lead the timers, follow a partition; looked at every second.

Who holds what is the store's word (storage/locks.py). While the database does not answer, everybody keeps what they
have: hearing twice does no harm, and nothing is decided or said without the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol

from loguru import logger

from bot.bus.jetstream import PARTITIONS, JetStreamBus
from bot.house import House
from bot.timer import Timer
from storage.database import StoreError

INTERVAL = 1.0
AFTER_ERROR = 10.0


class Duty(Protocol):
    async def look(self) -> None:
        """Take up what is ours now, leave what is not."""

    async def close(self) -> None: ...


class Presence:
    """Being there, so that nobody restores the database under a running bot."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> None:
        await self._house.store.hold("process", {self._house.name})

    async def close(self) -> None:
        """The store's end ends it."""


class Channels:
    """Every channel is open in one process; when that dies another one opens it."""

    def __init__(
        self, house: House, wanted: Collection[str], take: Callable[[str], Awaitable[None]],
        leave: Callable[[str], Awaitable[None]],
    ) -> None:  # fmt: skip
        self._house, self._wanted, self._take, self._leave = house, wanted, take, leave

    async def look(self) -> None:
        held = await self._house.store.hold("channel", self._wanted)
        self._house.held["channel"] = held
        for name in sorted(self._house.channels.keys() - held):
            logger.warning("渠道 {} 已由另一个进程接手", name)
            await self._leave(name)
        for name in [one for one in self._wanted if one in held and one not in self._house.channels]:
            await self._take(name)

    async def close(self) -> None:
        for name in reversed(list(self._house.channels)):
            await self._leave(name)


class Leadership:
    """One timer leads."""

    def __init__(self, house: House, timer: Timer) -> None:
        self._house, self._timer, self._leads = house, timer, False

    async def look(self) -> None:
        held = await self._house.store.hold("timer", {"timer"})
        self._house.held["timer"] = held
        if bool(held) == self._leads:
            return
        await (self._timer.open() if held else self._timer.close())
        self._leads = bool(held)

    async def close(self) -> None:
        if self._leads:
            await self._timer.close()


class Partitions:
    """The partitions of the bus, shared evenly among the workers that live; each stays with one of them, so that what
    a worker remembers of a conversation (bot/recent.py) is of use."""

    def __init__(self, house: House, bus: JetStreamBus) -> None:
        self._house, self._bus = house, bus
        self._held: list[int] = []

    async def look(self) -> None:
        store = self._house.store
        await store.hold("worker", {self._house.name})
        share = math.ceil(PARTITIONS / max(1, await store.holders("worker")))
        if len(self._held) > share:
            # First the work ends, then the partition is free.
            self._held = self._held[:share]
            await self._bus.follow(self._held)
        self._held = await self._more(share)
        self._house.held["partition"] = frozenset(map(str, self._held))
        await self._bus.follow(self._held, self._house.dispatch)

    async def _more(self, share: int) -> list[int]:
        """What we have, and of the others as many as are free and ours to take; begun anywhere, so that few collide."""
        held = list(await self._house.store.hold("partition", list(map(str, self._held))))
        others = [number for number in range(PARTITIONS) if str(number) not in held]
        random.shuffle(others)
        while others and len(held) < share:
            asked = [str(others.pop()) for _ in range(min(share - len(held), len(others)))]
            held = list(await self._house.store.hold("partition", [*held, *asked]))
        return sorted(map(int, held))

    async def close(self) -> None:
        await self._bus.follow(())


class Duties:
    def __init__(self, duties: Sequence[Duty]) -> None:
        self._duties = duties
        self._task: asyncio.Task[None] | None = None
        self._away = False

    async def open(self) -> None:
        """What is ours at once is taken up before it returns."""
        for duty in self._duties:
            await self._look(duty)
        self._task = asyncio.create_task(self._run(), name="duties")

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for duty in reversed(self._duties):
            await duty.close()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            for duty in self._duties:
                try:
                    await self._look(duty)
                except Exception as error:
                    logger.opt(exception=error).error("{} 出错，稍后再试", type(duty).__name__)
                    await asyncio.sleep(AFTER_ERROR)

    async def _look(self, duty: Duty) -> None:
        """An outage is said once, and its end once."""
        try:
            await duty.look()
        except StoreError as error:
            if not self._away:
                logger.error("数据库没有应答，分工保持不变：{}", error)
            self._away = True
        else:
            if self._away:
                logger.info("数据库恢复应答")
            self._away = False

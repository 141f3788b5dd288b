"""Who is in which room: read when asked, when something changed, and all anew after a gap."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from loguru import logger

from bot.channels.wechaty.book import Book
from bot.channels.wechaty.faults import GatewayError
from bot.channels.wechaty.supervisor import Intervals
from bot.channels.wechaty.translate import NAME, group_of, key, person_of
from bot.wire import MAX_MEMBERS
from handlers.events import Event, RosterReceived

AT_ONCE = 8
AGAIN = 5.0


class Rosters:
    """One reader; a room that is asked for twice before it was read is read once."""

    def __init__(
        self,
        book: Book,
        members: Callable[[str], Awaitable[list[str]]],
        tell: Callable[[Event], Awaitable[None]],
        now: Callable[[], datetime],
        intervals: Intervals,
    ) -> None:
        self._book, self._members, self._tell, self._now, self._intervals = book, members, tell, now, intervals
        self._due: dict[str, float] = {}
        self._changed = asyncio.Event()
        self.me = ""

    def ask(self, room: str, after: float) -> None:
        """Read it `after` seconds; a change that comes before then is waited for, but not for ever."""
        self._due.setdefault(room, asyncio.get_running_loop().time() + after)
        self._changed.set()

    async def run(self) -> None:
        while True:
            self._changed.clear()
            pause = self._intervals.settle
            loop = asyncio.get_running_loop()
            for room, at in sorted(self._due.items(), key=lambda one: one[1]):
                if at > loop.time():
                    pause = at - loop.time()
                    break
                await self._read(room)
                await asyncio.sleep(self._intervals.between_rosters)
            else:
                if not self._due:
                    await self._changed.wait()
                    continue
            try:
                await asyncio.wait_for(self._changed.wait(), pause)
            except TimeoutError:
                continue

    async def _read(self, room: str) -> None:
        self._due.pop(room, None)
        try:
            event = await self.read(room)
        except GatewayError as error:
            if not error.final:
                self._due.setdefault(room, asyncio.get_running_loop().time() + AGAIN)
            return
        except Exception as error:
            logger.warning("一个微信群的成员名单没有读到：{}", type(error).__name__)
            return
        if event is not None:
            await self._tell(event)

    async def read(self, room: str) -> RosterReceived | None:
        """None when the bot itself is not among the members: what it would see is no roster."""
        found = await self._book.room(room)
        ids = (await self._members(room))[:MAX_MEMBERS]
        if self.me not in ids or (not found.topic and not ids):
            return None
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(person: str) -> object:
            async with gate:
                return person_of(await self._book.member(room, person), found)

        others = list(dict.fromkeys(person for person in ids if person != self.me))
        people = await asyncio.gather(*(one(person) for person in others))
        now = self._now()
        return RosterReceived(
            id=key(f"roster:{room}:{now.timestamp():.3f}"),
            at=now,
            channel=NAME,
            group=group_of(found),
            owner=key(found.owner) if found.owner else None,
            # A puppet that names no owner does not know it; WeChat has no group without one.
            owner_known=bool(found.owner),
            members=tuple(people),  # type: ignore[arg-type]
        )

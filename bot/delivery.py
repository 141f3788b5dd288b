"""Outbox → channel: in order, with backoff; what is hopeless or too old is set aside, never lost silently.

A row is claimed before it is said: of several processes one says it, and a conversation stays with one at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from loguru import logger

from bot.channels import Channel, ChannelError
from handlers.cards import Card
from storage import outbox
from storage.database import Store, StoreError
from storage.outbox import UNLIMITED, Limit

LONGEST_SLEEP = 30.0
MOST_ATTEMPTS = 10
FIRST_PAUSE = 2.0
LONGEST_PAUSE = 600.0
# What could not be said for so long is no news any more.
STALE = timedelta(hours=12)
# One sending may take so long; a claim is good for several of them.
PATIENCE = 60.0
CLAIM = timedelta(seconds=4 * PATIENCE)
AT_ONCE = 20
# Something is due that may not be said yet: the minute is full, or another process is at it.
LOOK_AGAIN = 0.5

Render = Callable[[str], Awaitable[bytes]]


class Delivery:
    """A task a channel, so that a silent one keeps nobody else waiting; its sends are awaited in the outbox's order.

    `elsewhere` tells of which channels another process may speak: what is theirs is left alone.
    """

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        render: Render,
        now: Callable[[], datetime],
        limit: Callable[[str], Limit] = lambda name: UNLIMITED,
        holder: str = "",
        elsewhere: Callable[[str], bool] = lambda name: False,
        longest_sleep: float = LONGEST_SLEEP,
    ) -> None:
        self._store, self._channels, self._render, self._now = store, channels, render, now
        self._limit, self._holder, self._elsewhere = limit, holder, elsewhere
        self._longest_sleep = longest_sleep
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._speaking: dict[str, asyncio.Task[None]] = {}

    async def open(self) -> None:
        self._task = asyncio.create_task(self._run(), name="delivery")

    async def close(self) -> None:
        tasks = [*self._speaking.values(), *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def nudge(self) -> None:
        self._changed.set()

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            try:
                for name in await self._mine():
                    self._start(name)
                pause = await self._pause()
            except StoreError as error:
                logger.error("发送队列读不到数据库：{}", error)
                pause = FIRST_PAUSE
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), pause)

    def _start(self, name: str) -> None:
        if name not in self._speaking:
            task = self._speaking[name] = asyncio.create_task(self._speak(name), name=f"delivery-{name}")
            task.add_done_callback(lambda _: self._speaking.pop(name, None))

    async def _speak(self, name: str) -> None:
        try:
            if await self._deliver_channel(name):
                # What became due meanwhile is looked for at once.
                self.nudge()
        except StoreError as error:
            logger.error("渠道 {} 的发送队列写不进数据库：{}", name, error)
        except Exception as error:
            logger.opt(exception=error).error("渠道 {} 的发送中断，稍后继续", name)

    async def deliver_due(self) -> float:
        """Say everything whose time has come; gives the seconds until something is due again."""
        await asyncio.gather(*(self._deliver_channel(name) for name in await self._mine()))
        return await self._pause()

    async def _mine(self) -> list[str]:
        """The channels of which something is due; one that nobody has is ours too, so that its rows are set aside."""
        due = await self._store.read(lambda db: outbox.channels_due(db, self._now()))
        return [name for name in due if name in self._channels or not self._elsewhere(name)]

    async def _pause(self) -> float:
        following = await self._store.read(outbox.next_due)
        if following is None:
            return self._longest_sleep
        return min(max((following - self._now()).total_seconds(), LOOK_AGAIN), self._longest_sleep)

    async def _deliver_channel(self, name: str) -> int:
        """How many were said or set aside."""
        number = 0
        while rows := await self._claim(name):
            await self._in_order(rows)
            number += len(rows)
        return number

    async def _claim(self, name: str) -> Sequence[Any]:
        now = self._now()
        work = partial(
            outbox.claim, channel=name, holder=self._holder, now=now, until=now + CLAIM, limit=self._limit(name),
            most=AT_ONCE,
        )  # fmt: skip
        return await self._store.write(work)

    async def _in_order(self, rows: Sequence[Any]) -> None:
        """Until the claim runs out: what is left then is claimed anew, by whomever."""
        until = self._now() + CLAIM - timedelta(seconds=PATIENCE)
        for number, row in enumerate(rows):
            if self._now() >= until:
                left = [one.id for one in rows[number:]]
                await self._store.write(partial(outbox.unclaim, row_ids=left, holder=self._holder))
                return
            await self._deliver(row)

    async def _deliver(self, row: Any) -> None:
        now = self._now()
        if now - (row.at if row.error else row.not_before) > STALE:
            await self._settle(row, "stale", error="过期未发")
            return
        channel = self._channels.get(row.channel)
        if channel is None:
            await self._without_channel(row)
            return
        try:
            reference = await self._patiently(channel, row)
        except ChannelError as error:
            await self._failed(row, error)
        else:
            # What was tried before keeps its last error: it may be there twice.
            await self._settle(row, "sent", reference=reference, error=row.error if row.attempts else "")

    async def _without_channel(self, row: Any) -> None:
        """It went to another process meanwhile, or it was never switched on."""
        if self._elsewhere(row.channel):
            await self._store.write(lambda db: outbox.unclaim(db, [row.id], self._holder))
        else:
            await self._settle(row, "failed", error="没有开通这个渠道")

    async def _patiently(self, channel: Channel, row: Any) -> str:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._say(channel, row)
        except TimeoutError:
            raise ChannelError("渠道很久没有应答") from None
        except (ChannelError, StoreError):
            raise
        except Exception as error:
            logger.opt(exception=error).error("渠道 {} 发送出错", row.channel)
            raise ChannelError(f"渠道出错：{type(error).__name__}") from error

    async def _say(self, channel: Channel, row: Any) -> str:
        payload = json.loads(row.payload)
        match row.kind:
            case "post":
                return await channel.post(row.target, Card.from_dict(payload), row.key)
            case "whisper":
                return await channel.whisper(row.target, Card.from_dict(payload), row.key)
            case "file":
                content = await self._render(payload["what"])
                return await channel.send_file(row.target, payload["name"], content, row.key)
            case "roster":
                await channel.ask_roster(row.target)
                return ""
            case _:
                said = await self._store.read(lambda db: outbox.reference(db, row.about))
                if said is None:
                    raise ChannelError("原卡片还没有发出", retry_after=1.0)
                return await channel.revise(row.target, said, Card.from_dict(payload), row.key)

    async def _failed(self, row: Any, error: ChannelError) -> None:
        # A platform that says when to come back is away or busy, not refusing: that ends by going stale only.
        hopeless = row.attempts + 1 >= MOST_ATTEMPTS and error.retry_after is None
        if error.permanent or hopeless:
            logger.warning("渠道 {} 没能发出一条{}：{}", row.channel, row.kind, error)
            await self._settle(row, "failed", error=str(error))
            return
        pause = error.retry_after or min(FIRST_PAUSE * 2**row.attempts, LONGEST_PAUSE)
        now = self._now()
        again, counts = now + timedelta(seconds=pause), error.retry_after is None
        await self._store.write(lambda db: outbox.retry(db, row.id, again, str(error), now, counts))

    async def _settle(self, row: Any, state: str, reference: str = "", error: str = "") -> None:
        await self._store.write(lambda db: outbox.settle(db, row.id, state, self._now(), reference, error))

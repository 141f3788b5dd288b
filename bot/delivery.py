"""Outbox → channel: in order, with backoff; what is hopeless or too old is set aside, never lost silently."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from loguru import logger

from bot.channels import Channel, ChannelError
from handlers.cards import Card
from storage import outbox
from storage.database import Store, StoreError

LONGEST_SLEEP = 30.0
MOST_ATTEMPTS = 10
FIRST_PAUSE = 2.0
LONGEST_PAUSE = 600.0
# What could not be said for so long is no news any more.
STALE = timedelta(hours=12)

Render = Callable[[str], Awaitable[bytes]]


class Delivery:
    """One task; every channel's sends are awaited in the order of the outbox."""

    def __init__(
        self, store: Store, channels: Mapping[str, Channel], render: Render, now: Callable[[], datetime]
    ) -> None:
        self._store, self._channels, self._render, self._now = store, channels, render, now
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self._task = asyncio.create_task(self._run(), name="delivery")

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def nudge(self) -> None:
        self._changed.set()

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            try:
                pause = await self.deliver_due()
            except StoreError as error:
                logger.error("发送队列读不到数据库：{}", error)
                pause = FIRST_PAUSE
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), pause)

    async def deliver_due(self) -> float:
        """Say everything whose time has come; gives the seconds until something is due again."""
        while rows := await self._store.read(lambda db: outbox.due(db, self._now())):
            by_channel: dict[str, list[Any]] = {}
            for row in rows:
                by_channel.setdefault(row.channel, []).append(row)
            await asyncio.gather(*(self._in_order(batch) for batch in by_channel.values()))
        following = await self._store.read(outbox.next_due)
        if following is None:
            return LONGEST_SLEEP
        return min(max((following - self._now()).total_seconds(), 0.05), LONGEST_SLEEP)

    async def _in_order(self, rows: list[Any]) -> None:
        for row in rows:
            await self._deliver(row)

    async def _deliver(self, row: Any) -> None:
        now = self._now()
        if now - max(row.at, row.not_before if row.attempts == 0 else row.at) > STALE:
            await self._settle(row, "stale", error="过期未发")
            return
        channel = self._channels.get(row.channel)
        if channel is None:
            await self._settle(row, "failed", error="没有开通这个渠道")
            return
        try:
            reference = await self._say(channel, row)
        except ChannelError as error:
            await self._failed(row, error)
        else:
            await self._settle(row, "sent", reference=reference)

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
        again = self._now() + timedelta(seconds=pause)
        counts = error.retry_after is None
        await self._store.write(lambda db: outbox.retry(db, row.id, again, str(error), counts))

    async def _settle(self, row: Any, state: str, reference: str = "", error: str = "") -> None:
        await self._store.write(lambda db: outbox.settle(db, row.id, state, self._now(), reference, error))

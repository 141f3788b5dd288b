"""Time as events: scheduled slots and asked-for wakes are published; no decision is made here.

A live bot follows the wall clock, a replay the events' own times; both ask the same two questions:
which slots lie between two moments, and which wake is next.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.triggers.cron import CronTrigger
from loguru import logger
from sqlalchemy import Row

from bot.bus import BusError
from config.settings import TIMEZONE, Settings
from handlers.events import DayEnded, Event, WeekEnded, Woke, WorkdayEnding
from handlers.rules.week import week_before
from storage import clockwork
from storage.database import Store, StoreError

DAY_CRON = "10 0 * * *"
LONGEST_SLEEP = 30.0
AGAIN_AFTER = 2.0
# So many wakes are under way at most, and after so many seconds without a decision they are published anew.
AT_ONCE = 1000
ANEW = 600.0
# How far back missed slots are caught up at start.
CATCH_UP = timedelta(days=35)
# A slot that is not caught up later may still be late by so much.
GRACE = timedelta(hours=1)

Publish = Callable[[Event], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    cron: str
    event: Callable[[str, datetime], Event]
    # A digest of yesterday helps nobody; an inventory of last week does.
    catch_up: bool = True

    def trigger(self) -> CronTrigger:
        return CronTrigger.from_crontab(self.cron, timezone=TIMEZONE)

    def fired(self, at: datetime) -> Event:
        """The slot's event; its id is the slot, so that two schedulers publish one."""
        return self.event(f"{self.name}:{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}", at)


def jobs(settings: Settings) -> tuple[Job, ...]:
    return (
        Job("week", settings.inventory.cron, _week),
        Job("digest", settings.digest.cron, _digest, catch_up=False),
        Job("day", DAY_CRON, _day),
    )


def _week(slot: str, at: datetime) -> Event:
    return WeekEnded(id=slot, at=at, week=week_before(at))


def _digest(slot: str, at: datetime) -> Event:
    return WorkdayEnding(id=slot, at=at, day=at.astimezone(TIMEZONE).date())


def _day(slot: str, at: datetime) -> Event:
    return DayEnded(id=slot, at=at, day=at.astimezone(TIMEZONE).date() - timedelta(days=1))


def slots(settings: Settings, after: datetime, until: datetime) -> Iterator[tuple[datetime, Job]]:
    """Every slot in (after, until], in time order; jobs of one moment in the order of `jobs`."""
    return itertools.takewhile(lambda slot: slot[0] <= until, slots_from(settings, after))


def slots_from(settings: Settings, after: datetime) -> Iterator[tuple[datetime, Job]]:
    """The same without an end."""

    def of(job: Job) -> Iterator[tuple[datetime, Job]]:
        trigger = job.trigger()
        # The trigger rounds up: the second of `after` itself is over, every later one is not.
        second = after.astimezone(TIMEZONE).replace(microsecond=0)
        at = trigger.get_next_fire_time(None, second + timedelta(seconds=1))
        while at is not None:
            yield at, job
            at = trigger.get_next_fire_time(at, at + timedelta(seconds=1))

    return heapq.merge(*(of(job) for job in jobs(settings)), key=lambda slot: slot[0])


def woke(kind: str, subject: str, at: datetime) -> Woke:
    return Woke(id=f"{kind}:{subject}:{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}", at=at, kind=kind, subject=subject)


class Timer:
    """The live clock: one task follows the slots, one the wakes; both look again every so often, whatever the machine's
    clock has done meanwhile.

    Of several timers one leads (`lead`), the others wait to take over. A slot is published first and noted then, so
    that a kill in between publishes it again under the same id, which has its effect once. A wake goes with the decision
    that it leads to (bot/dispatch.py): what is asked for after that decision is a wake of its own.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        publish: Publish,
        now: Callable[[], datetime],
        longest_sleep: float = LONGEST_SLEEP,
    ) -> None:
        self._store, self._settings, self._publish, self._now = store, settings, publish, now
        self._longest_sleep = longest_sleep
        # Until when the slots are fired, and when the next one is due; None: not caught up yet.
        self._since: datetime | None = None
        self._next_slot = datetime.max.replace(tzinfo=UTC)
        self._caught_up = asyncio.Event()
        # What was published and is not decided yet, and since when.
        self._under_way: dict[tuple[str, str, datetime], float] = {}
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Lead from now on; what was missed while nobody led comes first."""
        self._since, self._under_way = None, {}
        self._caught_up.clear()
        await self._look_for_slots()
        self._tasks = [
            asyncio.create_task(self._follow_slots(), name="slots"),
            asyncio.create_task(self._follow_wakes(), name="wakes"),
        ]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def nudge(self) -> None:
        """A wake was asked for: look again when to wake."""
        self._changed.set()

    async def _follow_slots(self) -> None:
        while True:
            pause = await self._look_for_slots()
            await asyncio.sleep(pause)

    async def _look_for_slots(self) -> float:
        """Fire what is due, once; gives the seconds until the next look. A broker or a database that is away makes it late,
        not lost; a bot that never ran has missed nothing.
        """
        try:
            now = self._now()
            if self._since is None or not self._since <= now < self._next_slot:
                await self._fire_until(now)
        except (StoreError, BusError) as error:
            logger.error("定时任务没有发完，稍后再试：{}", error)
            return AGAIN_AFTER
        self._caught_up.set()
        return min(max((self._next_slot - self._now()).total_seconds(), 0.0), self._longest_sleep)

    async def _fire_until(self, now: datetime) -> None:
        """Also after a jump: of a clock that was put back nothing is due that was fired before."""
        since = self._since or await self._last_noted() or now
        for at, job in slots(self._settings, max(min(since, now), now - CATCH_UP), now):
            if job.catch_up or now - at < GRACE:
                await self._publish_slot(job, at)
        await self._store.write(lambda db: clockwork.remember(db, "clock", now.isoformat()))
        self._since, self._next_slot = now, next(slots_from(self._settings, now))[0]

    async def _last_noted(self) -> datetime | None:
        last = await self._store.read(lambda db: clockwork.recall(db, "clock"))
        return datetime.fromisoformat(last) if last is not None else None

    async def _publish_slot(self, job: Job, at: datetime) -> None:
        if not await self._store.read(lambda db: clockwork.slot_fired(db, job.name, at)):
            await self._publish(job.fired(at))
            await self._store.write(lambda db: clockwork.claim_slot(db, job.name, at))

    async def _follow_wakes(self) -> None:
        await self._caught_up.wait()
        while True:
            self._changed.clear()
            try:
                pause = await self._look_for_wakes()
            except (StoreError, BusError) as error:
                logger.error("定时器暂时停住：{}", error)
                pause = AGAIN_AFTER
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), max(0.0, pause))

    async def _look_for_wakes(self) -> float:
        """Publish what is due, then say how long there is nothing to do."""
        while rows := self._not_under_way(await self._store.read(lambda db: clockwork.due(db, self._now(), AT_ONCE))):
            for row in rows:
                await self._publish(woke(row.kind, row.subject, row.at))
                self._under_way[row.kind, row.subject, row.at] = time.monotonic()
        following = await self._store.read(lambda db: clockwork.next_wake(db, self._now()))
        ahead = (following.at - self._now()).total_seconds() if following else self._longest_sleep
        return min(ahead, self._longest_sleep)

    def _not_under_way(self, rows: Sequence[Row[Any]]) -> list[Row[Any]]:
        """A wake that nobody has decided for long is published anew: the broker may have lost it."""
        early = time.monotonic() - ANEW
        keys = {(row.kind, row.subject, row.at) for row in rows}
        self._under_way = {key: at for key, at in self._under_way.items() if key in keys and at > early}
        return [row for row in rows if (row.kind, row.subject, row.at) not in self._under_way]

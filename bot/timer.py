"""Time as events: scheduled slots and asked-for wakes are published; no decision is made here.

A live bot follows the wall clock, a replay the events' own times; both ask the same two questions:
which slots lie between two moments, and which wake is next.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from loguru import logger

from bot.bus import BusError
from config.settings import TIMEZONE, Settings
from handlers.events import DayEnded, Event, WeekEnded, Woke, WorkdayEnding
from handlers.rules.week import week_before
from storage import clockwork
from storage.database import Store, StoreError

DAY_CRON = "10 0 * * *"
LONGEST_SLEEP = 30.0
AGAIN_AFTER = 2.0
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
        at = trigger.get_next_fire_time(None, (after + timedelta(seconds=1)).astimezone(TIMEZONE))
        while at is not None:
            yield at, job
            at = trigger.get_next_fire_time(at, at + timedelta(seconds=1))

    return heapq.merge(*(of(job) for job in jobs(settings)), key=lambda slot: slot[0])


def woke(kind: str, subject: str, at: datetime) -> Woke:
    return Woke(id=f"{kind}:{subject}:{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}", at=at, kind=kind, subject=subject)


class Timer:
    """The live clock: APScheduler for the slots, one task that sleeps until the next wake.

    Of several timers one leads (`lead`), the others wait to take over. A slot is published first and noted then, so
    that a kill in between publishes it again under the same id, which has its effect once.
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
        self._scheduler = AsyncIOScheduler(timezone=TIMEZONE)
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Lead from now on; what was missed while nobody led comes first."""
        caught_up = await self._catch_up()
        self._scheduler = AsyncIOScheduler(timezone=TIMEZONE)
        for job in jobs(self._settings):
            self._scheduler.add_job(self._fire, job.trigger(), args=[job], id=job.name, misfire_grace_time=3600)
        self._scheduler.start()
        self._task = asyncio.create_task(self._follow_wakes(caught_up), name="wakes")

    async def close(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def nudge(self) -> None:
        """A wake was asked for: look again when to wake."""
        self._changed.set()

    async def _catch_up(self) -> bool:
        """Fire once what was missed while the bot was off; a bot that never ran has missed nothing.

        False: the database or the broker is away, and it has to be done again.
        """
        now = self._now()
        try:
            last = await self._store.read(lambda db: clockwork.recall(db, "clock"))
            if last is not None:
                since = max(datetime.fromisoformat(last), now - CATCH_UP)
                for at, job in slots(self._settings, since, now):
                    if job.catch_up or now - at < GRACE:
                        await self._publish_slot(job, at)
            await self._note_clock()
        except (StoreError, BusError) as error:
            logger.error("定时任务没有补发完，稍后再试：{}", error)
            return False
        return True

    async def _fire(self, job: Job) -> None:
        """Until it is published: a broker or a database that is away makes it late, not lost."""
        now = self._now()
        due = [at for at, one in slots(self._settings, now - GRACE, now) if one.name == job.name]
        while True:
            try:
                for at in due:
                    await self._publish_slot(job, at)
                return await self._note_clock()
            except (StoreError, BusError) as error:
                logger.error("定时任务 {} 没有发出，稍后再试：{}", job.name, error)
            await asyncio.sleep(AGAIN_AFTER)

    async def _publish_slot(self, job: Job, at: datetime) -> None:
        if not await self._store.read(lambda db: clockwork.slot_fired(db, job.name, at)):
            await self._publish(job.fired(at))
            await self._store.write(lambda db: clockwork.claim_slot(db, job.name, at))

    async def _note_clock(self) -> None:
        now = self._now().isoformat()
        await self._store.write(lambda db: clockwork.remember(db, "clock", now))

    async def _follow_wakes(self, caught_up: bool) -> None:
        while True:
            try:
                caught_up = caught_up or await self._catch_up()
                pause = await self._next_pause()
            except (StoreError, BusError) as error:
                logger.error("定时器暂时停住：{}", error)
                pause = AGAIN_AFTER
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), max(0.0, pause))

    async def _next_pause(self) -> float:
        """Publish what is due, then say how long there is nothing to do."""
        while row := await self._store.read(clockwork.next_wake):
            ahead: float = (row.at - self._now()).total_seconds()
            if ahead > 0:
                return min(ahead, self._longest_sleep)
            # First the effect, then the removal: a kill in between wakes again, and the event's id makes it one.
            await self._publish(woke(row.kind, row.subject, row.at))
            await self._store.write(partial(clockwork.take_wake, kind=row.kind, subject=row.subject, at=row.at))
        return self._longest_sleep

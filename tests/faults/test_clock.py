"""A clock that jumps (a wrong clock set right, a laptop that was asleep) and two schedulers at once: each week has its report,
once, and nothing is done to a group without the warning that has to come before it.

There is no summer time in China: what jumps is set by NTP, by hand, or by waking up. The clock of these tests is moved by
hand; the timers, the decisions and the outbox are those of the product.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.app import make_house
from bot.delivery import Delivery
from bot.timer import Timer, slots
from config.settings import TIMEZONE, load_settings
from handlers.cards import Card
from handlers.events import CleanupDecided, Event, WeekEnded
from storage import cleanups, inventories, outbox
from storage.outbox import Limit
from storage.postgresql import PostgresStore
from storage.sqlite import SqliteStore
from tests.bot.test_delivery import Clock, Loud
from tests.handlers.cleaning import OFFICE, Cleaning
from tests.handlers.test_inventory import END
from tests.storage.places import clear

FULL = os.environ.get("QINGQUN_FAULTS") == "full"
SEEDS = range(1, 9) if FULL else [1]
STEPS = 60 if FULL else 20
SOON = 0.01
ON = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


class Voice(Loud):
    """Remembers the names of what it said."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []

    async def whisper(self, person: str, card: Card, key: str) -> str:
        self.keys.append(key)
        return self._say("whisper", person, card.title)


@dataclass
class Bot:
    """Two timers and a voice on one database, and the clock that they all read."""

    city: Cleaning
    clock: Clock
    voice: Voice
    delivery: Delivery
    timers: list[Timer]
    weeks: list[str] = field(default_factory=list)
    lead: set[int] = field(default_factory=set)

    async def turn(self, leads: set[int]) -> None:
        """From now on these timers lead; both is what must not be, and what a cut connection makes of it for a while."""
        for number in self.lead - leads:
            await self.timers[number].close()
        for number in leads - self.lead:
            await self.timers[number].open()
        self.lead = leads

    async def settled(self) -> None:
        """Every timer that leads has looked at the clock as it is now, and fired what was due."""
        waiting = [self.timers[number] for number in self.lead]
        for _ in range(3000):
            if all(one._since is not None and one._since <= self.clock.at < one._next_slot for one in waiting):
                return
            await asyncio.sleep(SOON)
        pytest.fail("a timer does not follow the clock")


@pytest.fixture(params=ON)
async def bot(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bot]:
    store: Any = SqliteStore(tmp_path / "t.db")
    if request.param == "postgresql":
        store = PostgresStore(os.environ["QINGQUN_TEST_POSTGRESQL"])
        await store.write(clear)
    await store.open()
    clock, voice = Clock(), Voice()
    # The Sunday evening before the first report.
    clock.at = END - timedelta(hours=3)
    house = make_house(load_settings(flags={"data": tmp_path}, environ={}), store, now=clock)
    await house.bus.open(house.dispatch)

    async def render(what: str) -> bytes:
        return b""

    delivery = Delivery(store, {"playground": voice}, render, clock, limit=lambda _: Limit(channel=40))
    weeks: list[str] = []

    async def publish(event: Event) -> None:
        if isinstance(event, WeekEnded):
            weeks.append(event.week)
        await house.bus.publish(event)

    timers = [Timer(store, house.settings, publish, clock, longest_sleep=SOON) for _ in range(2)]
    made = Bot(Cleaning(house), clock, voice, delivery, timers, weeks)
    yield made
    await made.turn(set())
    await store.close()


def jump(who: random.Random) -> timedelta:
    """Mostly hours that pass; sometimes days asleep, sometimes back, by a little or by days."""
    (kind,) = who.choices(["passes", "asleep", "corrected", "put back"], [12, 2, 2, 2])
    return {
        "passes": timedelta(hours=who.uniform(1, 14)),
        "asleep": timedelta(days=who.uniform(1, 9)),
        "corrected": -timedelta(seconds=who.uniform(0.1, 600)),
        "put back": -timedelta(hours=who.uniform(1, 60)),
    }[kind]


async def escalated(city: Cleaning) -> set[tuple[str, str]]:
    """(item, name of the warning) of every step that has to have been warned of."""
    steps = cleanups.STEPS
    query = select(steps.c.item, steps.c.evidence).where(steps.c.step == "escalated")
    return {(row.item, row.evidence) for row in await city.read(lambda db: db.execute(query).all())}


async def office_decides(city: Cleaning, number: int, at: Any) -> None:
    """The office tries to decide over the owners' heads, again and again."""
    items = tuple(one.id for one in await city.items() if one.subject != "playground:g0")
    if items:
        await city.happens(CleanupDecided(id=f"office{number}", at=at, items=items, who=OFFICE, choice="dissolve"))


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_clock_that_jumps_gives_each_week_one_report_and_no_step_without_its_warning(bot: Bot, seed: int) -> None:
    who, city = random.Random(seed), bot.city
    for number in range(4):
        await city.silent(f"g{number}", 100 + number, people=f"{number}123"[:4], owner=f"p{number}")
    await bot.turn({0})
    begun = furthest = bot.clock.at
    for number in range(STEPS):
        if who.random() < 0.3:
            await bot.turn({0, 1} if who.random() < 0.3 else {who.randrange(2)})
        said, before = set(bot.voice.keys), await escalated(city)
        bot.clock.at += jump(who)
        furthest = max(furthest, bot.clock.at)
        await bot.settled()
        for _, warning in await escalated(city) - before:
            # Said before the clock came to the moment, not while it was being caught up with.
            assert warning in said
        if who.random() < 0.3:
            await office_decides(city, number, bot.clock.at)
        await bot.delivery.deliver_due()
    weeks = {week for week, number in Counter(await city.read(inventories.weeks)).items() if number == 1}
    due = [at for at, job in slots(city.house.settings, begun, furthest) if job.name == "week"]
    assert len(weeks) == len(due) == len(await city.read(inventories.weeks))
    assert set(bot.weeks) == weeks
    assert set(Counter(bot.voice.keys).values()) <= {1}
    assert await city.read(lambda db: db.execute(select(func.count()).select_from(outbox.OUTBOX)
                           .where(outbox.OUTBOX.c.state == "failed")).scalar_one()) == 0  # fmt: skip
    for item in await city.items():
        warned = None
        for step in await city.steps(item.subject):
            if step.step == "asked":
                warned = step
            if step.step in ("escalated", "ruled"):
                # The full time after the question, and the office only after that.
                assert warned is not None
                assert step.at - warned.at >= timedelta(days=city.house.settings.cleanup.escalate_days)
    if FULL:
        print(f"\nseed {seed}: {STEPS} jumps over {(furthest - begun).days} days, {len(weeks)} reports from "
              f"{len(bot.weeks)} publications, {len(bot.voice.keys)} messages, {len(await escalated(city))} escalated")  # fmt: skip


async def at_nine_the_machine_wakes(bot: Bot, hours: float) -> list[str]:
    await bot.turn({0})
    bot.clock.at += timedelta(hours=hours)
    await bot.settled()
    return bot.weeks


async def test_a_machine_that_slept_through_the_moment_reports_when_it_wakes(bot: Bot) -> None:
    """An interval timer stands still in sleep: asked for the moment, it would come hours late or never."""
    assert await at_nine_the_machine_wakes(bot, 15) == ["2026-W47"]


async def test_a_clock_put_back_over_the_moment_reports_once(bot: Bot) -> None:
    await at_nine_the_machine_wakes(bot, 12)
    for hours in (-2, 3, -5, 6):
        bot.clock.at += timedelta(hours=hours)
        await bot.settled()
    await bot.turn({1})
    await bot.settled()
    assert bot.weeks == ["2026-W47"]
    assert bot.clock.at.astimezone(TIMEZONE).hour > 8


async def test_two_schedulers_that_fire_in_one_moment_make_one_report(bot: Bot) -> None:
    await bot.city.silent()
    await bot.turn({0, 1})
    bot.clock.at += timedelta(hours=12)
    await bot.settled()
    await bot.delivery.deliver_due()
    assert set(bot.weeks) == {"2026-W47"}
    assert await bot.city.read(inventories.weeks) == ["2026-W47"]
    assert [key for key in bot.voice.keys if key.startswith("cleanup:")] == ["cleanup:2026-W47:playground:p1"]


async def test_a_clock_set_right_after_days_ahead_does_not_silence_a_channel(bot: Bot) -> None:
    """What was said under the wrong date does not count towards this minute's limit."""
    put: Callable[..., Any] = outbox.put
    row = {"channel": "playground", "kind": "whisper", "target": "playground:p1", "payload": '{"title": "说"}'}
    for turn in range(2):
        for number in range(40):
            at = bot.clock.at
            key = f"{turn}-{number}"
            await bot.city.write(lambda db, k=key, t=at: put(db, key=k, at=t, not_before=t, **row))
        await bot.delivery.deliver_due()
        bot.clock.at -= timedelta(days=3)
    assert len(bot.voice.keys) == 80

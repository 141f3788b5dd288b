"""Slots fire once however many schedulers there are; what was missed is caught up once."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from bot import timer
from bot.house import House
from config.settings import TIMEZONE
from handlers.events import DayEnded, Event, WeekEnded, Woke
from storage import clockwork
from tests.conftest import MONDAY


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TIMEZONE)


def test_the_slots_of_a_week_come_in_order(house: House) -> None:
    slots = timer.slots(house.settings, at("2026-11-15T12:00"), at("2026-11-16T17:00"))
    found = [(f"{moment:%a %H:%M}", job.name) for moment, job in slots]
    assert found == [("Sun 17:00", "digest"), ("Mon 00:10", "day"), ("Mon 08:30", "week"), ("Mon 17:00", "digest")]


def test_a_slot_on_the_edge_belongs_to_one_side_only(house: House) -> None:
    edge = at("2026-11-16T08:30")
    before = list(timer.slots(house.settings, edge - timedelta(minutes=1), edge))
    after = list(timer.slots(house.settings, edge, edge + timedelta(minutes=1)))
    assert ([job.name for _, job in before], after) == (["week"], [])


def test_a_slot_in_the_second_after_a_broken_second_is_not_stepped_over(house: House) -> None:
    edge = at("2026-11-16T08:30")
    found = timer.slots(house.settings, edge - timedelta(milliseconds=500), edge + timedelta(minutes=1))
    assert [job.name for _, job in found] == ["week"]


def test_a_slots_event_names_the_week_that_ended() -> None:
    job = timer.Job("week", "30 8 * * mon", timer._week)
    event: Any = job.fired(at("2026-11-23T08:30"))
    assert (event.week, event.id) == ("2026-W47", "week:2026-11-23T00:30Z")


async def started(house: House, now: datetime) -> list[Event]:
    heard: list[Event] = []

    async def publish(event: Event) -> None:
        heard.append(event)
        await house.dispatch(event)

    clock = timer.Timer(house.store, house.settings, publish, lambda: now)
    await clock.open()
    await asyncio.sleep(0.2)
    await clock.close()
    return heard


async def test_a_bot_that_never_ran_has_missed_nothing(house: House) -> None:
    assert await started(house, MONDAY) == []


async def test_missed_weeks_are_caught_up_once_but_no_old_digest(house: House) -> None:
    await started(house, MONDAY)
    later = MONDAY + timedelta(days=15)
    first, second = await asyncio.gather(started(house, later), started(house, later))
    # Two that start in the same moment may publish the same slot: it is one event by its id.
    kinds = [type(event) for event in {event.key: event for event in first + second}.values()]
    assert kinds.count(WeekEnded) == 2
    assert kinds.count(DayEnded) == 15
    assert len(kinds) == 17
    assert await started(house, later) == []


async def test_a_wake_is_published_when_its_time_has_come_and_then_forgotten(house: House) -> None:
    await house.store.write(lambda db: clockwork.wake(db, "revise", "n1", MONDAY - timedelta(seconds=1)))
    await house.store.write(lambda db: clockwork.wake(db, "revise", "n2", MONDAY + timedelta(hours=1)))
    heard = await started(house, MONDAY)
    assert [(event.kind, event.subject) for event in heard if isinstance(event, Woke)] == [("revise", "n1")]
    left = await house.store.read(clockwork.next_wake)
    assert left is not None
    assert left.subject == "n2"


async def test_a_nudge_wakes_the_sleeper(house: House) -> None:
    heard: list[Event] = []

    async def publish(event: Event) -> None:
        heard.append(event)

    clock = timer.Timer(house.store, house.settings, publish, lambda: MONDAY)
    await clock.open()
    await asyncio.sleep(0.1)
    await house.store.write(lambda db: clockwork.wake(db, "revise", "n1", MONDAY))
    clock.nudge()
    for _ in range(100):
        if heard:
            break
        await asyncio.sleep(0.02)
    await clock.close()
    assert [type(event) for event in heard] == [Woke]


async def test_what_is_asked_for_right_after_a_wakes_decision_is_not_taken_with_it(house: House) -> None:
    """An acknowledgement between the decision and the timer's next step wants the card revised once more."""
    heard: list[Event] = []

    async def publish(event: Event) -> None:
        await house.dispatch(event)
        heard.append(event)
        if len(heard) == 1:
            again = MONDAY - timedelta(milliseconds=500)
            await house.store.write(lambda db: clockwork.wake(db, "revise", "n1", again))

    await house.store.write(lambda db: clockwork.wake(db, "revise", "n1", MONDAY - timedelta(seconds=1)))
    clock = timer.Timer(house.store, house.settings, publish, lambda: MONDAY)
    await clock.open()
    await asyncio.sleep(0.3)
    await clock.close()
    assert [event.at for event in heard] == [MONDAY - timedelta(seconds=1), MONDAY - timedelta(milliseconds=500)]
    assert await house.store.read(clockwork.next_wake) is None


async def test_a_wake_is_published_once_while_its_decision_takes_its_time(house: House) -> None:
    heard: list[Event] = []

    async def publish(event: Event) -> None:
        heard.append(event)

    await house.store.write(lambda db: clockwork.wake(db, "revise", "n1", MONDAY))
    clock = timer.Timer(house.store, house.settings, publish, lambda: MONDAY, longest_sleep=0.02)
    await clock.open()
    await asyncio.sleep(0.2)
    assert len(heard) == 1
    # Another one leads now: it cannot know, and publishes it under the same id.
    await clock.close()
    await clock.open()
    await asyncio.sleep(0.1)
    await clock.close()
    assert len({event.key for event in heard}) == 1
    assert len(heard) == 2

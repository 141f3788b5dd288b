"""The week's snapshot is taken beside the writer: whole or not at all, and the same as taken in its event."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.ahead import take_ahead
from bot.app import make_house
from bot.house import House
from config.settings import load_settings
from handlers import snapshot
from handlers.events import WeekEnded
from storage import erasure, inventories
from storage.database import StoreError
from storage.inventories import Piece
from storage.postgresql import PostgresStore
from tests.conftest import MONDAY
from tests.handlers.test_inventory import END, City
from tests.storage.places import clear

WEEK = "2026-W47"
EVENT = WeekEnded(id="week", at=END + timedelta(hours=8.5), week=WEEK)


@pytest.fixture
async def city(house: House) -> City:
    city = City(house)
    for number in range(7):
        await city.roster(f"g{number}", 60, people="1234567"[: number + 1], unit=f"单位{number % 3}")
        await city.says(f"g{number}", 3 + 20 * number)
    await city.dissolved("g3", 9)
    return city


async def ahead(house: House) -> None:
    await take_ahead(house.store, house.settings, house.wording, WEEK)


async def rows(house: House) -> int:
    query = select(func.count()).select_from(inventories.ROWS)
    return int(await house.store.read(lambda db: db.execute(query).scalar_one()))


async def test_what_is_taken_ahead_is_what_the_event_would_have_taken(house: House, city: City) -> None:
    before = await city.snapshot(WEEK)
    await house.dispatch(EVENT)
    assert await house.store.read(inventories.weeks) == [WEEK]
    assert await city.snapshot(WEEK) == before
    await house.store.write(lambda db: [db.execute(one.delete()) for one in (inventories.SNAPSHOTS, inventories.ROWS)])
    await house.store.write(lambda db: house.dispatch.decide(db, WeekEnded(id="again", at=EVENT.at, week=WEEK)))
    assert await house.store.read(inventories.weeks) == [WEEK]
    assert await city.snapshot(WEEK) == before


async def test_pieces_are_seen_by_nobody_until_the_event_has_come(house: House, city: City) -> None:
    await ahead(house)
    assert await rows(house) > 0
    assert await house.store.read(lambda db: inventories.opened(db, WEEK)) is None
    assert await house.store.read(inventories.weeks) == []
    await house.dispatch(EVENT)
    assert await house.store.read(inventories.weeks) == [WEEK]


async def test_what_was_taken_ahead_before_a_crash_is_not_taken_again(
    house: House, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ahead(house)
    monkeypatch.setattr(snapshot, "take", lambda *_: pytest.fail("taken again"))
    await house.dispatch(EVENT)
    assert await house.store.read(inventories.weeks) == [WEEK]


async def test_a_half_written_taking_is_never_the_weeks_and_goes(
    house: House, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program dies between two pieces; the next start takes the week anew."""
    monkeypatch.setattr(snapshot, "TOGETHER", 2)
    whole = snapshot.inventories.last_piece
    monkeypatch.setattr(snapshot.inventories, "last_piece", lambda *_: 1 / 0)
    await ahead(house)
    half = await rows(house)
    monkeypatch.setattr(snapshot.inventories, "last_piece", whole)
    before = await city.snapshot(WEEK)
    await house.dispatch(EVENT)
    assert await house.store.read(inventories.weeks) == [WEEK]
    assert await city.snapshot(WEEK) == before
    assert 0 < half <= await rows(house)
    query = select(inventories.ROWS.c.taking).distinct()
    assert len(await house.store.read(lambda db: db.execute(query).all())) == 1
    assert await house.store.read(lambda db: db.execute(select(inventories.TAKINGS)).all()) == []


async def test_two_who_take_the_same_week_leave_one_snapshot(house: House, city: City) -> None:
    await asyncio.gather(ahead(house), ahead(house))
    await house.dispatch(EVENT)
    saved = await house.store.read(lambda db: inventories.saved(db, WEEK))
    assert len({(one["channel"], one["id"]) for one in saved["groups"]}) == len(saved["groups"]) == 6
    assert await rows(house) == sum(len(saved[name]) for name in inventories.LISTS)


async def test_who_is_late_with_a_week_leaves_nothing(
    house: House, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that lost its partition goes on computing while another seals the week."""
    monkeypatch.setattr(snapshot, "TOGETHER", 2)
    last, loop = inventories.last_piece, asyncio.get_running_loop()
    nearly, sealed = asyncio.Event(), threading.Event()

    def wait(*given: Any) -> Piece:
        if not nearly.is_set():
            loop.call_soon_threadsafe(nearly.set)
            sealed.wait()
        return last(*given)

    monkeypatch.setattr(snapshot.inventories, "last_piece", wait)
    late = asyncio.create_task(ahead(house))
    await nearly.wait()
    assert await rows(house) > 0
    await house.store.write(lambda db: house.dispatch.decide(db, EVENT))
    sealed.set()
    await late
    query = select(inventories.ROWS.c.taking).distinct()
    assert len(await house.store.read(lambda db: db.execute(query).all())) == 1
    assert await house.store.read(lambda db: db.execute(select(inventories.TAKINGS)).all()) == []


async def test_somebody_who_is_erased_while_a_week_is_taken_does_not_come_back_in_it(
    house: House, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "TOGETHER", 2)
    last, loop = inventories.last_piece, asyncio.get_running_loop()
    words = erasure.Words(**dict.fromkeys(erasure.Words.__dataclass_fields__, "已删除"))

    def erase_first(*given: Any) -> Piece:
        monkeypatch.setattr(snapshot.inventories, "last_piece", last)
        erased = house.store.write(lambda db: erasure.erase(db, "playground:p1", words, EVENT.at))
        asyncio.run_coroutine_threadsafe(erased, loop).result()
        return last(*given)

    monkeypatch.setattr(snapshot.inventories, "last_piece", erase_first)
    await ahead(house)
    bodies = await house.store.read(lambda db: db.execute(select(inventories.ROWS.c.body)).scalars().all())
    assert bodies
    assert not [one for one in bodies if "干部1" in one]
    assert await house.store.read(lambda db: inventories.ready(db, WEEK))


KILLED_BETWEEN = """
import asyncio, os, signal, sys
from bot.ahead import take_ahead
from config.settings import load_settings
from config.wording import load_wording
from handlers import snapshot
from storage.postgresql import PostgresStore

async def main():
    snapshot.TOGETHER = 2
    snapshot.inventories.last_piece = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    store = PostgresStore(sys.argv[1])
    await take_ahead(store, load_settings(flags={}, environ={}), load_wording(), sys.argv[2])

asyncio.run(main())
"""


@pytest.mark.postgresql
async def test_two_workers_and_two_timers_leave_one_snapshot_after_a_third_was_killed(tmp_path: Path) -> None:
    url = os.environ["QINGQUN_TEST_POSTGRESQL"]
    stores = [PostgresStore(url) for _ in range(2)]
    await stores[0].write(clear)
    settings = load_settings(flags={"data": tmp_path}, environ={})
    houses = [make_house(settings, store, now=lambda: MONDAY) for store in stores]
    try:
        for store in stores:
            await store.open()
        city = City(houses[0])
        for number in range(7):
            await city.roster(f"g{number}", 60, people="1234567"[: number + 1], unit=f"单位{number % 3}")
        before = await city.snapshot(WEEK)
        worker = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED_BETWEEN, url, WEEK)
        assert await worker.wait() == -signal.SIGKILL
        assert await rows(houses[0]) > 0
        assert await houses[1].store.read(lambda db: inventories.opened(db, WEEK)) is None
        # The slot's id is the same from either timer; another id is a second event of the same week.
        events = [EVENT, EVENT, WeekEnded(id="other", at=EVENT.at, week=WEEK), EVENT]
        told = await asyncio.gather(*(houses[number % 2].dispatch(one) for number, one in enumerate(events)))
        assert sum(one.fresh for one in told) == 2
        assert await city.snapshot(WEEK) == before
        saved = await stores[1].read(lambda db: inventories.saved(db, WEEK))
        assert await rows(houses[1]) == sum(len(saved[name]) for name in inventories.LISTS)
        assert await stores[1].read(lambda db: db.execute(select(inventories.TAKINGS)).all()) == []
    finally:
        for store in stores:
            await store.close()


async def test_a_saved_week_is_not_taken_ahead(house: House, city: City) -> None:
    await house.dispatch(EVENT)
    before = await rows(house)
    await city.roster("late", 0.1)
    await ahead(house)
    assert await rows(house) == before


async def test_the_writer_goes_on_while_a_snapshot_is_taken(house: House, city: City) -> None:
    """What comes in between is after the week's end, or was not there when it was read."""
    taking = asyncio.create_task(ahead(house))
    await city.roster("new", -0.5)
    await taking
    await house.dispatch(EVENT)
    saved: Any = await house.store.read(lambda db: inventories.saved(db, WEEK))
    assert "new" not in {one["id"] for one in saved["groups"]}


async def test_a_closed_store_takes_no_more(house: House, city: City) -> None:
    await house.store.close()
    with pytest.raises(StoreError, match="已经关闭"):
        await house.store.write(lambda db: None)

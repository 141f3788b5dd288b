"""Whatever the bot stands on stops, is cut off or is full while people acknowledge: 503 instead of a false 200, soon back
when the server is back, and nothing that was answered is lost.

The servers are our own (tests/faults/servers.py). The full disk is a tmpfs of some megabytes that is filled to the last
byte: PostgreSQL's and NATS's under one bot, the SQLite file's under another. Where no file system may be mounted, SQLite
is refused pages by `PRAGMA max_page_count`, which it reports as a full disk; PostgreSQL's full disk is left out there.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import nats
import pytest
from sqlalchemy import event

from bot.app import make_house
from config.settings import load_settings
from storage.database import StoreError
from storage.sqlite import SqliteStore
from tests.conftest import MONDAY
from tests.conftest import Town as Talk
from tests.faults.load import Ack, Load, Seat, Seats, Town, doubled, lost, prepare
from tests.faults.servers import Nats, Postgres, fill_up, small_disk
from tests.flows.processes import Fleet

pytestmark = pytest.mark.slow

FULL = os.environ.get("QINGQUN_FAULTS") == "full"
ROLES = ("channels", "web", "worker", *(("worker",) if FULL else ()))
# Every way in must be open again after so long; what it took is printed.
BACK = 30.0
MEGABYTES = 110
EACH = 4 if FULL else 1


class Bot:
    """A fleet on servers of its own, and acknowledgements that nobody has made yet."""

    def __init__(self, folder: Path) -> None:
        self.postgres, self.nats = Postgres(MEGABYTES if FULL else 0), Nats()
        self.postgres.start()
        self.nats.start()
        os.environ |= {"QINGQUN_TEST_POSTGRESQL": self.postgres.url, "QINGQUN_TEST_NATS": self.nats.url}
        self.fleet = Fleet(folder)
        self.town = Town(self.fleet.data, 4, 30, len(OUTAGES) * EACH)
        self.seats = Seats([Seat(role, folder, self.fleet.environ) for role in ROLES])
        self.seats.fill()
        self.who = random.Random(20261201)
        self.waiting = sorted(prepare(self.town, self.seats, self.fleet.ask, self.who), key=lambda one: one.notice)

    def next(self, number: int) -> list[Ack]:
        taken, self.waiting = self.waiting[:number], self.waiting[number:]
        self.who.shuffle(taken)
        return taken

    def sql(self, statement: str) -> Any:
        async def doing() -> Any:
            db = await asyncpg.connect(self.postgres.url.replace("+asyncpg", ""))
            try:
                return await db.fetch(statement)
            finally:
                await db.close()

        return asyncio.run(doing())

    def close(self) -> None:
        self.seats.close()
        self.nats.close()
        self.postgres.close()


def postgres_stops(bot: Bot, load: Load) -> None:
    bot.postgres.stop(signal.SIGINT)
    refused(load, "link", "event", "press")
    bot.postgres.start()


def postgres_crashes(bot: Bot, load: Load) -> None:
    bot.postgres.stop(signal.SIGQUIT)
    refused(load, "link", "event", "press")
    bot.postgres.start()


def connections_are_cut(bot: Bot, load: Load) -> None:
    for _ in range(5):
        bot.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'qingqun%'")
        time.sleep(bot.who.random() * 0.3)


def nats_stops(bot: Bot, load: Load) -> None:
    bot.nats.stop(signal.SIGTERM)
    refused(load, "event", "press")
    bot.nats.start()


def nats_is_killed(bot: Bot, load: Load) -> None:
    bot.nats.stop(signal.SIGKILL)
    refused(load, "event", "press")
    bot.nats.start()


def consumers_are_deleted(bot: Bot, load: Load) -> None:
    """By an operator, or by somebody who takes the stream for theirs."""

    async def deleting() -> None:
        client = await nats.connect(bot.nats.url)
        broker = client.jetstream()
        for one in await broker.consumers_info("qingqun"):
            await broker.delete_consumer("qingqun", one.name)
        await client.close()

    asyncio.run(deleting())


def the_database_has_no_disk(bot: Bot, load: Load) -> None:
    if not bot.postgres.small:
        pytest.skip("no file system may be mounted here: PostgreSQL's disk cannot be made full")
    ballast = fill_up(bot.postgres.disk)
    refused(load, "link", "event", "press")
    ballast.unlink()
    # Without room for its log PostgreSQL ends; whoever looks after it starts it again.
    time.sleep(1)
    if bot.postgres.process is not None and bot.postgres.process.poll() is not None:
        bot.postgres.start()


OUTAGES: list[Callable[[Bot, Load], None]] = [postgres_stops, nats_is_killed, consumers_are_deleted]
if FULL:
    OUTAGES += [postgres_crashes, connections_are_cut, nats_stops, the_database_has_no_disk]


def refused(load: Load, *ways: str) -> None:
    """Wait until each of these ways has answered 503."""
    begun, deadline = time.monotonic(), time.monotonic() + 60
    while not {way for at, way, status in list(load.answers) if at > begun and status == 503} >= set(ways):
        assert time.monotonic() < deadline, f"no 503 by {ways}: {load.statuses}"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    before = dict(os.environ)
    made = None
    try:
        made = Bot(tmp_path_factory.mktemp("bot"))
        yield made
    finally:
        os.environ.clear()
        os.environ.update(before)
        if made is not None:
            made.close()


@pytest.mark.parametrize("outage", OUTAGES, ids=lambda one: one.__name__)
def test_an_outage_is_said_and_nothing_answered_is_lost(bot: Bot, outage: Callable[[Bot, Load], None]) -> None:
    acks = bot.next(4 * 30 * EACH)
    with Load(bot.town, bot.seats, acks, {"link": 3, "event": 3, "press": 3}) as load:
        load.wait_for(len(acks) // 5)
        begun = time.monotonic()
        outage(bot, load)
        back = time.monotonic()
        load.finished(120)
    # Nobody's connection was dropped, nothing crashed, nothing was answered but by yes or by “come again”.
    assert set(load.statuses) <= {200, 503}
    assert set(load.answered) == {one.name for one in acks}
    # What NATS took is decided a moment later; what it took before the outage as well.
    deadline = time.monotonic() + 2 * BACK
    while missing := lost(bot.fleet.ask, acks):
        assert time.monotonic() < deadline, missing
        time.sleep(0.1)
    assert doubled(bot.fleet.ask, acks) == []
    assert bot.fleet.ask("SELECT count(*) FROM troubles") == [(0,)]
    took = {}
    for way in ("link", "event", "press"):
        # The first yes to what was asked after the server was back.
        after = [at for at, how, status in load.answers if how == way and status == 200 and at > back]
        if after:
            took[way] = min(after) - back
            assert took[way] < BACK
    assert took
    print(f"\n{outage.__name__}: away {back - begun:.1f} s, {load.statuses[503]} times 503; back after "
          + ", ".join(f"{way} {seconds:.1f} s" for way, seconds in took.items()))  # fmt: skip


@pytest.mark.skipif(not FULL, reason="in full: make faults")
def test_a_full_disk_under_a_file_is_said_and_nothing_answered_is_lost(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    if not small_disk(data, 24):
        pytest.skip("no file system may be mounted here: the disk cannot be made full")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("QINGQUN_")}
    seats = Seats([Seat("all", tmp_path, environ | {"QINGQUN_DATA": str(data), "PYTHONUNBUFFERED": "1"})])

    def ask(query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(data / "qingqun.db", timeout=10)) as db:
            return db.execute(query).fetchall()

    try:
        town = Town(data, 2, 100, 5)
        seats.fill()
        acks = prepare(town, seats, ask, random.Random(1))
        with Load(town, seats, acks, {"link": 3, "event": 2, "press": 2}) as load:
            load.wait_for(50)
            ballast = fill_up(data)
            refused(load, "link", "event", "press")
            ballast.unlink()
            back = time.monotonic()
            load.wait_for(len(load.answered) + 1)
            took = time.monotonic() - back
            load.finished(120)
        assert set(load.statuses) <= {200, 503}
        assert lost(ask, acks) == doubled(ask, acks) == []
        assert ask("PRAGMA integrity_check") == [("ok",)]
        process = seats.seats[0].process
        assert process is not None
        assert "磁盘已满，数据没有写入" in process.said()
        print(f"\na full disk under SQLite: {load.statuses[503]} times 503, back after {took:.1f} s")
    finally:
        seats.close()
        subprocess.run(["umount", "-l", str(data)], check=False)


async def test_a_file_that_may_not_grow_refuses_in_a_sentence_and_goes_on_later(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "qingqun.db")
    most: list[int] = []

    @event.listens_for(store._engine, "begin")
    def limited(db: Any) -> None:
        db.exec_driver_sql(f"PRAGMA max_page_count={most[0] if most else 1 << 30}")

    await store.open()
    house = make_house(load_settings(flags={"data": tmp_path}, environ={}), store, now=lambda: MONDAY)
    await house.bus.open(house.dispatch)
    town = Talk(house)
    await town.roster(people=200)
    await town.says("boss", "通知：周五上午开会，请各位收到后回复。", id="m1")
    pages = await store.read(lambda db: db.exec_driver_sql("PRAGMA page_count").scalar_one())
    most.append(pages)
    answered, refused = 0, ""
    while not refused and answered < 200:
        try:
            await town.clicks(f"p{answered + 1}", "m1")
            answered += 1
        except StoreError as error:
            refused = str(error)
    assert refused == "磁盘已满，数据没有写入。请清理磁盘后重试。"
    most.clear()
    for number in range(answered + 1, 201):
        await town.clicks(f"p{number}", "m1")
    kept = "SELECT count(*) FROM receipts WHERE acked"
    assert await store.read(lambda db: db.exec_driver_sql(kept).scalar_one()) == 200
    assert await store.read(lambda db: db.exec_driver_sql("PRAGMA integrity_check").scalar_one()) == "ok"
    await store.close()

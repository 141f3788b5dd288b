"""One suite over every bus: what was published is consumed, in order within a group, again after a failure."""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from bot.bus import Bus, BusError, jetstream
from bot.bus.jetstream import PARTITIONS, JetStreamBus
from bot.bus.memory import MemoryBus
from handlers.events import Event, GroupDissolved
from tests.conftest import MONDAY


def event(number: int, group: str = "c:g") -> GroupDissolved:
    return GroupDissolved(id=f"c:{number}", at=MONDAY + timedelta(minutes=number), channel="c", group=group)


@pytest.fixture(params=["memory", pytest.param("jetstream", marks=pytest.mark.nats)])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    made: Bus = MemoryBus()
    stream = f"test-{uuid.uuid4().hex[:8]}"
    if request.param == "jetstream":
        made = JetStreamBus(os.environ["QINGQUN_TEST_NATS"], stream)
    yield made
    if isinstance(made, JetStreamBus):
        if made._js is None:
            await made.connect()
        await gone(made, stream)
    await made.close()


async def gone(bus: JetStreamBus, stream: str) -> None:
    assert bus._js is not None
    for name in (stream, f"{stream}-aside"):
        await bus._js.delete_stream(name)


async def until(done: Callable[[], bool]) -> None:
    for _ in range(500):
        if done():
            return
        await asyncio.sleep(0.02)
    pytest.fail("it did not happen in time")


async def test_events_of_one_group_arrive_in_order_and_whole(bus: Bus) -> None:
    heard: list[Event] = []

    async def consume(one: Event) -> None:
        heard.append(one)

    await bus.open(consume)
    sent = [event(number) for number in range(30)]
    for one in sent:
        await bus.publish(one)
    await until(lambda: len(heard) == 30)
    assert heard == sent


async def test_before_it_is_open_publishing_is_refused(bus: Bus) -> None:
    with pytest.raises(BusError, match="还没有打开"):
        await bus.publish(event(1))


@pytest.mark.nats
async def test_what_a_worker_could_not_commit_comes_again_before_what_follows() -> None:
    stream = f"test-{uuid.uuid4().hex[:8]}"
    bus = JetStreamBus(os.environ["QINGQUN_TEST_NATS"], stream)
    heard: list[str] = []

    async def consume(one: Event) -> None:
        heard.append(one.id)
        if len(heard) == 1:
            raise RuntimeError("the database is away")

    await bus.open(consume)
    await bus.publish(event(1))
    await bus.publish(event(2))
    await until(lambda: len(heard) == 3)
    assert heard == ["c:1", "c:1", "c:2"]
    await gone(bus, stream)
    await bus.close()


@pytest.mark.nats
async def test_after_a_long_silence_it_still_listens(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jetstream, "FETCH_WAIT", 0.2)
    heard: list[Event] = []

    async def consume(one: Event) -> None:
        heard.append(one)

    await bus.open(consume)
    await asyncio.sleep(1.5)
    await bus.publish(event(1))
    await until(lambda: len(heard) == 1)


@pytest.mark.nats
async def test_a_broker_that_is_not_there_says_so() -> None:
    with pytest.raises(BusError, match="连不上 NATS"):
        await JetStreamBus("nats://127.0.0.1:1").connect()


@pytest.mark.nats
async def test_two_workers_that_share_every_partition_keep_the_order_of_a_group() -> None:
    stream = f"test-{uuid.uuid4().hex[:8]}"
    heard: dict[str, list[str]] = {}

    async def consume(one: Event) -> None:
        await asyncio.sleep(0.003)
        heard.setdefault(getattr(one, "group", ""), []).append(one.id)

    workers = [JetStreamBus(os.environ["QINGQUN_TEST_NATS"], stream) for _ in range(2)]
    for worker in workers:
        await worker.open(consume)
    for number in range(60):
        await workers[number % 2].publish(event(number, f"c:g{number % 3}"))
    await until(lambda: sum(map(len, heard.values())) == 60)
    assert heard == {f"c:g{k}": [f"c:{n}" for n in range(60) if n % 3 == k] for k in range(3)}
    await gone(workers[0], stream)
    for worker in workers:
        await worker.close()


@pytest.mark.nats
async def test_a_partition_given_away_is_taken_up_where_it_was_left() -> None:
    stream = f"test-{uuid.uuid4().hex[:8]}"
    heard: list[str] = []

    async def consume(one: Event) -> None:
        await asyncio.sleep(0.02)
        heard.append(one.id)

    first, second = (JetStreamBus(os.environ["QINGQUN_TEST_NATS"], stream) for _ in range(2))
    await first.open(consume)
    await second.connect()
    for number in range(30):
        await first.publish(event(number))
    await until(lambda: len(heard) >= 5)
    await first.follow(())
    await second.follow(range(PARTITIONS), consume)
    await until(lambda: len(heard) >= 30)
    assert heard == [f"c:{number}" for number in range(30)]
    assert (await second.backlog()).depth == 0
    await gone(second, stream)
    await first.close()
    await second.close()


@pytest.mark.nats
async def test_what_nobody_can_read_is_kept_aside_and_holds_nobody_up(bus_url: str) -> None:
    stream = f"test-{uuid.uuid4().hex[:8]}"
    bus = JetStreamBus(bus_url, stream)
    heard: list[str] = []

    async def consume(one: Event) -> None:
        heard.append(one.id)

    await bus.open(consume)
    assert bus._js is not None
    for number in range(PARTITIONS):
        await bus._js.publish(f"{stream}.events.{number}", json.dumps({"type": "of another time"}).encode())
    await bus.publish(event(1))
    await until(lambda: heard == ["c:1"])
    for _ in range(100):
        if (await bus.backlog()).depth == 0:
            break
        await asyncio.sleep(0.05)
    assert ((await bus.backlog()).depth, (await bus.backlog()).aside) == (0, PARTITIONS)
    await gone(bus, stream)
    await bus.close()


@pytest.fixture
def bus_url() -> str:
    return os.environ["QINGQUN_TEST_NATS"]

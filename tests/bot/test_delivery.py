"""What was written down is said: in order, again after a failure, never twice under one key, never too late."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.channels import ChannelError, Health
from bot.delivery import MOST_ATTEMPTS, Delivery
from bot.house import House
from handlers.cards import Card
from storage import outbox
from storage.database import Store
from storage.outbox import UNLIMITED, Limit
from storage.postgresql import PostgresStore
from storage.sqlite import SqliteStore
from tests.conftest import MONDAY, Town
from tests.storage.places import clear


class Loud:
    """A channel that remembers what it said, and refuses what it is told to refuse."""

    name = "playground"

    def __init__(self) -> None:
        self.said: list[tuple[str, str, str]] = []
        self.refusals: list[ChannelError] = []

    def _say(self, kind: str, target: str, what: str) -> str:
        if self.refusals:
            raise self.refusals.pop(0)
        self.said.append((kind, target, what))
        return f"ref{len(self.said)}"

    async def open(self, hear: Any, address: Any) -> None: ...
    async def close(self) -> None: ...

    async def post(self, group: str, card: Card, key: str) -> str:
        return self._say("post", group, card.title)

    async def whisper(self, person: str, card: Card, key: str) -> str:
        return self._say("whisper", person, card.title)

    async def revise(self, group: str, reference: str, card: Card, key: str) -> str:
        return self._say("revise", group, reference)

    async def send_file(self, person: str, name: str, content: bytes, key: str) -> str:
        return self._say("file", person, content.decode())

    async def ask_roster(self, group: str) -> None:
        self._say("roster", group, "")

    def health(self) -> Health:
        return Health(state="ok")


class Clock:
    def __init__(self) -> None:
        self.at = MONDAY

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def channel() -> Loud:
    return Loud()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def delivery(house: House, channel: Loud, clock: Clock) -> Delivery:
    async def render(what: str) -> bytes:
        return what.encode()

    return Delivery(house.store, {"playground": channel}, render, clock)


Put = Callable[..., Any]


@pytest.fixture
def put(house: House) -> Put:
    async def putting(key: str, kind: str = "whisper", channel: str = "playground", **more: Any) -> None:
        values = {"payload": json.dumps({"title": key}), "at": MONDAY, "not_before": MONDAY, "target": f"{channel}:x", **more}
        await house.store.write(lambda db: outbox.put(db, key=key, kind=kind, channel=channel, **values))

    return putting


async def states(house: House) -> dict[str, int]:
    return await house.store.read(outbox.depths)


async def test_everything_is_said_in_order_and_once(delivery: Delivery, channel: Loud, put: Put, house: House) -> None:
    for key in ("a", "b", "a"):
        await put(key)
    await delivery.deliver_due()
    await delivery.deliver_due()
    assert [what for _, _, what in channel.said] == ["a", "b"]
    assert await states(house) == {"sent": 2}


async def test_what_is_held_back_waits_for_its_time(delivery: Delivery, channel: Loud, put: Put, clock: Clock) -> None:
    await put("later", not_before=MONDAY + timedelta(hours=1))
    pause = await delivery.deliver_due()
    assert channel.said == []
    assert pause == 30
    clock.at += timedelta(hours=1)
    await delivery.deliver_due()
    assert len(channel.said) == 1


async def test_a_passing_failure_is_tried_again_with_growing_pauses(
    delivery: Delivery, channel: Loud, put: Put, clock: Clock, house: House
) -> None:
    channel.refusals = [ChannelError("忙"), ChannelError("忙", retry_after=7)]
    await put("a")
    pauses = [await delivery.deliver_due()]
    clock.at += timedelta(seconds=2)
    pauses.append(await delivery.deliver_due())
    assert pauses == [2.0, 7.0]
    clock.at += timedelta(seconds=7)
    await delivery.deliver_due()
    assert await states(house) == {"sent": 1}


@pytest.mark.parametrize("refusals", [[ChannelError("不是好友", permanent=True)], [ChannelError("忙")] * MOST_ATTEMPTS])
async def test_the_hopeless_is_set_aside_and_what_follows_is_said(
    delivery: Delivery, channel: Loud, put: Put, clock: Clock, house: House, refusals: list[ChannelError]
) -> None:
    channel.refusals = list(refusals)
    await put("a")
    for _ in refusals:
        await delivery.deliver_due()
        clock.at += timedelta(minutes=11)
    await put("b", at=clock.at, not_before=clock.at)
    await delivery.deliver_due()
    assert [what for _, _, what in channel.said] == ["b"]
    assert await states(house) == {"failed": 1, "sent": 1}


async def test_a_channel_that_is_not_there_is_set_aside(delivery: Delivery, put: Put, house: House) -> None:
    await put("a", channel="pigeon")
    await delivery.deliver_due()
    assert await states(house) == {"failed": 1}


async def test_old_news_is_not_said(delivery: Delivery, channel: Loud, put: Put, clock: Clock, house: House) -> None:
    await put("a")
    clock.at += timedelta(hours=13)
    await delivery.deliver_due()
    assert channel.said == []
    assert await states(house) == {"stale": 1}


async def test_what_was_held_back_overnight_survives_a_failure_in_the_morning(
    delivery: Delivery, channel: Loud, put: Put, clock: Clock, house: House
) -> None:
    channel.refusals = [ChannelError("忙")]
    await put("weekend", not_before=MONDAY + timedelta(hours=60))
    clock.at += timedelta(hours=60)
    await delivery.deliver_due()
    clock.at += timedelta(seconds=2)
    await delivery.deliver_due()
    assert [what for _, _, what in channel.said] == ["weekend"]
    assert await states(house) == {"sent": 1}


async def test_a_platform_that_is_away_for_too_long_gets_no_old_news(
    delivery: Delivery, channel: Loud, put: Put, clock: Clock, house: House
) -> None:
    await put("a")
    for _ in range(14):
        channel.refusals = [ChannelError("不在", retry_after=3600)]
        await delivery.deliver_due()
        clock.at += timedelta(hours=1)
    channel.refusals = []
    await delivery.deliver_due()
    assert channel.said == []
    assert await states(house) == {"stale": 1}


async def test_what_may_have_been_said_twice_is_marked(
    delivery: Delivery, channel: Loud, put: Put, clock: Clock, house: House
) -> None:
    channel.refusals = [ChannelError("没有应答")]
    await put("again")
    await put("once")
    await delivery.deliver_due()
    clock.at += timedelta(seconds=2)
    await delivery.deliver_due()
    rows = await house.store.read(lambda db: db.execute(outbox.OUTBOX.select().order_by(outbox.OUTBOX.c.id)).all())
    assert [(row.state, row.attempts, row.error) for row in rows] == [("sent", 1, "没有应答"), ("sent", 0, "")]
    assert await house.store.read(outbox.repeated) == 1


async def test_a_revision_waits_for_its_post_and_names_it(
    delivery: Delivery, channel: Loud, put: Put, clock: Clock
) -> None:
    await put("r", kind="revise", about="p")
    await delivery.deliver_due()
    assert channel.said == []
    await put("p", kind="post")
    clock.at += timedelta(seconds=1)
    await delivery.deliver_due()
    clock.at += timedelta(seconds=1)
    await delivery.deliver_due()
    assert [(kind, what) for kind, _, what in channel.said] == [("post", "p"), ("revise", "ref1")]


async def test_a_file_is_made_when_it_is_sent(delivery: Delivery, channel: Loud, put: Put) -> None:
    await put("f", kind="file", payload='{"what": "inventory/2026-W47.xlsx", "name": "清单.xlsx"}')
    await delivery.deliver_due()
    assert channel.said == [("file", "playground:x", "inventory/2026-W47.xlsx")]


async def test_what_was_said_keeps_no_text(delivery: Delivery, put: Put, house: House) -> None:
    await put("secret words")
    await delivery.deliver_due()
    from sqlalchemy import select

    (row,) = await house.store.read(lambda db: db.execute(select(outbox.OUTBOX.c.payload)).all())
    assert row.payload == ""


async def test_a_word_that_is_no_answer_waits_for_working_hours(town: Town) -> None:
    """The summary of an ordinary notice, reached at night, is held until the morning."""
    await town.roster(people=1)
    await town.says("boss", "明天上午九点开会，地点三楼，收到请回复。", id="m1")
    await town.clicks("p1", "m1", minutes=13 * 60)
    await town.passes(minutes=13 * 60 + 1)
    (summary,) = [one for one in await town.said("whisper") if one.key.startswith("summary:")]
    assert summary.not_before.isoformat() == "2026-11-17T00:00:00+00:00"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store = SqliteStore(tmp_path / "shared.db")
    if request.param == "postgresql":
        made = PostgresStore(os.environ["QINGQUN_TEST_POSTGRESQL"])
        await made.write(clear)
    await made.open()
    yield made
    await made.close()


class Shared:
    """Several processes that speak for one channel; what they say is written down together, with who said it."""

    def __init__(self, store: Store, clock: Clock, limit: Limit = UNLIMITED) -> None:
        self.store, self.clock, self.limit = store, clock, limit
        self.said: list[tuple[str, str, str]] = []

    def process(self, name: str) -> Delivery:
        shared = self

        class Voice(Loud):
            async def whisper(self, person: str, card: Card, key: str) -> str:
                await asyncio.sleep(0.001)
                shared.said.append((name, person, card.title))
                return key

        async def render(what: str) -> bytes:
            return b""

        return Delivery(self.store, {"c": Voice()}, render, self.clock, limit=lambda _: self.limit, holder=name)

    async def put(self, key: str, target: str = "c:x") -> None:
        values = {"payload": json.dumps({"title": key}), "at": self.clock.at, "not_before": self.clock.at}
        await self.store.write(
            lambda db: outbox.put(db, key=key, kind="whisper", channel="c", target=target, **values)  # type: ignore[arg-type]
        )


async def test_of_several_processes_one_says_it_and_each_conversation_keeps_its_order(
    store: Store, clock: Clock
) -> None:
    shared = Shared(store, clock)
    for number in range(60):
        await shared.put(f"{number:02}", f"c:p{number % 4}")
    await asyncio.gather(*(shared.process(name).deliver_due() for name in ("a", "b", "c")))
    await shared.process("d").deliver_due()
    assert sorted(what for _, _, what in shared.said) == [f"{number:02}" for number in range(60)]
    for person in range(4):
        mine = [what for _, whom, what in shared.said if whom == f"c:p{person}"]
        assert mine == sorted(mine)


async def test_a_minutes_limit_holds_for_all_processes_and_after_a_restart(store: Store, clock: Clock) -> None:
    shared = Shared(store, clock, Limit(channel=10))
    for number in range(25):
        await shared.put(f"{number:02}", f"c:p{number}")
    after = []
    for seconds, names in ((0, ("a", "b")), (30, ("c",)), (59, ("a", "b")), (61, ("d", "e")), (122, ("f",))):
        clock.at = MONDAY + timedelta(seconds=seconds)
        await asyncio.gather(*(shared.process(name).deliver_due() for name in names))
        after.append(len(shared.said))
    assert after == [10, 10, 10, 20, 25]


async def test_a_full_conversation_does_not_keep_the_others_waiting(store: Store, clock: Clock) -> None:
    shared = Shared(store, clock, Limit(target=2))
    for number in range(150):
        await shared.put(f"{number:03}", "c:busy")
    await shared.put("other", "c:quiet")
    await shared.process("a").deliver_due()
    assert [what for _, _, what in shared.said] == ["000", "001", "other"]


async def test_what_a_killed_process_had_claimed_is_said_when_its_claim_runs_out_or_is_taken_over(
    store: Store, clock: Clock
) -> None:
    shared = Shared(store, clock)
    await shared.put("1")
    until = MONDAY + timedelta(minutes=4)
    claim = partial(outbox.claim, channel="c", holder="dead", now=MONDAY, until=until)
    assert len(await store.write(claim)) == 1
    await shared.process("a").deliver_due()
    assert shared.said == []
    clock.at = until
    await shared.process("a").deliver_due()
    assert len(shared.said) == 1
    await shared.put("2")
    await store.write(partial(outbox.claim, channel="c", holder="dead", now=until, until=until + timedelta(minutes=4)))
    await store.write(partial(outbox.release, channel="c", holder="b", now=until))
    await shared.process("b").deliver_due()
    assert [(who, what) for who, _, what in shared.said] == [("a", "1"), ("b", "2")]


async def test_a_channel_that_another_process_holds_is_left_to_it(delivery: Delivery, put: Put, house: House) -> None:
    await put("a", channel="pigeon")
    delivery._elsewhere = lambda name: name == "pigeon"
    await delivery.deliver_due()
    assert await states(house) == {"waiting": 1}


async def test_a_silent_channel_keeps_no_other_waiting(
    house: House, put: Put, channel: Loud, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent(Loud):
        async def whisper(self, person: str, card: Card, key: str) -> str:
            await asyncio.sleep(3600)
            return ""

    async def render(what: str) -> bytes:
        return b""

    monkeypatch.setattr("bot.delivery.PATIENCE", 0.5)
    both = Delivery(house.store, {"playground": channel, "silent": Silent()}, render, clock)
    await put("never", channel="silent")
    await put("a")
    await both.open()
    for _ in range(200):
        tried = await house.store.read(lambda db: outbox.overdue_since(db, clock.at))
        if channel.said and tried == MONDAY and (await house.store.read(outbox.next_due)) != MONDAY:
            break
        await asyncio.sleep(0.02)
    await both.close()
    assert [what for _, _, what in channel.said] == ["a"]
    assert await states(house) == {"sent": 1, "waiting": 1}


async def test_an_error_of_a_channels_own_is_a_failed_attempt_and_no_end(
    delivery: Delivery, channel: Loud, put: Put, house: House
) -> None:
    channel.refusals = [RuntimeError("no network")]  # type: ignore[list-item]
    await put("a")
    await put("b")
    await delivery.deliver_due()
    assert [what for _, _, what in channel.said] == ["b"]
    assert await states(house) == {"sent": 1, "waiting": 1}

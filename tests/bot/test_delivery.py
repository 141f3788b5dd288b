"""What was written down is said: in order, again after a failure, never twice under one key, never too late."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.channels import ChannelError, Health
from bot.delivery import MOST_ATTEMPTS, Delivery
from bot.house import House
from handlers.cards import Card
from storage import outbox
from tests.conftest import MONDAY, Town


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
    (summary,) = [one for one in await town.said("whisper") if one.key.startswith("summary:")]
    assert summary.not_before.isoformat() == "2026-11-17T00:00:00+00:00"

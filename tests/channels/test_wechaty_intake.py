"""While the bus is away what was heard waits, bounded and in order; only what nobody can decide is given up."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.bus import BusError
from bot.channels.wechaty import intake
from bot.channels.wechaty.intake import AGAIN, Intake
from handlers.events import Event, GroupDissolved
from tests.conftest import MONDAY


def event(number: int, group: str = "wechaty:g") -> GroupDissolved:
    return GroupDissolved(id=f"wechaty:{number}", at=MONDAY + timedelta(seconds=number), channel="wechaty", group=group)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "AGAIN", tuple(pause / 1000 for pause in AGAIN))
    monkeypatch.setattr(intake, "WAITING", 5)


async def settled(intake: Intake) -> None:
    for _ in range(500):
        if not intake._lanes:
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not end")


async def test_an_outage_is_outlasted_however_long_and_takes_no_more_than_there_is_room_for() -> None:
    heard: list[str] = []
    refused = 0

    async def hear(one: Event) -> None:
        nonlocal refused
        if refused < 4 * len(AGAIN):
            refused += 1
            raise BusError("NATS 没有收下事件")
        heard.append(one.id)

    taken = Intake(hear)

    async def telling() -> None:
        for number in range(9):
            await taken.tell(event(number))

    teller = asyncio.create_task(telling())
    await asyncio.sleep(0.02)
    # The sixth waits at the door, and with it the stream of the gateway.
    assert not teller.done()
    await teller
    await settled(taken)
    assert heard == [f"wechaty:{number}" for number in range(9)]
    assert taken.dropped == 0


async def test_what_always_fails_is_given_up_and_what_follows_is_heard() -> None:
    heard: list[str] = []

    async def hear(one: Event) -> None:
        if one.id == "wechaty:0":
            raise ValueError("broken")
        heard.append(one.id)

    taken = Intake(hear)
    await taken.tell(event(0))
    await taken.tell(event(1))
    await settled(taken)
    assert (heard, taken.dropped) == (["wechaty:1"], 1)

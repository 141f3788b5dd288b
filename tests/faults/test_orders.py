"""Whatever comes twice, late or out of order, to two processes at once: one effect, first time kept, the same end."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bot import wire
from bot.app import make_house
from bot.house import House
from bot.timer import woke
from config.settings import load_settings
from handlers.rules.tally import Pressed, standing
from storage import clockwork, notices, outbox
from storage.database import table
from storage.postgresql import PostgresStore
from storage.sqlite import SqliteStore
from storage.tables import Press
from tests.conftest import MONDAY
from tests.storage.places import clear

FULL = os.environ.get("QINGQUN_FAULTS") == "full"
SEEDS = range(40 if FULL else 4)
PEOPLE = 40 if FULL else 12
UNDO = timedelta(minutes=5)


@dataclass(slots=True)
class Pair:
    """Two processes' worth of decisions on one database."""

    houses: list[House]

    async def tell(self, who: random.Random, events: list[dict[str, Any]]) -> None:
        """All at once, each to one of the two."""
        parsed = [wire.parse({"channel": "playground", **one}) for one in events]
        await asyncio.gather(*(who.choice(self.houses).tell(one) for one in parsed))

    async def revise(self) -> None:
        """Both timers wake for the card at once."""
        row = await self.houses[0].store.read(clockwork.next_wake)
        assert row is not None
        await asyncio.gather(*(house.tell(woke(row.kind, row.subject, row.at)) for house in self.houses))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Pair]:
    settings = load_settings(flags={"data": tmp_path}, environ={})
    if request.param == "sqlite":
        # The file has one owner: two dispatches of one process share its writer.
        stores: list[Any] = [SqliteStore(tmp_path / "t.db")] * 2
    else:
        stores = [PostgresStore(os.environ["QINGQUN_TEST_POSTGRESQL"]) for _ in range(2)]
        await stores[0].write(clear)
    houses = []
    for store in dict.fromkeys(stores):
        await store.open()
    for store in stores:
        house = make_house(settings, store, now=lambda: MONDAY)
        await house.bus.open(house.dispatch)
        houses.append(house)
    yield Pair(houses)
    for store in dict.fromkeys(stores):
        await store.close()


def at(minutes: float) -> str:
    return (MONDAY + timedelta(minutes=minutes)).isoformat()


def sent_again(who: random.Random, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each one to five times, every time under a new id of its transport, in any order."""
    copies = [{**one, "id": f"{one['id']}-{number}"} for one in events for number in range(who.randint(1, 5))]
    who.shuffle(copies)
    return copies


def presses_of(who: random.Random, person: str) -> list[dict[str, Any]]:
    """A few presses of one person, the first of them an acknowledgement; never two in one moment."""
    minutes = sorted(who.sample(range(2, 40), who.randint(1, 6)))
    actions = ["ack", *(who.choice(("ack", "undo")) for _ in minutes[1:])]
    return [
        {"type": "click", "id": f"{person}-{n}", "at": at(m), "group": "g1", "person": person,
         "notice": {"message": "m1"}, "action": action}
        for n, (m, action) in enumerate(zip(minutes, actions, strict=True))
    ]  # fmt: skip


async def notice_in(pair: Pair) -> None:
    members = [{"id": "boss", "name": "老周", "role": "admin"}, *({"id": f"p{n}", "name": f"干部{n}"} for n in range(PEOPLE))]
    group = {"id": "g1", "name": "工作群"}
    roster = {"type": "roster", "id": "r", "at": at(0), "group": group, "owner": "boss", "members": members}
    said = {"type": "message", "id": "m1", "at": at(1), "group": group, "sender": {"id": "boss", "name": "老周"}, "kind": "text",
            "text": "通知：周五上午开会，请各位收到后回复。", "mentions": []}  # fmt: skip
    for one in (roster, said):
        await pair.houses[0].tell(wire.parse({"channel": "playground", **one}))


@pytest.mark.parametrize("seed", SEEDS)
async def test_presses_in_any_order_and_number_lead_where_they_lead_in_order(pair: Pair, seed: int) -> None:
    who = random.Random(seed)
    await notice_in(pair)
    pressed = {f"p{n}": presses_of(who, f"p{n}") for n in range(PEOPLE)}
    await pair.tell(who, sent_again(who, [one for some in pressed.values() for one in some]))
    store = pair.houses[0].store
    notice = await store.read(lambda db: notices.of_message(db, "playground:m1"))
    done = 0
    for person, some in pressed.items():
        told = (Pressed(at=wire.instant(one["at"], "at"), action=one["action"], via="card") for one in some)
        wanted = standing(told, UNDO)
        assert wanted is not None
        done += wanted.acked
        found = await store.read(lambda db, p=person: notices.receipt(db, notice.id, f"playground:{p}"))
        assert found is not None
        assert (found.acked, found.first_at) == (wanted.acked, wanted.first_at), (seed, person, some)
    assert await store.read(lambda db: notices.counts(db, notice.id)) == (done, PEOPLE)


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_press_that_comes_under_many_ids_is_kept_once_and_answered_once(pair: Pair, seed: int) -> None:
    who = random.Random(seed)
    await notice_in(pair)
    first = [presses_of(who, f"p{n}")[0] for n in range(PEOPLE)]
    await pair.tell(who, sent_again(who, first))
    store = pair.houses[0].store
    number = await store.read(lambda db: db.execute(select(func.count()).select_from(table(Press))).scalar_one())
    assert number == PEOPLE
    await pair.revise()
    summaries = await store.read(
        lambda db: db.execute(select(outbox.OUTBOX.c.key).where(outbox.OUTBOX.c.key.like("summary:%"))).scalars().all()
    )
    assert len(summaries) == len(set(summaries)) == 1


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_recall_before_or_after_the_presses_ends_the_notice_the_same(pair: Pair, seed: int) -> None:
    who = random.Random(seed)
    await notice_in(pair)
    some = [presses_of(who, f"p{n}")[0] for n in range(PEOPLE)]
    recall = {"type": "message", "id": "back", "at": at(90), "group": {"id": "g1", "name": "工作群"}, "kind": "recall",
              "sender": {"id": "boss", "name": "老周"}, "text": "", "quotes": "m1", "mentions": []}  # fmt: skip
    await pair.tell(who, sent_again(who, [*some, recall]))
    notice = await pair.houses[0].store.read(lambda db: notices.of_message(db, "playground:m1"))
    assert notice.state == "cancelled"

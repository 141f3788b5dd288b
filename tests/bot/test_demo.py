"""The demonstration city: complete, marked, the same every time, and furnished once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from bot.app import make_channels
from bot.demo import city, seed
from bot.house import House
from config.settings import load_settings
from handlers.inventory import snapshot_for
from handlers.rules.cleanup import STATES
from storage import cleanup_pages, clockwork, flags, notices, outbox, pages
from storage.cleanup_pages import Wanted
from tests.conftest import make

VERDICTS = {"alive", "watch", "suspected", "dissolve", "empty", "duplicate", "overdue", "exempt"}


@pytest.fixture
async def furnished(tmp_path: Path) -> AsyncIterator[House]:
    async for house in make(tmp_path):
        house.demo = True
        house.channels = make_channels(load_settings(flags={"data": tmp_path}, environ={}), house.now)
        for channel in house.channels.values():
            await channel.open(house.bus.publish, lambda link, person: f"http://test/{link.page}")
        await seed(house)
        yield house
        for channel in house.channels.values():
            await channel.close()


async def test_the_city_is_complete_and_its_past_is_not_said_again(furnished: House) -> None:
    def read(db: Connection) -> dict[str, Any]:
        return {
            "snapshot": snapshot_for(db, furnished.settings, None, furnished.now()),
            "weeks": pages.weeks(db),
            "open": [row for row in notices.listed(db, None) if row.state == "open"],
            "appeals": flags.appealed(db),
            "troubles": clockwork.troubles(db),
            "outbox": outbox.depths(db),
            "cleanups": {name: cleanup_pages.count(db, Wanted(states=(name,))) for name in STATES},
        }

    facts = await furnished.store.read(read)
    groups = facts["snapshot"]["groups"]
    assert {one["verdict"] for one in groups} == VERDICTS
    assert len(groups) == 24
    assert facts["snapshot"]["totals"]["reduction_rate"] == pytest.approx(5 / 29)
    assert facts["snapshot"]["reduction"]["rebounds"] == 1
    assert len(facts["weeks"]) >= 8
    assert len(facts["open"]) == 2
    assert facts["appeals"]
    # Something in every state that lasts; the others are over within the same week.
    assert {name for name, number in facts["cleanups"].items() if not number} <= {"found", "returned"}
    assert facts["troubles"] == 0
    # What waits is of today: two cards and what is whispered about them.
    assert facts["outbox"]["replayed"] > facts["outbox"].get("waiting", 0) > 0

    before = await furnished.store.read(lambda db: (outbox.depths(db), len(notices.listed(db, None))))
    await seed(furnished)
    assert await furnished.store.read(lambda db: (outbox.depths(db), len(notices.listed(db, None)))) == before


def test_nobody_in_the_city_could_be_taken_for_real() -> None:
    assert len(city.PEOPLE) >= 40
    assert all(one.name.startswith("演示·") for one in city.PEOPLE)
    assert len({one.name for one in city.PEOPLE}) == len(city.PEOPLE)


def test_every_member_and_owner_of_a_group_is_somebody() -> None:
    known = {one.id for one in city.PEOPLE}
    for group in city.GROUPS:
        assert known.issuperset(group.members)
        assert group.owner == "none" or group.owner in city.BY_NAME

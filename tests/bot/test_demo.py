"""The demonstration city: complete, marked, the same every time, and furnished once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from bot.app import make_channels
from bot.demo import city, demonstration, seed
from bot.house import House
from config.settings import load_settings
from config.wording import load_wording
from handlers.inventory import snapshot_for
from handlers.rules import apps
from handlers.rules.cleanup import STATES
from handlers.rules.zombie import VERDICT_OF
from storage import cleanup_pages, clockwork, flags, notices, outbox, pages
from storage.cleanup_pages import Wanted
from tests.conftest import make

VERDICT_OF_GROUPS = {code for code in VERDICT_OF if not code.startswith(("similar_name", "data_gap"))}
# Told beside a verdict, and what by its day leads to one of two.
HINTS = {"over_limit", "unregistered", "rebound", "moved", "no_filing", "not_updated"}


def coded(part: str) -> set[str]:
    """The codes that the wording has for a part of the inventory, without their variants."""
    prefix = f"inventory.{part}."
    return {key.removeprefix(prefix) for key in load_wording().keys() if key.startswith(prefix)}  # noqa: SIM118


@pytest.fixture
async def furnished(tmp_path: Path) -> AsyncIterator[House]:
    shown = demonstration(load_settings(environ={}))
    flags = {"ratings.enabled": shown.ratings.enabled, "inventory.app_active_least": shown.inventory.app_active_least}
    async for house in make(tmp_path, **flags):
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
    assert {one["verdict"] for one in groups} == coded("verdict")
    assert len(groups) == 27
    assert facts["snapshot"]["totals"]["reduction_rate"] == pytest.approx(5 / 32)
    assert facts["snapshot"]["reduction"]["rebounds"] == 1
    assert facts["snapshot"]["reduction"]["moved"] == 1
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


async def test_the_city_shows_every_verdict_and_every_reason_with_rule_and_source(furnished: House) -> None:
    found = await furnished.store.read(lambda db: snapshot_for(db, furnished.settings, None, furnished.now()))
    rows = [*found["groups"], *found["apps"]]
    assert {one["verdict"] for one in found["groups"]} == coded("verdict")
    assert {one["verdict"] for one in found["apps"]} == coded("app_verdict")
    reasons = [reason for one in rows for reason in one["reasons"]]
    codes = {reason["code"] for reason in reasons}
    assert {key for key in coded("reason") if not key.startswith(tuple(codes))} == set()
    assert codes == {*VERDICT_OF_GROUPS, *apps.VERDICT_OF, "similar_name", *HINTS}
    for one in (*reasons, *(row["verdict_rule"] for row in rows)):
        assert one["name"]
        assert one.get("rule", one.get("text"))
        assert one["source"]
    [unheard] = [one for one in found["groups"] if one["name"] == "白沙镇备汛联络群"]
    assert (unheard["verdict"], len(unheard["no_data"])) == ("insufficient", 1)
    rated = {one["name"]: one["rating"] and one["rating"]["answers"] for one in rows}
    assert (rated["村文书通知群"], rated["青石随手拍"]) == (6, 7)
    assert (rated["柳湾镇志愿服务群"], rated["柳湾微讯"]) == (None, None), "fewer than five answered"


def test_nobody_in_the_city_could_be_taken_for_real() -> None:
    assert len(city.PEOPLE) >= 40
    assert all(one.name.startswith("演示·") for one in city.PEOPLE)
    assert len({one.name for one in city.PEOPLE}) == len(city.PEOPLE)


def test_every_member_and_owner_of_a_group_is_somebody() -> None:
    known = {one.id for one in city.PEOPLE}
    for group in city.GROUPS:
        assert known.issuperset(group.members)
        assert group.owner == "none" or group.owner in city.BY_NAME

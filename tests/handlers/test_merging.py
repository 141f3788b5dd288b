"""What a week's inventory advises: mergers that count people, limits by level, matters that have ended."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bot.house import House
from handlers.inventory import only_groups
from storage import notices
from storage.database import insert
from storage.tables import Exemption
from tests.handlers.test_inventory import DAY, END, City


@pytest.fixture
def city(house: House) -> City:
    return City(house)


async def test_a_level_has_a_limit_of_its_own_and_a_setting_makes_it_a_verdict(city: City) -> None:
    for number, unit in enumerate(("柳湾村", "柳湾村", "柳湾村", "城关镇", "城关镇", "城关镇")):
        people = "abcdefghijklmnopqr"[number * 3 : number * 3 + 3]
        day = f"2026-0{6 - number}-01"
        await city.roster(f"g{number}", 60, people=people, owner=f"p{people[0]}", unit=unit, created=day)
        await city.says(f"g{number}", 1)
    limits: dict[str, Any] = {"inventory.unit_limits": {"村": 2}, "inventory.over_limit_watch": True}
    found = await city.snapshot(**limits)
    # Created in June; the other two groups of the village are older.
    assert {one["id"]: one["verdict"] for one in found["groups"] if one["verdict"] != "alive"} == {"g0": "watch"}
    [rule] = [one for one in found["rules"] if one["code"] == "over_limit"]
    assert rule["text"] == "每个单位工作群不超过 3 个（0 为不设上限），村 2 个，按建群先后超出的列为关注"
    assert rule["source"].startswith("本地口径")
    rows = [{"group": "playground:g2", "reason": "备用", "approver": "", "since": None, "until": None}]
    await city.write(lambda db: db.execute(insert(db, Exemption).values(rows)))
    assert await city.codes("g0", **limits) == []


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (
            {"matter": "人口普查，至2026年11月1日", "ends": date(2026, 11, 1)},
            "关联事项“人口普查”已于2026年11月1日到期，22 天仍未解散",
        ),
        (
            {"kind": "议事协调机构", "ends": date(2026, 11, 1)},
            "所依托的议事协调机构已于2026年11月1日到期，22 天仍未解散",
        ),
        ({"kind": "议事协调机构", "matter": "创卫指挥部（已撤销）"}, "台账注明关联事项“创卫指挥部”已经结束，仍未解散"),
        ({"matter": "已结束"}, "台账注明关联事项已经结束，仍未解散"),
    ],
    ids=["matter with a day", "body with a day", "body abolished", "over"],
)
async def test_a_group_whose_matter_has_ended_is_overdue(city: City, row: dict[str, Any], text: str) -> None:
    await city.roster("g1", 60, name="专班群")
    await city.says("g1", 1)
    await city.register(name="专班群", **row)
    await city.register(name="只在台账的群", messages_30d=9, **row)
    for name in ("专班群", "只在台账的群"):
        found = await city.group(name)
        assert (found["verdict"], found["disposition"]) == ("overdue", "建议解散")
        assert [one["text"] for one in found["reasons"]] == [text]


async def shown(city: City, notice: str, *groups: str, days: float = 3) -> None:
    """A notice as it stood in these groups."""
    at = END - days * DAY
    await city.write(lambda db: [notices.place(db, notice, f"playground:{group}", None, at) for group in groups])


async def test_a_merger_is_proposed_with_what_it_spares_and_costs_people(city: City) -> None:
    await city.roster("g1", 60, people="1234567890", unit="城关镇")
    await city.roster("g2", 60, people="123456789", unit="水利局")
    for number in range(45):
        await city.says("g1", 20 - number / 9)
    for number in range(60):
        await city.says("g2", 20 - number / 9)
    for number in range(6):
        await shown(city, f"n{number}", "g1", "g2")
    await shown(city, "elsewhere", "g1", "g7")
    await shown(city, "long ago", "g1", "g2", days=30.5)
    found = await city.snapshot()
    assert found["merges"] == [
        {
            "groups": ["playground:g1", "playground:g2"],
            "target": "playground:g1",
            "names": ["g1群", "g2群"],
            "units": ["城关镇", "水利局"],
            "saves_groups": 1,
            # Nine people saw six notices twice in thirty days; the tenth gets 60 messages in thirty days on top.
            "people_fewer": {"people": 9, "notices_weekly": 1.4},
            "people_more": {"people": 1, "messages_daily": 2.0},
            "messages_daily": 3.5,
            "why": "与并入的群成员重合率不低于 90%",
            "text": "合并这 2 个群：减少 1 个群；9 人平均每周少收 1.4 条重复通知；1 人平均每天多收 2 条消息",
        }
    ]
    assert found["merging"] == {
        "proposals": 1,
        "merged_groups": 2,
        "saves_groups": 1,
        "people_fewer": {"people": 9, "notices_weekly": 1.4},
        "people_more": {"people": 1, "messages_daily": 2.0},
        "held": 0,
        "limit": 50,
        "text": "可合并 1 组、共 2 个群，减少 1 个群；9 人平均每周少收 1.4 条重复通知；1 人平均每天多收 2 条消息",
    }
    low: dict[str, Any] = {"inventory.merge_messages": 1.9}
    held = await city.snapshot(**low)
    assert (held["merges"], held["merging"]["held"]) == ([], 1)
    assert held["merging"]["text"] == (
        "没有建议合并的群；另有 1 个群与别的群相似，但合并后有人每天要多收超过 1.9 条消息，不建议合并"
    )


async def test_somebody_whom_two_mergers_concern_is_one_person_in_the_total(city: City) -> None:
    for number, people in enumerate(("12345", "12345", "16789", "16789")):
        await city.roster(f"g{number}", 60, people=people)
        await city.says(f"g{number}", 1)
    for pair in ("01", "23"):
        await shown(city, f"n{pair}", *(f"g{number}" for number in pair))
    found = await city.snapshot()
    assert [one["people_fewer"]["people"] for one in found["merges"]] == [5, 5]
    assert found["merging"]["people_fewer"] == {"people": 9, "notices_weekly": round(10 / 9 * 7 / 30, 2)}
    assert found["merging"]["text"].endswith("；没有人多收消息")


@pytest.mark.parametrize(
    ("facts", "row", "exempt"),
    [
        ({"ends": "2026-10-01"}, {}, False),
        ({}, {}, True),
        ({}, {"disposition": "保留（领导小组办公室用）"}, False),
        ({}, {"disposition": "解散"}, False),
        ({"purpose": "防汛值守"}, {}, False),
        ({"kind": "议事协调机构"}, {}, False),
    ],
    ids=["to end", "exempt", "decided to stay", "decided to end", "duty", "body"],
)
async def test_what_ends_or_stays_or_stays_apart_is_not_merged(
    city: City, facts: dict[str, Any], row: dict[str, Any], exempt: bool
) -> None:
    await city.roster("g1", 60, people="12345")
    await city.roster("g2", 60, people="12345", **facts)
    for group in ("g1", "g2"):
        await city.says(group, 1)
    if row:
        await city.register(name="g2群", **row)
    if exempt:
        rows = [{"group": "playground:g2", "reason": "备用", "approver": "", "since": None, "until": None}]
        await city.write(lambda db: db.execute(insert(db, Exemption).values(rows)))
    found = await city.snapshot()
    assert (found["merges"], found["merging"]["text"]) == ([], "没有建议合并的群")


async def test_an_admin_sees_the_mergers_that_are_of_their_groups_alone(city: City) -> None:
    for group in ("g1", "g2"):
        await city.roster(group, 60, people="12345")
        await city.says(group, 1)
    found = await city.snapshot()
    assert only_groups(found, ["playground:g1", "playground:g2"])["merges"] == found["merges"] != []
    assert only_groups(found, ["playground:g1"])["merges"] == []
    del found["merges"]
    assert only_groups(found, ["playground:g1"])["merges"] == []

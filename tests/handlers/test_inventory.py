"""The week's inventory: facts as they were known at its end, taken once, shown to whom it concerns."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from bot import wire
from bot.house import House
from config.settings import TIMEZONE, load_settings
from handlers.events import WeekEnded
from handlers.inventory import WeekError, only_groups, snapshot_for
from storage import clockwork, inventories, register
from storage.database import insert
from storage.tables import Exemption
from tests.conftest import Town

# The end of 2026-W47.
END = datetime(2026, 11, 23, tzinfo=TIMEZONE)
DAY = timedelta(days=1)
KEYS = {"id", "name", "channel", "unit", "members", "last_work_message", "messages_30d", "per_person_daily", "verdict",
        "reasons", "similar", "disposition"}  # fmt: skip
TOTALS = {"groups", "apps", "zombie_groups", "zombie_apps", "baseline_groups", "reduced_groups", "reduction_rate"}


class City:
    """Short ways to let things happen on days before the end of the week."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.number = 0

    async def tell(self, days: float, **data: Any) -> None:
        self.number += 1
        at = (END - timedelta(days=days)).isoformat()
        await self.house.dispatch(wire.parse({"id": f"e{self.number}", "at": at, "channel": "playground", **data}))

    async def roster(
        self, group: str, days: float, people: str = "123", owner: str | None = "p1", **facts: Any
    ) -> None:
        members = [{"id": f"p{one}", "name": f"干部{one}"} for one in people]
        facts = {"name": f"{group}群", **facts}
        await self.tell(days, type="roster", group={"id": group, **facts}, owner=owner, members=members)

    async def says(self, group: str, days: float, text: str = "台账已经放进共享盘", **more: Any) -> None:
        where = {"id": group, "name": f"{group}群"}
        await self.tell(days, type="message", group=where, sender={"id": "p1", "name": "干部1"}, text=text, **more)

    async def dissolved(self, group: str, days: float) -> None:
        await self.tell(days, type="dissolved", group=group)

    async def write(self, work: Callable[[Connection], Any]) -> Any:
        return await self.house.store.write(work)

    async def register(self, **row: Any) -> None:
        told = {"id": f"wechat:{row['name']}", "channel": "wechat", **row}
        await self.write(lambda db: register.save(db, "groups", [told], END))

    async def snapshot(self, week: str = "2026-W47", **flags: Any) -> dict[str, Any]:
        settings = load_settings(flags=flags, environ={}) if flags else self.house.settings
        return await self.house.store.read(lambda db: snapshot_for(db, settings, week, END + DAY))  # type: ignore[no-any-return]

    async def group(self, name: str, **flags: Any) -> dict[str, Any]:
        [found] = [one for one in (await self.snapshot(**flags))["groups"] if one["name"] == name or one["id"] == name]
        return found

    async def codes(self, name: str, **flags: Any) -> list[str]:
        return [reason["code"] for reason in (await self.group(name, **flags))["reasons"]]


@pytest.fixture
def city(house: House) -> City:
    return City(house)


async def test_the_shape_is_the_one_that_was_promised(city: City) -> None:
    await city.roster("g1", 100, unit="城关镇", created="2026-01-05")
    await city.says("g1", 95)
    found = await city.snapshot()
    assert (found["week"], found["at"]) == ("2026-W47", "2026-11-23T00:00:00+08:00")
    assert found["totals"].keys() == TOTALS
    [group] = found["groups"]
    assert group.keys() >= KEYS
    assert (group["id"], group["channel"], group["unit"]) == ("g1", "playground", "城关镇")
    assert (group["members"], group["messages_30d"], group["per_person_daily"]) == (3, 0, 0.0)
    assert group["last_work_message"] == "2026-08-20T00:00:00+08:00"
    assert (group["verdict"], group["disposition"]) == ("suspected", "建议规范")
    assert group["reasons"] == [
        {
            "code": "silent_90",
            "text": "已 95 天没有工作消息，最近一条在2026年8月20日",
            "evidence": {"last_work_message": "2026-08-20T00:00:00+08:00", "days": 95, "threshold": 90},
            "name": "疑似僵尸",
            "rule": "连续 90 天没有工作消息，列为疑似僵尸",
            "source": "本地口径（无全国统一数字）：轻群默认，2026年11月定",
        }
    ]
    assert group["verdict_rule"] == {
        "code": "silent_90", "name": "疑似僵尸", "text": group["reasons"][0]["rule"],
        "source": group["reasons"][0]["source"],
    }  # fmt: skip
    assert json.loads(json.dumps(found)) == found


async def test_messages_of_thirty_days_are_counted_and_shared_among_the_members(city: City) -> None:
    await city.roster("g1", 60)
    await city.says("g1", 30.01)
    for hour in range(45):
        await city.says("g1", 29.9 - hour / 24)
    found = await city.group("g1")
    assert (found["messages_30d"], found["per_person_daily"]) == (45, 0.5)


async def test_pictures_and_files_keep_a_group_alive_and_roll_calls_do_not(city: City) -> None:
    for group, people in (("g1", "123"), ("g2", "145")):
        await city.roster(group, 60, people=people)
        await city.says(group, 50)
    await city.says("g1", 2, text="", kind="image")
    for text in ("收到", "OK", "1", "👌"):
        await city.says("g2", 2, text=text)
    await city.says("g2", 2, text="", kind="sticker")
    await city.says("g2", 2, text="张三邀请李四加入群聊", kind="system")
    assert (await city.group("g1"))["verdict"] == "alive"
    assert (await city.group("g2"))["last_work_message"] == "2026-10-04T00:00:00+08:00"
    assert await city.codes("g2") == ["silent_30"]


async def test_a_group_of_roll_calls_only_is_watched(city: City) -> None:
    await city.roster("g1", 60)
    await city.says("g1", 5)
    for number in range(12):
        await city.says("g1", 4 - number / 10, text="收到")
    found = await city.group("g1")
    assert (found["verdict"], found["rollcalls_30d"]) == ("watch", 12)
    assert found["reasons"][0]["text"] == "近 30 天 13 条消息中，“收到”、接龙占 92%"


async def test_an_empty_shell_and_a_group_without_owner_say_why(city: City) -> None:
    await city.roster("never", 20)
    await city.roster("nobody", 20, owner=None)
    await city.roster("left", 20, people="23", owner="p1")
    for group in ("nobody", "left"):
        await city.says(group, 1)
    assert [(await city.group(one))["verdict"] for one in ("never", "nobody", "left")] == ["empty"] * 3
    assert (await city.group("never"))["last_work_message"] is None
    assert [(await city.group(one))["reasons"][0]["text"] for one in ("nobody", "left")] == [
        "没有群主",
        "群主已不在群内",
    ]
    assert (await city.group("nobody"))["disposition"] == "建议规范"


async def test_without_a_roster_nothing_is_said_about_owner_and_members(city: City) -> None:
    await city.says("g1", 1)
    found = await city.group("g1")
    assert (found["verdict"], found["members"], found["members_source"]) == ("alive", 0, "unknown")
    assert found["per_person_daily"] == 0.0


async def test_a_temporary_group_is_overdue_after_its_end(city: City) -> None:
    await city.roster("g1", 60, kind="临时", ends="2026-11-01")
    await city.says("g1", 1)
    found = await city.group("g1")
    assert (found["verdict"], found["reasons"][0]["code"], found["disposition"]) == (
        "overdue",
        "task_ended",
        "建议解散",
    )
    assert found["ends"] == "2026-11-01T00:00:00+08:00"


async def test_groups_with_the_same_members_name_each_other(city: City) -> None:
    await city.roster("g1", 60, people="12345")
    await city.roster("g2", 60, people="12345")
    await city.roster("g3", 60, people="5678")
    for group in ("g1", "g2", "g3"):
        await city.says(group, 1)
    found = await city.group("g1")
    assert (found["verdict"], found["disposition"]) == ("duplicate", "建议合并")
    assert found["similar"] == [{"id": "g2", "overlap": 1.0, "channel": "playground", "name": "g2群"}]
    assert await city.codes("g2") == ["member_overlap"]
    assert (await city.group("g3"))["similar"] == []


async def test_a_dissolved_group_is_no_twin(city: City) -> None:
    await city.roster("g1", 60, people="12345")
    await city.roster("g2", 60, people="12345")
    await city.says("g1", 1)
    await city.dissolved("g2", 2)
    assert (await city.group("g1"))["verdict"] == "alive"


async def test_similar_names_and_too_many_groups_are_hints(city: City) -> None:
    for number, name in enumerate(("防汛值守工作群", "防汛值守群", "社保缴费群", "统计年报群")):
        people = "".join(str(number * 3 + n) for n in range(3)) if number < 3 else "abc"
        await city.roster(f"g{number}", 60, people=people, owner=f"p{people[0]}", name=name, unit="城关镇")
        await city.says(f"g{number}", 1)
    found = await city.group("防汛值守群")
    assert found["verdict"] == "alive"
    assert [one["text"] for one in found["reasons"]] == ["与本单位“防汛值守工作群”名称相近"]
    newest = await city.group("统计年报群")
    assert (newest["verdict"], newest["disposition"]) == ("alive", "建议保留")
    assert [{name: one[name] for name in ("code", "text", "evidence")} for one in newest["reasons"]] == [
        {
            "code": "over_limit",
            "text": "城关镇现有 4 个工作群（不含豁免），上限 3 个（本地口径），本群按建群先后为第 4 个",
            "evidence": {"unit": "城关镇", "groups": 4, "threshold": 3, "place": 4},
        }
    ]
    assert await city.codes("社保缴费群") == []
    for unlimited in (4, 0):
        assert await city.codes("统计年报群", **{"inventory.groups_per_unit": unlimited}) == []


async def test_a_local_number_names_the_text_it_comes_from_and_its_day(city: City) -> None:
    await city.roster("g1", 100)
    await city.says("g1", 95)

    async def source(**flags: Any) -> str:
        return str((await city.group("g1", **flags))["verdict_rule"]["source"])

    told = "本地口径（无全国统一数字）："
    assert await source() == f"{told}轻群默认，2026年11月定"
    assert await source(**{"inventory.suspected_days": 91}) == f"{told}本单位自定，依据未写入设置"
    basis = {"inventory.basis": "《工作群组管理办法》", "inventory.basis_date": date(2026, 3, 1)}
    assert await source(**basis) == f"{told}《工作群组管理办法》，2026年3月1日起"
    assert await source(**{"inventory.basis": "会议纪要"}) == f"{told}会议纪要"


async def test_namesakes_with_one_purpose_are_duplicates(city: City) -> None:
    for number, (name, purpose) in enumerate((("防汛抗旱工作群", "汛期值守、信息报送"), ("抗旱防汛群", "汛期值守和信息报送"))):
        people = "123456"[number * 3 : number * 3 + 3]
        await city.roster(f"g{number}", 60, people=people, owner=f"p{people[0]}", name=name, unit="城关镇", purpose=purpose)
        await city.says(f"g{number}", 1)
    found = await city.group("g1")
    assert (found["verdict"], found["disposition"], found["verdict_rule"]["code"]) == ("duplicate", "建议合并", "similar_name")
    assert found["reasons"][0]["text"] == "与本单位“防汛抗旱工作群”名称相近、用途相同，疑似为同一工作重复建群"


async def test_an_exemption_is_shown_while_it_lasts(city: City) -> None:
    await city.roster("g1", 300)
    await city.says("g1", 290)
    rows = [
        {"group": "playground:g1", "reason": "防汛备用", "approver": "", "since": None, "until": date(2026, 11, 22)},
    ]
    await city.write(lambda db: db.execute(insert(db, Exemption).values(rows)))
    found = await city.group("g1")
    assert (found["verdict"], found["disposition"]) == ("exempt", "建议保留")
    assert found["exemption"] == {"reason": "防汛备用", "until": "2026-11-22T00:00:00+08:00"}
    assert await city.codes("g1") == ["silent_180"]
    assert (await city.snapshot("2026-W48"))["groups"][0]["verdict"] == "dissolve"


async def test_a_deaf_channel_is_never_taken_for_silence(city: City) -> None:
    await city.roster("g1", 120)
    await city.says("g1", 100)
    await city.write(lambda db: clockwork.note_gap(db, "playground", END - 50 * DAY, END - 20 * DAY))
    await city.write(lambda db: clockwork.note_gap(db, "wechaty", END - 90 * DAY, END))
    found = await city.snapshot()
    [group] = found["groups"]
    assert (group["verdict"], group["disposition"]) == ("insufficient", "建议核实")
    [reason] = group["reasons"]
    assert reason["code"] == "data_gap"
    assert reason["text"] == (
        "数据不足：已 100 天没有听到工作消息，但2026年10月4日至2026年11月2日共约 30 天没有接收到消息，"
        "中断后只听到连续 20 天，不能仅凭安静判为僵尸"
    )
    assert reason["evidence"]["spans"] == [["2026-10-04T00:00:00+08:00", "2026-11-03T00:00:00+08:00"]]
    assert group["no_data"] == [["2026-10-04", "2026-11-02"]]
    assert group["verdict_rule"]["code"] == "data_gap"
    assert found["totals"]["zombie_groups"] == 0
    assert [gap["channel"] for gap in found["sources"]["gaps"]] == ["playground", "wechaty"]


async def test_totals_count_zombies_and_the_reduction_by_evidence(city: City) -> None:
    for number in range(1, 6):
        await city.roster(f"g{number}", 100, people="123456789"[number : number + 3], owner=f"p{number + 1}")
        await city.says(f"g{number}", 1 if number > 1 else 95)
    await city.dissolved("g5", 10)
    found = await city.snapshot()
    totals = found["totals"]
    assert (totals["groups"], totals["zombie_groups"], totals["baseline_groups"], totals["reduced_groups"]) == (
        4,
        1,
        5,
        1,
    )
    assert totals["reduction_rate"] == pytest.approx(0.2)
    assert found["reduction"]["closed"] == {"seen": 1, "declared": 0, "imported": 0}
    assert found["reduction"]["formula"] == "清理率＝（清理前数－清理后数）÷清理前数＝（5－4）÷5＝20.00%"
    # The first group was heard of on Saturday, 2026-08-15.
    assert found["reduction"]["baseline_at"] == "2026-08-17T00:00:00+08:00"


async def test_a_baseline_may_be_set(city: City) -> None:
    await city.roster("g1", 100)
    await city.roster("g2", 10, people="456", owner="p4", created="2026-10-01")
    await city.roster("g3", 10, people="789", owner="p7", created="2026-10-02")
    found = await city.snapshot(**{"reduction.baseline": date(2026, 10, 1)})
    assert (found["totals"]["baseline_groups"], found["reduction"]["added"]) == (2, 1)
    later = await city.snapshot(**{"reduction.baseline": date(2026, 11, 23)})
    assert (later["totals"]["baseline_groups"], later["totals"]["reduction_rate"]) == (0, 0.0)
    assert "尚无基数" in later["reduction"]["formula"]


async def test_a_group_that_comes_back_counts_against_the_reduction(city: City) -> None:
    await city.roster("old", 100, people="12345", name="防汛群")
    await city.roster("other", 100, people="6789", owner="p6")
    # Everybody leaves as the group is dissolved.
    await city.roster("old", 20.1, people="", owner=None, name="防汛群")
    await city.dissolved("old", 20)
    await city.roster("new", 10, people="1234x", name="防汛二群")
    await city.says("new", 1)
    found = await city.snapshot()
    assert (found["totals"]["baseline_groups"], found["totals"]["groups"], found["totals"]["reduced_groups"]) == (
        2,
        2,
        0,
    )
    assert found["reduction"]["rebounds"] == 1
    back = await city.group("new")
    assert (back["verdict"], [one["code"] for one in back["reasons"]]) == ("alive", ["rebound"])
    assert back["reasons"][0]["text"] == "“防汛群”2026年11月3日解散后，原群 80% 的成员又在本群（反弹）"


async def test_a_group_under_another_number_is_the_same_group_with_its_former_name(city: City) -> None:
    await city.roster("keep", 60, people="678")
    await city.roster("old", 60, people="12345", name="防汛群", unit="城关镇", created="2026-01-05")
    await city.register(name="防汛群", unit="城关镇", phone="13800000000", channel="wechat")
    await city.roster("new", 12, people="1234x", name="抗旱群")
    await city.dissolved("old", 10)
    found = await city.snapshot(reduction={"baseline": "2026-10-01"})
    assert (found["totals"]["baseline_groups"], found["totals"]["groups"], found["totals"]["reduced_groups"]) == (2, 2, 0)
    reduction = found["reduction"]
    assert (reduction["closed"], reduction["added"], reduction["rebounds"], reduction["moved"]) == (
        {"seen": 0, "declared": 0, "imported": 0}, 0, 0, 1
    )  # fmt: skip
    assert found["changes"] == []
    moved = next(one for one in found["groups"] if one["id"] == "new")
    assert (moved["formerly"], moved["register"]["phone"]) == (["防汛群"], "13800000000")
    reason = next(one for one in moved["reasons"] if one["code"] == "moved")
    assert reason["text"] == "原“防汛群”2026年11月13日停用后，成员有 80% 相同，算改名或迁移，前后是一个群"
    assert reason["evidence"]["closed"] == "old"


async def test_a_group_that_moved_to_another_platform_is_the_same_group(city: City) -> None:
    await city.roster("old", 60, people="12345", name="防汛群", created="2026-01-05")
    await city.dissolved("old", 10)
    # They have other numbers there, and are known by their names.
    members = [{"id": f"w{one}", "name": f"干部{one}"} for one in "12345"]
    await city.tell(9, type="roster", channel="wecom", group={"id": "w1", "name": "防汛群"}, owner=None, members=members)
    found = await city.snapshot(reduction={"baseline": "2026-10-01"})
    assert (found["reduction"]["moved"], found["reduction"]["added"], found["totals"]["groups"]) == (1, 0, 1)


async def test_a_renamed_group_keeps_its_row_of_the_register(city: City) -> None:
    await city.roster("g1", 60, name="防汛群", unit="城关镇")
    await city.register(name="防汛群", unit="城关镇", purpose="值守")
    await city.roster("g1", 5, name="抗旱群", unit="城关镇")
    [group] = (await city.snapshot())["groups"]
    assert (group["name"], group["purpose"], group["formerly"]) == ("抗旱群", "值守", ["防汛群"])
    assert "unregistered" not in [one["code"] for one in group["reasons"]]


async def test_a_row_that_the_office_renamed_tells_its_former_name(city: City) -> None:
    await city.register(id="wechat:r1", name="防汛群", unit="城关镇")
    await city.register(id="wechat:r1", name="抗旱群", unit="城关镇")
    assert (await city.group("抗旱群"))["formerly"] == ["防汛群"]


async def test_the_load_per_person_stands_beside_the_reduction(city: City) -> None:
    await city.roster("g1", 60, people="123")
    await city.roster("g2", 60, people="1x", owner="p1")
    for hour in range(30):
        await city.says("g1", 2 - hour / 24)
    await city.says("g2", 1, text="收到")
    # 30 messages reach three people, one 收到 reaches two; four people are in 1.25 groups each.
    assert (await city.snapshot())["load"] == {
        "people": 4,
        "groups_per_person": 1.25,
        "work_per_person_daily": 0.75,
        "all_per_person_daily": 0.77,
    }


async def test_the_register_completes_what_the_bot_sees(city: City) -> None:
    await city.roster("g1", 60, name="防汛 值守群", unit="城关镇")
    await city.roster("g2", 60, name="没登记的群", people="789", owner="p7")
    await city.register(name="防汛值守群", unit="城关镇", owner="王五（副镇长）", kind="业务", disposition="保留",
                        last_work_day=date(2026, 11, 20), ends=date(2026, 12, 31))  # fmt: skip
    found = await city.snapshot()
    assert found["totals"]["groups"] == 2
    group = await city.group("g1")
    assert (group["owner"], group["kind"], group["disposition"]) == ("王五（副镇长）", "业务", "保留")
    assert (group["last_work_message"], group["last_work_source"]) == ("2026-11-20T00:00:00+08:00", "imported")
    assert (group["verdict"], group["source"]) == ("alive", "seen")
    assert await city.codes("g2") == ["never_used", "unregistered"]
    await city.says("g2", 1)
    late = await city.group("g2")
    assert (late["verdict"], late["disposition"]) == ("alive", "建议规范")
    assert [one["text"] for one in late["reasons"]] == ["不在已导入的工作群台账中，请补登记或规范"]
    assert (await city.group("g1"))["disposition"] == "保留"


async def test_a_group_that_only_the_register_knows_is_listed_by_its_evidence(city: City) -> None:
    await city.register(name="老干部群", unit="民政局", members=30, last_work_day=date(2026, 5, 1), messages_30d=9)
    await city.register(name="空白群")
    await city.register(name="无主群", owner="无", messages_30d=60, members=4)
    await city.register(name="将来的群", created=date(2026, 11, 23))
    old = await city.group("老干部群")
    assert (old["id"], old["channel"], old["source"], old["verdict"]) == ("老干部群", "wechat", "imported", "dissolve")
    assert (old["members"], old["members_source"], old["messages_30d"]) == (30, "register", 0)
    assert (await city.group("空白群"))["verdict"] == "insufficient"
    assert await city.codes("空白群") == ["data_gap"]
    ownerless = await city.group("无主群")
    assert (ownerless["verdict"], ownerless["messages_30d"], ownerless["per_person_daily"]) == ("empty", 60, 0.5)
    assert (await city.snapshot())["totals"]["groups"] == 3


async def test_a_register_tells_of_closed_groups_until_somebody_speaks(city: City) -> None:
    for group in ("g1", "g2"):
        await city.roster(group, 100, name=f"{group}群", people="123" if group == "g1" else "456", owner=None)
        await city.says(group, 50)
        await city.register(name=f"{group}群", closed=date(2026, 11, 1))
    await city.register(name="老群", closed=date(2026, 11, 1))
    await city.register(name="以后才销的群", closed=date(2026, 11, 23))
    await city.says("g2", 5, text="收到")
    found = await city.snapshot()
    assert sorted(one["name"] for one in found["groups"]) == ["g2群", "以后才销的群"]
    assert found["reduction"]["closed"] == {"seen": 0, "declared": 0, "imported": 2}


async def test_rows_keep_the_registers_order_of_units_and_are_never_ranked(city: City) -> None:
    rows = [("戊", "水利局"), ("丁", "民政局"), ("丙", "水利局")]
    for position, (name, unit) in enumerate(rows, start=2):
        await city.register(name=name, unit=unit, position=position)
    await city.roster("g1", 20, name="甲", unit="水利局")
    await city.roster("g2", 20, name="乙", unit="安监局", people="789", owner="p7")
    names = [one["name"] for one in (await city.snapshot())["groups"]]
    assert names == ["戊", "丙", "甲", "丁", "乙"]


async def test_apps_are_listed_with_their_verdict(city: City) -> None:
    rows = [
        {"id": "app:1", "position": 2, "name": "掌上办", "unit": "政数局", "kind": "APP", "updated": date(2026, 9, 1)},
        {"id": "app:2", "position": 1, "name": "城关发布", "kind": "公众号", "updated": date(2025, 1, 1)},
        {"id": "app:3", "position": 3, "name": "已关停", "closed": date(2026, 11, 22)},
    ]
    await city.write(lambda db: [register.save(db, "apps", [row], END) for row in rows])
    found = await city.snapshot()
    assert [(one["name"], one["verdict"], one["disposition"]) for one in found["apps"]] == [
        ("城关发布", "dissolve", "建议注销"),
        ("掌上办", "suspected", "建议规范"),
    ]
    assert (found["totals"]["apps"], found["totals"]["zombie_apps"]) == (2, 2)
    assert found["apps"][1]["reasons"][0]["text"] == "已 83 天没有更新，最近一次在2026年9月1日"


async def test_a_week_computed_later_is_the_week_as_it_was_saved(house: House) -> None:
    """Every kind of fact changes after the week's end; none of it may show."""
    city, draw = City(house), random.Random(7)
    weeks = {21.0: "2026-W44", 14.0: "2026-W45", 7.0: "2026-W46"}
    people = "123456789abcdef"
    for step in range(240):
        days = 40 - step / 6
        group = f"g{draw.randrange(8)}"
        for left, week in list(weeks.items()):
            if days < left:
                del weeks[left]
                await house.dispatch(WeekEnded(id=week, at=END - left * DAY + timedelta(hours=8.5), week=week))
        match draw.randrange(12):
            case 0 | 1:
                members = "".join(draw.sample(people, draw.randint(3, 6)))
                owner = draw.choice([None, f"p{members[0]}", "pz"])
                facts = {"name": f"{group}{draw.choice('甲乙')}群", "unit": draw.choice(["镇", "局"])}
                await city.roster(group, days, members, owner, **facts, ends=draw.choice([None, "2026-10-20"]))
            case 2 if draw.random() < 0.3:
                await city.dissolved(group, days)
            case _:
                await city.says(group, days, text=draw.choice(["收到", "请报送台账"]))
    saved = {week: await city.snapshot(week) for week in ("2026-W44", "2026-W45", "2026-W46")}
    assert await house.store.read(inventories.weeks) == sorted(saved, reverse=True)
    await house.store.write(lambda db: db.execute(inventories.SNAPSHOTS.delete()))
    for week, body in saved.items():
        assert await city.snapshot(week) == body, week
        assert body["groups"]
        assert body["totals"]["reduced_groups"] or week == "2026-W44"


async def test_a_week_is_saved_once_and_stays_as_it_was_saved(city: City) -> None:
    await city.roster("g1", 20)
    ended = END + timedelta(hours=8.5)
    await city.house.dispatch(WeekEnded(id="a", at=ended, week="2026-W47"))
    first = await city.snapshot()
    await city.roster("late", 15)
    await city.house.dispatch(WeekEnded(id="b", at=ended, week="2026-W47"))
    assert await city.snapshot() == first
    assert await city.house.store.read(inventories.weeks) == ["2026-W47"]


async def test_asking_for_a_week_saves_nothing(city: City) -> None:
    await city.roster("g1", 20)
    await city.snapshot()
    assert await city.house.store.read(inventories.weeks) == []


async def test_of_two_who_save_the_first_wins(city: City) -> None:
    async def save(body: dict[str, Any]) -> bool:
        return bool(await city.write(lambda db: inventories.save(db, "2026-W47", END, body)))

    assert [await save({"a": 1}), await save({"a": 2})] == [True, False]
    assert await city.house.store.read(lambda db: inventories.saved(db, "2026-W47")) == {"a": 1}


async def test_the_last_ended_week_is_the_default_and_events_may_be_ahead_of_the_clock(city: City) -> None:
    await city.roster("g1", 20)

    async def ask(now: datetime) -> str:
        found = await city.house.store.read(lambda db: snapshot_for(db, city.house.settings, None, now))
        return str(found["week"])

    assert await ask(END - timedelta(seconds=1)) == "2026-W46"
    assert await ask(END) == "2026-W47"
    # The newest event is of 2026-11-03, in W45.
    assert await ask(END - 700 * DAY) == "2026-W44"


@pytest.mark.parametrize("week", ["2026-W54", "下周", "2026-47"])
async def test_what_is_no_week_is_refused_in_chinese(city: City, week: str) -> None:
    with pytest.raises(WeekError, match=f"没有“{week}”这一周.*2026-W47"):
        await city.snapshot(week)


async def test_a_week_that_has_not_begun_is_refused_and_one_that_goes_on_is_not(city: City) -> None:
    with pytest.raises(WeekError, match="2026-W49 还没有开始"):
        await city.snapshot("2026-W49")
    assert (await city.snapshot("2026-W48"))["at"] == "2026-11-30T00:00:00+08:00"


async def test_a_part_of_a_snapshot_tells_nothing_of_the_rest(city: City) -> None:
    await city.roster("g1", 100, people="12345")
    await city.roster("g2", 100, people="6789", owner="p6")
    await city.says("g1", 95)
    found = only_groups(await city.snapshot(), ["playground:g1", "playground:nowhere"])
    assert [one["id"] for one in found["groups"]] == ["g1"]
    assert found["totals"] == {
        "groups": 1, "zombie_groups": 1, "apps": 0, "zombie_apps": 0, "baseline_groups": 0, "reduced_groups": 0,
        "reduction_rate": 0.0,
    }  # fmt: skip
    assert "g2" not in json.dumps(found)
    assert only_groups(await city.snapshot(), [])["groups"] == []


async def test_an_admin_gets_the_report_of_their_own_groups(town: Town) -> None:
    city = City(town.house)
    await city.roster("g1", 100)
    await city.roster("g2", 100, people="456", owner="p4")
    await town.says("p1", " 清理报告 ", minutes=7 * 24 * 60, group=None)
    [card] = await town.said("whisper", to="p1")
    assert card.card["title"] == "您管理的群：2026-W47 清理报告"
    assert card.card["text"] == "共 1 个群，其中 1 个需要处理。下表按台账顺序排列，不作排名。"
    assert card.card["lines"] == ["g1群：空壳（2026年8月15日建群以来没有一条工作消息，已 100 天）"]
    [file] = await town.said("file", to="p1")
    assert file.card == {"what": "inventory/2026-W47.xlsx?groups=playground%3Ag1", "name": "工作群清单 2026-W47.xlsx"}


async def test_the_office_gets_the_report_of_all_groups(town: Town) -> None:
    city = City(town.house)
    for number in range(25):
        await city.roster(f"g{number:02}", 100, people="123", owner="p1")
    await town.says(
        "chief", "清理报告", minutes=7 * 24 * 60, group=None, sender={"id": "chief", "name": "主任", "role": "office"}
    )
    [card] = await town.said("whisper", to="chief")
    assert card.card["title"] == "全部工作群：2026-W47 清理报告"
    assert len(card.card["lines"]) == 21
    assert card.card["lines"][-1] == "另有 5 个，见附件清单。"
    [file] = await town.said("file", to="chief")
    assert file.card["what"] == "inventory/2026-W47.xlsx"


async def test_nobody_else_gets_a_report_and_it_is_not_given_in_a_group(town: Town) -> None:
    city = City(town.house)
    await city.roster("g1", 100)
    await town.says("p2", "清理报告", minutes=1, group=None)
    await town.says("p1", "清理报告", minutes=2)
    await town.says("p1", "清理报告吧", minutes=3, group=None)
    [card] = await town.said("whisper")
    assert (card.target, card.card["title"]) == ("p2", "清理报告只提供给群主、管理员和机制办。您没有在管的群。")
    assert await town.said("file") == []


async def test_an_admin_with_nothing_to_clean_up_is_told_so(town: Town) -> None:
    city = City(town.house)
    await city.roster("g1", 100)
    await city.says("g1", 3)
    await town.says("p1", "清理报告", minutes=7 * 24 * 60, group=None)
    [card] = await town.said("whisper", to="p1")
    assert (card.card["text"], card.card["lines"]) == ("您管理的群都正常，没有需要清理的。", [])


async def test_there_is_no_figure_of_a_person_and_no_name_but_the_owners(city: City) -> None:
    await city.roster("g1", 20, people="12345")
    await city.says("g1", 1)
    text = json.dumps(await city.snapshot(), ensure_ascii=False)
    assert "干部1" in text
    assert not [name for name in ("干部2", "干部3", "干部4", "干部5", "playground:p", '"p1"') if name in text]

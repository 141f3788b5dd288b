"""Reminders are private, at most one, in working hours and within a person's day; a digest names nothing twice."""

from __future__ import annotations

from datetime import timedelta

from handlers.events import WorkdayEnding
from tests.conftest import MONDAY, Town

ACT = "请各村于今天17:00前报送值班安排，收到请回复。"
HOUR = 60


async def ending(town: Town, days: int = 0) -> None:
    at = MONDAY + timedelta(days=days, hours=8)
    await town.house.tell(WorkdayEnding(id=f"d{days}", at=at, day=at.date()))


async def test_only_those_pending_are_reminded_once_and_in_private(town: Town) -> None:
    await town.roster(people=3)
    await town.says("boss", ACT, id="m1")
    await town.clicks("p1", "m1")
    await town.passes(minutes=7 * HOUR)
    reminded = [one for one in await town.said("whisper") if one.key.startswith("remind:")]
    assert sorted(one.target for one in reminded) == ["p2", "p3"]
    await town.passes(minutes=30 * HOUR)
    assert len([one for one in await town.said() if one.key.startswith("remind:")]) == 2


async def test_a_read_only_notice_reminds_nobody(town: Town) -> None:
    await town.roster(people=3)
    await town.says("boss", "明天上午开会，收到请回复。")
    await town.passes(minutes=8 * 24 * HOUR)
    assert [one for one in await town.said() if one.key.startswith("remind:")] == []


async def test_outside_working_hours_a_reminder_waits_for_the_next_morning(town: Town) -> None:
    await town.roster(people=1)
    # Said on Monday, due on Tuesday 08:30: two hours before that is night.
    await town.says("boss", "请各组于明天早上8:30前把名单交到党政办，收到请回复。", minutes=8 * HOUR)
    await town.passes(minutes=22 * HOUR)
    assert [one for one in await town.said() if one.key.startswith("remind:")] == []
    await town.passes(minutes=23.2 * HOUR)
    assert [one.target for one in await town.said() if one.key.startswith("remind:")] == ["p1"]


async def test_who_has_had_enough_today_is_reminded_on_the_next_working_day(town: Town) -> None:
    await town.roster(people=1)
    for number in range(3):
        await town.says("boss", f"请于明天下午17:0{number}前把第{number}号台账核对完毕，收到请回复。", minutes=number)
    await town.passes(minutes=24 * HOUR)
    today = [one for one in await town.said() if one.key.startswith("remind:")]
    await town.passes(minutes=31 * HOUR)
    later = [one for one in await town.said() if one.key.startswith("remind:")]
    assert len(today) + 2 >= len(later)
    per_day = town.house.settings.acknowledge.reminders_per_day
    assert len(later) <= 2 * per_day
    assert len(later) >= per_day


async def test_the_digest_comes_to_those_with_something_new_open_and_to_nobody_else(town: Town) -> None:
    await town.roster(people=3)
    await town.says("boss", "明天上午开会，收到请回复。", id="m1")
    await town.clicks("p1", "m1")
    await ending(town)
    digests = [one for one in await town.said("whisper") if one.key.startswith("digest:")]
    assert sorted(one.target for one in digests) == ["p2", "p3"]
    assert "1 条待确认" in digests[0].card["title"]
    await ending(town, days=1)
    assert len([one for one in await town.said("whisper") if one.key.startswith("digest:")]) == 2


async def test_there_is_no_digest_on_a_day_off(town: Town) -> None:
    await town.roster(people=2)
    await town.says("boss", "明天上午开会，收到请回复。")
    await ending(town, days=5)
    assert [one for one in await town.said() if one.key.startswith("digest:")] == []


async def test_my_open_items_are_listed_across_groups_on_asking(town: Town) -> None:
    for group in ("g1", "g2"):
        await town.roster(people=2, group=group)
        await town.says("boss", f"{group}的同志明天上午九点开会，收到请回复。", group=group)
    await town.says("p1", "我的待确认", group=None, minutes=5)
    (told,) = await town.said("whisper", to="p1")
    assert "2 条待确认" in told.card["title"]
    assert len(told.card["buttons"]) == 2


async def test_nothing_open_is_said_plainly(town: Town) -> None:
    await town.says("p1", "我的待确认", group=None)
    (told,) = await town.said("whisper", to="p1")
    assert told.card["title"] == "您没有待确认的通知。"

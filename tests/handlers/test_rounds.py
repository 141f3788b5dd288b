"""What time does: found by the snapshot, asked once, escalated after a warning, verified, closed, looked at again."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from config.settings import TIMEZONE
from handlers.events import GroupDissolved, WeekEnded
from storage import clockwork, groups, inventories
from storage.database import insert
from storage.outbox import OUTBOX
from storage.tables import Exemption
from tests.conftest import make
from tests.handlers.cleaning import KEEP, OFFICE, Cleaning, on, on_both
from tests.handlers.test_inventory import END


async def test_the_message_says_what_why_and_until_when_and_waits_for_work(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    [said] = await city.said()
    assert said.target == "playground:p1"
    assert said.not_before == on(0)
    assert said.card.title == "“g1群”需要您定一下去留"
    assert said.card.lines == ["已 100 天没有工作消息，最近一条在2026年8月15日", "建议规范（依据 2026-W47 清单）"]
    assert "2026年12月7日前" in said.card.text
    assert [(one["label"], one["action"], one["style"]) for one in said.card.buttons] == [
        ("解散", "dissolve", "plain"),
        ("规范", "tidy", "primary"),
    ]
    assert [(one["label"], one["page"]) for one in said.card.links] == [
        ("合并到……", "cleanup"),
        ("保留（写理由）", "cleanup"),
    ]


async def test_an_admin_gets_one_message_a_week_with_everything_of_theirs(city: Cleaning) -> None:
    for number in range(3):
        await city.silent(f"g{number}", 100 + number)
    await city.week()
    [said] = await city.said("p1")
    assert said.card.title == "您管理的 3 个群有清理事项，一并看一下"
    assert len(said.card.lines) == 3
    assert said.card.buttons == []
    assert [one["page"] for one in said.card.links] == ["cleanup"]
    assert {one.state for one in await city.items()} == {"asked"}


async def test_what_was_asked_or_decided_is_never_asked_again(city: Cleaning) -> None:
    for group in ("waits", "decided", "kept", "confirmed"):
        await city.silent(group, people=f"{group}123"[-4:], owner="p1")
    await city.week()
    await city.decides("p1", "dissolve", "decided", "confirmed")
    await city.decides("p1", "keep", "kept", **KEEP)
    await city.reviews("confirm", "kept", "confirmed")
    await city.week(1)
    [_, second] = await city.weekly("p1")
    assert second.card.title == "“confirmed群”：解散已确认，请您办理"
    assert second.card.buttons == []
    for weeks in (2, 3):
        await city.week(weeks)
    assert len(await city.weekly("p1")) == 2


async def test_a_group_with_gaps_is_not_opened_on_silence_alone(city: Cleaning) -> None:
    await city.silent("quiet")
    await city.roster("never", 70, people="456", owner="p4")
    await city.roster("ownerless", 100, people="789", owner=None)
    await city.says("ownerless", 99)
    await city.write(
        lambda db: clockwork.note_gap(db, "playground", END - timedelta(days=60), END - timedelta(days=57))
    )
    await city.week()
    assert [one.subject for one in await city.items()] == ["playground:ownerless"]


async def test_watched_groups_are_left_alone_unless_the_settings_say_otherwise(tmp_path: Path) -> None:
    for leave, found in ((["watch"], 0), ([], 1)):
        async for house in make(tmp_path / str(found), **{"cleanup.leave": leave}):
            city = Cleaning(house)
            await city.silent(quiet=40)
            await city.week()
            assert len(await city.items()) == found


async def test_switched_off_nothing_is_opened(tmp_path: Path) -> None:
    async for house in make(tmp_path, **{"cleanup.enabled": False}):
        city = Cleaning(house)
        await city.silent()
        await city.week()
        assert await city.items() == []


async def test_the_admins_are_asked_where_there_is_no_owner(city: Cleaning) -> None:
    members = [{"id": "p1", "name": "干部1", "role": "admin"}, {"id": "p2", "name": "干部2"},
               {"id": "p3", "name": "干部3", "role": "office"}]  # fmt: skip
    await city.tell(105, type="roster", group={"id": "g1", "name": "g1群"}, owner=None, members=members)
    await city.says("g1", 100)
    await city.week()
    assert [one.target for one in await city.weekly()] == ["playground:p1"]
    await city.decides("p1", "tidy")
    assert await city.state() == "proposed"


async def test_escalation_comes_after_a_recorded_warning_and_is_told_to_nobody(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    await city.day(13)
    assert (await city.told_steps())[-1] == "asked"
    await city.day(14)
    last = (await city.steps())[-1]
    assert (last.step, last.evidence) == ("escalated", "cleanup:2026-W47:playground:p1")
    await city.day(15)
    await city.week(3)
    assert (await city.told_steps()).count("escalated") == 1
    assert len(await city.said()) == 1
    await city.decides("p1", "tidy", days=22)
    item = await city.item()
    assert (item.state, item.late_at) == ("proposed", None)


@on_both
@pytest.mark.parametrize(("became", "step", "state"), [("failed", "unreached", "office"), ("stale", "unsaid", "found")])
async def test_a_message_that_did_not_arrive_is_no_warning(city: Cleaning, became: str, step: str, state: str) -> None:
    await city.silent()
    await city.week()
    await city.settled(became)
    await city.day(1)
    assert ((await city.told_steps())[-1], await city.state()) == (step, state)
    await city.week(1)
    await city.day(14.5)
    assert "escalated" not in await city.told_steps()
    assert len(await city.said()) == (2 if became == "stale" else 1)


@on_both
async def test_what_did_not_reach_whom_it_told_is_told_again_and_escalates_nothing(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    await city.decides("p1", "dissolve")
    await city.reviews("confirm")
    await city.week(1)
    assert (await city.told_steps())[-1] == "told"
    await city.settled("stale")
    # Nobody was awake for weeks, and what is old has been forgotten meanwhile.
    await city.day(60)
    assert (await city.told_steps())[-1] == "untold"
    await city.week(9)
    assert (await city.told_steps())[-1] == "told"
    assert "escalated" not in await city.told_steps()


@on_both
async def test_what_failed_to_reach_whom_it_told_is_no_warning_however_old(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    await city.decides("p1", "dissolve")
    await city.reviews("confirm")
    await city.week(1)
    await city.settled("failed")
    for days in (9, 45, 60):
        await city.day(days)
    # The question had arrived.
    last = (await city.steps())[-1]
    assert (last.step, last.evidence) == ("escalated", "cleanup:2026-W47:playground:p1")


async def test_a_message_that_still_waits_is_no_warning_either(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    await city.day(20, delivered=False)
    assert await city.told_steps() == ["found", "asked"]
    await city.day(21)
    assert (await city.told_steps())[-1] == "escalated"


async def test_one_of_several_admins_who_was_reached_is_enough(city: Cleaning) -> None:
    members = [{"id": f"p{one}", "name": f"干部{one}", "role": "admin"} for one in (1, 2)]
    await city.tell(105, type="roster", group={"id": "g1", "name": "g1群"}, owner=None, members=members)
    await city.says("g1", 100)
    await city.week()
    lost = OUTBOX.update().where(OUTBOX.c.target == "playground:p1").values(state="failed")
    await city.write(lambda db: db.execute(lost))
    await city.day(1)
    assert await city.state() == "asked"


@on_both
async def test_a_new_owner_is_asked_once_the_old_one_is_gone(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    await city.roster("g1", -2, people="23", owner="p2")
    await city.week(1)
    assert [one.target for one in await city.weekly()] == ["playground:p1", "playground:p2"]
    await city.decides("p1", "dissolve", days=8)
    assert await city.state() == "asked"
    await city.week(2)
    assert len(await city.weekly()) == 2
    await city.day(20)
    assert (await city.item()).late_at is None
    await city.day(21)
    assert (await city.item()).late_at is not None


async def test_a_tidied_group_is_verified_by_the_next_snapshot_without_the_fault(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    await city.decides("p1", "tidy")
    await city.reviews("confirm")
    await city.week(1)
    assert await city.state() == "doing"
    await city.says("g1", -10)
    await city.week(2)
    last = (await city.steps())[-1]
    assert (last.step, last.evidence, last.note) == ("verified", "seen", "2026-W49 清单里已没有这些问题")


async def test_a_fault_that_comes_back_in_the_cooling_off_ends_it(city: Cleaning) -> None:
    await city.roster("g1", 20, owner=None)
    await city.says("g1", 19)
    await city.week()
    await city.decides(OFFICE, "tidy")
    await city.roster("g1", -2)
    await city.week(1)
    assert await city.state() == "cooling"
    await city.roster("g1", -9, owner=None)
    await city.week(2)
    assert (await city.told_steps())[-2:] == ["undone", "no_owner"]


async def test_a_gap_is_no_proof_that_a_fault_is_gone(city: Cleaning) -> None:
    await city.silent(quiet=92)
    await city.week()
    await city.decides("p1", "tidy")
    await city.reviews("confirm")
    await city.write(lambda db: clockwork.note_gap(db, "playground", END - timedelta(days=9), on(6)))
    await city.week(1)
    snapshot = await city.read(lambda db: inventories.saved(db, "2026-W48"))
    assert "data_gap" in [one["code"] for one in snapshot["groups"][0]["reasons"]]
    assert await city.state() == "doing"


@on_both
async def test_a_declared_group_that_speaks_again_is_alive_again(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    await city.decides("p1", "dissolve")
    await city.reviews("confirm")
    await city.declares("p1", days=3)
    await city.says("g1", -3.5)
    await city.day(5)
    assert await city.state() == "cooling"
    await city.says("g1", -5)
    await city.day(6)
    item = await city.item()
    assert (item.state, item.choice) == ("returned", "")
    assert (await city.read(lambda db: groups.get(db, "playground:g1"))).dissolved_at is None


async def test_a_closed_group_that_speaks_again_is_a_new_round(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    await city.decides("p1", "dissolve")
    await city.reviews("confirm")
    await city.declares("p1", days=3)
    await city.day(40)
    assert await city.state() == "closed"
    await city.says("g1", -41)
    await city.day(42)
    await city.day(43)
    [first, second] = await city.items()
    assert (first.state, second.state, second.round, second.previous) == ("reopened", "found", 2, first.id)
    assert second.verdict == "revived"
    await city.week(7)
    assert await city.state() == "asked"


async def test_a_group_dissolved_before_anybody_decided_is_verified_as_seen(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    await city.tell(-1, type="dissolved", group="g1")
    item = await city.item()
    assert (item.state, item.choice, item.evidence, item.chosen_by) == ("cooling", "dissolve", "seen", "")


async def test_a_group_that_is_in_order_again_before_anybody_decided_is_dropped(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    await city.says("g1", -2)
    await city.week(1)
    last = (await city.steps())[-1]
    assert (last.step, last.evidence) == ("lapsed", "2026-W48")
    await city.week(2)
    assert len(await city.said()) == 1


async def test_an_end_that_only_the_register_tells_is_imported(city: Cleaning) -> None:
    await city.silent(name="老群")
    await city.week()
    await city.register(name="老群", closed=date(2026, 11, 25))
    await city.week(1)
    item = await city.item()
    assert (item.state, item.evidence) == ("cooling", "imported")


async def test_a_closed_group_that_goes_on_under_another_name_at_once_is_not_closed(city: Cleaning) -> None:
    await city.silent(people="12345")
    await city.week()
    await city.decides("p1", "dissolve")
    await city.reviews("confirm")
    await city.roster("g2", -2, people="12345", owner="p2", created="2026-11-25", unit="新单位")
    await city.tell(-3, type="dissolved", group="g1")
    await city.says("g2", -4)
    await city.week(1)
    [old, new] = await city.items()
    assert (old.state, new.subject, new.round, new.verdict) == ("reopened", "playground:g2", 2, "rebound")


@on_both
async def test_a_rebound_reopens_the_closed_round_as_the_new_groups(city: Cleaning) -> None:
    await city.silent(people="12345")
    await city.week()
    await city.decides("p1", "dissolve")
    await city.reviews("confirm")
    await city.tell(-3, type="dissolved", group="g1")
    await city.roster("g2", -20, people="12345", owner="p2", created="2026-12-13", unit="新单位")
    await city.says("g2", -21)
    await city.week(5)
    [old, new] = await city.items()
    assert (old.state, new.state) == ("reopened", "asked")
    assert (new.subject, new.round, new.previous, new.unit) == ("playground:g2", 2, old.id, "新单位")
    assert new.verdict == "rebound"
    assert (await city.said())[-1].target == "playground:p2"
    assert "反弹" in (await city.steps("g1"))[-1].note
    for weeks in (6, 7):
        await city.week(weeks)
    assert await city.told_steps("g2") == ["found", "asked", "escalated"]
    assert len(await city.items()) == 2


async def test_a_rebound_after_closing_is_found_as_well(city: Cleaning) -> None:
    await city.silent(people="12345")
    await city.week()
    await city.tell(-3, type="dissolved", group="g1")
    await city.roster("g2", -31, people="12345", created="2026-12-20")
    await city.day(33.5)
    assert await city.state() == "closed"
    await city.week(5)
    assert [one.state for one in await city.items()] == ["reopened", "asked"]


async def test_events_twice_and_two_timers_have_one_effect(city: Cleaning) -> None:
    await city.silent()
    for _ in range(2):
        await city.week()
        await city.happens(WeekEnded(id="another timer", at=on(0), week="2026-W47"))
    for _ in range(2):
        await city.happens(GroupDissolved(id="gone", at=on(1), channel="playground", group="playground:g1"))
    assert len(await city.said()) == 1
    await city.happens(GroupDissolved(id="gone again", at=on(2), channel="playground", group="playground:g1"))
    for days in (31, 31, 32):
        await city.day(days)
    assert await city.told_steps() == ["found", "asked", "verified", "closed"]


async def test_an_older_week_that_comes_late_changes_nothing(city: Cleaning) -> None:
    await city.silent()
    await city.week(1)
    before = [await city.told_steps(), len(await city.said())]
    await city.week(0)
    assert [await city.told_steps(), len(await city.said())] == before


async def test_carrying_out_has_its_time_too_and_lateness_is_told_to_nobody(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    await city.decides("p1", "dissolve")
    await city.reviews("confirm")
    await city.day(6)
    assert (await city.item()).due is None
    await city.week(1)
    await city.day(37)
    item = await city.item()
    assert (item.state, item.late_at) == ("doing", on(37))
    await city.week(6)
    assert (await city.told_steps())[-3:] == ["confirmed", "told", "escalated"]


@on_both
async def test_the_list_keeps_the_registers_order_of_units(city: Cleaning) -> None:
    for name, unit in (("乙群", "乙单位"), ("甲群", "甲单位")):
        await city.register(name=name, unit=unit, last_work_day=date(2026, 1, 5), position=len(name), messages_30d=0)
    await city.week()
    first = {one.unit: one.unit_place for one in await city.items()}
    await city.register(name="丙群", unit="丙单位", position=0, last_work_day=date(2026, 1, 5), messages_30d=0)
    await city.week(1)
    second = {one.unit: one.unit_place for one in await city.items()}
    assert sorted(first, key=first.__getitem__) == [
        one for one in sorted(second, key=second.__getitem__) if one in first
    ]
    assert second["丙单位"] == 0


async def test_nothing_is_ever_said_in_a_group(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    await city.decides("p1", "dissolve")
    await city.day(14)
    rows = await city.read(lambda db: db.execute(select(OUTBOX.c.kind, OUTBOX.c.key)).all())
    assert {row.kind for row in rows if row.key.startswith("cleanup:")} == {"whisper"}


async def test_an_exemption_given_elsewhere_ends_the_question(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    row = {"group": "playground:g1", "reason": "备用", "approver": "", "since": None, "until": None}
    await city.write(lambda db: db.execute(insert(db, Exemption).values(row)))
    await city.week(1)
    assert await city.state() == "lapsed"


def test_the_days_of_this_test_are_working_mornings() -> None:
    assert on(0) == datetime(2026, 11, 23, 8, 30, tzinfo=TIMEZONE)

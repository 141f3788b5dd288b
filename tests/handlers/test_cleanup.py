"""What people say to a group that is to be cleaned up: decide, confirm, return, declare, take back; nobody else may."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select

from storage import cleanups, groups, inventories, register
from tests.handlers.cleaning import KEEP, OFFICE, Cleaning, on, on_both
from tests.handlers.test_inventory import END


@on_both
async def test_the_whole_way_from_found_to_closed(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    await city.decides("p1", "dissolve")
    await city.reviews("confirm")
    await city.week(1)
    await city.tell(-9, type="dissolved", group="g1")
    await city.day(38)
    assert await city.state() == "cooling"
    await city.day(40)
    item = await city.item()
    assert (item.state, item.choice, item.evidence, item.chosen_by) == ("closed", "dissolve", "seen", "playground:p1")
    steps = await city.steps()
    assert [(one.step, one.who, one.evidence) for one in steps] == [
        ("found", "bot", "2026-W47"),
        ("asked", "bot", "cleanup:2026-W47:playground:p1"),
        ("decided", "playground:p1", ""),
        ("confirmed", OFFICE, ""),
        ("told", "bot", "cleanup:2026-W48:playground:p1"),
        ("verified", "bot", "seen"),
        ("closed", "bot", "seen"),
    ]
    assert all(one.kind == "whisper" for one in await city.said())
    await city.day(40 + 90)
    assert (await city.told_steps())[-1] == "looked"
    assert (await city.item()).due is None


async def test_somebody_else_cannot_decide_confirm_or_declare(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    await city.decides("p2", "dissolve")
    assert await city.state() == "asked"
    assert (await city.said("p2"))[0].card.title == "这个群现在不由您管理，不用处理。"
    await city.decides("p1", "dissolve")
    await city.reviews("confirm", who="playground:p1")
    assert await city.state() == "proposed"
    await city.reviews("confirm")
    await city.declares("p2")
    await city.withdraws("p2")
    assert await city.state() == "doing"


async def test_the_office_cannot_decide_before_the_owner_has_had_their_time(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    await city.decides(OFFICE, "dissolve")
    assert await city.state() == "asked"
    await city.day(14)
    assert (await city.item()).late_at is not None
    await city.decides(OFFICE, "dissolve", days=15)
    assert await city.state() == "doing"


async def test_a_decision_that_lacks_its_reason_end_or_target_counts_for_nothing(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    today = on(1).date()
    for told in (
        {"reason": "", "ends": date(2027, 1, 1)},
        {"reason": "备用"},
        {"reason": "备用", "ends": today},
        {"reason": "备用", "ends": today + timedelta(days=366)},
    ):
        await city.decides("p1", "keep", **told)
    for target in ("", "playground:g1", "playground:unknown"):
        await city.decides("p1", "merge", target=target)
    assert await city.told_steps() == ["found", "asked"]


async def test_a_mind_may_be_changed_until_the_office_confirms(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    await city.decides("p1", "dissolve")
    await city.decides("p1", "dissolve")
    await city.decides("p1", "tidy")
    assert await city.told_steps() == ["found", "asked", "decided", "decided"]
    titles = [one.card.title for one in (await city.said("p1"))[1:]]
    assert [title[:4] for title in titles] == ["已记下：", "“g1群", "已记下："]
    await city.reviews("confirm")
    await city.decides("p1", "dissolve")
    item = await city.item()
    assert (item.state, item.choice) == ("doing", "tidy")
    assert "打开清理页面" in (await city.said("p1"))[-1].card.title


async def test_a_return_needs_a_reason_and_comes_with_the_next_weekly_message(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    await city.decides("p1", "keep", **KEEP)
    await city.reviews("return")
    assert await city.state() == "proposed"
    await city.reviews("return", reason="理由太笼统")
    item = await city.item()
    assert (item.state, item.choice, item.reason) == ("returned", "", "理由太笼统")
    assert len(await city.weekly("p1")) == 1
    await city.week(1)
    second = (await city.said("p1"))[-1].card
    assert second.title == "“g1群”的去留请您再看一下"
    assert second.lines[0] == "原因：理由太笼统"
    assert len(second.buttons) == 2


async def test_what_is_kept_becomes_an_exemption_with_its_approver_and_is_found_again_afterwards(
    city: Cleaning,
) -> None:
    await city.silent()
    await city.week()
    await city.decides("p1", "keep", reason="防汛备用", ends=date(2027, 1, 3))
    await city.reviews("confirm", days=2)
    exemption = await city.read(lambda db: db.execute(select(cleanups.EXEMPTIONS)).one())
    assert (exemption.reason, exemption.approver, exemption.until) == ("防汛备用", "机制办", date(2027, 1, 3))
    assert [(one.step, one.evidence) for one in (await city.steps())[-2:]] == [
        ("confirmed", ""),
        ("verified", "exemption"),
    ]
    for weeks in range(1, 7):
        await city.week(weeks)
    assert await city.state() == "closed"
    assert len(await city.items()) == 1
    await city.week(7)
    [first, second] = await city.items()
    assert (first.state, second.state, second.round) == ("closed", "asked", 2)


async def test_an_exemption_taken_back_no_longer_holds(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    await city.decides("p1", "keep", **KEEP)
    await city.reviews("confirm", days=2)
    await city.withdraws("p1", days=4)
    item = await city.item()
    assert (item.state, item.choice, item.evidence, item.verified) == ("asked", "", "", None)
    await city.week(1)
    snapshot = await city.read(lambda db: inventories.saved(db, "2026-W48"))
    assert snapshot["groups"][0]["verdict"] == "suspected"


async def test_what_was_declared_is_marked_so_and_counted_so(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    await city.decides("p1", "dissolve")
    await city.declares("p1")
    assert await city.state() == "proposed"
    await city.reviews("confirm")
    await city.declares("p1")
    item = await city.item()
    assert (item.state, item.evidence) == ("cooling", "declared")
    group = await city.read(lambda db: groups.get(db, "playground:g1"))
    assert (group.evidence, group.dissolved_at) == ("declared", on(3))
    await city.week(1)
    snapshot = await city.read(lambda db: inventories.saved(db, "2026-W48"))
    assert snapshot["groups"] == []
    await city.tell(-9, type="dissolved", group="g1")
    assert (await city.item()).evidence == "seen"
    assert (await city.read(lambda db: groups.get(db, "playground:g1"))).evidence == "seen"


async def test_a_decision_can_be_taken_back_until_it_is_closed_but_a_seen_end_cannot(city: Cleaning) -> None:
    for group in ("declared", "seen"):
        await city.silent(group, people=f"1{group[:3]}")
    await city.week()
    await city.decides("p1", "dissolve", "declared", "seen")
    await city.reviews("confirm", "declared", "seen")
    await city.declares("p1", "declared")
    await city.tell(-3, type="dissolved", group="seen")
    for group in ("declared", "seen"):
        await city.withdraws("p1", group)
        await city.reviews("return", group, reason="请再核实", days=5)
    assert [await city.state(group) for group in ("declared", "seen")] == ["asked", "cooling"]
    assert (await city.read(lambda db: groups.get(db, "playground:declared"))).dissolved_at is None


async def test_the_office_can_undo_in_the_cooling_off_and_decides_anew_what_it_decided_alone(city: Cleaning) -> None:
    await city.silent("theirs", people="123")
    await city.silent("ours", people="456", owner=None)
    await city.week()
    await city.decides("p1", "dissolve", "theirs")
    await city.reviews("confirm", "theirs")
    await city.declares("p1", "theirs")
    await city.decides(OFFICE, "keep", "ours", **KEEP)
    await city.reviews("return", "theirs", "ours", reason="请再核实", days=5)
    assert [await city.state(group) for group in ("theirs", "ours")] == ["returned", "office"]
    exemption = await city.read(lambda db: db.execute(select(cleanups.EXEMPTIONS)).one())
    assert exemption.until < on(5).date()


async def test_merging_goes_into_a_living_group_that_stays(city: Cleaning) -> None:
    for group in ("a", "b", "c"):
        await city.silent(group, people=f"1{group}xy")
    await city.week()
    await city.decides("p1", "merge", "a", target="playground:b")
    assert (await city.item("a")).target == "playground:b"
    await city.decides("p1", "dissolve", "b")
    await city.reviews("confirm", "a")
    assert await city.state("a") == "proposed"
    await city.decides("p1", "merge", "c", target="playground:b")
    assert await city.state("c") == "asked"


@on_both
async def test_apps_are_decided_by_the_office_alone(city: Cleaning) -> None:
    rows = [
        {"id": "a1", "name": "随手拍", "unit": "应急局", "kind": "小程序", "updated": date(2026, 5, 1)},
        {"id": "a2", "name": "政务通", "unit": "机制办", "kind": "APP", "updated": date(2026, 11, 20)},
    ]
    await city.write(lambda db: register.save(db, "apps", rows, END))
    await city.week()
    [item] = await city.items()
    assert (item.kind, item.subject, item.state) == ("app", "a1", "office")
    assert await city.said() == []
    await city.decides("p1", "dissolve", "a1")
    assert await city.state("a1") == "office"
    await city.decides(OFFICE, "merge", "a1", target="a2")
    await city.declares(OFFICE, "a1")
    assert (await city.item("a1")).evidence == "declared"
    await city.week(1)
    assert len(await city.items()) == 1
    await city.reviews("return", "a1", reason="还有人在用", days=8)
    assert await city.state("a1") == "office"
    assert (await city.read(lambda db: register.app_rows(db)))[0].closed is None


async def test_asked_in_private_it_says_how_many_wait(city: Cleaning) -> None:
    await city.silent()
    await city.week()
    for who, title in (("p1", "您有 1 个群等您决定"), ("p2", "您没有等待决定的清理事项。")):
        await city.tell(-1, type="message", group=None, sender={"id": who, "name": who}, text="清理事项")
        assert (await city.said(who))[-1].card.title == title


async def test_a_kept_app_is_not_found_again_while_it_is_kept(city: Cleaning) -> None:
    rows = [{"id": "a1", "name": "随手拍", "unit": "应急局", "kind": "小程序", "updated": date(2026, 5, 1)}]
    await city.write(lambda db: register.save(db, "apps", rows, END))
    await city.week()
    await city.decides(OFFICE, "keep", "a1", reason="升级中", ends=date(2027, 1, 10))
    for weeks in range(1, 7):
        await city.week(weeks)
    assert [one.state for one in await city.items()] == ["closed"]
    await city.week(7)
    assert [one.state for one in await city.items()] == ["closed", "office"]


@on_both
async def test_a_group_of_the_register_only_is_the_offices(city: Cleaning) -> None:
    await city.register(name="老群", unit="城关镇", owner="张三", last_work_day=date(2026, 1, 5), messages_30d=0)
    await city.week()
    item = await city.item("老群")
    assert (item.state, item.unit) == ("office", "城关镇")
    assert "台账" in (await city.steps("老群"))[-1].note
    await city.decides(OFFICE, "dissolve", "老群")
    await city.declares(OFFICE, "老群")
    assert (await city.item("老群")).evidence == "declared"
    await city.week(1)
    snapshot = await city.read(lambda db: inventories.saved(db, "2026-W48"))
    assert snapshot["groups"] == []
    assert len(await city.items()) == 1


async def test_without_owner_and_admin_it_goes_to_the_office_and_nobody_is_asked(city: Cleaning) -> None:
    await city.silent("none", owner=None)
    await city.silent("left", owner="p9")
    await city.week()
    assert [one.state for one in await city.items()] == ["office", "office"]
    assert await city.told_steps("none") == ["found", "no_owner"]
    assert await city.said() == []
    await city.decides(OFFICE, "dissolve", "none", days=1)
    item = await city.item("none")
    assert (item.state, item.chosen_by) == ("doing", OFFICE)

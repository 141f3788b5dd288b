"""Verdicts have reasons, reasons have evidence, and silence must have been heard."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from config.settings import TIMEZONE, InventorySettings
from handlers.rules.zombie import Gaps, Known, Reason, judge, judge_app, suggestion, verdict

END = datetime(2026, 11, 23, tzinfo=TIMEZONE)
DAY = timedelta(days=1)
RULES = InventorySettings()


def known(**facts: Any) -> Known:
    usual: dict[str, Any] = {
        "first_seen": END - 400 * DAY,
        "created": None,
        "last_work": END - DAY,
        "messages": 20,
        "rollcalls": 0,
        "owner": "there",
        "ends": None,
        "gaps": Gaps(),
    }
    return Known(**{**usual, **facts})


def codes(**facts: Any) -> list[str]:
    return [reason.code for reason in judge(known(**facts), END, RULES)]


def judged(**facts: Any) -> str:
    return verdict(judge(known(**facts), END, RULES))


@pytest.mark.parametrize(
    ("silence", "found", "expected"),
    [
        (30 * DAY - timedelta(seconds=1), [], "alive"),
        (30 * DAY, ["silent_30"], "watch"),
        (90 * DAY - timedelta(seconds=1), ["silent_30"], "watch"),
        (90 * DAY, ["silent_90"], "suspected"),
        (180 * DAY - timedelta(seconds=1), ["silent_90"], "suspected"),
        (180 * DAY, ["silent_180"], "dissolve"),
    ],
)
def test_silence_counts_from_the_last_work_message(silence: timedelta, found: list[str], expected: str) -> None:
    assert codes(last_work=END - silence) == found
    assert judged(last_work=END - silence) == expected


def test_silence_tells_its_evidence() -> None:
    last = END - 95 * DAY
    [reason] = judge(known(last_work=last), END, RULES)
    assert reason.evidence == {"last_work_message": last, "days": 95, "threshold": 90}


def test_other_thresholds_are_a_matter_of_settings() -> None:
    rules = InventorySettings(watch_days=7, suspected_days=14, dissolve_days=21)
    assert [reason.code for reason in judge(known(last_work=END - 15 * DAY), END, rules)] == ["silent_90"]


@pytest.mark.parametrize(
    ("deaf", "expected"),
    [(10, "suspected"), (11, "insufficient"), (70, "insufficient"), (71, "insufficient"), (100, "insufficient")],
)
def test_days_nobody_listened_prove_no_silence(deaf: int, expected: str) -> None:
    gap = Gaps([(END - 100 * DAY, END - (100 - deaf) * DAY)])
    reasons = judge(known(last_work=END - 100 * DAY, gaps=gap), END, RULES)
    assert verdict(reasons) == expected
    [told] = [reason for reason in reasons if reason.code == "data_gap"]
    assert told.evidence["days"] == deaf
    assert told.evidence["heard_days"] == 100 - deaf
    assert told.evidence["spans"] == [(END - 100 * DAY, END - (100 - deaf) * DAY)]


def test_a_gap_before_the_last_message_or_of_an_hour_in_a_lively_group_is_no_reason() -> None:
    assert codes(last_work=END - 5 * DAY, gaps=Gaps([(END - 20 * DAY, END - 6 * DAY)])) == []
    assert codes(last_work=END - 5 * DAY, gaps=Gaps([(END - 2 * DAY, END - 2 * DAY + timedelta(hours=1))])) == []
    assert codes(last_work=END - 5 * DAY, gaps=Gaps([(END - 3 * DAY, END - 2 * DAY)])) == ["data_gap"]


def test_an_hour_of_deafness_is_told_where_silence_matters() -> None:
    gap = Gaps([(END - 2 * DAY, END - 2 * DAY + timedelta(hours=1))])
    assert codes(last_work=END - 40 * DAY, gaps=gap) == ["silent_30", "data_gap"]


@pytest.mark.parametrize("silence", [30, 90, 180, 400])
@pytest.mark.parametrize("threshold", [30, 90, 180])
def test_a_group_is_called_dead_only_by_days_that_were_all_heard(silence: int, threshold: int) -> None:
    """A gap a day ago, at a threshold, just within it, and at the whole silence: dead only where it changes nothing."""
    order = ["alive", "watch", "suspected", "dissolve"]
    whole = judged(last_work=END - silence * DAY)
    for heard in (1, threshold - 1, threshold):
        if heard >= silence:
            continue
        gaps = Gaps([(END - (heard + 2) * DAY, END - heard * DAY)])
        found = judge(known(last_work=END - silence * DAY, gaps=gaps), END, RULES)
        proven = order[sum(heard >= days for days in (30, 90, 180))]
        assert verdict(found) == (whole if proven == whole else "insufficient"), (silence, heard)
        [told] = [reason for reason in found if reason.code == "data_gap"]
        assert told.evidence["quiet_days"] == heard


def test_many_short_outages_are_not_counted_as_quiet() -> None:
    short = [(END - day * DAY, END - day * DAY + timedelta(hours=12)) for day in range(1, 95)]
    assert judged(last_work=END - 95 * DAY, gaps=Gaps(short)) == "insufficient"
    assert judged(last_work=END - 95 * DAY, gaps=Gaps(short[:9])) == "suspected"


def test_the_days_without_data_are_named() -> None:
    hour = timedelta(hours=1)
    gaps = Gaps([(END - 5 * DAY, END - 3 * DAY), (END - 3 * DAY + hour, END - 2 * DAY), (END - DAY, END - DAY + hour / 2)])
    assert gaps.days(END - 10 * DAY, END) == [(date(2026, 11, 18), date(2026, 11, 20))]
    assert gaps.days(END - 4 * DAY, END - 3 * DAY) == [(date(2026, 11, 19), date(2026, 11, 19))]


def test_the_registers_silence_is_not_made_by_a_channel() -> None:
    gap = Gaps([(END - 100 * DAY, END)])
    assert codes(first_seen=None, last_work=END - 100 * DAY, gaps=gap) == ["silent_90"]


def test_gaps_that_overlap_count_once() -> None:
    gaps = Gaps([(END - 10 * DAY, END - 6 * DAY), (END - 8 * DAY, END - 4 * DAY), (END - 3 * DAY, END - 2 * DAY)])
    assert gaps.within(END - 9 * DAY, END) == 6 * DAY
    assert gaps.within(END - 20 * DAY, END - 9 * DAY) == DAY
    assert gaps.within(END - 4 * DAY, END - 3 * DAY) == timedelta()
    assert gaps.between(END - 9 * DAY, END - 5 * DAY) == [(END - 9 * DAY, END - 5 * DAY)]


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ({"created": date(2026, 11, 15), "first_seen": END - 7 * DAY}, ["never_used"]),
        ({"created": date(2026, 11, 16), "first_seen": END - 7 * DAY}, []),
        ({"created": None, "first_seen": END - 8 * DAY}, ["never_used"]),
        ({"created": None, "first_seen": END - 7 * DAY}, []),
        ({"created": date(2025, 1, 1), "first_seen": END - 29 * DAY}, ["data_gap"]),
        ({"created": date(2025, 1, 1), "first_seen": END - 30 * DAY}, ["never_used"]),
    ],
    ids=["past grace", "within grace", "unknown age, past", "unknown age, within", "bot came late", "listened enough"],
)
def test_a_group_without_any_work_message_is_an_empty_shell(facts: dict[str, Any], found: list[str]) -> None:
    assert codes(last_work=None, messages=0, **facts) == found
    expected = {"never_used": "empty", "data_gap": "insufficient"}
    assert judged(last_work=None, messages=0, **facts) == expected.get(found[0] if found else "", "alive")


def test_an_empty_shell_is_not_called_so_when_the_channel_was_deaf_all_the_time() -> None:
    gap = Gaps([(END - 10 * DAY, END - 5 * DAY)])
    facts: dict[str, Any] = {"last_work": None, "messages": 0, "first_seen": END - 10 * DAY, "gaps": gap}
    assert codes(**facts) == ["data_gap"]
    assert judged(**facts) == "insufficient"
    assert codes(**{**facts, "first_seen": END - 20 * DAY}) == ["data_gap"]
    assert codes(**{**facts, "first_seen": END - 60 * DAY}) == ["data_gap"]
    assert codes(**{**facts, "gaps": Gaps([(END - 60 * DAY, END - 40 * DAY)]), "first_seen": END - 70 * DAY}) == [
        "never_used", "data_gap",
    ]  # fmt: skip


def test_a_late_bot_says_how_long_it_listened() -> None:
    seen = END - 5 * DAY
    [reason] = judge(known(last_work=None, created=date(2025, 1, 1), first_seen=seen), END, RULES)
    assert (reason.variant, reason.evidence) == ("late", {"first_seen": seen, "days": 5})


def test_a_register_that_tells_no_activity_proves_nothing() -> None:
    assert codes(first_seen=None, last_work=None, messages=0) == ["data_gap"]
    assert judged(first_seen=None, last_work=None, messages=0) == "insufficient"
    assert codes(first_seen=None, last_work=None, messages=5) == []


@pytest.mark.parametrize(
    ("owner", "found"), [("there", []), ("unknown", []), ("none", ["no_owner"]), ("left", ["no_owner"])]
)
def test_a_group_wants_an_owner_in_post(owner: str, found: list[str]) -> None:
    assert codes(owner=owner) == found
    assert judged(owner=owner) == ("empty" if found else "alive")


@pytest.mark.parametrize(
    ("ends", "found"), [(date(2026, 11, 7), ["task_ended"]), (date(2026, 11, 8), []), (date(2026, 12, 1), [])]
)
def test_a_task_that_ended_two_weeks_ago_leaves_its_group_overdue(ends: date, found: list[str]) -> None:
    assert codes(ends=ends) == found
    assert judged(ends=ends) == ("overdue" if found else "alive")


@pytest.mark.parametrize(
    ("facts", "variant", "evidence"),
    [
        ({"matter": "人口普查"}, "matter", {"matter": "人口普查"}),
        ({"matter": "人口普查", "body": True, "over": True}, "matter", {"matter": "人口普查"}),
        ({"body": True}, "body", {}),
        ({"over": True}, "", {}),
    ],
    ids=["a matter", "a body with a name", "a body without", "nothing told"],
)
def test_an_ended_task_names_what_it_was(facts: dict[str, Any], variant: str, evidence: dict[str, str]) -> None:
    [reason] = judge(known(ends=date(2026, 11, 1), **facts), END, RULES)
    assert reason == Reason("task_ended", {"ends": date(2026, 11, 1), "days": 22, "threshold": 15, **evidence}, variant)


def test_a_register_that_says_that_the_matter_is_over_needs_no_day() -> None:
    assert judge(known(over=True, matter="创卫指挥部"), END, RULES) == [
        Reason("task_ended", {"matter": "创卫指挥部"}, "over")
    ]
    assert judge(known(over=True), END, RULES) == [Reason("task_ended", {}, "over_unnamed")]
    assert codes(over=True, ends=date(2026, 12, 31)) == []


@pytest.mark.parametrize(
    ("messages", "rollcalls", "found"), [(2, 8, ["only_rollcall"]), (3, 8, []), (1, 8, []), (0, 10, ["only_rollcall"])]
)
def test_a_group_of_roll_calls_only_is_watched(messages: int, rollcalls: int, found: list[str]) -> None:
    assert codes(messages=messages, rollcalls=rollcalls) == found
    assert judged(messages=messages, rollcalls=rollcalls) == ("watch" if found else "alive")


def test_the_most_serious_reason_decides() -> None:
    order = ["silent_180", "task_ended", "never_used", "member_overlap", "silent_90", "only_rollcall", "over_limit"]
    verdicts = ["dissolve", "overdue", "empty", "duplicate", "suspected", "watch", "alive"]
    for place, expected in enumerate(verdicts):
        assert verdict([Reason(code, {}) for code in reversed(order[place:])]) == expected
    assert verdict([]) == "alive"


@pytest.mark.parametrize("code", ["over_limit", "unregistered", "rebound", "similar_name", "data_gap"])
def test_a_hint_changes_no_verdict(code: str) -> None:
    assert verdict([Reason(code, {})]) == "alive"


def test_a_name_and_a_purpose_alike_make_a_duplicate_and_a_name_alone_does_not() -> None:
    assert verdict([Reason("similar_name", {}, "purpose")]) == "duplicate"
    assert verdict([Reason("similar_name", {})]) == "alive"


def test_one_group_too_many_is_watched_where_a_setting_says_so() -> None:
    assert verdict([Reason("over_limit", {})], limited=True) == "watch"
    assert verdict([Reason("over_limit", {}), Reason("silent_90", {})], limited=True) == "suspected"
    assert verdict([Reason("over_limit", {})], exempt=True, limited=True) == "exempt"


def test_an_exemption_stands_above_all() -> None:
    assert verdict([Reason("silent_180", {})], exempt=True) == "exempt"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("silent_180", "解散"),
        ("never_used", "解散"),
        ("no_owner", "规范"),
        ("member_overlap", "合并"),
        ("over_limit", "保留"),
        ("unregistered", "规范"),
    ],
)
def test_one_of_four_dispositions_is_suggested(code: str, expected: str) -> None:
    reasons = [Reason(code, {})]
    assert suggestion(reasons, verdict(reasons)) == expected


@pytest.mark.parametrize(
    ("kind", "days", "expected"),
    [
        ("APP", 59, "alive"),
        ("APP", 60, "suspected"),
        ("小程序", 60, "suspected"),
        ("公众号", 13, "alive"),
        ("微信公众号", 14, "suspected"),
        ("公众号", 365, "suspected"),
        ("公众号", 366, "dissolve"),
        ("", 366, "dissolve"),
    ],
)
def test_an_app_is_judged_by_its_last_update(kind: str, days: int, expected: str) -> None:
    found, reasons = judge_app(kind, (END - days * DAY).date(), END, RULES)
    assert found == expected
    assert [reason.code for reason in reasons] == ([] if expected == "alive" else ["not_updated"])


@pytest.mark.parametrize("updated", [None, date(2026, 11, 23)])
def test_an_app_whose_update_is_not_known_is_not_judged(updated: date | None) -> None:
    found, reasons = judge_app("APP", updated, END, RULES)
    assert (found, [reason.code for reason in reasons]) == ("alive", ["data_gap"])

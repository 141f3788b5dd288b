"""Functions, likes and filing as a register's cells tell them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from config.settings import TIMEZONE, InventorySettings
from handlers.rules.apps import App, alike, banned, functions_of, judge

END = datetime(2026, 11, 23, tzinfo=TIMEZONE)
RULES = InventorySettings()
WORDS = RULES.banned_functions


def app(**facts: Any) -> App:
    usual = {"id": "a", "name": "掌上办", "unit": "政数局", "kind": "APP", "filing": "备2026-1", "updated": date(2026, 11, 20)}
    return App(**{**usual, **facts})


def judged(**facts: Any) -> tuple[str, list[str]]:
    found, reasons = judge(app(**facts), None, {}, END, RULES)
    return found, [reason.code for reason in reasons]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("办事查询、打卡；积分", ["打卡", "积分"]),
        ("学习时长统计，签到", ["学习时长统计", "签到"]),
        ("无", []),
        ("无打卡、未设积分、已取消时长", []),
        ("打卡：无；积分：否", []),
        ("打卡（已关闭）", []),
        ("应急值守打卡", []),
        ("办事查询和积分", ["积分"]),
        ("", []),
    ],
)
def test_a_banned_function_is_found_where_it_is_there_and_not_where_it_is_denied(cell: str, expected: list[str]) -> None:
    assert banned(cell, WORDS) == expected


def test_a_banned_function_makes_a_verdict_and_a_dead_app_stays_dead() -> None:
    assert judged(functions="上报、积分") == ("banned", ["banned_function"])
    assert judged(functions="积分", updated=date(2026, 1, 1)) == ("suspected", ["not_updated", "banned_function"])


@pytest.mark.parametrize(("filing", "missing"), [("", True), ("无", True), ("未备案", True), ("粤备A-1", False)])
def test_a_missing_filing_is_told_and_judges_nothing(filing: str, missing: bool) -> None:
    assert judged(filing=filing) == ("alive", ["no_filing"] if missing else [])


def test_an_app_of_an_unknown_update_is_not_called_fine() -> None:
    assert judged(updated=None) == ("insufficient", ["data_gap"])


def test_few_users_count_only_where_a_setting_says_so() -> None:
    assert judged(monthly_active=3) == ("alive", [])
    rules = InventorySettings(app_active_least=50)
    found, [reason] = judge(app(monthly_active=3), None, {}, END, rules)
    assert (found, reason.code, reason.evidence) == ("watch", "few_users", {"monthly_active": 3, "threshold": 50})


def test_the_day_of_the_units_own_file_is_named_with_the_file() -> None:
    _, [reason] = judge(app(updated=date(2026, 8, 1), by_feed="掌上办.xml"), None, {}, END, RULES)
    assert (reason.code, reason.variant, reason.evidence["file"]) == ("not_updated", "feed", "掌上办.xml")


def test_apps_with_the_same_functions_overlap_and_accounts_of_other_units_do_not() -> None:
    found = alike(
        [
            app(id="a", name="掌上办", functions="办事查询、预约、投诉"),
            app(id="b", name="民生通", functions="投诉、办事查询、预约", unit="民政局"),
            app(id="c", name="随手拍", functions="投诉"),
            app(id="d", name="甲镇发布", kind="公众号", functions="信息发布、办事", unit="甲镇"),
            app(id="e", name="乙镇发布", kind="公众号", functions="信息发布、办事", unit="乙镇"),
            app(id="f", name="甲镇资讯", kind="公众号", functions="信息发布、办事", unit="甲镇"),
        ],
        RULES.app_overlap,
    )
    assert {key: [other for other, _ in like.others] for key, like in found.items()} == {
        "a": ["b"], "b": ["a"], "d": ["f"], "f": ["d"],
    }  # fmt: skip


def test_apps_with_nearly_the_same_name_need_a_function_in_common() -> None:
    one = app(id="a", name="青石随手拍", functions="上报、查询")
    assert alike([one, app(id="b", name="青石随手拍APP", functions="地图")], RULES.app_overlap) == {}
    assert set(alike([one, app(id="b", name="青石随手拍APP", functions="上报、统计、派单")], RULES.app_overlap)) == {"a", "b"}


def test_what_the_register_calls_the_same_is_told_as_such() -> None:
    assert judged(similar="民生通") == ("duplicate", ["similar_app"])
    assert judged(similar="无") == ("alive", [])
    assert list(functions_of("（办事）、办事 ")) == ["办事"]

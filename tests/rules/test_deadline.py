"""A Chinese expression of time becomes an instant."""

from datetime import datetime

import pytest

from config.calendar import SHANGHAI, Calendar
from handlers.rules.deadline import find, number

# A Friday afternoon.
FRIDAY = datetime(2026, 11, 20, 15, 0, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("words", "instant"),
    [
        ("今天下班前", "11-20 18:00"),
        ("今晚十点半之前", "11-20 22:30"),
        ("明早8点", "11-21 08:00"),
        ("明天12:00前", "11-21 12:00"),
        ("后天中午", "11-22 12:00"),
        ("周五17:00前", "11-20 17:00"),
        ("下周一早上", "11-23 09:00"),
        ("下下周三", "12-02 18:00"),
        ("周三前", "11-25 18:00"),
        ("11月25日中午前", "11-25 12:00"),
        ("11月27日（周五）下午2:30", "11-27 14:30"),
        ("二十五号之前", "11-25 18:00"),
        ("月底前", "11-30 18:00"),
        ("本周内", "11-20 18:00"),
        ("2小时内", "11-20 17:00"),
        ("一个半小时内", "11-20 16:30"),
        ("半小时内", "11-20 15:30"),
        ("三个工作日内", "11-25 18:00"),
        ("两天内", "11-22 18:00"),
        ("下午五点前", "11-20 17:00"),
        ("5点前", "11-20 17:00"),
        ("马上", "11-20 15:00"),
        ("1月5日前", "01-05 18:00"),
    ],
)
def test_expression_gives_the_instant_meant(words: str, instant: str) -> None:
    found = list(find(f"请{words}报办公室", FRIDAY, Calendar()))
    assert [d.instant.strftime("%m-%d %H:%M") for d in found if d.instant] == [instant]


def test_january_said_in_november_is_next_year() -> None:
    (due,) = find("1月5日前", FRIDAY, Calendar())
    assert due.instant is not None
    assert due.instant.year == 2027


@pytest.mark.parametrize("words", ["昨天报的", "三百户", "前三名", "9月1日开学", "31号楼", "没有时间"])
def test_what_is_past_or_no_time_gives_nothing(words: str) -> None:
    assert list(find(words, FRIDAY, Calendar())) == []


@pytest.mark.parametrize("words", ["2月30日前", "13月1日", "99号前", "25点前", "999小时内", "0天内", "九十九点"])
def test_absurd_dates_do_not_fail(words: str) -> None:
    list(find(words, FRIDAY, Calendar()))


def test_without_a_moment_of_speaking_only_the_days_are_known() -> None:
    (due,) = find("明天上午报", None, Calendar())
    assert (due.instant, due.days) == (None, 1)


@pytest.mark.parametrize(("words", "value"), [("十二", 12), ("二十五", 25), ("十", 10), ("三", 3), ("07", 7)])
def test_chinese_numbers(words: str, value: int) -> None:
    assert number(words) == value

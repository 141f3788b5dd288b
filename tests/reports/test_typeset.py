"""Lines as a typesetter breaks them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reports.paper import ems
from bot.reports.typeset import CLOSING, broken, stretch


def lines(text: str, limit: float, indent: float = 0) -> list[str]:
    return [text[start:end] for start, end in broken(text, [ems(char) for char in text], limit, indent)]


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("工作群组清理。", 6, ["工作群组清", "理。"]),
        ("清理（试行）办法", 3, ["清理", "（试", "行）办", "法"]),
        ("共计2026个", 3, ["共计", "2026个"]),
        ("比例17.24%高", 4.5, ["比例", "17.24%高"]),
        ("一二三2026个", 5.5, ["一二三", "2026个"]),
        ("等等……好", 3, ["等", "等……", "好"]),
        ("", 5, [""]),
        ("“收到”、好", 4, ["“收", "到”、好"]),
    ],
    ids=["full stop", "brackets", "number", "percentage", "measure", "ellipsis", "nothing", "quotes"],
)
def test_a_line_breaks_where_it_may(text: str, limit: float, expected: list[str]) -> None:
    assert lines(text, limit) == expected


def test_the_first_line_is_indented() -> None:
    assert lines("一二三四五六", 4, indent=2) == ["一二", "三四五六"]


def test_what_is_longer_than_a_line_is_broken_anywhere() -> None:
    assert lines("a" * 10 + "。" * 4, 2) == ["aaaa", "aaaa", "aa。", "。。", "。"]


@given(st.text("群清，。（）“”a1% ", max_size=60), st.integers(3, 20))
def test_nothing_is_lost_and_no_line_is_too_long(text: str, limit: int) -> None:
    found = lines(text, limit)
    assert "".join(found) == text
    assert all(ems(line.rstrip()) <= limit for line in found)


@given(st.text("群清，。（1", max_size=40).filter(lambda text: "，，" not in text.replace("。", "，")))
def test_no_line_begins_with_a_comma(text: str) -> None:
    assert not [line for line in lines(text, 28)[1:] if line[0] in CLOSING]


def test_a_full_line_is_stretched_and_a_short_one_is_not() -> None:
    assert stretch(98, 11, 100) == pytest.approx(0.2)
    assert stretch(50, 11, 100) == stretch(100, 11, 100) == stretch(99, 1, 100) == 0

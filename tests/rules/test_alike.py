"""Names and purposes that say nearly the same, by words and by characters."""

from __future__ import annotations

import pytest

from handlers.rules.alike import alike_names, likeness, same_purpose


def pairs(*names: str) -> set[str]:
    return set(alike_names({name: (name, "城关镇") for name in names}))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("防汛抗旱工作群", "抗旱防汛群"),
        ("防汛值守工作群", "防汛值守群"),
        ("城关镇低保年审群", "年审低保交流群"),
    ],
    ids=["words in another order", "characters", "unit and common words left out"],
)
def test_names_of_one_task_are_alike(one: str, other: str) -> None:
    assert pairs(one, other) == {one, other}


@pytest.mark.parametrize(
    ("one", "other"), [("第一组防汛抗旱群", "第二组抗旱防汛群"), ("社保缴费群", "统计年报群"), ("防汛群", "防火群")]
)
def test_names_of_different_tasks_or_parts_are_not(one: str, other: str) -> None:
    assert pairs(one, other) == set()


def test_a_place_that_all_groups_of_a_unit_name_makes_them_not_alike() -> None:
    names = {name: (name, "柳湾镇党政办") for name in ("柳湾镇工作群", "柳湾镇宣传信息群", "柳湾镇通讯录群")}
    assert alike_names(names) == {}


def test_names_are_compared_within_one_known_unit() -> None:
    assert alike_names({"a": ("防汛抗旱群", "甲镇"), "b": ("抗旱防汛群", "乙镇"), "c": ("抗旱防汛群", "")}) == {}


def test_a_purpose_is_compared_by_words_and_nothing_is_like_one_that_is_not_told() -> None:
    assert likeness("防汛抗旱信息报送和值守", "防汛抗旱值守、信息报送") == 1.0
    assert likeness("惠农补贴发放", "森林防火巡查") == 0.0
    assert likeness("", "") == likeness("防汛", "") == 0.0


def test_namesakes_with_the_same_purpose_are_told_from_those_without() -> None:
    named = alike_names({name: (name, "镇") for name in ("防汛抗旱群", "抗旱防汛群", "防汛抗旱工作群")})
    purposes = {"防汛抗旱群": "汛期值守和报送", "抗旱防汛群": "汛期值守、报送", "防汛抗旱工作群": ""}
    assert same_purpose(named, purposes) == {"防汛抗旱群": ("抗旱防汛群",), "抗旱防汛群": ("防汛抗旱群",)}

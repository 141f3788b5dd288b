"""Likeness is exact, whatever the shortcut; names that tell different groups apart are not alike."""

from __future__ import annotations

import itertools
import random
import time

import pytest

from handlers.rules.similar import NAMED, alike_names, overlaps


def plainly(members: dict[str, frozenset[str]], share: float, least: int) -> dict[str, dict[str, float]]:
    """The same by comparing everything with everything."""
    found: dict[str, dict[str, float]] = {}
    for one, other in itertools.combinations(sorted(members), 2):
        a, b = members[one], members[other]
        if min(len(a), len(b)) >= least and len(a & b) >= share * len(a | b) - 1e-9:
            for x, y in ((one, other), (other, one)):
                found.setdefault(x, {})[y] = round(len(a & b) / len(a | b), 4)
    return found


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("share", [0.5, 0.8, 1.0])
def test_it_finds_what_comparing_all_with_all_finds(seed: int, share: float) -> None:
    draw = random.Random(seed)
    people = [f"p{n}" for n in range(12)]
    groups = {f"g{n:02}": frozenset(draw.sample(people, draw.randint(0, 8))) for n in range(40)}
    found = overlaps(groups, share, 3)
    expected = plainly(groups, share, 3)
    assert found.keys() == expected.keys()
    for group, likeness in found.items():
        assert likeness.number == len(expected[group])
        assert [share for _, share in likeness.others] == sorted(expected[group].values(), reverse=True)[:NAMED]
        assert all(expected[group][other] == share for other, share in likeness.others)


def test_the_threshold_itself_is_enough() -> None:
    groups = {"a": frozenset("12345678"), "b": frozenset("123456789x")}
    assert overlaps(groups, 0.8, 3)["a"].others == (("b", 0.8),)
    assert overlaps(groups, 0.81, 3) == {}


def test_small_groups_are_not_compared() -> None:
    assert overlaps({"a": frozenset("12"), "b": frozenset("12")}, 0.8, 3) == {}


def test_many_equal_groups_are_counted_and_ten_are_named() -> None:
    found = overlaps({f"g{n:03}": frozenset("123") for n in range(300)}, 0.8, 3)
    assert found["g005"].number == 299
    assert [one for one, _ in found["g005"].others] == [f"g{n:03}" for n in range(11) if n != 5]


def test_a_person_who_is_in_every_group_costs_nothing() -> None:
    draw = random.Random(1)
    groups = {
        f"g{n}": frozenset({"boss", "bot", *(f"p{draw.randrange(40_000)}" for _ in range(18))}) for n in range(6_000)
    }
    start = time.process_time()
    assert overlaps(groups, 0.8, 3) == {}
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("防汛值守工作群", "防汛值守群", True),
        ("城关镇防汛值守", "防汛值守微信群", True),
        ("ＡＢ平台（工作群）", "ab平台交流群", True),
        ("第一网格工作群", "第二网格工作群", False),
        ("网格1群", "网格2群", False),
        ("防汛值守工作群", "社保缴费工作群", False),
        ("城关镇工作群", "城关镇工作群", True),
    ],
)
def test_names_of_one_unit_are_compared_by_what_tells_them_apart(one: str, other: str, alike: bool) -> None:
    found = alike_names({"a": (one, "城关镇"), "b": (other, "城关镇")})
    assert (set(found) == {"a", "b"}) is alike


def test_names_of_two_units_or_of_an_unknown_one_are_not_compared() -> None:
    assert alike_names({"a": ("防汛群", "甲镇"), "b": ("防汛群", "乙镇")}) == {}
    assert alike_names({"a": ("防汛群", ""), "b": ("防汛群", "")}) == {}

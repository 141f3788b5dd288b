"""A group under another name or on another platform is the same group; one that waits is a rebound."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from handlers.rules.moves import Move, find_moves, left_behind
from handlers.rules.reduction import reduce
from tests.rules.test_reduction import BASELINE, CLOSED, END, gone, life

DAY = CLOSED.date()


def found(*groups: Any) -> dict[str, str]:
    return {new: move.old for new, move in find_moves(groups, 7, 0.8, 3).items()}


def old(name: str = "old", members: str = "12345", **facts: Any) -> Any:
    return gone(name, members=frozenset(members), **facts)


def new(name: str = "new", members: str = "12345", days: int = 0, **facts: Any) -> Any:
    return life(name, began=DAY + timedelta(days=days), members=frozenset(members), **facts)


@pytest.mark.parametrize(
    ("members", "days", "moved"),
    [
        ("12345", 0, True),
        ("1234x", 0, True),
        ("12345x", 0, True),
        ("123xy", 0, False),
        ("12345678", 0, False),
        ("12345", 7, True),
        ("12345", 8, False),
        ("12345", -7, True),
        ("12345", -8, False),
    ],
    ids=["all", "four of five", "one more", "three of five", "a much larger one", "a week later", "too late",
         "made a week before", "made long before"],
)  # fmt: skip
def test_most_people_of_both_and_the_time_make_it_one_group(members: str, days: int, moved: bool) -> None:
    assert found(old(), new(members=members, days=days)) == ({"new": "old"} if moved else {})


def test_a_group_that_is_not_gone_has_not_moved() -> None:
    assert found(life("old", members=frozenset("12345")), new()) == {}


def test_two_of_a_group_prove_nothing_and_an_unknown_beginning_neither() -> None:
    assert found(old(members="12"), new(members="12")) == {}
    assert found(old(), life("new", began=None, members=frozenset("12345"))) == {}


def test_one_group_becomes_one_only() -> None:
    assert found(old(), new("a", "12345"), new("b", "1234x")) == {"a": "old"}
    assert found(old("x"), old("y", "1234z"), new("n")) == {"n": "x"}


def test_a_moved_group_is_neither_closed_nor_added() -> None:
    groups = [old(), new(), life("other")]
    assert found(*groups) == {"new": "old"}
    lives = [left_behind(groups[0]), replace(groups[1], began=groups[0].began), groups[2]]
    counted = reduce(lives, (), BASELINE, END)
    assert (counted.baseline, counted.now, counted.reduced, counted.added) == (2, 2, 0, 0)
    assert sum(counted.closed.values()) == 0


def test_a_group_that_moved_twice_began_with_the_first_and_is_closed_once() -> None:
    second = new("b", ended=CLOSED + timedelta(days=3), evidence="declared")
    groups = [old("a"), second, new("c", days=3, ended=CLOSED + timedelta(days=9), evidence="seen")]
    moves = find_moves(groups, 7, 0.8, 3)
    assert moves["c"] == Move(old="b", ended=second.ended, share=1.0)
    assert moves["b"].old == "a"
    lives = [left_behind(groups[0]), left_behind(second), replace(groups[2], began=date(2025, 1, 1))]
    assert reduce(lives, (), BASELINE, END).closed == {"seen": 1, "declared": 0, "imported": 0}


def test_on_another_platform_people_are_known_by_their_names() -> None:
    was = gone("wechat:g", members=frozenset(f"wechat:{n}" for n in "12345"))
    now = life("wecom:g", began=DAY, members=frozenset(f"wecom:{n}" for n in "abcd5"))
    called = dict(zip([f"wechat:{n}" for n in "12345"], "甲乙丙丁戊", strict=True))
    called |= dict(zip([f"wecom:{n}" for n in "abcd5"], "甲乙丙丁己", strict=True))

    def named(*groups: Any) -> list[Any]:
        return [replace(one, members=frozenset(called[person] for person in one.members)) for one in groups]

    assert find_moves([was, now], 7, 0.8, 3, named(was, now))["wecom:g"].share == 0.8
    namesakes = replace(now, id="wechat:h")
    assert find_moves([was, namesakes], 7, 0.8, 3, named(was, namesakes)) == {}

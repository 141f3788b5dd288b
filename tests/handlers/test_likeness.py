"""A million groups are compared as forty are: what the arrays find is what the plain rule finds."""

from __future__ import annotations

import random

import pytest

from handlers import likeness, rosters
from handlers.rosters import Rosters
from handlers.rules import similar


def made(groups: dict[str, frozenset[str]], keys: list[str]) -> Rosters:
    told = ((key, "\x1f".join(people)) for key, people in groups.items() if people)
    return rosters.read([(told, {key: place for place, key in enumerate(keys)})], len(keys), "\x1f")


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("block", [1, 7, 1_000_000], ids=["one by one", "in small blocks", "in one block"])
def test_it_finds_exactly_what_the_rule_finds(
    seed: int, share: float, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(likeness, "BLOCK", block)
    monkeypatch.setattr(likeness, "FEW", block)
    draw = random.Random(seed)
    people = [f"p{number}" for number in range(draw.choice([8, 12, 40]))]
    groups = {f"g{n:02}": frozenset(draw.sample(people, draw.randint(0, 8))) for n in range(60)}
    keys = list(groups)
    draw.shuffle(keys)
    assert likeness.overlaps(keys, made(groups, keys), share, 3) == similar.overlaps(groups, share, 3)


def test_nobody_to_compare_is_nothing_found() -> None:
    assert likeness.overlaps([], made({}, []), 0.8, 3) == {}
    groups = {"a": frozenset("123"), "b": frozenset("456")}
    assert likeness.overlaps(["a", "b"], made(groups, ["a", "b"]), 0.8, 3) == {}


def test_who_came_twice_is_one_member_and_unknown_groups_are_left_out() -> None:
    found = rosters.read([([("a", "x\x1fy\x1fx"), ("nobody's", "z"), ("c", "y")], {"a": 0, "c": 2})], 3, "\x1f")
    assert found.sizes.tolist() == [2, 0, 1]
    assert found.of(0) == {0, 1}
    assert found.of(1) == frozenset()
    assert found.of(2) == {1}
    assert (found.distinct(0, 3), found.distinct(1, 2)) == (2, 0)

"""Merging counts people: who is spared a notice, who is burdened with messages, and when it is not worth it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest

from handlers.rules.merge import Advice, Candidate, apart_of, propose
from handlers.rules.similar import alike_names, overlaps

SHARE = 0.8
LIMIT = 1_500


def group(key: str, people: Iterable[str], messages: int = 30, **facts: Any) -> Candidate:
    usual: dict[str, Any] = {"channel": "wechat", "began": date(2026, 1, 1)}
    return Candidate(**{**usual, "key": key, "people": frozenset(people), "messages": messages, **facts})


def advise(
    groups: Iterable[Candidate], names: dict[str, tuple[str, str]] | None = None, limit: float = LIMIT
) -> Advice:
    listed = list(groups)
    members = {one.key: one.people for one in listed}
    return propose(listed, overlaps(members, SHARE, 3), alike_names(names or {}), SHARE, limit)


def keys(found: Advice) -> list[tuple[str, ...]]:
    return [merge.keys for merge in found.merges]


def test_the_largest_and_then_the_oldest_group_is_the_target() -> None:
    everybody = "abcdefghi"
    young = group("a", everybody, began=date(2026, 3, 1))
    old = group("b", everybody, began=date(2025, 3, 1))
    large = group("c", everybody + "j")
    assert keys(advise([young, old])) == [("b", "a")]
    assert keys(advise([young, old, large])) == [("c", "a", "b")]


def test_a_copy_in_each_of_its_groups_reaches_a_person_once_after_the_merger() -> None:
    """n1 stood in three groups, n2 in two, n3 only in one of them and somewhere else."""
    found = advise(
        [
            group("a", "abcdefghij", notices=frozenset({"n1", "n2"})),
            group("b", "abcdefghi", notices=frozenset({"n1", "n2", "n3"})),
            group("c", "abcdefgh", notices=frozenset({"n1"})),
        ]
    )
    assert keys(found) == [("a", "b", "c")]
    # j saw every notice once, i had a copy of n1 and of n2, the others another copy of n1.
    assert found.spared == {**dict.fromkeys("abcdefgh", 3), "i": 2}


def test_who_was_not_in_a_group_gets_its_messages_on_top() -> None:
    found = advise([group("a", "abcdefghij", 60), group("b", "abcdefghi", 90), group("c", "abcdefghk", 15)])
    [merge] = found.merges
    assert (merge.keys, merge.messages, merge.overlap, merge.named) == (("a", "b"), 150, 0.9, False)
    assert found.burdened == {"j": 90}


def test_nobody_is_burdened_where_all_are_in_all() -> None:
    found = advise([group("a", "abcde", 9_000), group("b", "abcde", 9_000)])
    assert (keys(found), found.burdened, found.held) == ([("a", "b")], {}, 0)


@pytest.mark.parametrize(
    ("messages", "merged", "held"), [(LIMIT, [("a", "b")], 0), (LIMIT + 1, [], 1)], ids=["at the limit", "beyond it"]
)
def test_a_merger_that_costs_somebody_too_much_is_held(messages: int, merged: list[Any], held: int) -> None:
    found = advise([group("a", "abcdefghij", 0), group("b", "abcdefghi", messages)])
    assert (keys(found), found.held) == (merged, held)


def test_those_who_come_with_the_smaller_group_count_as_well() -> None:
    found = advise([group("a", "abcdefghij", LIMIT + 1), group("b", "abcdefghik", 0)])
    assert (keys(found), found.held) == ([], 1)


def test_the_load_is_counted_over_all_proposals() -> None:
    """Either merger costs x 900 messages; both would cost them 1,800."""
    first = [group("a", "abcdefghx", 0), group("b", "abcdefgh", 900)]
    second = [group("c", "ijklmnopx", 0), group("d", "ijklmnop", 900)]
    assert keys(advise(first)) == [("a", "b")]
    assert keys(advise(second)) == [("c", "d")]
    both = advise([*first, *second])
    assert (keys(both), both.held, both.burdened) == ([("a", "b")], 1, {"x": 900})


def test_a_busy_group_stays_out_and_the_others_are_merged() -> None:
    found = advise([group("a", "abcdefghij", 30), group("b", "abcdefghi", 90_000), group("c", "abcdefgh", 60)])
    assert (keys(found), found.held) == ([("a", "c")], 1)


def test_every_group_of_a_merger_is_like_its_target_and_not_only_like_another_member() -> None:
    """b is like a and like c, but c is not like a."""
    found = advise([group("a", "abcdefghij"), group("b", "abcdefgh"), group("c", "abcdefg")])
    assert keys(found) == [("a", "b")]


def test_groups_with_alike_names_in_one_unit_are_merged_without_a_common_member() -> None:
    names = {"a": ("社保缴费工作群", "城关镇"), "b": ("社保缴费群", "城关镇"), "c": ("社保缴费群", "柳湾镇")}
    found = advise([group("a", "abc"), group("b", "def"), group("c", "ghi")], names)
    [merge] = found.merges
    assert (merge.keys, merge.overlap, merge.named) == (("a", "b"), None, True)
    assert found.burdened == dict.fromkeys("abcdef", 30)


def test_groups_of_two_platforms_are_not_merged() -> None:
    assert advise([group("a", "abcde"), group("b", "abcde", channel="qq")]) == Advice()


@pytest.mark.parametrize(
    ("one", "other", "merged"),
    [
        ({"apart": "duty"}, {}, False),
        ({"apart": "duty"}, {"apart": "duty"}, False),
        ({"apart": "body"}, {"apart": "duty"}, False),
        ({}, {}, True),
    ],
    ids=["duty and work", "two duties", "a body and a duty", "two of work"],
)
def test_the_same_members_do_not_merge_what_must_stay_apart(one: Any, other: Any, merged: bool) -> None:
    assert bool(advise([group("a", "abcde", **one), group("b", "abcde", **other)]).merges) is merged


@pytest.mark.parametrize(
    ("tasks", "merged"),
    [(("河长制", "河长制"), True), (("河长制", ""), True), (("河长制", "林长制"), False)],
    ids=["the same task", "one is not told", "two tasks"],
)
def test_bodies_are_merged_by_name_and_for_one_task(tasks: tuple[str, str], merged: bool) -> None:
    names = {"a": ("河长制联络群", "水利局"), "b": ("河长制工作群", "水利局")}
    found = advise([group(key, "abcde", apart="body", task=task) for key, task in zip("ab", tasks, strict=True)], names)
    assert bool(found.merges) is merged


def test_a_group_without_a_task_does_not_join_two_tasks() -> None:
    names = dict.fromkeys("abc", ("河长制工作群", "水利局"))
    tasks = {"a": "", "b": "河长制", "c": "林长制"}
    found = advise([group(key, "abcde", apart="body", task=task) for key, task in tasks.items()], names)
    assert keys(found) == [("a", "b")]


@pytest.mark.parametrize(
    ("kind", "name", "purpose", "apart"),
    [
        ("业务", "柳湾镇应急值守群", "", "duty"),
        ("议事协调机构", "青石县防汛抗旱指挥部群", "", "duty"),
        ("综合", "柳湾镇工作群", "汛期值班", "duty"),
        ("议事协调机构", "河长制联络群", "", "body"),
        ("业务", "应急局党建群", "日常工作", ""),
        ("临时", "人口普查群", "", ""),
    ],
)
def test_duties_and_bodies_are_known_by_what_is_told_of_them(kind: str, name: str, purpose: str, apart: str) -> None:
    assert apart_of(kind, name, purpose) == apart


def test_more_groups_with_the_same_members_than_are_ever_named_become_one() -> None:
    many = [group(f"g{number:03}", "abcde", began=date(2026, 1, 1 + number % 28)) for number in range(60)]
    [merge] = advise(many).merges
    assert len(merge.keys) == 60


def test_the_order_in_which_groups_are_told_of_changes_nothing() -> None:
    draw = random.Random(5)
    crowd = [f"p{number}" for number in range(14)]
    groups = [
        group(f"g{number:02}", draw.sample(crowd, draw.randint(6, 12)), draw.randrange(2_000)) for number in range(50)
    ]
    first = advise(groups)
    assert len(first.merges) > 3
    for _ in range(5):
        draw.shuffle(groups)
        assert advise(groups) == first


@pytest.mark.parametrize("seed", range(20))
def test_no_group_is_merged_twice_and_nobody_is_burdened_beyond_the_limit(seed: int) -> None:
    draw = random.Random(seed)
    crowd = [f"p{number}" for number in range(16)]
    groups = [
        group(f"g{number:02}", draw.sample(crowd, draw.randint(6, 14)), draw.randrange(900)) for number in range(40)
    ]
    people = {one.key: one.people for one in groups}
    said = {one.key: one.messages for one in groups}
    found = advise(groups)
    listed = [key for merge in found.merges for key in merge.keys]
    assert len(set(listed)) == len(listed)
    assert max(found.burdened.values(), default=0) <= LIMIT
    for merge in found.merges:
        for person in frozenset().union(*(people[key] for key in merge.keys)):
            more = sum(said[key] for key in merge.keys if person not in people[key])
            assert merge.burdened.get(person, 0) == more


def test_ten_thousand_groups_are_looked_through_in_a_moment() -> None:
    draw = random.Random(2)
    groups: list[Candidate] = []
    for number in range(10_000):
        twin = groups[-1].people if groups and number % 4 == 0 else None
        crowd = twin or frozenset(f"p{draw.randrange(40_000)}" for _ in range(20))
        groups.append(group(f"g{number:05}", crowd, draw.randrange(300)))
    like = overlaps({one.key: one.people for one in groups}, SHARE, 3)
    start = time.process_time()
    found = propose(groups, like, {}, SHARE, LIMIT)
    assert time.process_time() - start < 1
    assert len(found.merges) == 2_499

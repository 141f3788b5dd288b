"""清理率 as it was published, by evidence, and what came back counts against it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from config.settings import TIMEZONE
from handlers.rules.reduction import Lifetime, find_rebounds, reduce

END = datetime(2026, 11, 23, tzinfo=TIMEZONE)
BASELINE = datetime(2026, 10, 1, tzinfo=TIMEZONE)
CLOSED = datetime(2026, 10, 20, 10, 0, tzinfo=TIMEZONE)


def life(name: str, **facts: Any) -> Lifetime:
    return Lifetime(**{"id": name, "began": date(2025, 1, 1), **facts})


def gone(name: str, **facts: Any) -> Lifetime:
    return life(name, **{"ended": CLOSED, "evidence": "seen", **facts})


@pytest.mark.parametrize(("before", "after", "rate"), [(42_355, 23_065, 0.4554), (3_527, 1_286, 0.6354)])
def test_the_rates_of_jiangxi_come_out_as_published(before: int, after: int, rate: float) -> None:
    groups = [life(f"g{n}") if n < after else gone(f"g{n}") for n in range(before)]
    found = reduce(groups, (), BASELINE, END)
    assert (found.baseline, found.now, found.reduced) == (before, after, before - after)
    assert found.rate == pytest.approx(rate, abs=1e-4)


def test_what_is_closed_is_counted_by_its_evidence() -> None:
    groups = [
        gone("a"),
        gone("b", evidence="declared"),
        gone("c", evidence="imported"),
        gone("d", evidence="imported"),
        life("e"),
    ]
    assert reduce(groups, (), BASELINE, END).closed == {"seen": 1, "declared": 1, "imported": 2}


def test_new_groups_count_against_the_reduction_and_it_may_be_negative() -> None:
    groups = [gone("a"), life("b"), *(life(f"n{n}", began=date(2026, 11, 1)) for n in range(3))]
    found = reduce(groups, (), BASELINE, END)
    assert (found.baseline, found.now, found.added, found.reduced, found.rate) == (2, 4, 3, -2, -1.0)


def test_a_rebound_is_no_baseline_group_and_counts_as_added() -> None:
    groups = [gone("a"), life("b"), life("back", began=date(2026, 9, 20))]
    found = reduce(groups, {"back"}, BASELINE, END)
    assert (found.baseline, found.now, found.added, found.rebounds, found.reduced) == (2, 2, 1, 1, 0)


def test_the_baselines_own_day_belongs_to_it_and_earlier_ends_do_not() -> None:
    groups = [
        life("last day", began=date(2026, 9, 30)),
        life("too late", began=date(2026, 10, 1)),
        life("always", began=None),
        gone("gone before", ended=BASELINE - timedelta(seconds=1)),
        gone("gone then", ended=BASELINE),
    ]
    assert reduce(groups, (), BASELINE, END).baseline == 3


@pytest.mark.parametrize("baseline", [None, END + timedelta(seconds=1)])
def test_without_a_baseline_there_is_no_rate(baseline: datetime | None) -> None:
    found = reduce([life("a"), gone("b")], (), baseline, END)
    assert (found.baseline, found.now, found.reduced, found.rate) == (0, 1, 0, 0.0)


@pytest.mark.parametrize(
    ("members", "began", "share"),
    [
        ("1234x", date(2026, 11, 1), 0.8),
        ("12345", date(2026, 10, 20), 1.0),
        ("12345", date(2026, 11, 19), 1.0),
        ("123xy", date(2026, 11, 1), None),
        ("12345", date(2026, 11, 20), None),
        ("12345", date(2026, 10, 19), None),
        ("12345", None, None),
    ],
    ids=["four of five", "same day", "30th day", "three of five", "31st day", "made before", "unknown"],
)
def test_most_of_a_closed_groups_members_in_a_new_group_are_a_rebound(
    members: str, began: date | None, share: float | None
) -> None:
    groups = [gone("closed", members=frozenset("12345")), life("new", began=began, members=frozenset(members))]
    found = find_rebounds(groups, 30, 0.8, 3)
    assert {name: (one.closed, one.share) for name, one in found.items()} == (
        {"new": ("closed", share)} if share else {}
    )


def test_a_closed_group_of_two_proves_no_rebound() -> None:
    groups = [gone("closed", members=frozenset("12")), life("new", began=date(2026, 11, 1), members=frozenset("12"))]
    assert find_rebounds(groups, 30, 0.8, 3) == {}


def test_of_several_closed_groups_the_one_with_most_of_its_members_is_named() -> None:
    groups = [
        gone("a", members=frozenset("1234x")),
        gone("b", members=frozenset("1234")),
        life("new", began=date(2026, 11, 1), members=frozenset("1234")),
    ]
    assert find_rebounds(groups, 30, 0.8, 3)["new"].closed == "b"

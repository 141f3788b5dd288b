"""Which step may follow which, where steps lead, and what asks for a step at all."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import CleanupSettings
from handlers.rules.cleanup import (
    STATES,
    STEPS,
    Standing,
    Step,
    after,
    asks,
    is_clear,
    may_rule,
    may_withdraw,
    problem,
    standing,
    suggested,
)
from tests.conftest import MONDAY

RULES = CleanupSettings()
TODAY = date(2026, 11, 16)


def step(name: str, days: float = 0, **told: Any) -> Step:
    return Step(step=name, at=MONDAY + timedelta(days=days), **told)


def steps(names: str, **told: Any) -> list[Step]:
    return [step(name, days, **told) for days, name in enumerate(names.split())]


@pytest.mark.parametrize(
    ("names", "state"),
    [
        ("found", "found"),
        ("found asked", "asked"),
        ("found asked escalated", "asked"),
        ("found asked escalated ruled", "doing"),
        ("found no_owner ruled verified closed looked", "closed"),
        ("found referred ruled verified", "cooling"),
        ("found asked unreached", "office"),
        ("found asked unsaid asked", "asked"),
        ("found no_owner ruled told untold told", "doing"),
        ("found asked decided decided confirmed told escalated verified closed", "closed"),
        ("found asked decided returned asked decided", "proposed"),
        ("found asked decided withdrawn", "asked"),
        ("found asked decided confirmed verified undone", "returned"),
        ("found asked verified witnessed closed reopened", "reopened"),
        ("found no_owner ruled recalled", "office"),
        ("found asked lapsed", "lapsed"),
    ],
)
def test_the_ways_through(names: str, state: str) -> None:
    reached = standing(steps(names), RULES)
    assert (reached.state, reached.steps) == (state, len(names.split()))


@pytest.mark.parametrize(
    ("names", "refused"),
    [
        ("", "asked"),
        ("found", "escalated"),
        ("found", "confirmed"),
        ("found asked", "ruled"),
        ("found asked", "confirmed"),
        ("found asked", "closed"),
        ("found asked decided", "ruled"),
        ("found asked decided confirmed", "decided"),
        ("found asked decided confirmed", "closed"),
        ("found asked verified", "verified"),
        ("found asked verified closed", "withdrawn"),
        ("found asked verified closed", "returned"),
        ("found asked lapsed", "asked"),
        ("found asked verified reopened", "reopened"),
    ],
)
def test_what_cannot_follow_changes_nothing(names: str, refused: str) -> None:
    before = standing(steps(names), RULES)
    assert after(before, step(refused), RULES) is None


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=30))
def test_whatever_is_tried_the_state_is_what_the_taken_steps_lead_to(names: list[str]) -> None:
    reached = Standing()
    taken: list[Step] = []
    for days, name in enumerate(names):
        moved = after(reached, step(name, days), RULES)
        if moved is not None:
            assert reached.state in STEPS[name].of
            reached, taken = moved, [*taken, step(name, days)]
    assert reached == standing(taken, RULES)
    assert reached.state in ("", *STATES)
    told = [one.step for one in taken]
    # Nothing is late, and the office decides nothing alone, before somebody was told or nobody could be.
    for name in ("escalated", "ruled"):
        if name in told:
            assert {"asked", "told", "no_owner", "referred", "unreached"} & set(told[: told.index(name)])
    if "closed" in told:
        assert "verified" in told[: told.index("closed")]


def test_time_runs_from_the_step_that_began_it() -> None:
    due = {names: standing(steps(names), RULES).due for names in (
        "found", "found asked", "found asked decided", "found asked decided confirmed",
        "found asked decided confirmed told", "found asked verified", "found asked verified witnessed",
        "found asked verified closed", "found asked verified closed looked",
    )}  # fmt: skip
    days = {names: at and (at - MONDAY).days for names, at in due.items()}
    assert list(days.values()) == [None, 1 + 14, None, None, 4 + 30, 2 + 30, 2 + 30, 3 + 90, None]


def test_a_decision_is_kept_and_void_after_its_return() -> None:
    told = [*steps("found asked"), step("decided", 2, who="p", choice="keep", note="备用", ends=TODAY)]
    decided = standing(told, RULES)
    assert (decided.choice, decided.reason, decided.ends, decided.chosen_by) == ("keep", "备用", TODAY, "p")
    returned = standing([*told, step("returned", 3, note="太笼统")], RULES)
    assert (returned.choice, returned.reason, returned.ends, returned.chosen_by) == ("", "太笼统", None, "")


def test_a_group_that_was_kept_and_is_dissolved_counts_as_dissolved() -> None:
    told = [*steps("found asked"), step("decided", choice="keep"), step("verified", evidence="seen", choice="dissolve")]
    assert standing(told, RULES).choice == "dissolve"
    merged = [
        *steps("found asked"),
        step("decided", choice="merge"),
        step("verified", evidence="seen", choice="dissolve"),
    ]
    assert standing(merged, RULES).choice == "merge"


def one(verdict: str, *codes: str) -> dict[str, Any]:
    return {"verdict": verdict, "reasons": [{"code": code} for code in codes]}


@pytest.mark.parametrize(
    ("found", "asked"),
    [
        (one("alive"), False),
        (one("exempt", "silent_180"), False),
        (one("watch", "silent_30"), False),
        (one("suspected", "silent_90"), True),
        (one("dissolve", "silent_180", "data_gap"), False),
        (one("empty", "never_used", "data_gap"), False),
        (one("empty", "no_owner", "data_gap"), True),
        (one("overdue", "silent_180", "task_ended", "data_gap"), True),
        (one("suspected", "silent_90", "only_rollcall", "data_gap"), False),
        (one("suspected", "not_updated"), True),
    ],
)
def test_silence_with_gaps_asks_for_nothing(found: dict[str, Any], asked: bool) -> None:
    assert asks(found, ["watch"]) is asked


@pytest.mark.parametrize(
    ("found", "clear"),
    [
        (one("alive"), True),
        (one("alive", "over_limit"), True),
        (one("watch", "silent_30"), True),
        (one("alive", "data_gap"), False),
        (one("exempt", "silent_180", "data_gap"), True),
        (one("suspected", "silent_90"), False),
    ],
)
def test_a_gap_is_no_proof_of_order(found: dict[str, Any], clear: bool) -> None:
    assert is_clear(found, ["watch"]) is clear


@pytest.mark.parametrize(
    ("choice", "reason", "target", "days", "missing"),
    [
        ("dissolve", "", "", None, ""),
        ("tidy", "", "", None, ""),
        ("merge", "", "g2", None, ""),
        ("merge", "", "", None, "target"),
        ("keep", "备用", "", 1, ""),
        ("keep", " ", "", 1, "reason"),
        ("keep", "备用", "", None, "ends"),
        ("keep", "备用", "", 0, "ends"),
        ("keep", "备用", "", 365, ""),
        ("keep", "备用", "", 366, "too_long"),
        ("close", "", "", None, "choice"),
    ],
)
def test_what_a_decision_lacks(choice: str, reason: str, target: str, days: int | None, missing: str) -> None:
    ends = TODAY + timedelta(days=days) if days is not None else None
    assert problem(choice, reason, target, ends, TODAY, RULES) == missing


@pytest.mark.parametrize(
    ("words", "choice"),
    [("建议解散", "dissolve"), ("建议注销", "dissolve"), ("并入综合群（合并）", "merge"), ("规范", "tidy"), ("", "")],
)
def test_the_registers_words_become_a_choice(words: str, choice: str) -> None:
    assert suggested(words) == choice


def test_the_office_waits_for_the_owner_and_a_seen_end_stays() -> None:
    assert not may_rule(standing(steps("found asked"), RULES))
    assert may_rule(standing(steps("found asked escalated"), RULES))
    assert may_rule(standing(steps("found no_owner"), RULES))
    begun = [*steps("found asked"), step("decided", choice="dissolve"), step("confirmed")]
    ends = {
        evidence: standing([*begun, step("verified", evidence=evidence)], RULES) for evidence in ("seen", "declared")
    }
    assert (may_withdraw(ends["seen"]), may_withdraw(ends["declared"])) == (False, True)
    assert may_withdraw(standing(begun, RULES))
    assert not may_withdraw(standing(steps("found asked"), RULES))

"""Weeks begin on Monday in Asia/Shanghai, whatever the clock's zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from config.settings import TIMEZONE
from handlers.rules.week import end_of, week_before, week_of


def test_a_week_ends_on_sunday_at_midnight_in_shanghai() -> None:
    assert end_of("2026-W47").isoformat() == "2026-11-23T00:00:00+08:00"


@pytest.mark.parametrize(
    ("at", "week", "before"),
    [
        (datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC), "2026-W47", "2026-W46"),
        (datetime(2026, 11, 22, 16, 0, tzinfo=UTC), "2026-W48", "2026-W47"),
        (datetime(2027, 1, 4, 8, 30, tzinfo=TIMEZONE), "2027-W01", "2026-W53"),
    ],
    ids=["sunday evening", "monday in Shanghai", "new year"],
)
def test_the_week_of_a_moment_and_the_last_ended_one(at: datetime, week: str, before: str) -> None:
    assert (week_of(at), week_before(at)) == (week, before)


@pytest.mark.parametrize(
    "week", ["", "2026-W54", "2025-W53", "2026-W00", "2026-47", "1999-W01", "9999-W52", "2026-W47x"]
)
def test_what_is_no_week_is_refused(week: str) -> None:
    with pytest.raises(ValueError):
        end_of(week)

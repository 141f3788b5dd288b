"""反向评价: when a round is, and how many answers there must be before anything of them is shown."""

from __future__ import annotations

from datetime import timedelta

from handlers.rules.week import first_day

ANSWERS = ("useful", "useless", "unsure")
# Of fewer answers nothing is shown, not even how many; and so many must be new before more is shown: the difference
# between two published weeks is then always of several people.
LEAST = 5


def round_of(week: str) -> str:
    """The quarter of the week's Thursday, so that a week lies in one round: 2026-W53 is of 2026-Q4."""
    day = first_day(week) + timedelta(days=3)
    return f"{day.year}-Q{(day.month + 2) // 3}"


def may_show(answers: int, shown: int) -> bool:
    """Whether `answers` may be told where `shown` were told last."""
    return answers >= LEAST and answers - shown >= LEAST

"""ISO weeks in Asia/Shanghai: 2026-W47 lasts from Monday 0:00 to Sunday 24:00."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from config.settings import TIMEZONE

WEEK = re.compile(r"(?P<year>20\d\d)-W(?P<week>\d\d)", re.ASCII)


@lru_cache(maxsize=20_000)
def midnight(day: date) -> datetime:
    """The beginning of a day in Asia/Shanghai."""
    return datetime.combine(day, time(), TIMEZONE)


def local_day(at: datetime) -> date:
    return at.astimezone(TIMEZONE).date()


def week_of(at: datetime) -> str:
    """The week that a moment lies in."""
    year, week, _ = local_day(at).isocalendar()
    return f"{year}-W{week:02d}"


def week_before(at: datetime) -> str:
    """The last week that has wholly ended at this moment."""
    return week_of(at.astimezone(TIMEZONE) - timedelta(days=7))


def first_day(week: str) -> date:
    """Its Monday; ValueError for what is no week of a year from 2000 to 2099, such as 2026-W54."""
    match = WEEK.fullmatch(week)
    if match is None:
        raise ValueError(week)
    return date.fromisocalendar(int(match["year"]), int(match["week"]), 1)


def end_of(week: str) -> datetime:
    """Sunday 24:00, which is the next Monday 0:00; what happens at that very moment belongs to the next week."""
    return midnight(first_day(week) + timedelta(days=7))

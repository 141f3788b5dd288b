"""The rulebook as shipped, and a calendar without overrides: loaded once for all tests of the rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from config.calendar import SHANGHAI, Calendar
from config.rulebook import Rulebook, load_rulebook
from handlers.rules.demand import Judgement, judge

# A Tuesday morning: working time, no holiday near.
TUESDAY = datetime(2026, 3, 10, 10, 0, tzinfo=SHANGHAI)


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    return load_rulebook()


@pytest.fixture(scope="session")
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture(scope="session")
def say(rulebook: Rulebook, calendar: Calendar) -> Callable[..., Judgement]:
    """Judge a text said on a Tuesday morning unless told otherwise."""

    def say(text: str, **circumstances: object) -> Judgement:
        circumstances.setdefault("at", TUESDAY)
        return judge(text, rulebook=rulebook, calendar=calendar, **circumstances)  # type: ignore[arg-type]

    return say

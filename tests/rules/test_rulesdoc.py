"""docs/rules.md says what the rulebook says."""

from collections.abc import Callable

import pytest

from bot.reports.rulesdoc import TARGET, render
from config.rulebook import load_rulebook
from handlers.rules.demand import Judgement

CATEGORIES = load_rulebook(learned=False).categories.values()


def test_the_page_is_current() -> None:
    assert TARGET.read_text("utf-8") == render(load_rulebook(learned=False)), "run: python -m bot.reports.rulesdoc"


@pytest.mark.parametrize(("category", "text"), [(c.id, text) for c in CATEGORIES for text in c.yes])
def test_an_example_of_yes_is_flagged(say: Callable[..., Judgement], category: str, text: str) -> None:
    assert category in {f.category for f in say(text, informational=True).findings}


@pytest.mark.parametrize(("category", "text"), [(c.id, text) for c in CATEGORIES for text in c.no])
def test_an_example_of_no_is_not(say: Callable[..., Judgement], category: str, text: str) -> None:
    assert not say(text, informational=True).findings

"""Each construction × each category: combinations the learned component has not been trained on (another seed)."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from bench import grammar
from handlers.rules.demand import Judgement

SENTENCES = list(grammar.sentences(1, seed=2026))
# What the learned component cannot learn from the grammar, because it depends on the time of posting.
BY_TIME = {"off_hours", "tight_deadline"}


@pytest.fixture(scope="module")
def judged(say: Callable[..., Judgement]) -> list[tuple[dict[str, Any], set[str]]]:
    return [
        (s, {f.category for f in say(s["text"], at=s["at"], informational=True).findings}) for s in SENTENCES
    ]


@pytest.mark.parametrize("category", [c for c in grammar.phrases() if c not in BY_TIME])
def test_of_the_demands_of_a_category_at_least_two_in_five_are_found(judged: list[tuple[dict[str, Any], set[str]]], category: str) -> None:
    mine = [category in got for sentence, got in judged if sentence["labels"] == {category}]
    assert sum(mine) >= 0.4 * len(mine)


@pytest.mark.parametrize("construction", sorted({name for name, _ in grammar.frames()["none"]}))
def test_speaking_of_a_demand_is_hardly_ever_taken_for_one(
    judged: list[tuple[dict[str, Any], set[str]]], construction: str
) -> None:
    mine = [s["text"] for s, got in judged if not s["labels"] and s["construction"] == construction and got]
    many = Counter(s["construction"] for s in SENTENCES if not s["labels"])[construction]
    assert len(mine) <= 0.06 * many + 1, mine

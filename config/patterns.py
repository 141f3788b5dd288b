"""How often a regular expression could be tried over: a rule that would go back for ever is refused when it is read."""

from __future__ import annotations

import math
from collections import Counter
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

# So many characters are read of a message (handlers/rules/demand.py), with what came before; a repeat is no longer.
WINDOW = 1_200
# Ways to match from one place, as a power of ten; the shipped rules stay below half of it (tests/security/test_redos.py).
MOST = 6.0
ANYTHING = ""


class PatternError(ValueError):
    """A pattern that could take for ever; the message is a Chinese sentence without a full stop."""


def check_pattern(pattern: str) -> None:
    """PatternError for nested repeats, (a|a)+, and more repeats in a row than a message has time for.

    Nothing is said of what the pattern means. `re` backtracks: what counts is in how many ways one place can match.
    """
    try:
        ways = _sequence(_parser.parse(pattern))
    except (RecursionError, OverflowError):
        raise PatternError("正则嵌套太深或重复次数太大，请简化") from None
    if ways > MOST:
        raise PatternError("这条正则可能无限回溯（重复里套重复、重复里有可有可无的部分，或多个 * + 相连），请改写")


def _sequence(items: Any) -> float:
    """Logarithms add where ways multiply."""
    return float(sum(_item(operator, value) for operator, value in items))


def _item(operator: Any, value: Any) -> float:
    if operator in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        return _repeat(*value)
    if operator is sre.BRANCH:
        return _branches(value[1])
    if operator is sre.SUBPATTERN:
        return _sequence(value[-1])
    if operator in (sre.ASSERT, sre.ASSERT_NOT):
        return _sequence(value[1])
    if operator is sre.ATOMIC_GROUP:
        return _sequence(value)
    if operator is sre.POSSESSIVE_REPEAT:
        return _repeat(*value)
    if operator is sre.GROUPREF_EXISTS:
        return max(_sequence(value[1]), _sequence(value[2]) if value[2] else 0.0)
    return 0.0


def _repeat(least: Any, most: Any, body: Any) -> float:
    least, most = min(int(least), WINDOW), min(int(most), WINDOW)
    return float(_sequence(body) * most + math.log10(most - least + 1))


def _branches(branches: Any) -> float:
    """Of the branches only those count together that can begin alike; of words those that begin with one another."""
    together: dict[str, float] = {}
    words: Counter[str] = Counter()
    for branch in branches:
        if all(operator is sre.LITERAL for operator, _ in branch):
            words["".join(chr(value) for _, value in branch)] += 1
        else:
            first = _first(branch)
            together[first] = together.get(first, 0.0) + 10 ** min(_sequence(branch), 300.0)
    alike = max((sum(words[word[:length]] for length in range(len(word) + 1)) for word in words), default=0)
    everywhere = together.pop(ANYTHING, 0.0)
    return math.log10(max(1.0, everywhere + alike + max(together.values(), default=0.0)))


def _first(items: Any) -> str:
    """The one character that it must begin with; ANYTHING where there is a choice."""
    for operator, value in items:
        if operator is sre.AT:
            continue
        if operator is sre.LITERAL:
            return chr(value)
        return _first(value[-1]) if operator is sre.SUBPATTERN else ANYTHING
    return ANYTHING


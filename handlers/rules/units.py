"""Which units are under which, as the settings say: a name alone does not tell that a village belongs to a town."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def subtree(unit: str, below: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The unit and everything under it, however deep; a unit that nothing is listed under stands for itself alone."""
    found: set[str] = set()
    waiting = [unit]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(below.get(one, ()))
    return frozenset(found)

"""How many groups a unit may have, and which of its groups are beyond that: the newest ones.

No number is in force everywhere (policy.md §4: 1 in 香洲 and 同安, 2 for a village cadre, 3 in 鹤峰): all is 本地口径.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Excess:
    """The group is the `place`th of its unit's `number` by age, where `limit` are allowed."""

    number: int
    limit: int
    place: int


def limit_of(unit: str, limits: Mapping[str, int], default: int) -> int:
    """Of the unit's own name, or else of the longest ending of it (村, 街道), or else the default; 0: no limit."""
    return limits[max(fitting, key=len)] if (fitting := [one for one in limits if unit.endswith(one)]) else default


def beyond(groups: Iterable[tuple[str, str, date]], limits: Mapping[str, int], default: int) -> dict[str, Excess]:
    """Of (group, unit, began): by group that is one too many; a group of an unknown unit never is."""
    by_unit: dict[str, list[tuple[date, str]]] = defaultdict(list)
    for group, unit, began in groups:
        by_unit[unit].append((began, group))
    return {
        group: Excess(len(found), limit, place)
        for unit, found in by_unit.items()
        if unit and (limit := limit_of(unit, limits, default))
        for place, (_, group) in enumerate(sorted(found), start=1)
        if place > limit
    }

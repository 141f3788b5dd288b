"""A group that goes on under another name or on another platform is one group: not one closed and one new.

Our default: no text says when two groups are the same. Most people of both are in both, and one began when the other
ended. Whoever waits longer than that is found as a rebound, which counts against the reduction.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from handlers.rules.reduction import Lifetime
from handlers.rules.week import local_day


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What a group was before: `share` of the people of the larger one are in both."""

    old: str
    ended: datetime
    share: float


# How alike two groups are, when the new one began, the old one, the new one.
Candidate = tuple[float, date, str, str]


def find_moves(
    groups: Sequence[Lifetime], days: int, share: float, least: int, named: Sequence[Lifetime] = ()
) -> dict[str, Move]:
    """By group that goes on; each group has one that it was, and becomes one. Of several the most alike, then the first.

    On another platform people go by other numbers: `named` are the same groups with the names of their members. Groups
    of fewer than `least` members prove nothing.
    """
    candidates = sorted(_candidates(groups, days, share, least))
    candidates += sorted(one for one in _candidates(named, days, share, least) if _channel(one[2]) != _channel(one[3]))
    ended = {one.id: one.ended for one in groups}
    found: dict[str, Move] = {}
    taken: set[str] = set()
    for negative, _, home, new in candidates:
        at = ended[home]
        if home not in taken and new not in found and at is not None:
            found[new] = Move(old=home, ended=at, share=round(-negative, 4))
            taken.add(home)
    return found


def _candidates(groups: Sequence[Lifetime], days: int, share: float, least: int) -> Iterator[Candidate]:
    gone = {one.id: one for one in groups if one.ended is not None and len(one.members) >= least}
    homes: dict[Hashable, list[str]] = defaultdict(list)
    for one in gone.values():
        for person in one.members:
            homes[person].append(one.id)
    for group in groups:
        if group.began is None:
            continue
        common = Counter(home for person in group.members for home in homes.get(person, ()))
        for home, number in common.items():
            alike = number / max(len(group.members), len(gone[home].members))
            if alike + 1e-9 >= share and _took_over(group, gone[home], days):
                yield -alike, group.began, home, group.id


def _channel(key: str) -> str:
    return key.split(":", 1)[0]


def _took_over(group: Lifetime, gone: Lifetime, days: int) -> bool:
    """It began around the other's end, and after the other's beginning."""
    if group.id == gone.id or group.began is None or gone.ended is None:
        return False
    later = gone.began is None or gone.began < group.began
    return later and abs(group.began - local_day(gone.ended)) <= timedelta(days=days)


def left_behind(group: Lifetime) -> Lifetime:
    """Of a group that goes on as another: it has no life of its own, at no baseline it was there."""
    return replace(group, began=date.max)

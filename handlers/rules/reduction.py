"""How many groups there are fewer than at the baseline, by which evidence, and which came back under another name."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from handlers.rules.week import local_day, midnight

# How an end is known: the platform told the bot; the owner declared it; the register says so.
EVIDENCE = ("seen", "declared", "imported")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """`began` None: always; `members` are those at the moment in question, or at the end."""

    id: str
    began: date | None
    ended: datetime | None = None
    evidence: str = ""
    members: frozenset[Hashable] = frozenset()
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebound:
    """A group began soon after `closed` had ended, with `share` of its members."""

    closed: str
    ended: datetime
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """清理率 `rate` = `reduced` / `baseline`, 0.0 without a baseline; `reduced` may be negative.

    `reduced` = all of `closed` − `added`; `rebounds` are those of `added` that brought a closed group back.
    `parts` says of each group, in their order, as what it was counted; see `part_of`.
    """

    baseline: int
    now: int
    reduced: int
    rate: float
    closed: Mapping[str, int]
    added: int
    rebounds: int
    parts: Sequence[str] = ()


def find_rebounds(groups: Sequence[Lifetime], days: int, share: float, least: int) -> dict[str, Rebound]:
    """By group that came back; the closed group with the largest share of members in it, then the first id.

    Closed groups of fewer than `least` members prove nothing.
    """
    return came_back(groups, proving(groups, least), days, share)


def proving(groups: Iterable[Lifetime], least: int) -> dict[str, Lifetime]:
    """Those that ended and had so many members."""
    return {one.id: one for one in groups if one.ended is not None and len(one.members) >= least}


def came_back(
    groups: Iterable[Lifetime], closed: Mapping[str, Lifetime], days: int, share: float
) -> dict[str, Rebound]:
    """The same of groups that come one by one; whose beginning nobody knows came back from nowhere."""
    homes: dict[Hashable, list[str]] = defaultdict(list)
    for one in closed.values():
        for person in one.members:
            homes[person].append(one.id)
    found: dict[str, Rebound] = {}
    for group in groups:
        common = Counter(home for person in group.members for home in homes.get(person, ()))
        candidates = [
            (-number / len(closed[home].members), home)
            for home, number in common.items()
            if number + 1e-9 >= share * len(closed[home].members) and _followed(group, closed[home], days)
        ]
        if candidates:
            negative, home = min(candidates)
            ended = closed[home].ended
            assert ended is not None
            found[group.id] = Rebound(closed=home, ended=ended, share=round(-negative, 4))
    return found


def _followed(group: Lifetime, closed: Lifetime, days: int) -> bool:
    if group.id == closed.id or group.began is None or closed.ended is None:
        return False
    return timedelta() <= group.began - local_day(closed.ended) <= timedelta(days=days)


def part_of(group: Lifetime, back: Collection[str], baseline: datetime) -> str:
    """`kept`; the evidence of its end; `added` or `rebound`; "" for what ended and was not there at the baseline."""
    began_before = group.began is None or midnight(group.began) < baseline
    if began_before and group.id not in back and (group.ended is None or group.ended >= baseline):
        return "kept" if group.ended is None else group.evidence
    if group.ended is not None:
        return ""
    return "rebound" if group.id in back else "added"


def reduce(groups: Iterable[Lifetime], rebounds: Iterable[str], baseline: datetime | None, end: datetime) -> Reduction:
    """From the groups that existed at `baseline` to those at `end`; a baseline that is still to come counts nothing."""
    back = set(rebounds)
    counts = baseline is not None and baseline <= end
    living, parts = 0, []
    for one in groups:
        living += one.ended is None
        parts.append(part_of(one, back, baseline) if baseline is not None and counts else "")
    number = Counter(parts)
    closed = {evidence: number[evidence] for evidence in EVIDENCE}
    existed = number["kept"] + sum(closed.values())
    reduced = existed - living if counts else 0
    return Reduction(
        baseline=existed,
        now=living,
        reduced=reduced,
        rate=reduced / existed if existed else 0.0,
        closed=closed,
        added=number["added"] + number["rebound"],
        rebounds=number["rebound"],
        parts=parts,
    )

"""Which groups could become one, and what that spares and costs each of the people in them (policy.md §3.4).

Greedy and always the same: the groups stand by size, then by age; each that is still free becomes the target of the free
ones that are like it, the most similar first. A group stays out when somebody would then receive too much: a merger
that brings a person more than `limit` messages a day, counted over all proposals, is not proposed but told as held.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain

from handlers.rules.similar import Likeness

BODY = "议事协调机构"
# Groups that have to be quiet until they are needed: 安保、应急、值班 (policy.md §2).
DUTY = re.compile(
    "应急(?!管理局|局|办)|值守|值班|带班|备勤|安保|维稳|防汛|抗旱|防火|消防|抢险|救灾|救援|地震|疫情|突发"
)
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A group that may be merged; `messages` and `notices` are of the same days.

    `people` by key; `notices` are those that stood in other groups, too. `apart` is what must stay among its own kind,
    see `apart_of`, and `task` what it is for, "" where nobody tells.
    """

    key: str
    channel: str
    people: frozenset[Hashable]
    messages: int
    began: date
    notices: frozenset[str] = frozenset()
    apart: str = ""
    task: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """`keys` with the target first; `messages` of all of them.

    `spared`: by person, the copies of notices that would be saved; `burdened`: the messages of groups they are not in.
    `overlap` is the lowest likeness of members with the target's, None where only names are alike; `named` where one is
    alike by name alone.
    """

    keys: tuple[str, ...]
    messages: int
    spared: Mapping[Hashable, int]
    burdened: Mapping[Hashable, int]
    overlap: float | None
    named: bool


@dataclass(frozen=True, slots=True)
class Advice:
    """`held`: groups that are like another one, which somebody would have to pay for with too many messages."""

    merges: tuple[Merge, ...] = ()
    held: int = 0

    @property
    def spared(self) -> Mapping[Hashable, int]:
        return _sum(merge.spared for merge in self.merges)

    @property
    def burdened(self) -> Mapping[Hashable, int]:
        return _sum(merge.burdened for merge in self.merges)


def apart_of(kind: str, name: str, purpose: str) -> str:
    """`duty`, `body` or "". The first two are merged only with their own kind, by name, and for the same task."""
    if DUTY.search(name + purpose):
        return "duty"
    return "body" if kind.startswith(BODY) else ""


def propose(
    groups: Iterable[Candidate],
    overlaps: Mapping[str, Likeness],
    names: Mapping[str, Likeness],
    share: float,
    limit: float,
) -> Advice:
    """`limit` is of messages in the days that the candidates count; the likenesses may tell of other groups, too."""
    order = sorted(groups, key=lambda one: (-len(one.people), one.began, one.key))
    free = {one.key: one for one in order}
    by_members, by_names = _both_ways(overlaps), _both_ways(names)
    borne: Counter[Hashable] = Counter()
    merges: list[Merge] = []
    held: set[str] = set()
    for target in order:
        if free.pop(target.key, None) is None:
            continue
        union = _Union(target)
        for other, overlap in _like(target, free, by_members, by_names, share):
            if not union.suits(other):
                continue
            if union.most_with(other, borne) > limit + _TOLERANCE:
                held.add(other.key)
                continue
            union.take(other, overlap)
            del free[other.key]
        if len(union.groups) > 1:
            merges.append(union.merge())
            borne.update(merges[-1].burdened)
    return Advice(tuple(merges), len(held.difference(*(merge.keys for merge in merges))))


def _both_ways(alike: Mapping[str, Likeness]) -> Mapping[str, set[str]]:
    """Only the most similar ones are named, so that of two groups one may be silent about the other."""
    near: dict[str, set[str]] = defaultdict(set)
    for group, likeness in alike.items():
        for other, _ in likeness.others:
            near[group].add(other)
            near[other].add(group)
    return near


def _like(
    target: Candidate,
    free: Mapping[str, Candidate],
    by_members: Mapping[str, set[str]],
    by_names: Mapping[str, set[str]],
    share: float,
) -> list[tuple[Candidate, float | None]]:
    """The free groups that may be merged into the target, with the likeness of members, the most similar first.

    Those beyond the named ones are like the ones that are named, so they are looked for there and compared.
    """
    near = by_members.get(target.key, set())
    near = near.union(*(by_members[one] for one in near))
    found = {key: _overlap(target, free[key]) for key in near if key in free and not target.apart}
    shares: dict[str, float | None] = {key: one for key, one in found.items() if one >= share - _TOLERANCE}
    for key in by_names.get(target.key, ()):
        if key in free:
            shares.setdefault(key, None)
    return [(free[key], shares[key]) for key in sorted(shares, key=lambda key: (-(shares[key] or 0.0), key))]


def _overlap(one: Candidate, other: Candidate) -> float:
    common = len(one.people & other.people)
    return common / (len(one.people) + len(other.people) - common)


@dataclass(slots=True)
class _Union:
    """The groups that become one, while they are collected; `received`: by person, what their groups of it say."""

    target: Candidate
    groups: list[Candidate] = field(default_factory=list)
    overlaps: list[float | None] = field(default_factory=list)
    received: Counter[Hashable] = field(default_factory=Counter)
    messages: int = 0
    task: str = ""

    def __post_init__(self) -> None:
        self._add(self.target)

    def suits(self, other: Candidate) -> bool:
        """Of one platform and one kind; groups that must stay apart are never of two tasks."""
        if (other.channel, other.apart) != (self.target.channel, self.target.apart):
            return False
        return not (other.apart and self.task and other.task) or self.task == other.task

    def most_with(self, other: Candidate, borne: Mapping[Hashable, int]) -> int:
        """What the most burdened person would receive on top with `other` in it, `borne` included."""
        messages = self.messages + other.messages
        known = (
            messages - number - (other.messages if person in other.people else 0) + borne.get(person, 0)
            for person, number in self.received.items()
        )
        fresh = (self.messages + borne.get(person, 0) for person in other.people if person not in self.received)
        return max(chain(known, fresh), default=0)

    def take(self, other: Candidate, overlap: float | None) -> None:
        self.overlaps.append(overlap)
        self._add(other)

    def _add(self, group: Candidate) -> None:
        self.groups.append(group)
        self.messages += group.messages
        self.task = self.task or group.task
        for person in group.people:
            self.received[person] += group.messages

    def merge(self) -> Merge:
        told = [overlap for overlap in self.overlaps if overlap is not None]
        return Merge(
            keys=tuple(group.key for group in self.groups),
            messages=self.messages,
            spared=_spared(self.groups),
            burdened={person: more for person, got in self.received.items() if (more := self.messages - got)},
            overlap=min(told, default=None),
            named=None in self.overlaps,
        )


def _spared(groups: Sequence[Candidate]) -> dict[Hashable, int]:
    """By person, how often the same notice came to them through several of the groups."""
    places: dict[str, list[Collection[Hashable]]] = defaultdict(list)
    for group in groups:
        for notice in group.notices:
            places[notice].append(group.people)
    spared: Counter[Hashable] = Counter()
    for rosters in places.values():
        if len(rosters) > 1:
            copies = Counter(person for people in rosters for person in people)
            spared.update({person: number - 1 for person, number in copies.items() if number > 1})
    return dict(spared)


def _sum(parts: Iterable[Mapping[Hashable, int]]) -> Mapping[Hashable, int]:
    found: Counter[Hashable] = Counter()
    for part in parts:
        found.update(part)
    return found

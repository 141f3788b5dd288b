"""Groups with mostly the same members, and groups of one unit with mostly the same name: exact, by an inverted index.

Two sets can only be similar when they share one of their rarest elements, so only those are indexed and compared;
a person who is in every group costs nothing. Sets that are equal are compared once.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

# Our default: no text gives a number for the likeness of names.
NAME_SHARE = 0.6
# How many similar groups are named; all are counted.
NAMED = 10
# Of so many sets all are compared with all.
FEW = 32
_TOLERANCE = 1e-9
# What tells no group from another.
_COMMON = re.compile(
    "(?:企业微信|微信|钉钉|qq|飞书)?(?:工作|交流|通知|联络|联系|沟通|信息|专项)*(?:群组|群聊|大群|群)|微信|钉钉|工作"
)
_NUMERAL = re.compile(r"\d+|[一二三四五六七八九十]+")
_NOISE = re.compile(r"[\W_]+")

Sets = Mapping[str, AbstractSet[Hashable]]


@dataclass(frozen=True, slots=True)
class Likeness:
    """`others` are the most similar ones, (id, share) with the highest share first; `number` counts all."""

    others: tuple[tuple[str, float], ...]
    number: int


def overlaps(members: Mapping[str, frozenset[str]], share: float, least: int) -> dict[str, Likeness]:
    """Groups of at least `least` members whose intersection is at least `share` of their union."""
    return _alike({group: people for group, people in members.items() if len(people) >= least}, share)


def alike_names(names: Mapping[str, tuple[str, str]], share: float = NAME_SHARE) -> dict[str, Likeness]:
    """Of (name, unit): similar by pairs of characters within one known unit; 一组 and 二组 are never similar."""
    apart: dict[tuple[str, tuple[str, ...]], dict[str, frozenset[str]]] = defaultdict(dict)
    for group, (name, unit) in names.items():
        if unit:
            numerals, pairs = _marks(name, unit)
            apart[unit, numerals][group] = pairs
    found: dict[str, Likeness] = {}
    for some in apart.values():
        if len(some) > 1:
            found |= _alike(some, share)
    return found


def _marks(name: str, unit: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """The numerals of a name, and the character pairs of what tells it from its neighbours'."""
    plain = _folded(name).replace(_folded(unit), "")
    numerals = tuple(_NUMERAL.findall(plain))
    core = _COMMON.sub("", plain)
    told = core if len(core) > 1 else _folded(name)
    return numerals, frozenset(told[i : i + 2] for i in range(len(told) - 1))


def _folded(text: str) -> str:
    return _NOISE.sub("", unicodedata.normalize("NFKC", text).lower())


def _alike(sets: Sets, share: float) -> dict[str, Likeness]:
    twins: dict[AbstractSet[Hashable], list[str]] = defaultdict(list)
    for group in sorted(sets):
        if sets[group]:
            twins[frozenset(sets[group])].append(group)
    kinds = sorted(twins, key=lambda kind: (len(kind), twins[kind][0]))
    return likenesses([twins[kind] for kind in kinds], _pairs(kinds, share))


def likenesses(equal: Sequence[list[str]], pairs: Iterable[tuple[int, int, float]]) -> dict[str, Likeness]:
    """`equal` are groups whose sets are the same, by id; `pairs` are places of similar ones and their share."""
    near: dict[int, list[tuple[int, float]]] = {
        place: [(place, 1.0)] for place, groups in enumerate(equal) if len(groups) > 1
    }
    for one, other, likeness in pairs:
        near.setdefault(one, []).append((other, likeness))
        near.setdefault(other, []).append((one, likeness))
    found: dict[str, Likeness] = {}
    for place, found_near in near.items():
        for group in equal[place]:
            found[group] = _named(group, [(equal[one], likeness) for one, likeness in found_near])
    return found


def _named(group: str, near: list[tuple[list[str], float]]) -> Likeness:
    """`near` holds sets of equal groups; the one with likeness 1 holds the group itself."""
    near.sort(key=lambda one: (-one[1], one[0][0]))
    others = [(one, round(likeness, 4)) for equal, likeness in near for one in equal[: NAMED + 1] if one != group]
    number = sum(len(equal) for equal, _ in near) - any(likeness == 1.0 for _, likeness in near)
    return Likeness(tuple(others[:NAMED]), number)


def _pairs(sets: Sequence[AbstractSet[Hashable]], share: float) -> Iterator[tuple[int, int, float]]:
    """Places of similar sets; `sets` are distinct and sorted by size."""
    if len(sets) <= FEW:
        yield from _all_pairs(sets, share)
        return
    frequency = Counter(element for one in sets for element in one)
    rank = {element: place for place, (element, _) in enumerate(reversed(frequency.most_common()))}
    index: dict[Hashable, list[int]] = defaultdict(list)
    for place, one in enumerate(sets):
        size = len(one)
        least = math.ceil(share * size - _TOLERANCE)
        rarest = sorted(one, key=rank.__getitem__)[: size - least + 1]
        for other in sorted({seen for element in rarest for seen in index[element]}):
            if len(sets[other]) < least:
                continue
            common = len(one & sets[other])
            likeness = common / (size + len(sets[other]) - common)
            if likeness >= share - _TOLERANCE:
                yield other, place, likeness
        for element in rarest:
            index[element].append(place)


def _all_pairs(sets: Sequence[AbstractSet[Hashable]], share: float) -> Iterator[tuple[int, int, float]]:
    """The same without an index, which costs more than it saves when there are few."""
    for place, one in enumerate(sets):
        size = len(one)
        for other in range(place):
            known = sets[other]
            if len(known) < share * size - _TOLERANCE:
                continue
            common = len(one & known)
            likeness = common / (size + len(known) - common)
            if likeness >= share - _TOLERANCE:
                yield other, place, likeness

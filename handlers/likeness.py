"""Groups with mostly the same members, exactly as `rules.similar.overlaps` finds them, a million groups in one go.

Two sets can only be similar when they share one of their rarest elements (their prefix), are of nearly one size, and
differ in few bits of a short signature; whatever is left of all pairs then is compared element by element. None of
the shortcuts loses a pair: candidates are only ever too many.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlers.rosters import Numbers, Persons, Rosters
from handlers.rules.similar import Likeness, likenesses

_TOLERANCE = 1e-9
# So many candidates are looked at together, so many elements compared.
BLOCK, FEW = 1_000_000, 1_000_000
Array = NDArray[Any]


def overlaps(keys: Sequence[str], rosters: Rosters, share: float, least: int) -> dict[str, Likeness]:
    """By key of the group at that place: groups of at least `least` members, intersection ≥ `share` of the union."""
    sizes = rosters.sizes[: len(keys)]
    sized = np.flatnonzero(sizes >= max(least, 1))
    if sized.size < 2:
        return {}
    kinds, twins = _kinds(rosters, sized)
    ones, others, shares = similar(rosters, kinds, share)
    # Only those that are alike need their names.
    needed = np.union1d(
        np.unique(np.concatenate((ones, others))), np.flatnonzero(np.bincount(twins, minlength=kinds.size) > 1)
    )
    renamed = np.full(kinds.size, -1, dtype=np.int64)
    renamed[needed] = np.arange(needed.size)
    equal: list[list[str]] = [[] for _ in range(needed.size)]
    for place, kind in zip(sized.tolist(), renamed[twins].tolist(), strict=True):
        if kind >= 0:
            equal[kind].append(keys[place])
    for groups in equal:
        groups.sort()
    pairs = zip(renamed[ones].tolist(), renamed[others].tolist(), shares.tolist(), strict=True)
    return likenesses(equal, pairs)


def _kinds(rosters: Rosters, sized: Numbers) -> tuple[Numbers, Numbers]:
    """One group of each set of members, and for every group of `sized` which of those it equals."""
    sizes = rosters.sizes[sized]
    mark = _mixed(np.arange(int(rosters.people.max()) + 1, dtype=np.uint64))
    told = np.empty(sized.size, dtype=np.uint64)
    for begin, end in _portions(sizes, FEW):
        marks, firsts = mark[_people(rosters, sized[begin:end])], _firsts(sizes[begin:end])
        told[begin:end] = np.add.reduceat(marks, firsts)
    del mark
    order = np.lexsort((sized, told, sizes))
    same = (sizes[order][1:] == sizes[order][:-1]) & (told[order][1:] == told[order][:-1])
    close = np.flatnonzero(same)
    # Equal marks of equal sizes: nearly always equal sets, and here it is made sure.
    one, other = sized[order[close]], sized[order[close + 1]]
    same[close] = _equal(rosters, one, other)
    kind = np.concatenate(([0], np.cumsum(~same)))
    twins = np.empty(sized.size, dtype=np.int64)
    twins[order] = kind
    first = np.flatnonzero(np.concatenate(([True], ~same)))
    return sized[order[first]], twins


def _equal(rosters: Rosters, one: Numbers, other: Numbers) -> Array:
    sizes = rosters.sizes[one]
    found = np.empty(one.size, dtype=bool)
    for begin, end in _portions(sizes, FEW):
        differ = _people(rosters, one[begin:end]) != _people(rosters, other[begin:end])
        found[begin:end] = ~np.logical_or.reduceat(differ, _firsts(sizes[begin:end]))
    return found


def similar(rosters: Rosters, kinds: Numbers, share: float) -> tuple[Numbers, Numbers, Array]:
    """Places in `kinds` of every similar pair, each pair once, and its share."""
    sizes = rosters.sizes[kinds]
    sets = _Sets(rosters, kinds, sizes)
    found = [_checked(sets, pairs, share) for pairs in _candidates(sets, share)]
    if not found:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
    pairs, place = np.unique(np.concatenate([one for one, _ in found]), return_index=True)
    shares = np.concatenate([likeness for _, likeness in found])[place]
    return pairs >> 32, pairs & 0xFFFFFFFF, shares


class _Sets:
    """The sets with their elements as ranks, the rarest first; `pairs` of (set, rank) are sorted."""

    def __init__(self, rosters: Rosters, kinds: Numbers, sizes: Numbers) -> None:
        self.sizes = sizes
        self.starts = np.concatenate(([0], np.cumsum(sizes)))
        self.pairs = np.empty(int(self.starts[-1]), dtype=np.int64)
        self.signatures = np.empty(kinds.size, dtype=np.uint64)
        ranks = _ranks(rosters)
        bit = np.uint64(1) << (_mixed(np.arange(ranks.size, dtype=np.uint64)) >> np.uint64(58))
        # A portion after the other: there are as many elements as memberships.
        for begin, end in _portions(sizes, FEW):
            some = sizes[begin:end]
            elements = ranks[_people(rosters, kinds[begin:end])]
            self.signatures[begin:end] = np.bitwise_or.reduceat(bit[elements], _firsts(some))
            pairs = np.repeat(np.arange(begin, end, dtype=np.int64) << 32, some)
            pairs |= elements
            pairs.sort()
            self.pairs[self.starts[begin] : self.starts[end]] = pairs


def _people(rosters: Rosters, groups: Numbers) -> Persons:
    """Of these groups, one group after the other."""
    sizes = rosters.starts[groups + 1] - rosters.starts[groups]
    places = _within(sizes)
    places += np.repeat(rosters.starts[groups], sizes)
    return rosters.people[places]


def _firsts(sizes: Numbers) -> Numbers:
    """Where each begins of what stands one after the other."""
    return np.cumsum(sizes) - sizes


def _ranks(rosters: Rosters) -> Persons:
    """By person, how rare they are: who is in the fewest groups has rank 0."""
    number = np.bincount(rosters.people)
    ranks = np.empty(number.size, dtype=np.int32)
    ranks[np.argsort(number, kind="stable")] = np.arange(number.size, dtype=np.int32)
    return ranks


def _candidates(sets: _Sets, share: float) -> Iterator[Numbers]:
    """(one << 32 | other), block by block; a pair may come in several blocks."""
    sizes = sets.sizes
    prefixes = sizes - np.ceil(share * sizes - _TOLERANCE).astype(np.int64) + 1
    widest = int(sizes.max()) + 2
    # Sorted by element, then size, then owner, as one number: 25 bits of people, 17 of size and 20 of groups fit.
    sorting = np.empty(int(prefixes.sum()), dtype=np.int64)
    for begin, end in _portions(prefixes, FEW):
        some = prefixes[begin:end]
        places = np.repeat(sets.starts[begin:end], some) + _within(some)
        key = (sets.pairs[places] & 0xFFFFFFFF) * widest + np.repeat(sizes[begin:end], some)
        done = int(prefixes[:begin].sum())
        sorting[done : done + key.size] = key * sizes.size + np.repeat(np.arange(begin, end), some)
    sorting.sort()
    owner = (sorting % sizes.size).astype(np.int32)
    sorting //= sizes.size
    # The largest set that one of this size may still be similar to.
    most = np.minimum(np.floor(np.arange(widest) / share + 1e-6).astype(np.int64), widest - 1)
    follow = np.empty(owner.size, dtype=np.int64)
    for first in range(0, owner.size, FEW):
        some = sorting[first : first + FEW]
        size = some % widest
        follow[first : first + FEW] = np.searchsorted(sorting, some - size + most[size], side="right")
    follow -= np.arange(1, owner.size + 1)
    del sorting
    for begin, end in _portions(follow, BLOCK):
        some = follow[begin:end]
        one = np.repeat(np.arange(begin, end), some)
        a, b = owner[one].astype(np.int64), owner[one + 1 + _within(some)].astype(np.int64)
        kept = _few_bits(sets, a, b, share)
        a, b = a[kept], b[kept]
        yield np.unique(np.minimum(a, b) << 32 | np.maximum(a, b))


def _few_bits(sets: _Sets, a: Numbers, b: Numbers, share: float) -> Array:
    """Every bit that differs needs an element that only one of the two has; so many may there be at most."""
    together = sets.sizes[a] + sets.sizes[b]
    common = np.ceil(together * (share / (1 + share)) - 1e-6).astype(np.int64)
    few: Array = np.bitwise_count(sets.signatures[a] ^ sets.signatures[b]) <= together - 2 * common
    return few


def _checked(sets: _Sets, pairs: Numbers, share: float) -> tuple[Numbers, Array]:
    """Those that are similar indeed: the elements of the smaller one looked up in the larger one."""
    a, b = pairs >> 32, pairs & 0xFFFFFFFF
    small = np.where(sets.sizes[a] <= sets.sizes[b], a, b)
    large = a + b - small
    common = np.zeros(pairs.size, dtype=np.int64)
    for begin, end in _portions(sets.sizes[small], FEW):
        sizes = sets.sizes[small[begin:end]]
        elements = sets.pairs[np.repeat(sets.starts[small[begin:end]], sizes) + _within(sizes)] & 0xFFFFFFFF
        asked = np.repeat(large[begin:end], sizes) << 32 | elements
        place = np.minimum(np.searchsorted(sets.pairs, asked), sets.pairs.size - 1)
        hits = (sets.pairs[place] == asked).astype(np.int64)
        common[begin:end] = np.add.reduceat(hits, np.cumsum(sizes) - sizes)
    likeness = common / (sets.sizes[a] + sets.sizes[b] - common)
    kept = likeness >= share - _TOLERANCE
    return pairs[kept], likeness[kept]


def _within(sizes: Numbers) -> Numbers:
    """0, 1, … for each of these sizes, one after the other."""
    ends = np.cumsum(sizes)
    found = np.arange(int(ends[-1]) if ends.size else 0)
    found -= np.repeat(ends - sizes, sizes)
    return found


def _portions(sizes: Numbers, most: int) -> Iterator[tuple[int, int]]:
    """Cuts of so many elements, or of one size that is larger."""
    ends = np.cumsum(sizes)
    begin = 0
    while begin < ends.size:
        done = int(ends[begin - 1]) if begin else 0
        end = max(int(np.searchsorted(ends, done + most, side="right")), begin + 1)
        yield begin, end
        begin = end


def _mixed(numbers: Array) -> Array:
    """splitmix64: every bit depends on every bit."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))

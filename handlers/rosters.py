"""Who is in which group, as numbers in two arrays: a person is a number here, and nobody's name is in it.

A million groups with twenty million memberships take a hundred megabytes; as sets of names they would take ten times
that, and more.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Persons = NDArray[np.int32]


class Codes(defaultdict[str, int]):
    """A number for every name, in the order of asking."""

    def __init__(self) -> None:
        super().__init__()
        self.default_factory: Callable[[], int] = self.__len__


@dataclass(slots=True)
class Rosters:
    """The people of the group at place n are `people[starts[n]:starts[n + 1]]`, sorted, each once."""

    starts: Numbers
    people: Persons

    @property
    def sizes(self) -> Numbers:
        return np.diff(self.starts)

    def of(self, place: int) -> frozenset[int]:
        return frozenset(self.people[self.starts[place] : self.starts[place + 1]].tolist())

    def distinct(self, first: int, last: int) -> int:
        """How many people are in the groups from place `first` to before `last`."""
        some = self.people[self.starts[first] : self.starts[last]]
        if some.size < self.people.size // 8:
            return len(np.unique(some))
        # Of so many a mark for each person takes less room than sorting them.
        seen = np.zeros(int(some.max()) + 1 if some.size else 0, dtype=bool)
        seen[some] = True
        return int(np.count_nonzero(seen))


def read(streams: Iterable[tuple[Iterable[tuple[str, str]], Mapping[str, int]]], number: int, between: str) -> Rosters:
    """Of streams of (group, its people), each with the places of those of its groups that count."""
    codes, people = Codes(), array("i")
    places, sizes = array("q"), array("q")
    for rows, wanted in streams:
        for group, told in rows:
            place = wanted.get(group)
            if place is not None:
                before = len(people)
                people.extend(map(codes.__getitem__, told.split(between)))
                places.append(place)
                sizes.append(len(people) - before)
    # Millions of names are not needed any more, and what follows needs the room.
    del codes
    return _sorted(_array(places, np.int64), _array(sizes, np.int64), _array(people, np.int32), number)


def _array(values: Any, kind: Any) -> Any:
    return np.frombuffer(values, dtype=kind) if values else np.zeros(0, dtype=kind)


def _sorted(places: Numbers, sizes: Numbers, people: Persons, number: int) -> Rosters:
    """Sorted by place and person, once each: somebody who came twice is one member."""
    pairs = np.repeat(places << 32, sizes)
    pairs |= people
    pairs.sort()
    if pairs.size:
        fresh = np.empty(pairs.size, dtype=bool)
        fresh[0] = True
        np.not_equal(pairs[1:], pairs[:-1], out=fresh[1:])
        if not fresh.all():
            pairs = pairs[fresh]
    starts = np.searchsorted(pairs, np.arange(number + 1, dtype=np.int64) << 32)
    return Rosters(starts.astype(np.int64), pairs.astype(np.int32))

"""The platform's politeness: so many sends a minute for the account and for each room, spread, in order."""

from __future__ import annotations

import time
from bisect import bisect_left, insort
from collections.abc import Callable

from bot.channels.wechaty.shelf import Shelf

MINUTE = 60.0
ROOMS, RESERVED = 5_000, 5_000
LONGEST_SPREAD = 1.0
# Moments that differ by less are the same one.
TINY = 1e-6


class Timetable:
    """At most `limit` moments in any minute, some way apart; a far moment does not keep a near one from being given."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._spread = min(MINUTE / limit / 4, LONGEST_SPREAD)
        self._times: list[float] = []

    def forget(self, before: float) -> None:
        del self._times[: bisect_left(self._times, before)]

    def take(self, at: float) -> None:
        insort(self._times, at)

    def free(self, at: float) -> float:
        """The first moment from `at` on that can still be given."""
        while (later := self._after_clash(at)) > at + TINY:
            at = later
        return at

    def last(self) -> float:
        return self._times[-1] if self._times else 0.0

    def _after_clash(self, at: float) -> float:
        times, place = self._times, bisect_left(self._times, at)
        if place and at - times[place - 1] < self._spread - TINY:
            return times[place - 1] + self._spread
        if place < len(times) and times[place] - at < self._spread - TINY:
            return times[place] + self._spread
        for first in range(max(0, place - self._limit), place + 1):
            full = first + self._limit - 1
            if full < len(times) and max(times[full], at) - min(times[first], at) < MINUTE - TINY:
                return max(times[min(first, place - 1)] + MINUTE if place else times[full], at + self._spread)
        return at


class Pace:
    """Whoever has to wait keeps the slot that was given: coming back for it, the effect goes at once."""

    def __init__(self, per_minute: int, room_per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._room_limit = room_per_minute
        self._account = Timetable(per_minute)
        self._rooms: Shelf[str, Timetable] = Shelf(ROOMS)
        self._reserved: Shelf[str, float] = Shelf(RESERVED)

    def wait(self, conversation: str, key: str) -> float:
        """Seconds until this effect may be said; 0 takes the turn."""
        now = self._clock()
        slot = self._reserved.get(key)
        if slot is None:
            slot = self._book(conversation, now)
            self._reserved.put(key, slot)
        if slot <= now:
            self._reserved.pop(key)
            return 0.0
        return slot - now

    def _book(self, conversation: str, now: float) -> float:
        room = self._rooms.get(conversation)
        if room is None:
            room = Timetable(self._room_limit)
            self._rooms.put(conversation, room)
        for timetable in (self._account, room):
            timetable.forget(now - MINUTE)
        # In one conversation nothing overtakes.
        slot = room.free(max(now, room.last()))
        while (free := self._account.free(slot)) > slot + TINY:
            slot = room.free(free)
        self._account.take(slot)
        room.take(slot)
        return slot

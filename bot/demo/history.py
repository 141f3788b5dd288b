"""Two hundred and twenty days of the invented county, the same every time for the same last day."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from bot.demo import words
from bot.demo.city import BY_NAME, GROUPS, Place
from config.calendar import Calendar
from config.settings import TIMEZONE

# Older days are told thinly: they decide who fell silent when. The weekly figures, of which there are as many as are
# saved, look back thirty days from each week: so far back there is as much talk as of late.
DENSE_DAYS, THIN, FULL_DAYS = 31, 0.08, 110
# The weekly roll-calls of the past, in days before today; the last ones are over, so that nothing of them is open.
NOTICE_DAYS = range(37, 8, -7)
NOTICE_GROUP, NOTICE_SENDER = "g01", "小李"
SEED = 20_231_218


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that was said; `mark` tells notices and demands, which something follows, from ordinary talk."""

    at: datetime
    group: Place
    person: str
    text: str
    kind: str = "text"
    mark: str = ""


class History:
    def __init__(self, now: datetime, calendar: Calendar) -> None:
        self.now, self.calendar = now, calendar
        self.today = now.astimezone(TIMEZONE).date()
        self.random = random.Random(SEED)
        self.earlier = random.Random(SEED + 1)

    def lines(self) -> list[Line]:
        """Everything that was said, in the order of time."""
        said = [line for group in GROUPS for line in (*self._talk(group), *self._last_word(group))]
        said += [*self._notices(), *self._demands()]
        return sorted((line for line in said if line.at < self.now), key=lambda line: line.at)

    def moment(self, days: int, hour: int, minute: int = 0, working: bool = False) -> datetime:
        """So many days ago at that time; `working` moves a day off back to the last working day."""
        day = self.today - timedelta(days=days)
        while working and not self.calendar.is_working_day(day):
            day -= timedelta(days=1)
        return datetime.combine(day, time(hour, minute), TIMEZONE)

    def founded(self, group: Place) -> datetime:
        return self.moment(group.founded, 8)

    def _talk(self, group: Place) -> Iterator[Line]:
        for day in self._days(group):
            ago = (self.today - day).days
            yield from self._said(group, day, 1.0 if ago <= DENSE_DAYS else THIN, self.random)
            if DENSE_DAYS < ago <= FULL_DAYS:
                yield from self._said(group, day, 1 - THIN, self.earlier)

    def _said(self, group: Place, day: date, share: float, chance: random.Random) -> Iterator[Line]:
        for sort, pace in (("work", group.pace * share), ("receipt", group.pace * group.receipts * share)):
            for _ in range(int(pace) + (chance.random() < pace % 1)):
                yield self._line(group, day, sort, chance)

    def _days(self, group: Place) -> Iterator[date]:
        last = max(group.quiet, group.dissolved or 0, 0)
        for ago in range(group.founded, last, -1):
            day = self.today - timedelta(days=ago)
            if self.calendar.is_working_day(day):
                yield day

    def _line(self, group: Place, day: date, sort: str, chance: random.Random) -> Line:
        at = datetime.combine(day, time(8, 30), TIMEZONE) + timedelta(seconds=chance.randrange(9 * 3600))
        person = chance.choice(group.members)
        if sort == "receipt":
            return Line(at=at, group=group, person=person, text=chance.choice(words.RECEIPTS))
        kind = chance.choices(("text", "image", "file"), (12, 2, 1))[0]
        said = {"text": words.WORK, "image": words.PICTURES, "file": words.FILES}[kind]
        return Line(at=at, group=group, person=person, text=chance.choice(said), kind=kind)

    def _last_word(self, group: Place) -> Iterator[Line]:
        """A group that fell silent did so on its day, whatever chance said before."""
        if group.quiet:
            at = self.moment(group.quiet, 15, 20)
            yield Line(at=at, group=group, person=group.members[0], text=self.random.choice(words.WORK))

    def _notices(self) -> Iterator[Line]:
        group = _group(NOTICE_GROUP)
        for number, ago in enumerate(NOTICE_DAYS):
            text = words.NOTICES[number % len(words.NOTICES)]
            at = self.moment(ago, 9, 5, working=True)
            yield Line(at=at, group=group, person=BY_NAME[NOTICE_SENDER], text=text, mark="notice")

    def _demands(self) -> Iterator[Line]:
        for ago, group, name, text, outcome in words.DEMANDS:
            at = self.moment(ago, 16, 40, working=True)
            yield Line(at=at, group=_group(group), person=BY_NAME[name], text=text, mark=f"demand {outcome}")


def _group(group_id: str) -> Place:
    return next(one for one in GROUPS if one.id == group_id)

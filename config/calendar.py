"""Working days and working hours in China, Asia/Shanghai."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar

SHANGHAI = ZoneInfo("Asia/Shanghai")
# The State Council announces next year's holidays in November; the library knows the years it was released with.
_FIRST_KNOWN = min(chinese_calendar.holidays).year
_LAST_KNOWN = max(chinese_calendar.workdays).year
# No holiday is longer than this; a search that goes on is a mistake in the overrides.
_LONGEST_SEARCH = 400
_DAY = timedelta(days=1)


class Calendar:
    """Knows 调休; every method takes an aware datetime (or a Shanghai date) and reads no clock.

    `overrides` maps a date to True (a working day) or False (a day off) and wins over the library.
    """

    def __init__(
        self,
        overrides: Mapping[date, bool] = {},
        work_hours: tuple[time, time] = (time(8, 0), time(18, 0)),
    ) -> None:
        if work_hours[0] >= work_hours[1]:
            raise ValueError(f"工作时间的开始 {work_hours[0]:%H:%M} 须早于结束 {work_hours[1]:%H:%M}")
        self._overrides = dict(overrides)
        self._override_years = {day.year for day in self._overrides}
        self.opens, self.closes = work_hours

    def knows(self, day: date | datetime) -> bool:
        """False when that year's holidays are not published to us: then Mon–Fri is assumed, and must be said."""
        year = _shanghai_date(day).year
        return _FIRST_KNOWN <= year <= _LAST_KNOWN or year in self._override_years

    def is_working_day(self, day: date | datetime) -> bool:
        """In an unknown year Monday to Friday; ask `knows` whether that was a guess."""
        day = _shanghai_date(day)
        told = self._overrides.get(day)
        if told is not None:
            return told
        if _FIRST_KNOWN <= day.year <= _LAST_KNOWN:
            return bool(chinese_calendar.is_workday(day))
        return day.weekday() < 5

    def is_working_time(self, at: datetime) -> bool:
        """The noon break counts as working time; the closing minute does not."""
        local = _aware(at).astimezone(SHANGHAI)
        return self.is_working_day(local.date()) and self.opens <= local.time().replace(tzinfo=None) < self.closes

    def working_days_between(self, a: datetime | date, b: datetime | date) -> int:
        """Full working days after the day of `a`, up to and including the day of `b`; 0 when `b` is not later.

        From Friday 2026-02-13, with the 调休 Saturday that follows it, two have passed on 2026-02-24.
        """
        start, end = _shanghai_date(a), _shanghai_date(b)
        if (end - start).days > _LONGEST_SEARCH:
            # Far enough to be generous for every rule; counting on would only cost time.
            end = start + timedelta(days=_LONGEST_SEARCH)
        count, day = 0, start
        while day < end:
            day += _DAY
            count += self.is_working_day(day)
        return count

    def add_working_days(self, at: datetime | date, days: int) -> date:
        """The day on which the given number of working days after `at` have passed; the day itself when `days` is 0."""
        day = _shanghai_date(at)
        for _ in range(days):
            day = self._next_working_day(day + _DAY)
        return day

    def next_working_moment(self, at: datetime) -> datetime:
        """`at` itself within working time, else the next opening, in Asia/Shanghai."""
        local = _aware(at).astimezone(SHANGHAI)
        if self.is_working_time(local):
            return local
        day = local.date()
        if local.time().replace(tzinfo=None) >= self.opens or not self.is_working_day(day):
            day = self._next_working_day(day + _DAY)
        return datetime.combine(day, self.opens, SHANGHAI)

    def _next_working_day(self, day: date) -> date:
        for _ in range(_LONGEST_SEARCH):
            if self.is_working_day(day):
                return day
            day += _DAY
        raise ValueError(f"{day - _LONGEST_SEARCH * _DAY} 起 {_LONGEST_SEARCH} 天内没有一个工作日，请检查日历的覆盖表")


def _shanghai_date(moment: date | datetime) -> date:
    if isinstance(moment, datetime):
        return _aware(moment).astimezone(SHANGHAI).date()
    return moment


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("时间须带时区")
    return at

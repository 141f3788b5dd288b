"""Reasons as they are shown: a code, a Chinese sentence and its evidence as JSON; dates always carry their offset."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from config.settings import TIMEZONE
from config.wording import Wording
from handlers.rules.week import local_day, midnight
from handlers.rules.zombie import Reason

# A span that ends at midnight ends on the day before.
INSTANT = timedelta(seconds=1)
# So many spans are told in words, the longest ones; the evidence holds all.
SPANS_TOLD = 5


def iso(moment: date | datetime) -> str:
    """ISO 8601 with the offset of Asia/Shanghai; a day is its beginning."""
    if isinstance(moment, datetime):
        return moment.astimezone(TIMEZONE).isoformat(timespec="seconds")
    return _iso_day(moment)


@lru_cache(maxsize=20_000)
def _iso_day(day: date) -> str:
    return midnight(day).isoformat(timespec="seconds")


def day_in_words(moment: date | datetime) -> str:
    """2026年11月7日."""
    return _words(local_day(moment) if isinstance(moment, datetime) else moment)


@lru_cache(maxsize=20_000)
def _words(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def told(reason: Reason, say: Wording) -> dict[str, Any]:
    key = f"inventory.reason.{reason.code}" + (f"_{reason.variant}" if reason.variant else "")
    text = say(key, **{name: _in_words(value) for name, value in reason.evidence.items()})
    return {"code": reason.code, "text": text, "evidence": {k: _plain(v) for k, v in reason.evidence.items()}}


def _in_words(value: Any) -> Any:
    match value:
        case datetime() | date():
            return day_in_words(value)
        case tuple():
            since, until = value
            return "至".join(dict.fromkeys((day_in_words(since), day_in_words(until - INSTANT))))
        case list():
            return "、".join(str(_in_words(one)) for one in _few(value))
    return value


def _few(value: list[Any]) -> list[Any]:
    if len(value) <= SPANS_TOLD or not isinstance(value[0], tuple):
        return value
    return [*sorted(sorted(value, key=lambda span: span[0] - span[1])[:SPANS_TOLD])]


def _plain(value: Any) -> Any:
    match value:
        case datetime() | date():
            return iso(value)
        case tuple() | list():
            return [_plain(one) for one in value]
    return value

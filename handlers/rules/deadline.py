"""Deadlines are computed, not matched: a Chinese expression of time and the moment it was said give an instant."""
# ruff: noqa: E501 (Chinese words count twice, and a table is read by its rows)

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from config.calendar import SHANGHAI, Calendar

_NUMBER = {"零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}
_WEEKDAY = {"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6, "末": 6, "1": 0, "2": 1, "3": 2, "4": 3, "5": 4}
# Days from the day of speaking, and the hour when the word itself says one.
_RELATIVE: dict[str, tuple[int, int | None]] = {
    "今天": (0, None), "今日": (0, None), "今儿": (0, None), "今个": (0, None), "当天": (0, None), "当日": (0, None),
    "今早": (0, 9), "今晚": (0, 22), "今夜": (0, 23), "今晚上": (0, 22), "连夜": (0, 24), "当晚": (0, 22),
    "明天": (1, None), "明日": (1, None), "明儿": (1, None), "明个": (1, None), "次日": (1, None), "隔天": (1, None), "转天": (1, None),
    "明早": (1, 9), "明晨": (1, 8), "明晚": (1, 22), "后天": (2, None), "后日": (2, None), "大后天": (3, None),
}  # fmt: skip
_PART = {
    "凌晨": 4, "早上": 9, "早晨": 8, "清早": 8, "一早": 8, "早": 9, "上午": 12, "中午": 12, "晌午": 12, "午前": 12, "午饭": 12, "下午": 18,
    "傍晚": 18, "下班": 18, "收工": 18, "天黑": 19, "散会": 18, "晚上": 22, "晚": 22, "夜里": 23, "半夜": 24, "睡前": 23, "上班": 9, "开会": 9,
}  # fmt: skip
_AFTERNOON = frozenset({"下午", "傍晚", "晚上", "晚", "夜里", "半夜"})
_END_OF_DAY = 18

_N = r"(?:\d{1,3}|[一二两三四五六七八九十]{1,3}|半)"
_DAY = (
    r"(?P<relative>大后天|今晚上|" + "|".join(sorted((w for w in _RELATIVE if len(w) == 2), reverse=True)) + ")"
    r"|(?P<whose>下下|下个?|本|这个?)?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天末1-5])(?!期)"
    r"|(?:(?P<year>20\d\d)年)?(?P<month>\d{1,2}|[一二三四五六七八九十]{1,2})月(?P<day>\d{1,2}|[一二三四五六七八九十]{1,3})[日号]?(?!\d)"
    r"|(?:(?P<nextmonth>下个?月)|本月|(?<![\d月.]))(?P<dom>\d{1,2}|[一二三四五六七八九十]{1,3})[日号](?!楼|线|院|机|令|文|厅|码|群|塔|岗|点位|表|附)"
    r"|(?P<monthend>(?:本|这个?|当)?月(?:底|末))|(?P<weekend>(?:本|这个?)(?:周|星期|礼拜)(?:内|之内|以内|底)?(?!期|起|开始))"
)
_TIME = (
    r"(?:(?P<part>" + "|".join(sorted(_PART, key=len, reverse=True)) + r")?的?(?:一上班)?"
    r"(?:(?P<hour>\d{1,2}|十[一二]?|[一二两三四五六七八九])(?:点钟?|时(?!间|候|限|段)|[:：](?=\d))(?P<minute>\d{1,2}|半|一刻|三刻|[一二三四五]十[五]?)?分?)"
    r"|(?P<partonly>" + "|".join(sorted(_PART, key=len, reverse=True)) + r"))"
)
_WITHIN = rf"(?P<amount>{_N})(?P<half>个半)?个?(?P<unit>小时|钟头|分钟|工作日|天|日|周|星期)(?:之内|以内|内)"
_ATONCE = r"(?P<atonce>马上|立即|立刻|即刻|现在就?|一会儿?(?:就|我)|火速|速(?=[报交发]))"
_EXPRESSION = re.compile(f"(?:{_WITHIN}|(?:{_DAY})[ 的]?[（(]?(?:周|星期)?[一二三四五六日]?[)）]?[ ]?(?:{_TIME})?|{_TIME.replace('<', '<only')}|{_ATONCE})(?P<before>[^，。；\\s]{{0,2}}?(?:之前|以前|前(?![前后三几些年几期天往面去来进沿台端提]))|截止|为止)?")


@dataclass(frozen=True, slots=True)
class Deadline:
    """`instant` is None when the words need a moment of speaking that is not known; `before` when they say 前, 内 or 截止."""

    start: int
    end: int
    instant: datetime | None
    days: int | None
    before: bool
    at_once: bool


def find(text: str, at: datetime | None, calendar: Calendar) -> Iterator[Deadline]:
    """Every expression of time in the text that lies at or after the moment of speaking, left to right."""
    now = at.astimezone(SHANGHAI) if at else None
    for match in _EXPRESSION.finditer(text):
        parts = {key: value for key, value in match.groupdict().items() if value}
        if "onlypart" in parts or "onlyhour" in parts or "onlypartonly" in parts:
            parts |= {key[4:]: value for key, value in parts.items() if key.startswith("only")}
        instant, days = _instant(parts, now, calendar)
        before = "before" in parts or "amount" in parts
        if instant is not None and now is not None and instant < now - timedelta(hours=1):
            continue
        yield Deadline(match.start(), match.end(), instant, days, before, "atonce" in parts)


def number(words: str) -> int:
    """十二 → 12; digits as they are."""
    if words.isdigit():
        return int(words)
    if "十" in words:
        tens, _, ones = words.partition("十")
        return (_NUMBER.get(tens, 1) if tens else 1) * 10 + (_NUMBER.get(ones, 0) if ones else 0)
    return _NUMBER.get(words, 0)


def _instant(parts: dict[str, str], now: datetime | None, calendar: Calendar) -> tuple[datetime | None, int | None]:
    """The instant, and the days from today where words alone say them."""
    if "atonce" in parts:
        return now, 0
    if "amount" in parts:
        return _within(parts, now, calendar)
    days = _RELATIVE[parts["relative"]][0] if "relative" in parts else None
    if now is None:
        return None, days
    day = _day(parts, now)
    if day is None:
        return None, days
    hour, minute = _clock(parts, now, day)
    return datetime.combine(day, time(0), SHANGHAI) + timedelta(hours=hour, minutes=minute), days


def _within(parts: dict[str, str], now: datetime | None, calendar: Calendar) -> tuple[datetime | None, int | None]:
    amount = 0.5 if parts["amount"] == "半" else number(parts["amount"]) + (0.5 if "half" in parts else 0)
    unit = parts["unit"]
    if unit in ("小时", "钟头", "分钟"):
        hours = amount / 60 if unit == "分钟" else amount
        return (now + timedelta(hours=min(hours, 999)) if now else None), int(hours // 24)
    if unit == "工作日":
        day = calendar.add_working_days(now, int(min(amount, 99))) if now else None
        return (datetime.combine(day, time(_END_OF_DAY), SHANGHAI) if day else None), None
    days = int(amount * 7 if unit in ("周", "星期") else amount)
    return (datetime.combine(now.date() + timedelta(days=days), time(_END_OF_DAY), SHANGHAI) if now else None), days


def _day(parts: dict[str, str], now: datetime) -> date | None:
    today = now.date()
    if "relative" in parts:
        return today + timedelta(days=_RELATIVE[parts["relative"]][0])
    if "weekday" in parts:
        return _weekday(parts, today)
    if "month" in parts:
        return _date(int(parts.get("year", 0)) or None, number(parts["month"]), number(parts["day"]), today)
    if "dom" in parts:
        if "nextmonth" in parts:
            today = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        return _day_of_month(number(parts["dom"]), today)
    if "monthend" in parts:
        return (today.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    if "weekend" in parts:
        return today + timedelta(days=max(4 - today.weekday(), 0))
    return today


def _weekday(parts: dict[str, str], today: date) -> date:
    """周五 is the coming one; 下周五 that of next week."""
    wanted = _WEEKDAY[parts["weekday"]]
    monday = today - timedelta(days=today.weekday())
    weeks = {"下": 1, "下个": 1, "下下": 2}.get(parts.get("whose", ""), 0)
    day = monday + timedelta(days=wanted, weeks=weeks)
    return day + timedelta(days=7) if weeks == 0 and day < today else day


def _date(year: int | None, month: int, day: int, today: date) -> date | None:
    try:
        found = date(year or today.year, month, day)
    except ValueError:
        return None
    # 1月5日 said in December is next year's; 10月 said in November is past.
    if year is None and (today - found).days > 180:
        return found.replace(year=today.year + 1) if (month, day) != (2, 29) else None
    return found


def _day_of_month(day: int, today: date) -> date | None:
    try:
        found = today.replace(day=day)
        return found if found >= today else (today.replace(day=1) + timedelta(days=32)).replace(day=day)
    except ValueError:
        return None


def _clock(parts: dict[str, str], now: datetime, day: date) -> tuple[int, int]:
    """Hour and minute; a bare hour that is past today means the afternoon."""
    part = parts.get("part") or parts.get("partonly")
    fixed = _RELATIVE[parts["relative"]][1] if "relative" in parts else None
    if "hour" not in parts:
        if part:
            return _PART[part], 0
        return (fixed if fixed is not None else _END_OF_DAY), 0
    hour = min(number(parts["hour"]), 24)
    minute = {"半": 30, "一刻": 15, "三刻": 45}.get(parts.get("minute", ""), -1)
    if minute < 0:
        minute = min(number(parts.get("minute", "0")), 59)
    late = part in _AFTERNOON or (fixed or 0) >= 20
    bare_past = not part and fixed is None and day == now.date() and hour < now.hour
    if hour < 12 and (late or bare_past):
        hour += 12
    return hour, minute

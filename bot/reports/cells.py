"""One cell of a register as what it means: a day, a number, a text; or a sentence that says what could not be read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from bot.wire import clean
from config.wording import load_wording

MAX_TEXT = 200
GROUP_KINDS = ("综合", "业务", "临时", "议事协调机构")
# Excel counts days from here; outside of these it was hardly meant as a day (1954 to 2099).
SERIAL_ZERO, SERIAL_FIRST, SERIAL_LAST = date(1899, 12, 30), 20_000, 73_000
DAY = re.compile(r"(?P<year>(?:19|20)\d\d)[年./\-](?P<month>\d{1,2})(?:[月./\-](?:(?P<day>\d{1,2})[日号]?)?)?")
DIGITS = re.compile(r"(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)")
HOUR = re.compile(r"[T ]?(?:\d{1,2}[:时点]\d{0,2}(?:[:分]\d{0,2}秒?)?)?")
NUMBER = re.compile(r"(?P<number>\d{1,9}|\d{1,3}(?:,\d{3}){1,2})(?:\.0+)?[人个条名户次]?")
QUOTED = tuple("=+-@＝＋－＠")

# The value, None for nothing; and what is to be said about the cell.
Read = tuple[Any, str]


def text_of(cell: Any) -> str:
    """A cell as one line without controls; the apostrophe that our export puts before a dangerous sign goes."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, datetime) and cell.time() == time():
        cell = cell.date()
    lines = "" if cell is None else " ".join(str(cell).split())
    text = lines if lines.isprintable() else clean(lines, keep_lines=False).strip()
    return text[1:] if text[:1] == "'" and text[1:2] in QUOTED else text


def read_text(cell: Any) -> Read:
    text = text_of(cell)
    if len(text) > MAX_TEXT:
        return text[:MAX_TEXT], load_wording()("import.too_long", limit=MAX_TEXT)
    return text, load_wording()("import.unknown_letters") if "\ufffd" in text else ""


def read_number(cell: Any) -> Read:
    """Whole and not negative: 38, 38.0, 1,200 or 38人."""
    text = text_of(cell)
    match = NUMBER.fullmatch(unicodedata.normalize("NFKC", text))
    if match is None or isinstance(cell, bool):
        return None, load_wording()("import.bad_number", value=text[:40])
    return int(match["number"].replace(",", "")), ""


def read_day(cell: Any) -> Read:
    """Excel's dates and serial numbers; 2026-11-7, 2026/11/7, 2026.11.7, 2026年11月7日, 20261107, 2026年11月."""
    if isinstance(cell, date) and 1950 <= cell.year < 2100:
        return (cell.date() if isinstance(cell, datetime) else cell), ""
    text = unicodedata.normalize("NFKC", text_of(cell))
    bad = None, load_wording()("import.bad_date", value=text[:40])
    if text.isascii() and text.isdigit() and SERIAL_FIRST < int(text[:9]) < SERIAL_LAST:
        return SERIAL_ZERO + timedelta(days=int(text)), ""
    match = DIGITS.fullmatch(text) or DAY.match(text)
    if match is None or not HOUR.fullmatch(text[match.end() :]):
        return bad
    try:
        day = date(int(match["year"]), int(match["month"]), int(match["day"] or 1))
    except ValueError:
        return bad
    return day, "" if match["day"] else load_wording()("import.month_only", value=text)


def read_kind(cell: Any) -> Read:
    """One of the four kinds, also as 临时群 or 业务类; anything else stays as it stands, and is told."""
    text, why = read_text(cell)
    found = [kind for kind in GROUP_KINDS if text.startswith(kind)]
    if found or why:
        return (found or [text])[0], why
    return text, load_wording()("import.bad_kind", value=text[:40])


def last_day_in(text: str) -> date | None:
    """The last day that a text names in full, e.g. 防汛值守，截至2026年9月30日."""
    found: date | None = None
    for match in DAY.finditer(unicodedata.normalize("NFKC", text)):
        day, why = read_day(match[0])
        found = day if day and not why else found
    return found


READERS: Mapping[str, Callable[[Any], Read]] = {
    "text": read_text,
    "matter": read_text,
    "number": read_number,
    "day": read_day,
    "kind": read_kind,
}

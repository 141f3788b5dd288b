"""An account's own record of what it published, as a file that its unit gives: RSS, Atom, JSON Feed or a table.

Nothing is fetched, no entity and no DTD is read, no address in it is followed: only titles and days are looked at.
A file that is broken, too big, or holds no day is an ImportRefused with a Chinese sentence.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree as safe  # type: ignore[import-untyped]
from defusedxml import DefusedXmlException

from bot.reports.cells import read_day, text_of
from bot.reports.spreadsheet import ImportRefused, sheets_of
from config.settings import TIMEZONE

SUFFIXES = (".xml", ".rss", ".atom", ".json", ".csv", ".xlsx")
# More entries than this nobody needs to know when the last one was.
MAX_ENTRIES = 20_000
ENTRIES = ("item", "entry")
# The first of these that an entry has is its day.
DATES = ("pubdate", "published", "updated", "date", "issued", "modified")
JSON_DATES = ("date_published", "date_modified", "published", "updated", "date")
NAME_HEADERS = ("名称", "账号名称", "应用名称", "公众号名称", "账号", "公众号", "name")
DAY_HEADERS = ("日期", "发布日期", "发布时间", "更新日期", "更新时间", "最近更新", "时间", "date", "published", "updated")
DECLARED = re.compile(rb"^\s*<\?xml[^>]*encoding=[\"'](?P<name>[\w-]+)[\"'][^>]*\?>")
CHINESE = ("gb2312", "gbk", "gb18030")


@dataclass(frozen=True, slots=True)
class Feed:
    """Of one account: `title` as the file calls it ("" where it does not), the days, and how many entries had none."""

    title: str
    days: frozenset[date]
    undated: int = 0


def read_feeds(content: bytes) -> list[Feed]:
    """One, or of a table with names one for each name; what the file is, the content says, not its name."""
    start = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"<":
        found = [_xml(content)]
    elif start in (b"{", b"["):
        found = [_json(content)]
    else:
        found = _table(content)
    if not any(one.days for one in found):
        raise ImportRefused("feed_undated")
    return found


def _xml(content: bytes) -> Feed:
    try:
        root = safe.fromstring(_plain_xml(content), forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException:
        raise ImportRefused("feed_entities") from None
    except (ParseError, ValueError, LookupError, RecursionError):
        raise ImportRefused("feed_broken") from None
    entries = [one for one in root.iter() if _local(one) in ENTRIES]
    if not entries:
        raise ImportRefused("feed_nothing")
    channel = next((one for one in root.iter() if _local(one) == "channel"), root)
    title = next((_text(one) for one in channel if _local(one) == "title"), "")
    return _feed(title, (_day_of(_dates(one)) for one in _few(entries)))


def _plain_xml(content: bytes) -> bytes | str:
    """expat knows no GBK; what is declared so is decoded here and the declaration goes."""
    declared = DECLARED.match(content)
    if declared is None or declared["name"].decode().lower() not in CHINESE:
        return content
    try:
        return content[declared.end() :].decode("gb18030")
    except UnicodeDecodeError:
        raise ImportRefused("encoding") from None


def _local(element: Element) -> str:
    """Without the namespace; a comment has no name."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _text(element: Element) -> str:
    return text_of("".join(element.itertext()))[:200]


def _dates(entry: Element) -> list[str]:
    told = {_local(one): _text(one) for one in entry if _local(one) in DATES}
    return [told[name] for name in DATES if name in told]


def _json(content: bytes) -> Feed:
    try:
        data = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise ImportRefused("feed_broken") from None
    entries = data.get("items", data.get("entries")) if isinstance(data, dict) else data
    if not isinstance(entries, list) or not entries:
        raise ImportRefused("feed_nothing")
    title = data.get("title") if isinstance(data, dict) else ""
    days = (_day_of([one.get(name) for name in JSON_DATES]) if isinstance(one, Mapping) else None for one in _few(entries))
    return _feed(text_of(title)[:200] if isinstance(title, str) else "", days)


def _table(content: bytes) -> list[Feed]:
    """The first sheet with a column of days; its other columns are not looked at, but for a name."""
    for rows in sheets_of(content):
        for place, (_, cells) in enumerate(rows[:20]):
            titles = [unicodedata.normalize("NFKC", text_of(one)).lower() for one in cells]
            day = next((titles.index(one) for one in DAY_HEADERS if one in titles), None)
            if day is None:
                continue
            name = next((titles.index(one) for one in NAME_HEADERS if one in titles), None)
            return _named(rows[place + 1 :], day, name)
    raise ImportRefused("feed_header")


def _named(rows: list[tuple[int, tuple[Any, ...]]], day: int, name: int | None) -> list[Feed]:
    found: dict[str, list[date | None]] = defaultdict(list)
    for _, cells in _few(rows):
        title = text_of(cells[name]) if name is not None and name < len(cells) else ""
        found[title].append(_day_of([cells[day] if day < len(cells) else None]))
    return [_feed(title, iter(days)) for title, days in found.items()]


def _few(entries: list[Any]) -> list[Any]:
    if len(entries) > MAX_ENTRIES:
        raise ImportRefused("feed_too_many", limit=MAX_ENTRIES)
    return entries


def _feed(title: str, days: Iterator[date | None]) -> Feed:
    told = list(days)
    return Feed(title, frozenset(one for one in told if one is not None), sum(one is None for one in told))


def _day_of(values: list[Any]) -> date | None:
    return next((day for one in values if one and (day := _read(one)) is not None), None)


def _read(value: Any) -> date | None:
    """A moment is its day in Shanghai; one without an offset is of Shanghai already."""
    day, why = read_day(value)
    if day is not None and not why and "T" not in str(value):
        return date(day.year, day.month, day.day)
    text = text_of(value)[:100]
    for reader in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = reader(text)
        except (ValueError, TypeError, OverflowError):
            continue
        if 1990 <= at.year < 2100:
            return (at.astimezone(TIMEZONE) if at.tzinfo else at).date()
    return date(day.year, day.month, day.day) if day is not None and not why else None

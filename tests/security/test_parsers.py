"""hypothesis over every parser: whatever comes, they give a value or a sentence."""
# ruff: noqa: E501, PT017 (words stand in a row; what is refused may also be taken)

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import wire
from bot.links import LinkError, Links
from bot.reports import cells
from bot.reports.feeds import read_feeds
from bot.reports.register_import import read_register
from bot.reports.spreadsheet import ImportRefused
from bot.web.signin import back_of
from config.calendar import SHANGHAI, Calendar
from config.rulebook import Rulebook, load_rulebook
from config.settings import SettingsError, load_settings
from handlers.rules import deadline, demand, notice, receipt, secrecy, tokens
from handlers.rules.week import first_day, week_of

# Derandomized: a red run is red again.
bounded = settings(max_examples=120, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
WORDS = st.lists(
    st.sampled_from(["请", "各村", "今天下班前", "截图", "收到请回复", "11月3日", "17:00", "代张三收到", "接龙", "@轻群 通知 ", "\n", "★秘密"])
    | st.text(max_size=8),
    max_size=30,
).map("".join)  # fmt: skip
AT = datetime(2026, 3, 10, 10, 0, tzinfo=SHANGHAI)
LINKS = Links("s" * 32, "http://127.0.0.1", 365)


@pytest.fixture(scope="module")
def book() -> Rulebook:
    return load_rulebook(learned=False)


@bounded
@given(WORDS)
def test_a_deadline(text: str) -> None:
    for found in deadline.find(text, AT, Calendar()):
        assert found is not None


@bounded
@given(WORDS)
def test_tokens_and_the_judgement(book: Rulebook, text: str) -> None:
    read = tokens.read(text, book)
    for start in range(0, len(read.plain), 7):
        first, last = read.span(start, min(start + 2, len(read.plain)))
        assert 0 <= first <= last <= len(text)
    judged = demand.judge(text, at=AT, rulebook=book, calendar=Calendar(), informational=True)
    assert all(text[one.start : one.end] == one.text for one in judged.findings)


@bounded
@given(WORDS)
def test_a_receipt_a_notice_and_a_mark(text: str) -> None:
    assert receipt.is_receipt(text) in (True, False)
    assert secrecy.is_marked(text) in (True, False)
    assert len(notice.title_of(text)) <= notice.TITLE_LENGTH
    told = notice.command(text, "轻群", ("通知", "应急通知"))
    assert told is None or told.verb in ("通知", "应急通知")
    notice.fingerprint(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(["type", "id", "at", "channel", "group", "sender", "text", "mentions", "members", "owner", "notice", "person", "flag"])


@bounded
@given(st.dictionaries(KEYS, JSON), st.sampled_from(sorted(wire.READERS)))
def test_an_event(data: dict[str, Any], kind: str) -> None:
    base = {"id": "1", "at": AT.isoformat(), "channel": "c", "group": {"id": "g"}, "sender": {"id": "p"}, "members": [], "person": "p"}
    try:
        event = wire.parse({**base, **data, "type": kind})
    except wire.WireError as error:
        assert any("\u4e00" <= char <= "\u9fff" for char in str(error))
    else:
        assert wire.load(json.loads(json.dumps(wire.dump(event)))) == event


def refused_or(read: Any, content: bytes) -> None:
    try:
        read(content)
    except ImportRefused as refused:
        assert refused.said("x").startswith("文件")


@bounded
@given(st.binary(max_size=400) | WORDS.map(str.encode) | st.binary(max_size=200).map(lambda body: b"PK\x03\x04" + body))
def test_a_table(content: bytes) -> None:
    refused_or(lambda given: read_register(given, "groups"), content)
    refused_or(lambda given: read_register(given, "apps"), "名称,主办单位,最近更新\n".encode() + content)


@bounded
@given(
    st.binary(max_size=300) | JSON.map(lambda told: json.dumps(told).encode())
    | WORDS.map(lambda text: f"<rss><channel><item><pubDate>{text}</pubDate></item></channel></rss>".encode())
)  # fmt: skip
def test_a_feed(content: bytes) -> None:
    refused_or(read_feeds, content)


@bounded
@given(st.none() | st.integers() | st.floats() | st.datetimes() | st.dates() | st.booleans() | WORDS)
def test_a_cell(cell: Any) -> None:
    for reader in cells.READERS.values():
        _, why = reader(cell)
        assert isinstance(why, str)
    cells.last_day_in(cells.text_of(cell))


@bounded
@given(st.text(max_size=60) | st.text(alphabet="abcXYZ0123456789_-.=", max_size=120))
def test_a_link(token: str) -> None:
    for read in (LINKS.read_notice, LINKS.read_mine, LINKS.read_cleanup, LINKS.read_bearer, lambda one: LINKS.read_session(one, "x"),
                 lambda one: LINKS.read_flow(one, 9)):  # fmt: skip
        with pytest.raises(LinkError, match=r"[链令登]"):
            read(token)


@bounded
@given(st.text(max_size=12) | st.from_regex(r"20\d\d-W\d\d", fullmatch=True))
def test_a_week(week: str) -> None:
    try:
        day = first_day(week)
    except ValueError:
        return
    assert week_of(datetime(day.year, day.month, day.day, 12, tzinfo=SHANGHAI)) == week


@bounded
@given(st.text(max_size=40))
def test_the_way_back(given: str) -> None:
    assert back_of(given).startswith("/office")


@bounded
@given(
    st.sampled_from(["BUS", "PORT", "SECRET", "WORK__START", "WORK__DAYS", "OFFICE__UNITS", "FLAGS__KEEP_DAYS", "NONE", "OFFICE__OIDC__ISSUER"]),
    st.text(alphabet=st.characters(exclude_characters="\x00", codec="utf-8"), max_size=20) | st.sampled_from(["[", "{", "[1]", "{ a = 1 }"]),
)
def test_a_setting(name: str, value: str) -> None:
    try:
        load_settings(environ={f"QINGQUN_{name}": value})
    except SettingsError as error:
        assert any("\u4e00" <= char <= "\u9fff" for char in str(error))

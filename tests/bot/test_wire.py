"""Whatever comes in is an event or a Chinese sentence, and every event survives the way over a broker."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import wire
from handlers.events import (
    AppealDecided,
    ButtonClicked,
    CleanupDecided,
    CleanupDeclared,
    CleanupReviewed,
    CleanupWithdrawn,
    Event,
    FlagAnswered,
    NoticeIssued,
    SubjectRated,
    WeekEnded,
    Woke,
    WorkdayEnding,
)
from tests.conftest import MONDAY

MESSAGE: dict[str, Any] = {
    "type": "message", "id": "m1", "at": "2026-11-16T09:00:00+08:00", "channel": "wechaty",
    "group": {"id": "r@1", "name": "防汛群"}, "sender": {"id": "u1", "name": "老周", "role": "admin"},
    "kind": "text", "text": "请看\n第二行", "mentions": ["all", "u2"], "quotes": "m0",
}  # fmt: skip
ROSTER: dict[str, Any] = {
    "type": "roster", "id": "r1", "at": "2026-11-16T01:00:00Z", "channel": "wechaty",
    "group": {"id": "r@1", "name": "防汛群", "unit": "镇政府", "created": "2024-05-01", "kind": "临时", "ends": "2026-10-01"},
    "owner": None, "members": [{"id": "u1", "name": "老周"}, {"id": "u1", "name": "老周（重复）"}],
}  # fmt: skip
CLICK: dict[str, Any] = {
    "type": "click", "id": "c1", "at": "2026-11-16T09:00:00+08:00", "channel": "wechaty", "group": "r@1", "person": "u1",
    "notice": {"message": "m1"}, "action": "undo",
}  # fmt: skip


def test_ids_become_keys_of_their_channel() -> None:
    event: Any = wire.parse(MESSAGE)
    assert (event.id, event.group.id, event.sender.id) == ("wechaty:m1", "wechaty:r@1", "wechaty:u1")
    assert (event.mentions, event.quotes) == (("all", "wechaty:u2"), "wechaty:m0")
    assert event.text == "请看\n第二行"


def test_a_roster_counts_a_person_once_and_knows_an_ownerless_group() -> None:
    event: Any = wire.parse(ROSTER)
    assert len(event.members) == 1
    assert event.owner is None
    assert str(event.group.ends) == "2026-10-01"


def test_a_click_names_a_message_or_a_notice() -> None:
    event: Any = wire.parse(CLICK)
    assert (event.message, event.notice, event.action) == ("wechaty:m1", None, "undo")
    named: Any = wire.parse({**CLICK, "notice": {"notice": "n1"}})
    assert (named.message, named.notice) == (None, "n1")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"type": "dance"}, "type 应是"),
        ({"type": ["message"]}, "type 应是"),
        ({"at": "2026-11-16T09:00:00"}, "缺少时区"),
        ({"at": "gestern"}, "ISO 8601"),
        ({"at": None}, "ISO 8601"),
        ({"at": "0001-01-01T00:00:00+08:00"}, "不合理"),
        ({"at": "9999-12-31T23:59:59-12:00"}, "不合理"),
        ({"id": ""}, "id 不能为空"),
        ({"id": "x" * 300}, "太长"),
        ({"channel": "a:b"}, "channel"),
        ({"kind": "hologram"}, "kind 应是"),
        ({"group": "g1"}, "group 应是"),
        ({"group": {"id": "g", "kind": "秘密"}}, "group.kind"),
        ({"sender": None}, "sender 应是"),
        ({"sender": {"id": "u", "role": "king"}}, "role 应是"),
        ({"text": 3.5}, "text 应是文字"),
        ({"mentions": "all"}, "mentions"),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_said_in_chinese(change: dict[str, Any], says: str) -> None:
    with pytest.raises(wire.WireError, match=says):
        wire.parse({**MESSAGE, **change})


@pytest.mark.parametrize("value", [None, [], "x", 3])
def test_what_is_no_object_is_said(value: Any) -> None:
    with pytest.raises(wire.WireError, match="JSON 对象"):
        wire.parse(value)


def test_a_huge_message_is_cut_and_control_characters_leave_names() -> None:
    event: Any = wire.parse(
        {**MESSAGE, "text": "请" * 1_000_000, "sender": {"id": "u", "name": "张\u202e三\x00\x1b[31m"}}
    )
    assert len(event.text) == wire.MAX_TEXT
    assert event.sender.name == "张三[31m"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*MESSAGE, *ROSTER, "notice"]), inner)))  # fmt: skip
def test_nothing_at_all_crashes_the_reader(data: Any) -> None:
    for kind in ("message", "roster", "click", "dissolved"):
        value = {**data, "type": kind} if isinstance(data, dict) else data
        try:
            read: object = wire.parse(value)
        except wire.WireError as error:
            read = error
        assert isinstance(read, Event) or any("\u4e00" <= char <= "\u9fff" for char in str(read))


EVENTS: list[Event] = [
    wire.parse(MESSAGE),
    wire.parse(ROSTER),
    wire.parse(CLICK),
    ButtonClicked(id="x", at=MONDAY, channel="c", group=None, person="c:p", notice="n", via="link", deputy="c:q"),
    NoticeIssued(id="n", at=MONDAY, groups=("c:g",), text="t", sender="s", sender_name="s", deadline=MONDAY + timedelta(1)),
    FlagAnswered(id="f", at=MONDAY, flag="f", person="p", answer="withdraw"),
    AppealDecided(id="d", at=MONDAY, flag="f", by="o", decision="uphold"),
    WeekEnded(id="w", at=MONDAY, week="2026-W46"),
    WorkdayEnding(id="e", at=MONDAY, day=MONDAY.date()),
    Woke(id="k", at=MONDAY, kind="revise", subject="n"),
    CleanupDecided(id="c", at=MONDAY, items=("c1", "c2"), who="c:p", choice="keep", reason="备用", ends=MONDAY.date()),
    CleanupReviewed(id="r", at=MONDAY, items=("c1",), who="office:机制办", decision="return", reason="太笼统"),
    CleanupDeclared(id="d", at=MONDAY, items=("c1",), who="c:p"),
    CleanupWithdrawn(id="t", at=MONDAY, items=("c1",), who="c:p"),
    SubjectRated(id="u", at=MONDAY, subject="group:c:g1", voter="0a", answer="useless"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_survives_the_way_over_a_broker(event: Event) -> None:
    assert wire.load(json.loads(json.dumps(wire.dump(event)))) == event


def test_the_key_does_not_change_with_the_time() -> None:
    event = wire.parse(MESSAGE)
    assert event.key == replace(event, at=MONDAY + timedelta(days=1)).key

"""The words of WeChat, one by one: no gateway needed."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.wechaty import translate, wording
from bot.channels.wechaty.book import Book
from bot.channels.wechaty.payloads import Message, read_message, request_of
from bot.channels.wechaty.shelf import Shelf
from handlers.cards import Card, Link

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [
        (1795413600, datetime(2026, 11, 23, 6, 0, tzinfo=UTC)),
        (1795413600000, datetime(2026, 11, 23, 6, 0, tzinfo=UTC)),
        (0, NOW),
        (5, NOW),
        (10**18, NOW),
        (-1, NOW),
        (int((NOW + timedelta(days=2)).timestamp()), NOW),
    ],
)
def test_times_come_in_seconds_or_milliseconds_and_absurd_ones_are_now(timestamp: int, at: datetime) -> None:
    assert translate.moment(timestamp, NOW) == at


@pytest.mark.parametrize(
    ("text", "said", "answer"),
    [
        ("「张三：明天开会」\n- - - - - - - - - - - - - - -\n收到", "明天开会", "收到"),
        ("「Alice: 第一行\n第二行」\n------------\n好的\n马上", "第一行\n第二行", "好的\n马上"),
    ],
)
def test_a_quotation_is_taken_apart(text: str, said: str, answer: str) -> None:
    assert translate.quotation(text) == (said, answer)


def test_a_book_title_is_no_quotation() -> None:
    assert translate.quotation("「通知：明天开会」请大家收看") is None


def test_a_recall_names_its_message_plainly_or_in_xml() -> None:
    assert translate.recalled(Message(text=" 123 ")) == "123"
    xml = "<sysmsg><revokemsg><msgid>77</msgid><newmsgid>123</newmsgid></revokemsg></sysmsg>"
    assert translate.recalled(Message(text=xml)) == "123"


def test_what_looks_like_xml_but_is_somebodys_words_stays() -> None:
    assert translate.own_text(Message(type=7, text="<3 大家辛苦了")) == "<3 大家辛苦了"


def test_names_cannot_turn_the_line_around() -> None:
    facts = translate.group_of(translate.Room("r@chatroom", "防汛\u202e群\n", "", (), ()))
    assert facts.name == "防汛群"
    assert translate.group_of(translate.Room("r@chatroom", "", "", (), ())).name == "r@chatroom"


def test_a_payload_is_read_as_the_sdk_reads_it() -> None:
    from bot.channels.wechaty.compat import shims

    with shims():
        from wechaty_grpc.wechaty.puppet import MessagePayloadRequest, MessagePayloadResponse
    told = MessagePayloadResponse(
        id="m1", filename="表.xlsx", text="通知" * 200, timestamp=1795413600000, type=7, from_id="alice",
        room_id="r@chatroom", to_id="bot", mention_ids=["a", "b"],
    )  # fmt: skip
    assert read_message(bytes(told)) == Message(
        "m1", 7, "通知" * 200, "alice", "r@chatroom", "bot", "表.xlsx", ("a", "b"), 1795413600000
    )
    assert request_of("消息" * 100) == bytes(MessagePayloadRequest(id="消息" * 100))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_a_damaged_payload_is_a_value_error_and_nothing_else(data: bytes) -> None:
    with suppress(ValueError):
        assert isinstance(read_message(data), Message)


def test_a_shelf_keeps_what_was_used_last() -> None:
    shelf: Shelf[str, int] = Shelf(2)
    for number, name in enumerate("abc", 1):
        shelf.put(name, number)
        shelf.get("a")
    assert (shelf.get("a"), shelf.get("b"), shelf.get("c"), len(shelf)) == (1, None, 3, 2)


def test_quotations_are_led_back_by_their_beginning_and_no_text_is_kept() -> None:
    book = Book(lambda: None)  # type: ignore[arg-type, return-value]
    long = "请各村报送防汛值班表，每个组都要写清楚联系人和电话，周五下班前交"
    book.remember("r1", long, "m1")
    assert book.quoted("r1", long[:30] + "…") == "m1"
    assert book.quoted("r2", long) is None
    assert long[:6] not in repr(vars(book._said))


def test_a_link_cards_small_print_does_not_repeat_its_title() -> None:
    link = (Link(label="打开", page="notice", subject="n"),)
    card = Card(title="明天开会", text="明天开会，带材料", lines=("截止：17:00",), note="点一下即可。", links=link)
    assert wording.description(card) == "截止：17:00 点一下即可。"
    api = Card(title="防汛", text="今晚有大到暴雨" * 30, links=link)
    assert wording.description(api).startswith("今晚有大到暴雨")
    assert len(wording.description(api)) == 120

"""What was said a moment ago."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot import recent
from bot.recent import Recent
from handlers.events import GroupFacts, MessageReceived, Person

AT = datetime(2026, 3, 9, 1, 0, tzinfo=UTC)


def said(number: int, text: str, seconds: float = 0, person: str = "a", group: str = "g") -> MessageReceived:
    return MessageReceived(
        id=f"playground:m{number}",
        at=AT + timedelta(seconds=seconds),
        channel="playground",
        group=GroupFacts(id=f"playground:{group}", name="群"),
        sender=Person(id=f"playground:{person}", name="甲"),
        text=text,
    )


def test_the_senders_own_last_words_within_a_minute() -> None:
    memory = Recent()
    assert memory.before(said(1, "前一句")) == ""
    assert memory.before(said(2, "后一句", 60)) == "前一句"
    assert memory.before(said(3, "很久以后", 121)) == ""


def test_not_those_of_another_or_in_another_group() -> None:
    memory = Recent()
    memory.before(said(1, "前一句"))
    assert memory.before(said(2, "别人的", 1, person="b")) == ""
    assert memory.before(said(3, "别的群", 1, group="h")) == ""
    assert memory.before(said(4, "还是我", 2)) == "前一句"


def test_a_message_that_comes_twice_is_not_its_own_first_half() -> None:
    memory = Recent()
    memory.before(said(1, "一句"))
    assert memory.before(said(1, "一句")) == ""


def test_private_and_classified_words_are_never_remembered() -> None:
    memory = Recent()
    memory.before(replace(said(1, "私聊"), group=None))
    memory.before(said(2, "机密★一年 某某", 1))
    assert memory.before(said(3, "一句", 2)) == ""


def test_it_forgets_after_a_minute_and_never_grows_beyond_its_size(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(recent, "MOST", 3)
    memory = Recent()
    for number in range(9):
        memory.before(said(number, "一句", number, person=f"p{number}"))
    assert len(memory._said) <= 4
    memory.before(said(10, "一句", 300, person="late"))
    assert len(memory._said) == 1

"""The weekly card of cleaning up where there are buttons, and where there are none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.channels.playground import heard
from bot.channels.wechaty import wording
from handlers.cards import Button, Card, Link
from handlers.events import CleanupDecided

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
CARD = Card(
    title="“g1群”需要您定一下去留",
    buttons=tuple(Button(label=label, action=action, subject="c1") for label, action in
                  (("解散", "dissolve"), ("规范", "tidy"))),
    links=tuple(Link(label=label, page="cleanup", subject="c1") for label in ("合并到……", "保留（写理由）")),
)  # fmt: skip


def test_without_buttons_everything_leads_to_the_one_page() -> None:
    lines = wording.private_links(CARD, lambda link: f"http://test/{link.page}#{link.subject}")
    assert lines == ["合并到……/保留（写理由）/解散/规范：http://test/cleanup#c1"]


def test_other_cards_lead_where_they_led() -> None:
    notice = Card(title="x", buttons=(Button(label="已阅", action="ack", subject="n1"),))
    flag = Card(
        title="x", buttons=tuple(Button(label=one, action=one, subject="f1") for one in ("withdraw", "misjudged"))
    )
    told = [wording.private_links(card, lambda link: f"{link.page}/{link.subject}") for card in (notice, flag)]
    assert told == [["已阅：notice/n1"], ["withdraw/misjudged：mine/"]]


@pytest.mark.parametrize("action", ["dissolve", "tidy"])
def test_a_press_in_the_playground_is_a_decision(action: str) -> None:
    press: dict[str, Any] = {"press": "press-1", "at": NOW, "person": "p1", "by": "p1", "room": None}
    assert heard.press_event(action, "c1", **press) == CleanupDecided(
        id="playground:press-1",
        at=NOW,
        items=("c1",),
        who="playground:p1",
        choice=action,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("action", ["keep", "merge", "confirm"])
def test_what_needs_words_is_no_press(action: str) -> None:
    assert heard.press_event(action, "c1", press="1", at=NOW, person="p1", by="p1", room=None) is None

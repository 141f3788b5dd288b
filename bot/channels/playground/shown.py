"""Messages as one reader's page shows them: plain JSON, links signed for the reader."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from bot.channels.playground.people import Room, Someone
from bot.channels.playground.talk import Message
from handlers.cards import Link

Sign = Callable[[Link], str]
PREVIEW = 40


def message(
    one: Message, reader: Someone, people: Mapping[str, Someone], quoted: Mapping[int, Message], sign: Sign
) -> dict[str, Any]:
    sender = people.get(one.sender)
    original = quoted.get(one.id)
    return {
        "id": one.id,
        "room": one.room,
        "sender": person(sender) if sender else None,
        "kind": one.kind,
        "text": one.text,
        "at": one.at.isoformat(),
        "mine": one.sender == reader.id,
        "recalled": one.recalled,
        "pending": not one.heard,
        "version": one.version,
        "said_as": one.said_as if one.sender == reader.id else None,
        "file": one.file,
        "quotes": _quote(original, people) if original else None,
        "card": card(json.loads(one.card), sign) if one.card else None,
    }


def person(one: Someone) -> dict[str, str]:
    return {"id": one.id, "name": one.name, "unit": one.unit, "post": one.post, "role": one.role}


def card(data: dict[str, Any], sign: Sign) -> dict[str, Any]:
    """The card with addresses in place of pages."""
    links = [{"label": one["label"], "url": sign(Link(**one))} for one in data.get("links", ())]
    return {**data, "links": links}


def _quote(original: Message, people: Mapping[str, Someone]) -> dict[str, Any]:
    name = people[original.sender].name if original.sender in people else ""
    return {"id": original.id, "name": name, "text": "" if original.recalled else preview(original)}


def preview(one: Message) -> str:
    """One line of it; a card by its title."""
    if one.recalled:
        return ""
    text = json.loads(one.card).get("title", "") if one.card else one.file or one.text
    return " ".join(str(text).split())[:PREVIEW]


def room(
    one: Room, size: int, last: Message | None, unseen: int, people: Mapping[str, Someone], role: str
) -> dict[str, Any]:
    """A line of the list of groups."""
    return {
        "id": one.id,
        "name": one.name,
        "unit": one.unit,
        "kind": one.kind,
        "size": size,
        "owner": one.owner,
        "dissolved": one.dissolved,
        "role": role,
        "unseen": unseen,
        "last": last_line(last, people),
    }


def last_line(last: Message | None, people: Mapping[str, Someone]) -> dict[str, Any] | None:
    if last is None:
        return None
    sender = people.get(last.sender)
    return {
        "at": last.at.isoformat(),
        "name": sender.name if sender else "",
        "bot": sender is None,
        "kind": last.kind,
        "recalled": last.recalled,
        "text": preview(last),
    }

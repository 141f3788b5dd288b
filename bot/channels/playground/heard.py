"""What the playground hears, in the words of the house."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import datetime

from bot import wire
from bot.channels.playground.people import Room, Someone
from bot.channels.playground.talk import Message
from handlers.events import AppealDecided, ButtonClicked, CleanupDecided, Event, FlagAnswered, GroupDissolved

NAME = "playground"
EVERYBODY = re.compile(r"[@＠](?:所有人|全体成员|all)")
Members = Sequence[tuple[Someone, str]]


def key(native_id: object) -> str:
    return f"{NAME}:{native_id}"


def message_event(message: Message, sender: Someone, room: Room | None, members: Members) -> Event:
    """A stored message as an event; its id is the row's, however often it is told."""
    role = sender.role or next((here for one, here in members if one.id == sender.id), "") or None
    return wire.parse(
        {
            "type": "message",
            "id": str(message.id),
            "at": message.at.isoformat(),
            "channel": NAME,
            "group": _facts(room) if room else None,
            "sender": {"id": sender.id, "name": sender.name, "unit": sender.unit, "role": role},
            "kind": message.kind,
            "text": message.text,
            "mentions": _mentioned(message.text, members),
            "quotes": str(message.quotes) if message.quotes else None,
        }
    )


def _mentioned(text: str, members: Members) -> list[str]:
    everybody = ["all"] if EVERYBODY.search(text) else []
    return everybody + [one.id for one, _ in members if one.name and f"@{one.name}" in text]


def _facts(room: Room) -> dict[str, str]:
    return {name: getattr(room, name) for name in ("id", "name", "unit", "purpose", "kind", "created", "ends")}


def roster_event(room: Room, members: Members, at: datetime) -> Event:
    people = [
        {"id": one.id, "name": one.name, "unit": one.unit, "role": one.role or here or "cadre"} for one, here in members
    ]
    return wire.parse(
        {
            "type": "roster",
            "id": f"roster-{uuid.uuid4().hex}",
            "at": at.isoformat(),
            "channel": NAME,
            "group": _facts(room),
            "owner": room.owner,
            "members": people,
        }
    )


def dissolved_event(room: Room, at: datetime) -> Event:
    return GroupDissolved(id=key(f"dissolved-{room.id}"), at=at, channel=NAME, group=key(room.id))


def press_event(
    action: str, subject: str, *, press: str, at: datetime, person: str, by: str, room: str | None, share: str = ""
) -> Event | None:
    """`by` pressed it for `person` (mostly the same); None for an action nobody knows."""
    press_id, deputy = key(press), None if by == person else key(by)
    match action:
        case "ack" | "undo":
            return ButtonClicked(
                id=press_id, at=at, channel=NAME, group=key(room) if room else None, person=key(person),
                notice=subject, action=action, via="card", deputy=deputy,
            )  # fmt: skip
        case "withdraw" | "misjudged" | "understood":
            return FlagAnswered(id=press_id, at=at, flag=subject, person=key(person), answer=action, share=share)
        case "uphold" | "dismiss":
            return AppealDecided(id=press_id, at=at, flag=subject, by=key(person), decision=action)
        case "dissolve" | "tidy":
            return CleanupDecided(id=press_id, at=at, items=(subject,), who=key(person), choice=action)
    return None

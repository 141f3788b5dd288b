"""Know the groups: who is in them, how much work is spoken of, when they end."""

from __future__ import annotations

from typing import Any

from config.settings import TIMEZONE
from handlers.actions import Action
from handlers.context import Context
from handlers.events import GroupDissolved, MessageReceived, Person, RosterReceived
from handlers.rules.binding import is_about_binding
from handlers.rules.receipt import is_receipt
from storage import activity, groups, notices


def hear(event: MessageReceived, context: Context) -> list[Action]:
    """Every message makes its group and its sender known."""
    sender = event.sender
    groups.note_people(context.db, event.channel, [_person(sender)])
    if event.group is not None:
        groups.note_group(context.db, event.group.id, event.channel, event.group.name, event.at)
    return []


def _person(person: Person) -> dict[str, Any]:
    """Admins are admins of a group, which their membership says; only the office has its role everywhere."""
    role = "office" if person.role == "office" else ""
    return {"id": person.id, "name": person.name, "unit": person.unit, "role": role}


def count(event: MessageReceived, context: Context) -> list[Action]:
    """Pictures, files, links and sentences are work; 收到 and its kin, stickers, system lines and recalls are not."""
    if event.group is None or event.kind == "recall":
        return []
    day = event.at.astimezone(TIMEZONE).date()
    activity.count(context.db, event.group.id, day, _sort(event), event.at, event.sender.id)
    return []


def _sort(event: MessageReceived) -> Any:
    if event.kind in ("sticker", "system") or (event.kind == "text" and is_about_binding(event.text)):
        return "other"
    if event.kind == "text" and (not event.text.strip() or is_receipt(event.text)):
        return "rollcall"
    return "work"


def take_roster(event: RosterReceived, context: Context) -> list[Action]:
    """Facts, members and owner as they are now; who came or left is logged for the notices that are open."""
    facts = event.group
    groups.note_group(context.db, facts.id, event.channel, facts.name, event.at)
    before = groups.get(context.db, facts.id)
    values = {name: getattr(facts, name) for name in ("name", "unit", "purpose", "kind", "created", "ends")}
    owner = {"owner": event.owner} if event.owner_known else {}
    groups.save_facts(context.db, facts.id, event.at, {**values, **owner})
    groups.note_people(context.db, event.channel, [_person(member) for member in event.members])
    if before is not None and before.roster_at is not None and before.roster_at > event.at:
        return []
    roles: dict[str, str] = {member.id: member.role or "" for member in event.members}
    joined, left = groups.set_members(context.db, facts.id, roles, event.at)
    for notice in notices.open_in_group(context.db, facts.id):
        if notice.roster_known:
            for person, change in [*((p, "joined") for p in joined), *((p, "left") for p in left)]:
                notices.note_change(context.db, notice.id, person, event.at, change)
    return []


def dissolved(event: GroupDissolved, context: Context) -> list[Action]:
    """The bot saw it: the strongest evidence of a reduction."""
    groups.note_group(context.db, event.group, event.channel, event.group.split(":", 1)[-1], event.at)
    groups.dissolve(context.db, event.group, event.at, "seen")
    return []

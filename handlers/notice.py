"""Open a notice: from a roll-call, a word to the bot, the API or the page; join its copies; end it."""

from __future__ import annotations

import hashlib
import unicodedata
from datetime import datetime, timedelta
from typing import Any

from handlers.actions import Action, NeedRoster, Post, Wake, Whisper
from handlers.cards import Card
from handlers.context import Context
from handlers.events import GroupDissolved, MessageReceived, NoticeCancelled, NoticeIssued, RosterReceived, Woke
from handlers.noticecards import notice_card, revisions, tally_of
from handlers.rules import deadline, demand
from handlers.rules.notice import Command, command, fingerprint, no_reply_wanted, title_of
from handlers.rules.secrecy import is_marked
from storage import groups, notices

VERBS = ("应急通知", "安保通知", "通知")
EMERGENCY_VERBS = ("应急通知", "安保通知")


def spot(event: MessageReceived, context: Context) -> list[Action]:
    """A roll-call or `@轻群 通知 …` by someone who may becomes one card; “不用回” is told once."""
    if event.group is None or event.kind != "text" or not event.text or is_marked(event.text):
        return []
    asked = command(event.text, context.settings.bot_name, VERBS)
    text = asked.text if asked else event.text
    free = no_reply_wanted(text)
    if not asked and not free and not demand.is_rollcall_request(text, event.at, context.rulebook, context.calendar):
        return []
    if not text.strip() or not _may_send(event, context):
        return []
    if not asked and free and len(text) < 8:
        return []
    return _open(event.group.id, text, event, context, asked, free)


def _open(
    group: str, text: str, event: MessageReceived, context: Context, asked: Command | None, free: bool
) -> list[Action]:
    mark = fingerprint(text)
    since = event.at - timedelta(hours=context.settings.acknowledge.join_hours)
    twin = notices.open_twin(context.db, mark, since) if mark else None
    if twin is not None:
        return _place(twin, group, event.id, event.at, context, leave_out=event.sender.id)
    due = None if free else _due(text, event.at, context)
    emergency = bool(asked and asked.verb in EMERGENCY_VERBS and asked.reason)
    notice_id = notice_id_of(event.key)
    values = {
        "id": notice_id,
        "title": title_of(text),
        "text": text,
        "kind": "act" if due else "read",
        "sender": event.sender.id,
        "sender_name": event.sender.name,
        "at": event.at,
        "deadline": due,
        "fingerprint": mark,
        "reply_wanted": not free,
        "state": "closed" if free else "open",
        **_emergency(emergency, asked.reason if asked else "", event.at, context),
    }
    notices.open_notice(context.db, values)
    actions = _place(notices.get(context.db, notice_id), group, event.id, event.at, context, leave_out=event.sender.id)
    return actions + _timers(values, context)


def issue(event: NoticeIssued, context: Context) -> list[Action]:
    """A notice from the API or the page; the same words as an open one join it, as a forwarded copy would."""
    mark = fingerprint(event.text)
    free = no_reply_wanted(event.text)
    values = {
        "id": event.id,
        "title": event.title or title_of(event.text),
        "text": event.text,
        "kind": event.kind,
        "sender": event.sender,
        "sender_name": event.sender_name,
        "at": event.at,
        "deadline": event.deadline,
        "fingerprint": mark,
        "reply_wanted": not free,
        "state": "closed" if free else "open",
        **_emergency(event.emergency, event.reason, event.at, context),
    }
    notices.open_notice(context.db, values)
    actions: list[Action] = []
    for group in dict.fromkeys(event.groups):
        opened = notices.get(context.db, event.id)
        actions += _place(opened, group, None, event.at, context, leave_out=event.sender)
    return actions + _timers(values, context)


def notice_id_of(event_key: str) -> str:
    """The same event always opens the same notice."""
    return "n" + hashlib.sha256(event_key.encode()).hexdigest()[:15]


def _due(text: str, at: datetime, context: Context) -> datetime | None:
    """The moment until which the text wants something done; a mere time, of a meeting say, is none."""
    found = deadline.find(unicodedata.normalize("NFKC", text), at, context.calendar)
    return next((one.instant for one in found if one.before and one.instant and one.instant > at), None)


def _emergency(emergency: bool, reason: str, at: datetime, context: Context) -> dict[str, Any]:
    until = at + timedelta(hours=context.settings.acknowledge.emergency_hours) if emergency else None
    return {"emergency": emergency, "reason": reason, "emergency_until": until}


def _place(
    notice: Any, group: str, message: str | None, at: datetime, context: Context, leave_out: str
) -> list[Action]:
    """Show the notice in a group and freeze the group's roster for it."""
    if not notices.place(context.db, notice.id, group, message, at):
        return []
    people = [(row.person, row.name) for row in groups.members(context.db, group) if row.person != leave_out]
    notices.freeze(context.db, notice.id, group, people)
    row = groups.get(context.db, group)
    needed: list[Action] = []
    if notice.reply_wanted and (row is None or row.roster_at is None):
        notices.set_values(context.db, notice.id, roster_known=False)
        needed = [NeedRoster(key=f"roster:{notice.id}:{group}", group=group)]
    if notice.state == "complete" and people:
        notices.set_values(context.db, notice.id, state="open", closed_at=None)
    card = notice_card(context.say, notices.get(context.db, notice.id), tally_of(context.db, notice.id))
    return [*needed, Post(key=f"notice:{notice.id}:{group}", group=group, card=card)]


def _timers(values: dict[str, Any], context: Context) -> list[Action]:
    """The deadline, an emergency's own end or the last open day closes it; an action notice may remind before."""
    if values["state"] != "open":
        return []
    notice, due = values["id"], values["deadline"]
    last_day = values["at"] + timedelta(days=context.settings.acknowledge.open_days)
    end = min(moment for moment in (due or last_day, values["emergency_until"]) if moment)
    wakes: list[Action] = [Wake(kind="deadline", subject=notice, at=end)]
    if values["kind"] == "act" and due:
        before = due - timedelta(hours=context.settings.acknowledge.remind_before_hours)
        halfway = values["at"] + (due - values["at"]) / 2
        wakes.append(Wake(kind="remind", subject=notice, at=max(before, halfway)))
    return wakes


def freeze_late(event: RosterReceived, context: Context) -> list[Action]:
    """The first roster of a group freezes the notices that were opened there without one; later ones are a log."""
    actions: list[Action] = []
    for notice in notices.open_in_group(context.db, event.group.id):
        if notice.roster_known:
            continue
        people = [(member.id, member.name) for member in event.members if member.id != notice.sender]
        notices.freeze(context.db, notice.id, event.group.id, people)
        notices.set_values(context.db, notice.id, roster_known=True)
        actions.append(Wake(kind="revise", subject=notice.id, at=event.at))
    return actions


def cancel(event: NoticeCancelled, context: Context) -> list[Action]:
    if not notices.change_state(context.db, event.notice, "cancelled", event.at, of=("open", "complete")):
        return []
    return revisions(context.db, context.say, event.notice, "cancelled")


def recall(event: MessageReceived, context: Context) -> list[Action]:
    """A recalled notice closes where it was recalled; when it stood in no other group, it is cancelled."""
    if event.kind != "recall" or not event.quotes:
        return []
    notice = notices.of_message(context.db, event.quotes)
    if notice is None or len(notices.places(context.db, notice.id)) > 1:
        return []
    if not notices.change_state(context.db, notice.id, "cancelled", event.at, of=("open", "complete")):
        return []
    return revisions(context.db, context.say, notice.id, "cancelled")


def dissolved(event: GroupDissolved, context: Context) -> list[Action]:
    """A notice whose every group is gone has nobody left to answer."""
    for notice in notices.open_in_group(context.db, event.group):
        living = [groups.get(context.db, place.group) for place in notices.places(context.db, notice.id)]
        if all(row is None or row.dissolved_at is not None for row in living):
            notices.change_state(context.db, notice.id, "closed", event.at, of=("open", "complete"))
    return []


def revise(event: Woke, context: Context) -> list[Action]:
    """The coalesced revision: one new card for all presses since the last; whoever presses from now on asks for another."""
    notice = notices.get(context.db, event.subject) if event.kind == "revise" else None
    if notice is None:
        return []
    notices.set_values(context.db, notice.id, revised_at=event.at, revision=notice.revision + 1)
    return revisions(context.db, context.say, notice.id, str(notice.revision + 1))


def warn_classified(event: MessageReceived, context: Context) -> list[Action]:
    """密级 marks: tell the sender alone; nothing of the text is kept."""
    if not is_marked(event.text):
        return []
    card = Card(title=context.say("secrecy.title"), text=context.say("secrecy.text"), tone="flag")
    return [Whisper(key=f"secrecy:{event.id}", person=event.sender.id, card=card)]


def _may_send(event: MessageReceived, context: Context) -> bool:
    """Owner, admin, office, or somebody the settings name."""
    assert event.group is not None
    sender = event.sender
    if sender.role in ("admin", "office") or sender.id in context.settings.acknowledge.senders:
        return True
    if sender.id.split(":", 1)[-1] in context.settings.acknowledge.senders:
        return True
    group = groups.get(context.db, event.group.id)
    if group is not None and group.owner == sender.id:
        return True
    stay = groups.membership(context.db, event.group.id, sender.id)
    return stay is not None and stay.role in ("admin", "office")

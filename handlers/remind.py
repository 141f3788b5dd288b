"""Remind those pending: privately, once, in working hours, within each person's day; and one digest a day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from config.settings import TIMEZONE
from handlers.actions import Action, Wake, Whisper
from handlers.cards import Button, Card, Link
from handlers.context import Context
from handlers.events import MessageReceived, Woke, WorkdayEnding
from handlers.noticecards import moment
from storage import notices

SHOWN = 20


def remind(event: Woke, context: Context) -> list[Action]:
    """Outside working hours it waits for them; who has had enough today is reminded on the next working day."""
    notice = notices.get(context.db, event.subject) if event.kind == "remind" else None
    if notice is None or notice.state != "open" or notice.kind != "act":
        return []
    if not notice.emergency and not context.calendar.is_working_time(event.at):
        return _later(notice, context.calendar.next_working_moment(event.at))
    day = event.at.astimezone(TIMEZONE).date()
    actions: list[Action] = []
    deferred = False
    for row in notices.pending(context.db, notice.id):
        if notices.was_reminded(context.db, notice.id, row.person):
            continue
        if notices.reminded_today(context.db, row.person, day) >= context.settings.acknowledge.reminders_per_day:
            deferred = True
            continue
        notices.note_reminder(context.db, notice.id, row.person, day)
        actions.append(_reminder(notice, row.person, context))
    if deferred:
        actions += _later(notice, _next_morning(event.at, context))
    return actions


def _later(notice: Any, at: datetime) -> list[Action]:
    """Deferred, not dropped; only when the deadline comes first there is nothing left to remind of."""
    if notice.deadline and at >= notice.deadline:
        return []
    return [Wake(kind="remind", subject=notice.id, at=at)]


def _next_morning(at: datetime, context: Context) -> datetime:
    midnight = (at.astimezone(TIMEZONE) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return context.calendar.next_working_moment(midnight)


def _reminder(notice: Any, person: str, context: Context) -> Action:
    card = Card(
        title=context.say("remind.title", title=notice.title),
        text=context.say("remind.text", at=moment(notice.deadline)) if notice.deadline else "",
        note=context.say("remind.once"),
        buttons=(Button(label=context.say("notice.button_act"), action="ack", subject=notice.id, style="primary"),),
        links=(Link(label=context.say("notice.open_page"), page="notice", subject=notice.id),),
        tone="emergency" if notice.emergency else "notice",
    )
    return Whisper(key=f"remind:{notice.id}:{person}", person=person, card=card, urgent=notice.emergency)


def digest(event: WorkdayEnding, context: Context) -> list[Action]:
    """Before the end of a working day, to those with something open that no digest has named yet."""
    if not context.calendar.is_working_day(event.day):
        return []
    actions: list[Action] = []
    for person in notices.people_with_open(context.db):
        rows = notices.open_for(context.db, person)
        fresh = [row for row in rows if notices.note_digest(context.db, person, row.id, event.day)]
        if fresh:
            card = _mine_card(rows, context, "mine.digest")
            actions.append(Whisper(key=f"digest:{person}:{event.day}", person=person, card=card, urgent=False))
    return actions


def mine(event: MessageReceived, context: Context) -> list[Action]:
    """`我的待确认`, asked in private."""
    if event.group is not None or event.text.strip() not in ("我的待确认", "待确认"):
        return []
    card = _mine_card(notices.open_for(context.db, event.sender.id), context, "mine.title")
    return [Whisper(key=f"mine:{event.id}", person=event.sender.id, card=card)]


def _mine_card(rows: Any, context: Context, title: str) -> Card:
    if not rows:
        # With nothing to acknowledge there may still be something that whoever wants to may rate.
        rated = context.settings.ratings.enabled
        links = (Link(label=context.say("ratings.invite_page"), page="mine", subject="ratings"),) if rated else ()
        return Card(title=context.say("mine.nothing"), links=links, tone="done")
    lines = tuple(
        context.say("mine.line_until" if row.deadline else "mine.line", title=row.title, sender=row.sender_name,
                    at=moment(row.deadline) if row.deadline else "")
        for row in rows[:SHOWN]
    )
    buttons = tuple(
        Button(label=context.say("mine.button", title=row.title[:12]), action="ack", subject=row.id) for row in rows[:5]
    )
    link = Link(label=context.say("mine.open_page"), page="mine")
    return Card(title=context.say(title, number=len(rows)), lines=lines, buttons=buttons, links=(link,), tone="notice")

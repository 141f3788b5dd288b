"""反向评价: cadres say whether a group or an app is of use; never who, nothing of fewer than five, once a week."""

from __future__ import annotations

from typing import Any

from config.wording import Wording
from handlers.actions import Action, Whisper
from handlers.cards import Card, Link
from handlers.context import Context
from handlers.events import DayEnded, SubjectRated, WeekEnded
from handlers.rules.rating import ANSWERS, may_show, round_of
from handlers.rules.week import week_of
from storage import ratings

# Where a card in private costs nobody anything; elsewhere 我的事项 is there for whoever opens it.
INVITED_ON = "playground"


def cast(event: SubjectRated, context: Context) -> list[Action]:
    """One answer a voter, subject and round; it may be changed until the round closes."""
    if context.settings.ratings.enabled and event.answer in ANSWERS:
        week = week_of(event.at)
        ratings.cast(context.db, round_of(week), event.subject, event.voter, event.answer, week)
    return []


def publish(event: WeekEnded, context: Context) -> list[Action]:
    """The week's state, before the snapshot is taken; it is the only one that anybody is ever shown."""
    _publish(context, round_of(event.week), event.week)
    _close(context, round_of(week_of(event.at)))
    return []


def forget(event: DayEnded, context: Context) -> list[Action]:
    """A round that is over is closed whether or not its last week's end was seen."""
    _close(context, round_of(week_of(event.at)))
    return []


def invite(event: WeekEnded, context: Context) -> list[Action]:
    """Everybody once a quarter, in working hours, and only where it is switched on; nobody is reminded."""
    if not context.settings.ratings.enabled:
        return []
    quarter = round_of(week_of(event.at))
    people = ratings.people_of(context.db, INVITED_ON)
    say = context.say
    card = Card(
        title=say("ratings.invite_title"),
        text=say("ratings.invite_text"),
        note=say("ratings.invite_note"),
        links=(Link(label=say("ratings.invite_page"), page="mine", subject="ratings"),),
    )
    return [
        Whisper(key=f"rating:{quarter}:{person}", person=person, card=card, urgent=False)
        for person in ratings.invite(context.db, quarter, people)
    ]


def told(row: Any, say: Wording) -> dict[str, Any] | None:
    """A published row as a snapshot shows it; None where nothing may be shown."""
    if row is None:
        return None
    year, number = row.round.split("-Q")
    numbers = {name: getattr(row, name) for name in ANSWERS}
    quarter = say("ratings.quarter", year=year, number=number)
    return {"answers": sum(numbers.values()), **numbers, "quarter": quarter, "round": row.round, "week": row.week}


def _publish(context: Context, quarter: str, week: str) -> None:
    before = ratings.shown(context.db, week)
    for subject, answers in ratings.counted(context.db, quarter, week).items():
        last = before.get(subject)
        known = sum(getattr(last, name) for name in ANSWERS) if last is not None and last.round == quarter else 0
        if may_show(answers.total(), known):
            ratings.show(context.db, subject, week, quarter, {name: answers[name] for name in ANSWERS})


def _close(context: Context, quarter: str) -> None:
    for over, week in ratings.open_before(context.db, quarter):
        _publish(context, over, week)
        ratings.close(context.db, over)
    ratings.forget_invites(context.db, quarter)

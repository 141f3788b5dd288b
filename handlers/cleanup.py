"""What people say to the groups that are to be cleaned up: decide, confirm or return, declare done, take back.

The bot never dissolves a group. Whoever is in charge decides, the office confirms, people do it.
"""

from __future__ import annotations

from typing import Any

from handlers.actions import Action, Whisper
from handlers.cards import Card
from handlers.cleanupbook import Book, Round, hold
from handlers.cleanupcards import choice_of, mine_card
from handlers.context import Context
from handlers.events import (
    CleanupDecided,
    CleanupDeclared,
    CleanupReviewed,
    CleanupWithdrawn,
    MessageReceived,
)
from handlers.rules.cleanup import ENDING, OFFICE, UNDECIDED, Step, may_withdraw, problem
from handlers.rules.week import local_day
from handlers.rules.zombie import DAY
from storage import cleanups, groups, register

ASKED = ("清理事项", "我的清理事项")


def decide(event: CleanupDecided, context: Context) -> list[Action]:
    """The owner's or an admin's word waits for the office; the office's own stands, where it may decide at all."""
    today = local_day(event.at)
    if problem(event.choice, event.reason, event.target, event.ends, today, context.settings.cleanup):
        return []
    book, rounds = _mine(event, context)
    moved = [one for one in rounds if _is_new(one, event) and _may_merge(one, event, context)]
    merged, kept = event.choice == "merge", event.choice == "keep"
    step = Step(
        step="ruled" if _is_office(event.who) else "decided", at=event.at, who=event.who, choice=event.choice,
        target=event.target if merged else "", ends=event.ends if kept else None, note=event.reason.strip(),
    )  # fmt: skip
    moved = [one for one in moved if book.take(one, step)]
    if step.step == "ruled" and kept:
        for one in moved:
            _keep(book, one, event.who, event)
    book.save()
    return [_answer(event, rounds, moved, context)] if event.via == "card" and not _is_office(event.who) else []


def review(event: CleanupReviewed, context: Context) -> list[Action]:
    """机制办: a confirmed decision may be carried out, one to keep is an exemption at once; a return says why."""
    if not _is_office(event.who) or (event.decision == "return" and not event.reason.strip()):
        return []
    book, rounds = hold(context, event.items)
    for one in rounds:
        if event.decision == "return":
            _send_back(book, one, event)
            continue
        if not _may_merge(one, one.standing, context):
            continue
        if book.take(one, Step(step="confirmed", at=event.at, who=event.who)) and one.standing.choice == "keep":
            _keep(book, one, event.who, event)
    book.save()
    return []


def declare(event: CleanupDeclared, context: Context) -> list[Action]:
    """核查 by the word of whoever is in charge, marked so: what has been confirmed is done."""
    book, rounds = _mine(event, context)
    for one in rounds:
        step = Step(step="verified", at=event.at, who=event.who, evidence="declared")
        done = one.state == "doing" and book.take(one, step)
        if done and one.standing.choice in ENDING:
            cleanups.end(context.db, one.kind, one.subject, event.at, local_day(event.at))
    book.save()
    return []


def withdraw(event: CleanupWithdrawn, context: Context) -> list[Action]:
    """A person's decision taken back before 销号; they are not asked again, their page takes another."""
    book, rounds = _mine(event, context)
    if _is_office(event.who):
        return []
    for one in rounds:
        before = one.standing
        if may_withdraw(before) and book.take(one, Step(step="withdrawn", at=event.at, who=event.who)):
            _undo(book, one, before, event)
    book.save()
    return []


def mine(event: MessageReceived, context: Context) -> list[Action]:
    """`清理事项`, asked in private: how much waits, and the page."""
    if event.group is not None or event.kind != "text" or event.text.strip() not in ASKED:
        return []
    waiting = cleanups.waiting_for(context.db, event.sender.id, UNDECIDED)
    card = mine_card(context.say, waiting)
    return [Whisper(key=f"cleanup:{event.id}", person=event.sender.id, card=card)]


def _is_office(who: str) -> bool:
    return who.startswith(OFFICE)


def _mine(event: CleanupDecided | CleanupDeclared | CleanupWithdrawn, context: Context) -> tuple[Book, list[Round]]:
    """Those of the rounds in which `who` may say something: a person where they are in charge, the office everywhere."""
    book, rounds = hold(context, event.items)
    if _is_office(event.who):
        return book, rounds
    subjects = [one.subject for one in rounds if one.kind == "group"]
    theirs = cleanups.runs(context.db, event.who, subjects)
    return book, [one for one in rounds if one.kind == "group" and one.subject in theirs]


def _is_new(one: Round, event: CleanupDecided) -> bool:
    said = (event.choice, event.reason.strip(), event.target, event.ends)
    now = one.standing
    return one.state != "proposed" or said != (now.choice, now.reason, now.target, now.ends)


def _may_merge(one: Round, told: Any, context: Context) -> bool:
    """Into a living group that is not to end itself."""
    if told.choice != "merge":
        return True
    if told.target == one.subject:
        return False
    if one.kind == "app":
        return any(row.id == told.target and row.closed is None for row in register.app_rows(context.db))
    target = groups.get(context.db, told.target)
    return target is not None and target.dissolved_at is None and not cleanups.is_ending(context.db, told.target)


def _keep(book: Book, one: Round, who: str, event: Any) -> None:
    """保留 is carried out by being confirmed: the exemption says why, until when and who approved."""
    if book.take(one, Step(step="verified", at=event.at, who=who, evidence="exemption")) and one.kind == "group":
        now, day = one.standing, local_day(event.at)
        cleanups.exempt(book.db, one.subject, now.reason, who.removeprefix(OFFICE), day, now.ends)


def _send_back(book: Book, one: Round, event: CleanupReviewed) -> None:
    """To whoever decided: to the person in charge, or to the office itself where it decided alone."""
    before = one.standing
    ruled = _is_office(before.chosen_by) or not before.chosen_by
    step = "recalled" if ruled and before.state != "proposed" else "returned"
    gone = before.state == "cooling" and not may_withdraw(before)
    if not gone and book.take(one, Step(step=step, at=event.at, who=event.who, note=event.reason.strip())):
        _undo(book, one, before, event)


def _undo(book: Book, one: Round, before: Any, event: Any) -> None:
    """Whatever the verification had brought about."""
    if before.evidence == "exemption" and one.kind == "group":
        cleanups.end_exemption(book.db, one.subject, local_day(event.at) - DAY)
    if before.evidence == "declared" and before.choice in ENDING:
        cleanups.revive(book.db, one.kind, one.subject)


def _answer(event: CleanupDecided, rounds: list[Round], moved: list[Round], context: Context) -> Action:
    """To the one who pressed: what was noted, or why nothing was."""
    say = context.say
    if moved:
        text = say("cleanup.decided", name=moved[0].name, choice=choice_of(say, moved[0]))
    elif not rounds:
        text = say("cleanup.not_yours")
    elif rounds[0].state == "proposed":
        text = say("cleanup.decided_before", name=rounds[0].name, choice=choice_of(say, rounds[0]))
    else:
        text = say("cleanup.too_late", name=rounds[0].name)
    return Whisper(
        key=f"cleanup:{event.id}", person=event.who, card=Card(title=text, tone="done" if moved else "plain")
    )

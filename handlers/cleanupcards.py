"""What the people in charge of groups are told of the cleaning up: the week's one message, and answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from config.settings import CleanupSettings
from config.wording import Wording
from handlers.cards import Button, Card, Link
from handlers.cleanupbook import Round
from handlers.reasons import day_in_words
from handlers.rules.cleanup import ENDING

SHOWN = 20


def weekly_card(say: Wording, news: Sequence[Round], at: datetime, rules: CleanupSettings) -> Card:
    """Everything that is new for one person; one group alone can be answered on the card."""
    open_page = Link(label=say("cleanup.open_page"), page="cleanup")
    note = say("cleanup.note_weekly")
    asked, todo = (any((one.state == "doing") is doing for one in news) for doing in (False, True))
    until = [say("cleanup.decide_until", day=_in(at, rules.escalate_days))] if asked else []
    until += [say("cleanup.finish_until", day=_in(at, rules.finish_days))] if todo else []
    if len(news) > 1:
        lines = [_line(say, one) for one in news[:SHOWN]]
        lines += [say("cleanup.more", number=len(news) - SHOWN)] if len(news) > SHOWN else []
        title = say("cleanup.many", number=len(news))
        return Card(title=title, text="".join(until), lines=tuple(lines), note=note, links=(open_page,), tone="notice")
    [one] = news
    links = (open_page,) if one.state == "doing" else _written(say, one)
    return Card(
        title=_title(say, one),
        text="".join(until),
        lines=_reasons(say, one),
        note=note,
        buttons=_buttons(say, one),
        links=links,
        tone="notice",
    )


def _in(at: datetime, days: int) -> str:
    return day_in_words(at + timedelta(days=days))


def _title(say: Wording, one: Round) -> str:
    if one.state == "doing":
        return say("cleanup.one_doing", name=one.name, choice=choice_of(say, one))
    if one.state == "returned":
        return say("cleanup.one_returned", name=one.name)
    return say("cleanup.one_found", name=one.name)


def _reasons(say: Wording, one: Round) -> tuple[str, ...]:
    if one.state == "doing":
        return (how(say, one),)
    lines = [reason["text"] for reason in one.known["reasons"]]
    if one.suggestion:
        lines.append(say("cleanup.suggestion", choice=say(f"cleanup.choice.{one.suggestion}"), week=one.week))
    if one.state == "returned" and one.standing.reason:
        lines.insert(0, say("cleanup.returned_because", reason=one.standing.reason))
    return tuple(lines)


def _line(say: Wording, one: Round) -> str:
    reasons = "；".join(_reasons(say, one))
    if one.state == "doing":
        return say("cleanup.line_doing", name=one.name, choice=choice_of(say, one), reasons=reasons)
    return say("cleanup.line_ask", name=one.name, reasons=reasons)


def choice_of(say: Wording, one: Round) -> str:
    return say(f"cleanup.choice.{one.standing.choice}") if one.standing.choice else ""


def how(say: Wording, one: Round) -> str:
    """What is to be done by people, and how it will be known."""
    return say("cleanup.how_ending" if one.standing.choice in ENDING else "cleanup.how_tidy")


def _buttons(say: Wording, one: Round) -> tuple[Button, ...]:
    """What needs no more words than a press; the rest is written on the page."""
    if one.state == "doing":
        return ()
    return tuple(
        Button(
            label=say(f"cleanup.choice.{choice}"),
            action=choice,
            subject=one.id,
            style="primary" if choice == one.suggestion else "plain",
        )
        for choice in ("dissolve", "tidy")
    )


def _written(say: Wording, one: Round) -> tuple[Link, ...]:
    return tuple(
        Link(label=say(f"cleanup.choice_written.{choice}"), page="cleanup", subject=one.id)
        for choice in ("merge", "keep")
    )


def mine_card(say: Wording, waiting: int) -> Card:
    title = say("cleanup.mine", number=waiting) if waiting else say("cleanup.mine_none")
    link = Link(label=say("cleanup.open_page"), page="cleanup")
    return Card(title=title, links=(link,), tone="notice" if waiting else "done")


def chosen(say: Wording, choice: str, reason: str, target: str, ends: date | None) -> str:
    """A choice in words: 保留至2027年3月1日（防汛备用）."""
    words = say(f"cleanup.choice.{choice}") if choice else ""
    if choice == "merge" and target:
        words = say("cleanup.into", target=target)
    if choice == "keep" and ends:
        words = say("cleanup.until", day=day_in_words(ends))
    return say("cleanup.with_reason", what=words, reason=reason) if reason else words

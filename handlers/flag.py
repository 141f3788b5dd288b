"""Flag an undue demand to its sender alone; take back, appeal, decide; check a draft in private."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from handlers.actions import Action, Whisper
from handlers.cards import Button, Card
from handlers.context import Context
from handlers.events import AppealDecided, FlagAnswered, MessageReceived
from handlers.rules import demand
from handlers.rules.demand import Finding
from handlers.rules.secrecy import is_marked
from storage import cases, flags, groups, notices

DRAFT = re.compile(r"^\s*检查[\s:：,，]*(?P<text>.+)$", re.DOTALL)
STATES = {"withdraw": "withdrawn", "misjudged": "appealed", "understood": "understood"}


def review(event: MessageReceived, context: Context) -> list[Action]:
    """What a message demands is judged at once; a finding is whispered, never said aloud."""
    settings = context.settings.flags
    if event.group is None or not settings.enabled or event.kind not in ("text", "image", "file", "link"):
        return []
    if not event.text or is_marked(event.text):
        return []
    judged = demand.judge(
        event.text,
        at=event.at,
        kind=event.kind,
        rulebook=context.rulebook,
        calendar=context.calendar,
        informational=settings.informational,
        before=context.before,
    )
    if not judged.findings:
        return []
    first = _save(event, judged.findings, context)
    told = [one for one in judged.findings if not _is_relieved(one, event, context)]
    if not told:
        return []
    return [Whisper(key=f"flag:{first}", person=event.sender.id, card=_flag_card(first, told, context))]


def _is_relieved(finding: Finding, event: MessageReceived, context: Context) -> bool:
    """A roll-call that became a card costs nobody a 收到: it is counted, and its sender is not lectured."""
    return finding.category == "rollcall" and notices.of_message(context.db, event.id) is not None


def _save(event: MessageReceived, findings: Sequence[Finding], context: Context) -> str:
    """Keep span and hash; gives the id of the first flag, which stands for the message."""
    assert event.group is not None
    sender = groups.person(context.db, event.sender.id)
    digest = hashlib.sha256(event.text.encode()).hexdigest()
    stem = "f" + hashlib.sha256(event.key.encode()).hexdigest()[:15]
    for number, finding in enumerate(findings):
        flags.add(
            context.db,
            {
                "id": f"{stem}-{number}",
                "group": event.group.id,
                "unit": sender.unit if sender else "",
                "person": event.sender.id,
                "message": event.id,
                "at": event.at,
                "category": finding.category,
                "rule": finding.rule,
                "span": finding.text,
                "clause": finding.clause,
                "why": finding.why,
                "suggestion": finding.suggestion,
                "digest": digest,
            },
        )
    return f"{stem}-0"


def _flag_card(flag: str, findings: Sequence[Finding], context: Context) -> Card:
    buttons = tuple(
        Button(label=context.say(f"flag.{action}"), action=action, subject=flag)
        for action in ("withdraw", "misjudged", "understood")
    )
    return Card(
        title=context.say("flag.title"),
        text=context.say("flag.only_you"),
        lines=tuple(f"“{one.text}”：{one.why}" for one in findings),
        details=_details(findings, context),
        buttons=buttons,
        tone="flag",
    )


def _details(findings: Sequence[Finding], context: Context) -> tuple[tuple[str, str], ...]:
    clauses = tuple(dict.fromkeys(one.clause for one in findings))
    better = tuple(dict.fromkeys(one.suggestion for one in findings if one.suggestion))
    return (
        *((context.say("flag.clause"), clause) for clause in clauses),
        *((context.say("flag.better"), wording) for wording in better),
    )


def answer(event: FlagAnswered, context: Context) -> list[Action]:
    """Only the flagged person's own answer counts; the text goes to the office only when they share it."""
    flag = flags.get(context.db, event.flag) if event.flag else next(iter(flags.siblings(context.db, event.message)), None)
    if flag is None or flag.person != event.person:
        return []
    text = event.share if event.answer == "misjudged" and _is_same(event.share, flag.digest) else ""
    of = ("open", "understood") if event.answer == "misjudged" else ("open",)
    if not flags.answer(context.db, flag.message, STATES[event.answer], event.at, text, of):
        return []
    said = context.say(f"flag.answered_{event.answer}")
    return [Whisper(key=f"flag:{flag.id}:{event.answer}", person=event.person, card=Card(title=said, tone="done"))]


def _is_same(text: str, digest: str) -> bool:
    """What is shared is the flagged message itself, nothing else."""
    return hashlib.sha256(text.encode()).hexdigest() == digest


def decide(event: AppealDecided, context: Context) -> list[Action]:
    """The office's word; what was shared becomes a case that the rules are tried on from then on."""
    flag = flags.get(context.db, event.flag)
    state = "upheld" if event.decision == "uphold" else "dismissed"
    if flag is None or not flags.decide(context.db, event.flag, state, event.at):
        return []
    if flag.text:
        cases.add(
            context.db,
            id=flag.id,
            text=flag.text,
            at=flag.at,
            category=flag.category,
            demands=event.decision == "uphold",
            decided_at=event.at,
        )
    said = context.say(f"flag.{state}", span=flag.span)
    return [Whisper(key=f"flag:{event.flag}:{state}", person=flag.person, card=Card(title=said), urgent=False)]


def clear(event: MessageReceived, context: Context) -> list[Action]:
    """A recalled demand clears its flags."""
    if event.kind == "recall" and event.quotes:
        flags.answer(context.db, event.quotes, "cleared", event.at, of=("open", "understood", "withdrawn"))
    return []


def check_draft(event: MessageReceived, context: Context) -> list[Action]:
    """`检查 …` in private: the same judgement before it is posted; nothing is kept."""
    asked = DRAFT.match(event.text) if event.group is None and event.kind == "text" else None
    if asked is None or is_marked(event.text):
        return []
    judged = demand.judge(
        asked["text"], at=event.at, rulebook=context.rulebook, calendar=context.calendar, informational=True
    )
    return [Whisper(key=f"draft:{event.id}", person=event.sender.id, card=_draft_card(judged.findings, context))]


def _draft_card(findings: Sequence[Any], context: Context) -> Card:
    if not findings:
        return Card(title=context.say("draft.fine"), tone="done")
    return Card(
        title=context.say("draft.title", number=len(findings)),
        lines=tuple(f"“{one.text}”：{one.why}" for one in findings),
        details=_details(findings, context),
        tone="flag",
    )

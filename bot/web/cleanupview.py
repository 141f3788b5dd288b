"""A round as a page shows it: what was found, what was decided, what happened, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row

from bot.house import House
from bot.web.forms import Form
from bot.wire import MAX_NAME, clean
from config.settings import TIMEZONE
from config.wording import Wording
from handlers.cleanupbook import standing_of
from handlers.cleanupcards import chosen
from handlers.rules.cleanup import BOT, OFFICE, UNDER_WAY, may_rule, may_withdraw, problem
from storage import cleanup_pages, cleanups

MOST = 500
EVIDENCE = ("seen", "declared", "imported", "exemption")
# Verdicts that only a later round has.
AGAIN = ("revived", "rebound")


def shown(db: Connection, say: Wording, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """Rounds for a page; nothing in them names a person but `facts.owner`, which is the register's column."""
    targets = {
        kind: cleanup_pages.titles(db, kind, {row.target for row in rows if row.kind == kind and row.target})
        for kind in ("group", "app")
    }
    return [_shown(say, row, targets[row.kind].get(row.target, row.target)) for row in rows]


def _shown(say: Wording, row: Row[Any], target: str) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "name": row.name,
        "unit": row.unit,
        "round": row.round,
        "previous": row.previous,
        "week": row.week,
        "verdict": verdict_of(say, row),
        "tag": "duplicate" if row.verdict in AGAIN else row.verdict,
        "suggestion": row.suggestion,
        "facts": json.loads(row.facts),
        "state": row.state,
        "choice": row.choice,
        "decision": chosen(say, row.choice, row.reason, target, row.ends) if row.choice else "",
        "reason": row.reason,
        "evidence": row.evidence,
        "verified": row.verified,
        "at": row.at,
        "due": row.due,
        "late": row.late_at is not None,
        "may_rule": may_rule(standing_of(row)),
        "may_withdraw": may_withdraw(standing_of(row)),
        "under_way": row.state in UNDER_WAY,
        "by_office": row.chosen_by.startswith(OFFICE),
    }


def verdict_of(say: Wording, row: Row[Any]) -> str:
    if row.verdict in AGAIN:
        return say(f"cleanup.verdict.{row.verdict}")
    if row.kind == "app":
        return say(f"inventory.app_verdict.{row.verdict}")
    return say(f"inventory.verdict.{row.verdict}")


def history(db: Connection, say: Wording, item: str) -> list[dict[str, Any]]:
    """Every step with who took it; names of people, so only for the office."""
    rows = cleanups.steps_of(db, [item]).get(item, [])
    people = cleanup_pages.names(db, {key for row in rows for key in (row.who, row.whom)})
    titles = cleanup_pages.titles(db, "group", {row.target for row in rows if row.target})
    return [
        {
            "number": row.number,
            "at": f"{row.at.astimezone(TIMEZONE):%Y-%m-%d %H:%M}",
            "what": say(f"cleanup.step.{row.step}"),
            "who": who_of(say, row.who, people),
            "whom": people.get(row.whom, row.whom),
            "evidence": evidence_of(say, row.evidence),
            "note": chosen(say, row.choice, row.note, titles.get(row.target, row.target), row.ends)
            if row.step in ("decided", "ruled") else row.note,
        }
        for row in rows
    ]  # fmt: skip


def who_of(say: Wording, who: str, people: Mapping[str, str]) -> str:
    if who == BOT:
        return say("cleanup.who.bot")
    if who.startswith(OFFICE):
        return say("cleanup.who.office", name=who.removeprefix(OFFICE))
    return people.get(who, who)


def evidence_of(say: Wording, evidence: str) -> str:
    if evidence in EVIDENCE:
        return say(f"cleanup.evidence.{evidence}")
    if not evidence or evidence.startswith("cleanup:"):
        return say("cleanup.evidence.said", key=evidence) if evidence else ""
    return say("cleanup.evidence.week", week=evidence)


def picked(form: Form) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for item in form.all("item") if item))[:MOST]


def asked_for(house: House, form: Form) -> tuple[dict[str, Any], str]:
    """The decision in a form, and what is missing from it in a sentence."""
    choice = form.get("choice")
    told: dict[str, Any] = {"choice": choice}
    if choice == "keep":
        told |= {"reason": words(form, "reason"), "ends": _day(form.get("ends"))}
    if choice == "merge":
        told["target"] = form.get("target")[:MAX_NAME]
    today = house.now().astimezone(TIMEZONE).date()
    rules = house.settings.cleanup
    missing = problem(choice, told.get("reason", ""), told.get("target", ""), told.get("ends"), today, rules)
    return told, house.wording(f"cleanup.problem.{missing}", days=rules.keep_days) if missing else ""


def words(form: Form, name: str) -> str:
    return clean(form.get(name), keep_lines=False).strip()[:MAX_NAME]


def _day(given: str) -> date | None:
    try:
        return date.fromisoformat(given)
    except ValueError:
        return None

"""The steps from a group found to a group closed (销号): which may follow which, and where a round stands after them.

A round's state is what its steps lead to. `STEPS` is the whole process; what is not in it cannot happen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from config.settings import CleanupSettings
from handlers.rules.week import local_day
from handlers.rules.zombie import VERDICT_OF

CHOICES = ("dissolve", "merge", "tidy", "keep")
# After these the group is to be gone.
ENDING = ("dissolve", "merge")
# found and returned wait for the next weekly message, asked for its answer; office: there is nobody else to decide.
UNDECIDED = ("found", "returned", "asked", "office")
UNDER_WAY = (*UNDECIDED, "proposed", "doing", "cooling")
STATES = (*UNDER_WAY, "closed", "lapsed", "reopened")
# Verdicts that ask nothing of anybody.
QUIET = ("alive", "exempt", "insufficient")
SILENCE = ("silent_30", "silent_90", "silent_180", "never_used")
BOT, OFFICE = "bot", "office:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """In which states a step may be taken, where it leads ("" stays), and the setting of how long until the next."""

    of: tuple[str, ...]
    to: str = ""
    days: str = ""


STEPS: Mapping[str, Kind] = {
    "found": Kind(of=("",), to="found"),
    "asked": Kind(of=("found", "returned", "asked"), to="asked", days="escalate_days"),
    # Nobody can be asked: no owner or admin in post; not known by name; an app; the message did not arrive.
    "no_owner": Kind(of=("found", "returned", "asked"), to="office"),
    "referred": Kind(of=("found", "returned"), to="office"),
    "unreached": Kind(of=("asked",), to="office"),
    # The message was too late to be sent: asked, or told, again with the next one.
    "unsaid": Kind(of=("asked",), to="found"),
    "untold": Kind(of=("doing",)),
    "escalated": Kind(of=("asked", "doing")),
    "decided": Kind(of=(*UNDECIDED, "proposed"), to="proposed"),
    "ruled": Kind(of=("office", "asked"), to="doing"),
    "confirmed": Kind(of=("proposed",), to="doing"),
    "told": Kind(of=("doing",), days="finish_days"),
    "returned": Kind(of=("proposed", "doing", "cooling"), to="returned"),
    "withdrawn": Kind(of=("proposed", "doing", "cooling"), to="asked", days="escalate_days"),
    "recalled": Kind(of=("doing", "cooling"), to="office"),
    "verified": Kind(of=(*UNDECIDED, "proposed", "doing"), to="cooling", days="cooling_days"),
    # What was declared has been seen as well.
    "witnessed": Kind(of=("cooling",)),
    "undone": Kind(of=("cooling",), to="returned"),
    "closed": Kind(of=("cooling",), to="closed", days="look_back_days"),
    "lapsed": Kind(of=UNDECIDED, to="lapsed"),
    "looked": Kind(of=("closed",)),
    "reopened": Kind(of=("cooling", "closed"), to="reopened"),
}
# What was chosen and how it was known are void after these.
BACK = ("returned", "withdrawn", "recalled", "undone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`who` is the bot, `office:<name>` or a person's key; `whom` the person who was asked or told."""

    step: str
    at: datetime
    who: str = BOT
    whom: str = ""
    evidence: str = ""
    choice: str = ""
    target: str = ""
    ends: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a round stands. `reason` is that of the choice, or of the return; `due` when time takes the next step."""

    state: str = ""
    choice: str = ""
    reason: str = ""
    target: str = ""
    ends: date | None = None
    chosen_by: str = ""
    evidence: str = ""
    verified: date | None = None
    at: datetime | None = None
    due: datetime | None = None
    late_at: datetime | None = None
    steps: int = 0


def after(before: Standing, step: Step, rules: CleanupSettings) -> Standing | None:
    """None: this step cannot follow, and nothing happens."""
    kind = STEPS[step.step]
    if before.state not in kind.of or (step.step == "ruled" and not may_rule(before)):
        return None
    moved = replace(
        before,
        state=kind.to or before.state,
        at=step.at,
        due=_due(before, step, rules),
        late_at=step.at if step.step == "escalated" else None,
        steps=before.steps + 1,
    )
    return replace(moved, **_told(before, step))


def may_rule(standing: Standing) -> bool:
    """The office decides alone only where nobody can, or where nobody did in time after a warning."""
    return standing.state == "office" or (standing.state == "asked" and standing.late_at is not None)


def _due(before: Standing, step: Step, rules: CleanupSettings) -> datetime | None:
    if step.step == "witnessed":
        return before.due
    days = STEPS[step.step].days
    return step.at + timedelta(days=getattr(rules, days)) if days else None


def _told(before: Standing, step: Step) -> dict[str, Any]:
    if step.step in ("decided", "ruled"):
        chosen = {"choice": step.choice, "target": step.target, "ends": step.ends, "reason": step.note}
        return {**chosen, "chosen_by": step.who}
    if step.step in BACK:
        nothing = {"choice": "", "target": "", "ends": None, "chosen_by": "", "evidence": "", "verified": None}
        return {**nothing, "reason": step.note}
    if step.step == "verified":
        # It was dissolved before anybody had said so.
        choice = before.choice if before.choice in ENDING or not step.choice else step.choice
        return {"evidence": step.evidence, "verified": local_day(step.at), "choice": choice}
    return {"evidence": step.evidence} if step.step == "witnessed" else {}


def standing(steps: Iterable[Step], rules: CleanupSettings) -> Standing:
    """Where these steps lead, from nothing."""
    reached = Standing()
    for step in steps:
        reached = after(reached, step, rules) or reached
    return reached


def asks(one: Mapping[str, Any], leave: Collection[str]) -> bool:
    """Whether this group or app of a snapshot asks for something; with gaps in what was heard, silence alone does not."""
    if one["verdict"] in QUIET or one["verdict"] in leave:
        return False
    codes = {reason["code"] for reason in one["reasons"]}
    faults = (VERDICT_OF.get(code, "alive") for code in codes.difference(SILENCE))
    return "data_gap" not in codes or any(fault not in (*QUIET, *leave) for fault in faults)


def is_clear(one: Mapping[str, Any], leave: Collection[str]) -> bool:
    """Whether nothing is wrong with it any more, as far as everything was heard."""
    if one["verdict"] == "exempt":
        return True
    quiet = one["verdict"] in QUIET or one["verdict"] in leave
    return quiet and all(reason["code"] != "data_gap" for reason in one["reasons"])


def suggested(disposition: str) -> str:
    """The choice that a snapshot's words recommend; "" for words that name none."""
    words = (("解散", "dissolve"), ("注销", "dissolve"), ("合并", "merge"), ("规范", "tidy"), ("保留", "keep"))
    return next((choice for word, choice in words if word in disposition), "")


def problem(choice: str, reason: str, target: str, ends: date | None, today: date, rules: CleanupSettings) -> str:
    """What is missing from a decision, as the last part of a sentence's key; "" when nothing is."""
    if choice not in CHOICES:
        return "choice"
    if choice == "merge" and not target:
        return "target"
    if choice != "keep":
        return ""
    if not reason.strip():
        return "reason"
    if ends is None or ends <= today:
        return "ends"
    return "too_long" if ends > today + timedelta(days=rules.keep_days) else ""


def may_withdraw(standing: Standing) -> bool:
    """What is dissolved for everybody to see cannot be taken back; what was declared or only decided can."""
    if standing.state == "cooling":
        return standing.choice not in ENDING or standing.evidence == "declared"
    return standing.state in ("proposed", "doing")

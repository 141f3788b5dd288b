"""The judgement: which demands does this message make, of which class, and why."""


from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from config.calendar import Calendar
from config.rulebook import Rulebook
from handlers.rules import explain
from handlers.rules.candidates import Candidate, Rejected, candidates, named
from handlers.rules.reading import Reading, take
from handlers.rules.receipt import is_receipt
from handlers.rules.tokens import Text, read
from handlers.rules.weigh import weigh

# Longer messages are read at both ends only: a work-group message is shorter, and the time for a message must be bounded.
HEAD, TAIL = 800, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A demand; `text == original[start:end]`."""

    category: str
    rule: str
    start: int
    end: int
    text: str
    clause: str
    why: str
    suggestion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """What was looked at and rejected, and the reason."""

    category: str
    rule: str
    start: int
    end: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    findings: tuple[Finding, ...]
    considered: tuple[Considered, ...]


NOTHING = Judgement((), ())


def judge(
    text: str,
    *,
    at: datetime | None = None,
    kind: str = "text",
    rulebook: Rulebook,
    calendar: Calendar,
    informational: bool = False,
    before: str = "",
    thorough: bool = False,
) -> Judgement:
    """Deterministic. `before` is what the same sender said within the last minute: it lends meaning, findings lie in `text`.

    `thorough` also tells what was considered in messages that the gate dismisses at a glance; the findings are the same.
    """
    window = _Window.over(text, before)
    seen = read(window.whole, rulebook)
    passes = rulebook.gate is None or kind == "file" or rulebook.gate.passes(seen.plain)
    if not (passes or thorough) or is_receipt(text):
        return NOTHING if not before else judge(
            text, at=at, kind=kind, rulebook=rulebook, calendar=calendar, informational=informational
        )
    reading, found, rejected = _looked_at(seen, at, rulebook, calendar)
    wanted = {c.id for c in rulebook.categories.values() if informational or not c.informational}
    unlikely: list[Rejected] = []
    if kind == "file":
        # A name is no speech: neither the rules for sentences nor the learned weights apply.
        found, rejected = named(reading, rulebook), []
    else:
        found, unlikely = weigh(found, rejected, reading, rulebook, calendar)
    # A whole demand after a like one is found by itself: with both, its first words would lie in what came before.
    alone = (
        judge(text, at=at, kind=kind, rulebook=rulebook, calendar=calendar, informational=informational).findings
        if before
        else ()
    )
    findings: dict[str, Finding] = {one.category: one for one in alone}
    for candidate in found if passes else ():
        category = candidate.rule.category
        if category in wanted and category not in findings:
            finding = _finding(candidate, reading, rulebook, calendar, window)
            if finding is not None:
                findings[category] = finding
    considered = tuple(c for r in [*rejected, *unlikely] if (c := _considered(r, reading, window)) is not None)
    return Judgement(tuple(findings.values()), considered)


@dataclass(frozen=True, slots=True)
class _Window:
    """What is read of a message, and where it lies in the original: what came before, the head, and of a long one the tail."""

    text: str
    whole: str
    lead: int

    @classmethod
    def over(cls, text: str, before: str) -> _Window:
        lead = before[-HEAD // 4 :].rstrip()
        if lead and lead[-1] not in "，。！？!?；;,、":
            lead += "，"
        seen = text if len(text) <= HEAD + TAIL else text[:HEAD] + "\n" + text[-TAIL:]
        return cls(text, lead + seen, len(lead))

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        """In the original message; None when it lies wholly in what came before."""
        first, last = self._place(start), self._place(end)
        return (max(first, 0), last) if last > max(first, 0) else None

    def _place(self, place: int) -> int:
        place -= self.lead
        if place > HEAD and len(self.text) > HEAD + TAIL:
            return place - HEAD - 1 + len(self.text) - TAIL
        return place


def _finding(
    candidate: Candidate, reading: Reading, rulebook: Rulebook, calendar: Calendar, window: _Window
) -> Finding | None:
    span = window.span(*reading.text.span(candidate.start, candidate.end))
    if span is None:
        return None
    words = window.text[span[0] : span[1]]
    return Finding(
        category=candidate.rule.category,
        rule=candidate.rule.id,
        start=span[0],
        end=span[1],
        text=words,
        clause=rulebook.categories[candidate.rule.category].clause,
        why=explain.why(candidate, reading, rulebook, words),
        suggestion=explain.suggestion(candidate, reading, rulebook, calendar),
    )


def _considered(rejected: Rejected, reading: Reading, window: _Window) -> Considered | None:
    span = window.span(*reading.text.span(rejected.start, rejected.end))
    if span is None:
        return None
    return Considered(
        category=rejected.rule.category,
        rule=rejected.rule.id,
        start=span[0],
        end=span[1],
        text=window.text[span[0] : span[1]],
        reason=rejected.reason,
    )


def is_rollcall_request(text: str, at: datetime | None, rulebook: Rulebook, calendar: Calendar) -> bool:
    """Does the text ask everybody to answer (收到请回复, 接龙, 看到回1 …)? Emergencies included: they too want a count.

    Reads the message once for itself and for `judge`, when it is asked of the same message next.
    """
    if is_receipt(text):
        return False
    seen = read(_Window.over(text, "").whole, rulebook)
    if not any(rule.pattern.search(seen.plain) for rule in rulebook.rules if rule.category == "rollcall"):
        return False
    _, found, rejected = _looked_at(seen, at, rulebook, calendar)
    exempt = {e.id for e in rulebook.exemptions}
    return any(c.rule.category == "rollcall" for c in found) or any(
        r.rule.category == "rollcall" and r.why in exempt for r in rejected
    )


@lru_cache(maxsize=4)
def _looked_at(
    seen: Text, at: datetime | None, rulebook: Rulebook, calendar: Calendar
) -> tuple[Reading, list[Candidate], list[Rejected]]:
    reading = take(seen, at, rulebook, calendar)
    return reading, *candidates(reading, rulebook, calendar)

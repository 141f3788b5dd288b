"""The learned component beside the rules: withdraws what only looks like a demand, finds what avoids the usual words."""


from __future__ import annotations

import re

from config.calendar import Calendar
from config.model import DEMAND, Opinion
from config.rulebook import Rule, Rulebook
from handlers.rules.candidates import Candidate, Rejected
from handlers.rules.features import grams, ngrams, structure, terms
from handlers.rules.reading import Reading

_NEVER = re.compile(r"(?!)")


def weigh(
    found: list[Candidate], rejected: list[Rejected], reading: Reading, rulebook: Rulebook, calendar: Calendar
) -> tuple[list[Candidate], list[Rejected]]:
    """The candidates that stand, and those withdrawn; without a model the rules decide alone."""
    model = rulebook.model
    if model is None:
        return found, []
    features = [*ngrams(reading), *terms(reading), *structure(reading, rulebook, found, rejected, calendar)]
    opinion = model.opinion(features)
    chances = dict(opinion.chances)
    if takes_rest(reading, rulebook):
        chances["off_hours"] = max(chances["off_hours"], chances[DEMAND] ** 3 * TAKEN)
    stands: list[Candidate] = []
    withdrawn: list[Rejected] = []
    spared = _spared(reading)
    # The rules know these words, and why the policy excepts them here: no weights outvote that.
    reasons = {exemption.id for exemption in rulebook.exemptions}
    excepted = {one.rule.category for one in rejected if one.why in reasons}
    for category in rulebook.categories:
        likely = chances.get(category, 0.0) >= model.thresholds.get(category, 2.0)
        mine = [c for c in found if c.rule.category == category]
        own = [c for c in mine if c.rule.own]
        if own:
            stands += own[:1]
        elif likely and not _is_spared(category, spared) and (mine or category not in excepted):
            stands += mine[:1] or [_learned(category, opinion, reading, rulebook)]
        else:
            reason = rulebook.phrases.get("unlikely", "")
            withdrawn += [Rejected(c.rule, c.start, c.end, "unlikely", reason) for c in mine]
    return stands, withdrawn


def _spared(reading: Reading) -> frozenset[str] | None:
    """What the unit's own exemptions spare in this message: None nothing, the empty set everything."""
    own = [act.speech.spares for act in reading.exempt if act.speech.own]
    if not own:
        return None
    return frozenset() if not all(own) else frozenset().union(*own)


def _is_spared(category: str, spared: frozenset[str] | None) -> bool:
    return spared is not None and (not spared or category in spared)


# Of the demands posted in rest time that do not put themselves off, so many want something now (measured on the corpus).
TAKEN = 0.97


def takes_rest(reading: Reading, rulebook: Rulebook) -> bool:
    """Posted out of working time, and nothing says that it may wait for the working day."""
    return bool(reading.posted_off) and not rulebook.groups["later"].search(reading.plain)


def _learned(category: str, opinion: Opinion, reading: Reading, rulebook: Rulebook) -> Candidate:
    """No rule spoke: the words are the clause that speaks most for this category in this message."""
    shares = opinion.shares(category)
    rule = Rule(
        id=f"{category}.learned",
        category=category,
        about=rulebook.phrases.get("learned", ""),
        force="self",
        pattern=_NEVER,
    )
    best = max(
        reading.clauses() or reading.sentences,
        key=lambda span: sum(shares.get(g, 0.0) for g in sorted(set(grams(reading.plain[span.start : span.end])))),
        default=None,
    )
    return Candidate(rule, best.start, best.end) if best else Candidate(rule, 0, len(reading.plain))

"""A message as it is read before it is judged: sentences, clauses, ways of speaking, exemptions, deadlines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from config.calendar import Calendar
from config.rulebook import Exemption, Rulebook, Speech
from handlers.rules.deadline import Deadline, find
from handlers.rules.tokens import Text

_SENTENCE = re.compile(r"[^。！？!?\n；;]+[。！？!?；;]*")
_CLAUSE = re.compile(r"[^，,：:。！？!?\n；;（(]+")
# A masked character can neither negate nor be part of a word.
_MASK = "〇"


@dataclass(frozen=True, slots=True)
class Span:
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Act:
    """A way of speaking that was found, and where."""

    speech: Speech | Exemption
    start: int
    end: int
    word: str


@dataclass(frozen=True, slots=True)
class Reading:
    """`masked` is the plain text with double negations blanked out, of the same length."""

    text: Text
    masked: str
    sentences: tuple[Span, ...]
    acts: tuple[Act, ...]
    exempt: tuple[Act, ...]
    deadlines: tuple[Deadline, ...]
    denied: tuple[Span, ...]
    posted_off: bool | None
    at: datetime | None
    groups: Mapping[str, re.Pattern[str]]
    present: dict[str, bool] = field(default_factory=dict)

    def has(self, group: str) -> bool:
        """Whether a word of that list is anywhere in the plain text; looked up once."""
        known = self.present.get(group)
        if known is None:
            known = self.present[group] = self.groups[group].search(self.plain) is not None
        return known

    @property
    def plain(self) -> str:
        return self.text.plain

    @property
    def live(self) -> str:
        """The plain text with what is denied blanked out, of the same length."""
        plain = self.plain
        for span in self.denied:
            plain = plain[: span.start] + _MASK * (span.end - span.start) + plain[span.end :]
        return plain

    def sentence_at(self, place: int) -> Span:
        for span in self.sentences:
            if span.start <= place < span.end:
                return span
        return Span(0, len(self.plain))

    def clauses(self) -> list[Span]:
        """All comma-free stretches, left to right."""
        return [Span(m.start(), m.end()) for m in _CLAUSE.finditer(self.plain) if m[0].strip()]

    def clause_at(self, place: int) -> Span:
        """The comma-free stretch around a place."""
        sentence = self.sentence_at(place)
        for match in _CLAUSE.finditer(self.plain, sentence.start, sentence.end):
            if match.start() <= place < match.end():
                return Span(match.start(), match.end())
        return sentence


def take(seen: Text, at: datetime | None, rulebook: Rulebook, calendar: Calendar) -> Reading:
    """Read once; everything that rules and model look at."""
    masked = _mask(seen.plain, rulebook)
    acts = tuple(a for s in rulebook.speech if s.where != "mask" for a in _acts(s, masked))
    return Reading(
        text=seen,
        masked=masked,
        sentences=tuple(Span(m.start(), m.end()) for m in _SENTENCE.finditer(seen.plain)),
        acts=acts,
        exempt=tuple(a for e in rulebook.exemptions for a in _acts(e, seen.plain)),
        deadlines=tuple(find(seen.plain, at, calendar)),
        denied=tuple(_denied(seen.plain, acts)),
        posted_off=None if at is None else not calendar.is_working_time(at),
        at=at,
        groups=rulebook.groups,
    )


def _denied(plain: str, acts: tuple[Act, ...]) -> Iterator[Span]:
    """From a word that forbids to the end of its clause; the whole clause where a word abolishes."""
    places = [a for a in acts if isinstance(a.speech, Speech) and a.speech.where in ("before", "after")]
    if not places:
        return
    for clause in _CLAUSE.finditer(plain):
        here = [a for a in places if clause.start() <= a.start < clause.end()]
        if here:
            whole = any(a.speech.where == "after" for a in here)  # type: ignore[union-attr]
            yield Span(clause.start() if whole else min(a.start for a in here), clause.end())


def _mask(plain: str, rulebook: Rulebook) -> str:
    for speech in rulebook.speech:
        if speech.where == "mask":
            plain = speech.pattern.sub(lambda m: _MASK * len(m[0]), plain)
    return plain


def _acts(kind: Speech | Exemption, plain: str) -> list[Act]:
    found = [Act(kind, m.start(), m.end(), m[0]) for m in kind.pattern.finditer(plain)]
    if found and kind.unless is not None and kind.unless.search(plain):
        return []
    return found

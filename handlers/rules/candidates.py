"""Where a rule's words stand in a message, and whether the way of speaking leaves them a demand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from config.calendar import Calendar
from config.rulebook import Rule, Rulebook
from handlers.rules.deadline import Deadline
from handlers.rules.reading import Act, Reading, Span

# A report or material due before so many working days have passed is 时限过紧.
FEWEST_WORKING_DAYS = 2
_MATCHES_PER_RULE = 4
_STRONG = re.compile("不得|严禁|禁止|不准|不许|不允许|杜绝")
_MEETING = re.compile(
    "召开|开[^，。]{0,8}会|会议室|培训|参会|到会|例会|报告厅|停电|停水|值班|放假|集合|座谈|发车|体检|开始|举行|来电"
)
_HAND_IN = re.compile(
    "报|交|发|给|送|填|传|弄|出|要|汇总|整|理|备齐|提供|反馈|完善|做|写|到我|拿|收|改|补|导|凑|敲|统计"
)
_URGENT = re.compile("午饭后|饭前|尽快|抓紧|催")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Words that make a demand; `deadline` where time made it one."""

    rule: Rule
    start: int
    end: int
    deadline: Deadline | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Words that do not; `why` is the id of the speech act, exemption or force that was missing."""

    rule: Rule
    start: int
    end: int
    why: str
    reason: str


def candidates(reading: Reading, rulebook: Rulebook, calendar: Calendar) -> tuple[list[Candidate], list[Rejected]]:
    """One accepted candidate a rule at most: the first; every rejected place up to a bound."""
    found: list[Candidate] = []
    rejected: list[Rejected] = []
    for rule in rulebook.rules:
        if rule.force == "file":
            continue
        for candidate in _places(rule, reading, rulebook, calendar):
            refusal = refuse(candidate, reading)
            if refusal is None:
                found.append(candidate)
                break
            rejected.append(refusal)
    return found, rejected


def named(reading: Reading, rulebook: Rulebook) -> list[Candidate]:
    """What the name of a file says by itself; one a category."""
    found: dict[str, Candidate] = {}
    for rule in rulebook.rules:
        match = rule.pattern.search(reading.plain) if rule.force == "file" else None
        if match and not (rule.unless and rule.unless.search(reading.plain)):
            found.setdefault(rule.category, Candidate(rule, match.start(), match.end()))
    return list(found.values())


def _places(rule: Rule, reading: Reading, rulebook: Rulebook, calendar: Calendar) -> Iterator[Candidate]:
    if rule.force == "posted" and not reading.posted_off:
        return
    for match in _matches(rule, reading):
        start, end = match.span()
        if rule.force == "deadline":
            due = _tight(reading, reading.sentence_at(start), calendar)
            if due is not None:
                yield Candidate(rule, min(start, due.start), max(end, due.end), due)
        elif rule.force != "demand" or _pressed(reading, start, rulebook):
            yield Candidate(rule, start, end)


def _matches(rule: Rule, reading: Reading) -> list[re.Match[str]]:
    """The first few, left to right; alternatives whose words are missing are not tried."""
    found: list[re.Match[str]] = []
    for needs, pattern in rule.parts:
        if all(map(reading.has, needs)):
            found += islice(pattern.finditer(reading.plain), _MATCHES_PER_RULE)
    return sorted(found, key=re.Match.span)[:_MATCHES_PER_RULE]


def _pressed(reading: Reading, place: int, rulebook: Rulebook) -> bool:
    """A demanding or collective word in the sentence or the one beside it."""
    spans = reading.sentences
    here = next((i for i, s in enumerate(spans) if s.start <= place < s.end), 0)
    near = Span(spans[max(here - 1, 0)].start, spans[min(here + 1, len(spans) - 1)].end)
    pressing = rulebook.groups["must"].search(reading.plain, near.start, near.end)
    return bool(pressing or rulebook.groups["all"].search(reading.plain, near.start, near.end))


def _tight(reading: Reading, sentence: Span, calendar: Calendar) -> Deadline | None:
    """The deadline beside the material that leaves fewer than two working days; a meeting's time is none."""
    for due in reading.deadlines:
        if not (sentence.start - 40 <= due.start and due.end <= sentence.end + 40):
            continue
        clause = reading.clause_at(due.start)
        words = reading.plain[clause.start : clause.end]
        if _MEETING.search(words) and not _HAND_IN.search(words[due.end - clause.start :]):
            continue
        if not _HAND_IN.search(reading.plain, due.end, min(due.end + 30, len(reading.plain))) and not due.before:
            continue
        if is_tight(due, reading, calendar):
            return due
    return None


def is_tight(due: Deadline, reading: Reading, calendar: Calendar) -> bool:
    """By the calendar; without a moment of speaking only today and tomorrow are certain."""
    if due.instant is None or reading.at is None:
        return due.days is not None and due.days <= 1
    return calendar.working_days_between(reading.at, due.instant) < FEWEST_WORKING_DAYS


def falls_off(instant: datetime, calendar: Calendar) -> bool:
    """Whether something due then is done outside working time; the end of a working day is within it."""
    return not calendar.is_working_time(instant - timedelta(minutes=1))


def refuse(candidate: Candidate, reading: Reading) -> Rejected | None:
    """The first reason why these words are no demand, None when nothing speaks against it."""
    rule, start, end = candidate.rule, candidate.start, candidate.end
    sentence = reading.sentence_at(start)
    if rule.unless is not None and rule.unless.search(reading.plain, sentence.start, sentence.end):
        return Rejected(rule, start, end, "unless", "这里的词另有所指")
    act = next((a for a in reading.exempt if not a.speech.spares or rule.category in a.speech.spares), None)
    if act is None:
        act = next((a for a in reading.acts if _speaks(a, candidate, reading, sentence)), None)
    if act is None:
        return None
    return Rejected(rule, start, end, act.speech.id, act.speech.reason.replace("{word}", act.word))


def _speaks(act: Act, candidate: Candidate, reading: Reading, sentence: Span) -> bool:
    """Whether this way of speaking governs the candidate's words."""
    where = getattr(act.speech, "where", "message")
    if act.speech.spares and candidate.rule.category not in act.speech.spares:
        return False
    if where == "message":
        return True
    if not sentence.start <= act.start < sentence.end:
        return False
    if where == "sentence":
        return True
    first, last = reading.clause_at(candidate.start), reading.clause_at(max(candidate.end - 1, 0))
    if where == "after":
        return candidate.start <= act.start < last.end
    if first.start <= act.start and act.end <= candidate.end:
        return True
    return act.end <= first.start and bool(_STRONG.search(act.word))

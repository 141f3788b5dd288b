"""Why this is a demand, and how to say it so that its purpose stays."""

from __future__ import annotations

from datetime import datetime, time

from config.calendar import SHANGHAI, Calendar
from config.rulebook import Rulebook
from handlers.rules.candidates import FEWEST_WORKING_DAYS, Candidate
from handlers.rules.reading import Reading

_LONGEST_QUOTE = 24


def why(candidate: Candidate, reading: Reading, rulebook: Rulebook, words: str) -> str:
    """One sentence; the exemptions that were looked for are named."""
    category = rulebook.categories[candidate.rule.category]
    return _fill(category.why, _facts(candidate, reading, rulebook, None, words))


def suggestion(candidate: Candidate, reading: Reading, rulebook: Rulebook, calendar: Calendar) -> str:
    """A rewritten wording with the real object and the first allowed deadline."""
    category = rulebook.categories[candidate.rule.category]
    return _fill(category.suggestion, _facts(candidate, reading, rulebook, calendar, ""))


def _facts(c: Candidate, reading: Reading, rulebook: Rulebook, calendar: Calendar | None, words: str) -> dict[str, str]:
    phrases = rulebook.phrases
    facts = {
        "words": words if len(words) <= _LONGEST_QUOTE else words[: _LONGEST_QUOTE - 1] + "…",
        "exempt": phrases.get("no_exemption", ""),
        "object": _object(c, reading, rulebook) or phrases.get("object", ""),
        "deadline": reading.plain[c.deadline.start : c.deadline.end] if c.deadline else phrases.get("short", ""),
        "allowed": phrases.get("allowed", ""),
        "next": phrases.get("next", ""),
    }
    if calendar and reading.at:
        facts["allowed"] = _say(calendar.add_working_days(reading.at, FEWEST_WORKING_DAYS), rulebook)
        facts["next"] = _say(calendar.next_working_moment(reading.at), rulebook)
        if not calendar.knows(reading.at):
            facts["allowed"] += phrases.get("calendar_unknown", "")
    return facts


def _object(c: Candidate, reading: Reading, rulebook: Rulebook) -> str:
    sentence = reading.sentence_at(c.start)
    match = rulebook.groups["job"].search(reading.plain, sentence.start, sentence.end)
    return match[0] if match and len(match[0]) > 1 else ""


def _say(day: object, rulebook: Rulebook) -> str:
    moment = day if isinstance(day, datetime) else datetime.combine(day, time(18), SHANGHAI)  # type: ignore[arg-type]
    weekday = rulebook.phrases.get("weekdays", "一二三四五六日")[moment.weekday()]
    return rulebook.phrases.get("date", "{month}月{day}日（周{weekday}）").format(
        month=moment.month, day=moment.day, weekday=weekday, hour=moment.hour
    )


def _fill(template: str, facts: dict[str, str]) -> str:
    for name, value in facts.items():
        template = template.replace("{" + name + "}", value)
    return template

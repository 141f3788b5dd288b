"""What the learned component looks at: character n-grams, words, word groups, rules that fired and why others did not."""


from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from config.calendar import Calendar
from config.rulebook import Rulebook
from handlers.rules.candidates import Candidate, Rejected, falls_off, is_tight
from handlers.rules.reading import Reading
from handlers.rules.tokens import cut

_NUMBER = re.compile(r"\d+")
_CLAUSE = re.compile(r"[^，。！？；：,!?;:\n]+")
_LONGEST = 400
_REACH = 6


def ngrams(reading: Reading) -> Iterator[str]:
    """Of the beginning of the message, with marks for its borders."""
    return grams("^" + reading.plain[:_LONGEST] + "$")


def grams(text: str) -> Iterator[str]:
    """1 to 4 characters, and pairs of characters near each other in a clause; numbers become one sign."""
    text = _NUMBER.sub("#", text)
    for size in (1, 2, 3, 4):
        for i in range(len(text) - size + 1):
            yield text[i : i + size]
    for clause in _CLAUSE.findall(text):
        for i, first in enumerate(clause):
            for second in clause[i + 2 : i + _REACH]:
                yield f"{first}~{second}"


def terms(reading: Reading) -> Iterator[str]:
    """Words, and each with the word after it in its clause; of the beginning of the message, as the n-grams."""
    for clause in _CLAUSE.findall(_NUMBER.sub("#", reading.plain[:_LONGEST])):
        words = cut(clause)
        yield from (f"w:{word}" for word in words)
        yield from (f"w:{one}_{other}" for one, other in pairwise(words))


def structure(
    reading: Reading, rulebook: Rulebook, found: Iterable[Candidate], rejected: Iterable[Rejected], calendar: Calendar
) -> Iterator[str]:
    """Readable names, because they appear in explanations: rule:…, not:…, word:…, pair:…, act:…, due:…"""
    for candidate in found:
        yield f"rule:{candidate.rule.id}"
        yield f"topic:{candidate.rule.id}"
        yield "rule:any"
    for refusal in rejected:
        yield f"topic:{refusal.rule.id}"
        yield f"not:{refusal.why}"
    for act in reading.acts:
        yield f"act:{act.speech.id}"
    for act in reading.exempt:
        yield f"exempt:{act.speech.id}"
    yield from _words(reading, rulebook)
    yield from _circumstance(reading, calendar)


def _words(reading: Reading, rulebook: Rulebook) -> Iterator[str]:
    everywhere = [name for name in rulebook.groups if reading.has(name)]
    plain = reading.live
    groups = everywhere if plain == reading.plain else [name for name in everywhere if rulebook.groups[name].search(plain)]
    yield from (f"word:{name}" for name in groups)
    yield from (f"word:¬{name}" for name in everywhere if name not in groups)
    for sentence in reading.sentences:
        here = [n for n in groups if rulebook.groups[n].search(plain, sentence.start, sentence.end)]
        yield from (f"pair:{a}+{b}" for i, a in enumerate(here) for b in here[i + 1 :])


def _circumstance(reading: Reading, calendar: Calendar) -> Iterator[str]:
    if reading.posted_off is not None:
        yield "posted:off" if reading.posted_off else "posted:on"
    for due in reading.deadlines:
        yield f"due:{'tight' if is_tight(due, reading, calendar) else 'loose'}{'+before' if due.before else ''}"
        if due.instant is not None and falls_off(due.instant, calendar):
            yield "due:off"
    if len(reading.deadlines) == 0:
        yield "due:none"
    plain = reading.plain.rstrip()
    if plain.endswith(("?", "？", "吗", "呢", "嘛", "么")):
        yield "ends:question"
    if plain.endswith(("！", "!")):
        yield "ends:shout"
    size = len(plain)
    yield f"size:{'s' if size < 20 else 'm' if size < 60 else 'l'}"

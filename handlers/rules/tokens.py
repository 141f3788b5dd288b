"""The text as it was meant: folded against evasions, every character still knowing its place in the original."""


from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config.model import load_lexicon
from config.rulebook import Rulebook

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
# NFKC would turn these into Latin punctuation, and what ends a clause would look like what joins a number.
_KEPT = frozenset("，！？；：（）")
_UNUSUAL = re.compile("[^\\n -~\u2018-\u201f\u3000-\u303f\u4e00-\u9fff，！？；：（）…—·]")


@dataclass(frozen=True, slots=True)
class Text:
    """`plain` is what rules read; `places[i]` is where plain[i] begins in the original, None when nothing moved."""

    original: str
    plain: str
    places: tuple[int, ...] | None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original span that covers plain[start:end]; never outside the original."""
        if self.places is None:
            return start, end
        first, last = self.places[start], self.places[end]
        return first, max(last, first + 1) if end > start else first


def read(text: str, rulebook: Rulebook) -> Text:
    """Undo width, traditional characters, hidden gaps, pinyin, homophones and emoji; linear in the text."""
    plain, places = _fold(text, rulebook)
    plain, places = _restore(plain, places, rulebook)
    if places is None or plain == text:
        return Text(text, plain, None)
    return Text(text, plain, tuple(places))


def _fold(text: str, rulebook: Rulebook) -> tuple[str, list[int] | None]:
    """One character at a time where need be, because NFKC may make several of one and offsets must survive that."""
    if not _UNUSUAL.search(text):
        return text.translate(rulebook.simplified).lower(), None
    out: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        if _INVISIBLE.match(char):
            continue
        folded = char if char in _KEPT else unicodedata.normalize("NFKC", char)
        out.append(folded)
        places.extend([place] * len(folded))
    places.append(len(text))
    plain = "".join(out).translate(rulebook.simplified)
    return "".join(low if len(low := c.lower()) == 1 else c for c in plain), places


def _restore(plain: str, places: list[int] | None, rulebook: Rulebook) -> tuple[str, list[int] | None]:
    """Put the meant word where an evasion stands; its characters share the evasion's place."""
    found = [m for sign, pattern in rulebook.evasion_patterns if sign.search(plain) for m in pattern.finditer(plain)]
    if not found:
        return plain, places
    old = places if places is not None else list(range(len(plain) + 1))
    out: list[str] = []
    moved: list[int] = []
    last = 0
    for match in sorted(found, key=re.Match.span):
        start, end = match.span()
        if start < last:
            continue
        meant = rulebook.evasions.get(match[0]) or _GAPS.sub("", match[0])
        out += [plain[last:start], meant]
        moved += old[last:start]
        moved += [old[start + (end - start) * i // len(meant)] for i in range(len(meant))]
        last = end
    return "".join(out) + plain[last:], moved + old[last:]


_GAPS = re.compile("[^\u4e00-\u9fffa-z]")


class _Cutter:
    """jieba with the words of the training corpus only: it is loaded in a moment, and no other word has a weight."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokenizer: Any = None

    def load(self) -> Any:
        with self._lock:
            if self._tokenizer is None:
                self._tokenizer = tokenizer(load_lexicon())
        return self._tokenizer


def tokenizer(frequencies: Mapping[str, int]) -> Any:
    """What jieba's initialize() makes of a dictionary file, without its cache in a shared folder."""
    import jieba

    made = jieba.Tokenizer()
    made.FREQ = dict(frequencies)
    for word in frequencies:
        for end in range(1, len(word)):
            made.FREQ.setdefault(word[:end], 0)
    made.total = sum(frequencies.values())
    made.initialized = True
    return made


_CUTTER = _Cutter()


def warm() -> None:
    """Load the tokenizer in a daemon thread, so that no request pays for it."""
    threading.Thread(target=_CUTTER.load, name="jieba", daemon=True).start()


def cut(text: str) -> list[str]:
    """Dictionary words without HMM (it invents words); waits for the dictionary the first time."""
    return list(_CUTTER.load().cut(text, HMM=False))

"""Sentences made by grammar: what is asked (a verb phrase) × how it is said (a frame)."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from config.calendar import SHANGHAI

SOURCE = Path(__file__).with_name("grammar.toml")
WORKING, EVENING = datetime(2026, 3, 10, 10, 0, tzinfo=SHANGHAI), datetime(2026, 3, 10, 20, 30, tzinfo=SHANGHAI)


def phrases() -> dict[str, list[str]]:
    """Category → verb phrases."""
    return {name: _split(text) for name, text in _source()["phrases"].items()}


def frames() -> dict[str, list[tuple[str, str]]]:
    """ "demand" or "none" → (name of the construction, frame with {v})."""
    return {
        name: [(frame.split("@", 1)[0], frame.split("@", 1)[1]) for frame in _split(text)]
        for name, text in _source()["frames"].items()
    }


def sentences(each: int, seed: int = 7) -> Iterator[dict[str, Any]]:
    """For every phrase that many demands and as many non-demands, chosen by the seed."""
    choose = random.Random(seed)
    kinds = frames()
    for category, wanted in phrases().items():
        for phrase in wanted:
            for kind, chosen in kinds.items():
                for construction, frame in choose.sample(chosen, each):
                    off = kind == "none" and choose.random() < 0.25
                    yield {
                        "author": "grammar",
                        "text": frame.replace("{v}", phrase),
                        "at": EVENING if off else WORKING,
                        "labels": {category} if kind == "demand" else set(),
                        "construction": construction,
                    }


def prose() -> Iterator[dict[str, Any]]:
    """Written language from outside the groups; without a time, as it is met."""
    for label, text in _source()["prose"].items():
        for sentence in _split(text):
            labels = set() if label == "none" else {label}
            yield {"author": "grammar", "text": sentence, "at": None, "labels": labels, "construction": "prose"}


def _source() -> dict[str, Any]:
    return tomllib.loads(SOURCE.read_text("utf-8"))


def _split(text: str) -> list[str]:
    return [part for part in text.strip().replace("\n", "|").split("|") if part]

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
THESAURUS = Path(__file__).with_name("thesaurus")
WORKING, EVENING = datetime(2026, 3, 10, 10, 0, tzinfo=SHANGHAI), datetime(2026, 3, 10, 20, 30, tzinfo=SHANGHAI)


def phrases() -> dict[str, list[str]]:
    """Category → verb phrases, those of the thesaurus after the others."""
    return {name: [*_split(text), *thesaurus(name)] for name, text in _source()["phrases"].items()}


def thesaurus(name: str) -> list[str]:
    """Ways to ask for one thing, one a line; `harmless` are those that ask for nothing undue."""
    path = THESAURUS / f"{name}.txt"
    return path.read_text("utf-8").split("\n")[:-1] if path.exists() else []


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


def harmless(each: int, seed: int = 11) -> Iterator[dict[str, Any]]:
    """What nobody minds being asked, in the frames of demands: the tone alone makes no demand."""
    choose = random.Random(seed)
    frames_of_demands = frames()["demand"]
    for phrase in thesaurus("harmless"):
        for construction, frame in choose.sample(frames_of_demands, each):
            text = frame.replace("{v}", phrase)
            yield {"author": "grammar", "text": text, "at": WORKING, "labels": set(), "construction": construction}


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

"""Trying rules on cases: the rulebook's own examples, decided appeals and cases given; what is right, what would change.

`python -m bot.trial` is the same as a process of its own, JSON in and out: a rulebook that somebody sends may hold a
pattern that never ends, and a process can be ended.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from bot.wire import WireError, instant
from config.calendar import Calendar
from config.rulebook import Rulebook, RulebookError, extends, load_rulebook
from config.settings import Settings, load_settings
from handlers.rules.demand import judge
from storage import cases

# Some thousand cases take seconds; what takes longer does not end.
PATIENCE = 60.0
ROOT = Path(__file__).parent.parent


class TrialError(Exception):
    """The rules could not be tried; the message is a Chinese sentence."""


@dataclass(frozen=True, slots=True)
class Case:
    """`wanted` and `unwanted` are categories; what is in neither is not asked about."""

    id: str
    text: str
    at: datetime | None
    wanted: frozenset[str] = frozenset()
    unwanted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Wrong:
    """A case that the rules judge otherwise than it was decided."""

    case: Case
    missed: frozenset[str]
    extra: frozenset[str]


@dataclass(frozen=True, slots=True)
class Change:
    """What a changed rulebook would say otherwise of a case."""

    case: Case
    gains: frozenset[str]
    loses: frozenset[str]

    def mark(self, which: str) -> str:
        """better, worse or undecided, for "gains" or "loses"."""
        gains = which == "gains"
        categories = self.gains if gains else self.loses
        right, wrong = (self.case.wanted, self.case.unwanted) if gains else (self.case.unwanted, self.case.wanted)
        return "better" if categories <= right else "worse" if categories & wrong else "undecided"


def changed_rulebook(path: Path, settings: Settings) -> Rulebook:
    """A file with categories is a whole rulebook; any other one adds to the present."""
    if extends(path):
        return load_rulebook(extra=[*settings.flags.rulebooks, path])
    return load_rulebook(path, extra=settings.flags.rulebooks)


def examples(book: Rulebook) -> Iterator[Case]:
    for category in book.categories.values():
        for number, text in enumerate(category.yes, 1):
            yield Case(f"{category.id}+{number}", text, None, wanted=frozenset({category.id}))
        for number, text in enumerate(category.no, 1):
            yield Case(f"{category.id}-{number}", text, None, unwanted=frozenset({category.id}))


def stored(db: Connection) -> list[Case]:
    """A decision is about one category of the message."""
    return [
        Case(row.id, row.text, row.at, **{"wanted" if row.demands else "unwanted": frozenset({row.category})})
        for row in cases.every(db)
    ]


def filed(path: Path, book: Rulebook) -> Iterator[Case]:
    """`labels` are all that the message demands; without them the case is only compared."""
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
        except ValueError:
            told = None
        yield case_of(told, f"第 {number} 行", book)


def case_of(told: Any, where: str, book: Rulebook) -> Case:
    """{id, text, at?, labels?}; WireError with a sentence that begins with `where`."""
    if not isinstance(told, dict) or not isinstance(told.get("text"), str) or "id" not in told:
        raise WireError(f'{where}应是 {{"id", "text", "at"?, "labels"?}}。')
    at = instant(told["at"], "at") if told.get("at") is not None else None
    labels = told.get("labels")
    if labels is not None and not (isinstance(labels, list) and all(isinstance(one, str) for one in labels)):
        raise WireError(f"{where}的 labels 应是类别的列表。")
    wanted = frozenset(labels or ()) - {"none"}
    unwanted = frozenset(book.categories) - wanted if labels is not None else frozenset()
    return Case(str(told["id"]), told["text"], at, wanted, unwanted)


def wrong_ones(found: Iterable[Case], book: Rulebook, calendar: Calendar) -> Iterator[Wrong]:
    for case in found:
        got = judged(case, book, calendar)
        if case.wanted - got or case.unwanted & got:
            yield Wrong(case, case.wanted - got, case.unwanted & got)


def changes(found: Iterable[Case], present: Rulebook, changed: Rulebook, calendar: Calendar) -> Iterator[Change]:
    for case in found:
        before, after = judged(case, present, calendar), judged(case, changed, calendar)
        if before != after:
            yield Change(case, after - before, before - after)


def judged(case: Case, book: Rulebook, calendar: Calendar) -> frozenset[str]:
    found = judge(case.text, at=case.at, rulebook=book, calendar=calendar, informational=True)
    return frozenset(one.category for one in found.findings)


def calendar_of(settings: Settings) -> Calendar:
    return Calendar(settings.work.days, (settings.work.start, settings.work.end))


async def try_apart(settings: Settings, stored_cases: Sequence[Case], rulebook: str = "") -> dict[str, Any]:
    """In a process of its own: the present rules on all cases, or with `rulebook` (TOML) what it would change.

    TrialError with a sentence when the rulebook is wrong or does not come to an end.
    """
    asked = {
        "rulebooks": [str(path.resolve()) for path in settings.flags.rulebooks],
        "work": settings.work.model_dump(mode="json"),
        "cases": [_told(case) for case in stored_cases],
        "rulebook": rulebook,
    }
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.trial"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        out, _ = await asyncio.wait_for(child.communicate(json.dumps(asked).encode()), PATIENCE)
    except TimeoutError:
        raise TrialError(
            f"试判超过 {PATIENCE:.0f} 秒没有结束，多半是某条规则的正则写得会无限回溯。请简化后再试。"
        ) from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    try:
        answer: dict[str, Any] = json.loads(out)
    except ValueError:
        raise TrialError("试判没有完成，请稍后再试。") from None
    if "error" in answer:
        raise TrialError(answer["error"])
    return answer


def _told(case: Case) -> dict[str, Any]:
    at = case.at.isoformat() if case.at else None
    return {"id": case.id, "text": case.text, "at": at, "wanted": sorted(case.wanted), "unwanted": sorted(case.unwanted)}


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    settings = load_settings(flags={"work": asked["work"], "flags": {"rulebooks": asked["rulebooks"]}}, environ={})
    present, calendar = load_rulebook(extra=settings.flags.rulebooks), calendar_of(settings)
    given = [
        Case(one["id"], one["text"], one["at"] and datetime.fromisoformat(one["at"]), frozenset(one["wanted"]), frozenset(one["unwanted"]))
        for one in asked["cases"]
    ]
    found = [*examples(present), *given]
    if not asked["rulebook"]:
        wrong = [
            {"id": one.case.id, "text": one.case.text, "missed": sorted(one.missed), "extra": sorted(one.extra)}
            for one in wrong_ones(found, present, calendar)
        ]
        return {"cases": len(found), "right": len(found) - len(wrong), "wrong": wrong}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rulebook.toml"
        path.write_text(asked["rulebook"], "utf-8")
        changed = changed_rulebook(path, settings)
    differ = [
        {
            "id": one.case.id,
            "text": one.case.text,
            "gains": sorted(one.gains),
            "loses": sorted(one.loses),
            "marks": {which: one.mark(which) for which in ("gains", "loses") if getattr(one, which)},
        }
        for one in changes(found, present, changed, calendar)
    ]
    return {"cases": len(found), "present": present.version, "changed": changed.version, "differ": differ}


def main() -> None:
    try:
        answer = _answer(json.load(sys.stdin))
    except RulebookError as error:
        answer = {"error": str(error)}
    json.dump(answer, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()

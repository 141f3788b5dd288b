"""The rounds that one event touches: held, moved by steps, written down together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Row

from handlers.context import Context
from handlers.rules.cleanup import Standing, Step, after
from storage import cleanups


@dataclass(slots=True, kw_only=True)
class Round:
    """One group's round: what was found, and where it stands."""

    id: str
    kind: str
    subject: str
    round: int
    previous: str
    name: str
    unit: str
    unit_place: int
    place: int
    week: str
    verdict: str
    suggestion: str
    # JSON, which is read only for those that are spoken of.
    facts: str
    standing: Standing

    @property
    def state(self) -> str:
        return self.standing.state

    @property
    def known(self) -> dict[str, Any]:
        """What that week's snapshot said: `reasons`, and figures."""
        return dict(json.loads(self.facts))


FOUND = tuple(one.name for one in fields(Round) if one.name != "standing")
STANDS = tuple(one.name for one in fields(Standing))
TAKEN = tuple(one.name for one in fields(Step))


def round_id(kind: str, subject: str, number: int) -> str:
    """The same round always has the same id."""
    return "c" + hashlib.sha256(f"{kind}:{subject}:{number}".encode()).hexdigest()[:15]


class Book:
    """Each round is one object in here, however often it is asked for."""

    def __init__(self, context: Context) -> None:
        self.context, self.db = context, context.db
        self.rules = context.settings.cleanup
        self._known: dict[str, Round] = {}
        self._opened: dict[str, None] = {}
        self._steps: list[dict[str, Any]] = []

    def adopt(self, rows: Iterable[Row[Any]]) -> list[Round]:
        """Rows that are held."""
        return [self._known.setdefault(row.id, _round(row)) for row in rows]

    def open(self, found: Round, step: Step) -> Round:
        """Begin a round with its first step."""
        self._known[found.id] = found
        self._opened[found.id] = None
        self.take(found, step)
        return found

    def take(self, one: Round, step: Step) -> bool:
        """False where this step cannot follow; then nothing happens."""
        moved = after(one.standing, step, self.rules)
        if moved is None:
            return False
        one.standing = moved
        self._steps.append({"item": one.id, "number": moved.steps, **_told(step, TAKEN)})
        return True

    def rounds(self, *states: str) -> list[Round]:
        return [one for one in self._known.values() if one.state in states]

    def save(self) -> None:
        moved = dict.fromkeys(step["item"] for step in self._steps)
        opened = [_row(self._known[key]) for key in moved if key in self._opened]
        changed = [{"id": key, **_told(self._known[key].standing, STANDS)} for key in moved if key not in self._opened]
        cleanups.save(self.db, opened, changed, self._steps)
        self._steps, self._opened = [], {}


def hold(context: Context, items: Sequence[str]) -> tuple[Book, list[Round]]:
    """These rounds, in the order of asking."""
    book = Book(context)
    found = {one.id: one for one in book.adopt(cleanups.hold(context.db, items))}
    return book, [found[item] for item in dict.fromkeys(items) if item in found]


def standing_of(row: Row[Any]) -> Standing:
    return Standing(**_told(row, STANDS))


def _round(row: Row[Any]) -> Round:
    return Round(**_told(row, FOUND), standing=standing_of(row))


def _row(one: Round) -> dict[str, Any]:
    return {**_told(one, FOUND), **_told(one.standing, STANDS)}


def _told(one: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(one, name) for name in names}

"""A part of a snapshot's list, asked in one way: of a saved one by index, of one that was just computed in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from storage.inventories import Listed

Row = Mapping[str, Any]


class Part(Protocol):
    def number(self) -> int: ...

    def worth(self) -> int:
        """The messages of 30 days times the people they came to, all together."""

    def cut(self, start: int, length: int) -> Sequence[tuple[int, Row]]:
        """Some of the rows, with their places in the whole list."""


@dataclass(slots=True)
class Held:
    rows: Sequence[tuple[int, Row]]

    def number(self) -> int:
        return len(self.rows)

    def worth(self) -> int:
        return sum(one["messages_30d"] * one["people"] for _, one in self.rows)

    def cut(self, start: int, length: int) -> Sequence[tuple[int, Row]]:
        return self.rows[start : start + length]


@dataclass(slots=True)
class Whole:
    """A saved list of which nothing is left out: its numbers are known without counting."""

    rows: Listed

    def number(self) -> int:
        return len(self.rows)

    def worth(self) -> int:
        return 0

    def cut(self, start: int, length: int) -> Sequence[tuple[int, Row]]:
        return list(enumerate(self.rows[start : start + length], start))


@dataclass(slots=True)
class Loaded:
    """The groups of a saved list whose people are known."""

    rows: Listed

    def number(self) -> int:
        return self.rows.loaded or 0

    def worth(self) -> int:
        return self.rows.worth

    def cut(self, start: int, length: int) -> Sequence[tuple[int, Row]]:
        return self.rows.cut_loaded(start, length)


def part(
    rows: Sequence[Row], marks: Collection[str] | None = None, unit: str | None = None, loaded: bool = False
) -> Part:
    """Rows with one of these verdicts (of a change: parts), of a unit, with people that are known."""
    if isinstance(rows, Listed):
        if marks is None and unit is None:
            return Loaded(rows) if loaded else Whole(rows)
        return rows.marked(marks, unit, loaded=loaded)
    return Held(
        [
            (place, one)
            for place, one in enumerate(rows)
            if (marks is None or mark_of(one) in marks)
            and (unit is None or one["unit"] == unit)
            and (not loaded or one["people"])
        ]
    )


def mark_of(row: Row) -> str:
    return str(row["part"] if "part" in row else row["verdict"])


def of_keys(rows: Sequence[Row], keys: Collection[str]) -> list[Any]:
    """The groups (`channel:id`) with these keys."""
    if isinstance(rows, Listed):
        return rows.of(keys)
    return [one for one in rows if f"{one['channel']}:{one['id']}" in keys]


def of_units(rows: Sequence[Row], units: Collection[str]) -> list[Any]:
    """The figures of these units, in their order."""
    return rows.of(units) if isinstance(rows, Listed) else [one for one in rows if one["unit"] in units]


def in_units(rows: Sequence[Row], units: Collection[str]) -> list[Any]:
    """The rows that are these units', in their order; of a saved list by index."""
    if isinstance(rows, Listed):
        return [row for _, row in rows.marked(units=units)]
    return [one for one in rows if one["unit"] in units]


def merges_of(rows: Sequence[Row], keys: Collection[str]) -> list[Any]:
    """The proposals that are about these groups only."""
    found = rows.of(keys) if isinstance(rows, Listed) else rows
    return [one for one in found if set(keys).issuperset(one["groups"])]

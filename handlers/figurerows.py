"""The rows behind the figures of a snapshot: which they are, and what each is worth, so that they add up to the figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from handlers.census import RECENT_DAYS
from handlers.figures import ZOMBIE
from handlers.listing import of_units, part
from handlers.rules.reduction import EVIDENCE
from storage.inventories import CAME, KEPT, Listed

WEEK_DAYS = 7

Row = Mapping[str, Any]
Rows = Sequence[Row]


def scope(snapshot: Row, unit: str | None = None) -> Row | None:
    """The figures of the whole city, or of a unit, under the same names; None when the snapshot does not tell them."""
    if unit is not None:
        return next(iter(of_units(snapshot.get("units", ()), [unit])), None)
    return {**snapshot["totals"], **snapshot.get("reduction", {}), **snapshot.get("load", {})}


def figure(snapshot: Row, what: str, unit: str | None = None) -> float | None:
    """As the dashboard shows it; None when the snapshot does not tell it."""
    found = scope(snapshot, unit)
    if found is None:
        return None
    told: float | None
    match what:
        case "closed":
            told = sum(found["closed"].values()) if "closed" in found else None
        case "seen" | "declared" | "imported":
            told = found["closed"][what] if "closed" in found else None
        case "load":
            told = found.get("work_per_person_daily")
        case "app_baseline" | "app_closed":
            told = snapshot.get("app_reduction", {}).get(APP_FIGURES[what])
        case _:
            told = found.get(FIGURES[what])
    return told


FIGURES: Mapping[str, str] = {
    "groups": "groups",
    "zombies": "zombie_groups",
    "baseline": "baseline_groups",
    "reduced": "reduced_groups",
    "added": "added",
    "rebounds": "rebounds",
    "apps": "apps",
    "zombie_apps": "zombie_apps",
}
APP_FIGURES: Mapping[str, str] = {"app_baseline": "baseline_apps", "app_closed": "closed"}


def weekly(daily: float | None) -> float | None:
    """What one person receives a week, of a figure a day."""
    return None if daily is None else round(daily * WEEK_DAYS, 1)


@dataclass(frozen=True, slots=True)
class Behind:
    """Some of the rows behind a figure, how many there are, and what they add up to."""

    rows: list[Row]
    number: int
    total: int


def behind(snapshot: Row, what: str, unit: str | None, start: int, length: int) -> Behind | None:
    """None when the snapshot did not keep these rows: a version before this one saved it."""
    if what == "baseline":
        return _baseline(snapshot, unit, start, length)
    if any(snapshot.get(name) is None for name, _ in BEHIND[what]) or (what == "load" and not _has_people(snapshot)):
        return None
    parts = [part(snapshot[name], marks, unit, what == "load") for name, marks in BEHIND[what]]
    numbers = [one.number() for one in parts]
    rows: list[Row] = []
    for one, number in zip(parts, numbers, strict=True):
        rows += [row for _, row in one.cut(max(start, 0), length - len(rows))] if start < number else []
        start -= number
        if len(rows) == length:
            break
    total = sum(one.worth() for one in parts) if what == "load" else sum(numbers)
    if what == "reduced":
        total -= 2 * part(snapshot["changes"], CAME, unit).number()
    return Behind(rows, sum(numbers), total)


def _has_people(snapshot: Row) -> bool:
    groups = snapshot["groups"]
    return groups.loaded is not None if isinstance(groups, Listed) else all("people" in one for one in groups)


def worth(what: str, row: Row) -> int:
    """What a row adds to the figure; the load's rows add up to all that was received in RECENT_DAYS."""
    if what == "load":
        return int(row["messages_30d"] * row["people"])
    return -1 if what == "reduced" and row["part"] in CAME else 1


def load_of(total: float, people: int) -> float:
    """The figure a day that the worth of the load's rows leads to."""
    return round(total / (people * RECENT_DAYS), 2) if people else 0.0


def _baseline(snapshot: Row, unit: str | None, start: int, length: int) -> Behind | None:
    """What was there at the baseline: the groups that did not come since, and those that ended; unit by unit."""
    if snapshot.get("changes") is None or snapshot.get("units") is None:
        return None
    units = snapshot["units"]
    numbers = units.worths() if isinstance(units, Listed) else [one["baseline_groups"] for one in units]
    number = sum(numbers)
    if unit is not None:
        [*chosen] = of_units(units, [unit])
        number = sum(one["baseline_groups"] for one in chosen)
        return Behind(_of_unit(snapshot, chosen, start, length), number, number)
    rows: list[Row] = []
    for place, ahead in enumerate(accumulate(numbers, initial=0)):
        if place == len(numbers) or len(rows) >= length:
            break
        if numbers[place] and ahead + numbers[place] > start:
            rows += _of_unit(snapshot, [units[place]], max(start - ahead, 0), length - len(rows))
    return Behind(rows, number, number)


def _of_unit(snapshot: Row, units: Sequence[Row], start: int, length: int) -> list[Row]:
    """Of one unit first those that are still there."""
    rows: list[Row] = []
    for one in units:
        kept = _kept(snapshot, one["unit"], start, length)
        rows += [{**row, "part": "kept", "at": None, "of": ""} for row in kept]
        there = one["baseline_groups"] - sum(one["closed"].values())
        ended = part(snapshot["changes"], EVIDENCE, one["unit"])
        rows += [row for _, row in ended.cut(max(start - there, 0), length - len(rows))]
    return rows


def _kept(snapshot: Row, unit: str, start: int, length: int) -> list[Row]:
    groups = snapshot["groups"]
    if isinstance(groups, Listed):
        return [row for _, row in groups.marked(None, unit, parts=KEPT).cut(start, length)]
    came = {(one["channel"], one["id"]) for one in snapshot["changes"] if one["part"] in CAME}
    kept = [one for one in groups if one["unit"] == unit and (one["channel"], one["id"]) not in came]
    return kept[start : start + length]


# What is asked for → the lists it is in, and which verdicts (of a change: which parts) of them.
BEHIND: Mapping[str, tuple[tuple[str, tuple[str, ...] | None], ...]] = {
    "groups": (("groups", None),),
    "zombies": (("groups", ZOMBIE),),
    "baseline": (),
    "reduced": (("changes", (*EVIDENCE, *CAME)),),
    "closed": (("changes", EVIDENCE),),
    "seen": (("changes", ("seen",)),),
    "declared": (("changes", ("declared",)),),
    "imported": (("changes", ("imported",)),),
    "added": (("changes", CAME),),
    "rebounds": (("changes", ("rebound",)),),
    "load": (("groups", None),),
    "apps": (("apps", None),),
    "zombie_apps": (("apps", ZOMBIE),),
    "app_baseline": (("apps", None), ("app_changes", None)),
    "app_closed": (("app_changes", None),),
}

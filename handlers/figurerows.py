"""The rows behind the figures of a snapshot: which they are, and what each is worth, so that they add up to the figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from handlers.census import RECENT_DAYS
from handlers.figures import ZOMBIE
from handlers.rules.reduction import EVIDENCE

CAME = ("added", "rebound")
WEEK_DAYS = 7

Row = Mapping[str, Any]
Rows = Sequence[Row]


def scope(snapshot: Row, unit: str | None = None) -> Row | None:
    """The figures of the whole city, or of a unit, under the same names; None when the snapshot does not tell them."""
    if unit is not None:
        return next((one for one in snapshot.get("units", ()) if one["unit"] == unit), None)
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


def behind(snapshot: Row, what: str, unit: str | None = None) -> list[Row] | None:
    """None when the snapshot did not keep these rows: a version before this one saved it."""
    rows = BEHIND[what](snapshot)
    return rows if rows is None or unit is None else [one for one in rows if one["unit"] == unit]


def worth(what: str, row: Row) -> int:
    """What a row adds to the figure; the load's rows add up to all that was received in RECENT_DAYS."""
    if what == "load":
        return int(row["messages_30d"] * row["people"])
    return -1 if what == "reduced" and row["part"] in CAME else 1


def load_of(total: float, people: int) -> float:
    """The figure a day that the worth of the load's rows leads to."""
    return round(total / (people * RECENT_DAYS), 2) if people else 0.0


def _changed(*parts: str) -> Callable[[Row], list[Row] | None]:
    def rows(snapshot: Row) -> list[Row] | None:
        known = snapshot.get("changes")
        return None if known is None else [one for one in known if one["part"] in parts]

    return rows


def _baseline(snapshot: Row) -> list[Row] | None:
    """What was there at the baseline: the groups that did not come since, and those that ended; unit by unit."""
    changes = snapshot.get("changes")
    if changes is None:
        return None
    if not snapshot["totals"]["baseline_groups"]:
        return []
    came = {(one["channel"], one["id"]) for one in changes if one["part"] in CAME}
    kept = [one for one in snapshot["groups"] if (one["channel"], one["id"]) not in came]
    rows = [{**one, "part": "kept", "at": None, "of": ""} for one in kept]
    rows += [one for one in changes if one["part"] in EVIDENCE]
    order = {one["unit"]: place for place, one in enumerate(snapshot["units"])}
    return sorted(rows, key=lambda one: order[one["unit"]])


def _load(snapshot: Row) -> list[Row] | None:
    groups = snapshot["groups"]
    return None if any("people" not in one for one in groups) else [one for one in groups if one["people"]]


def _apps(snapshot: Row) -> list[Row] | None:
    gone = snapshot.get("app_changes")
    return None if gone is None else [*snapshot["apps"], *gone]


BEHIND: Mapping[str, Callable[[Row], list[Row] | None]] = {
    "groups": lambda snapshot: list(snapshot["groups"]),
    "zombies": lambda snapshot: [one for one in snapshot["groups"] if one["verdict"] in ZOMBIE],
    "baseline": _baseline,
    "reduced": _changed(*EVIDENCE, *CAME),
    "closed": _changed(*EVIDENCE),
    "seen": _changed("seen"),
    "declared": _changed("declared"),
    "imported": _changed("imported"),
    "added": _changed(*CAME),
    "rebounds": _changed("rebound"),
    "load": _load,
    "apps": lambda snapshot: list(snapshot["apps"]),
    "zombie_apps": lambda snapshot: [one for one in snapshot["apps"] if one["verdict"] in ZOMBIE],
    "app_baseline": _apps,
    "app_closed": lambda snapshot: snapshot.get("app_changes"),
}

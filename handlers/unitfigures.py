"""The figures unit by unit, in the register's order, and the groups and apps that they count but do not list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from handlers.census import RECENT_DAYS, Census
from handlers.reasons import iso
from handlers.rules.reduction import EVIDENCE, Rebound, Reduction
from handlers.rules.week import midnight

# Of fewer people an average would say something about one of them.
FEWEST = 5

Rows = Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class _Unit:
    groups: int = 0
    zombies: int = 0
    apps: int = 0
    kept: int = 0
    closed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(EVIDENCE, 0))
    added: int = 0
    rebounds: int = 0
    people: int = 0
    work: int = 0


def by_unit(taken: Census, zombies: Mapping[str, int], apps: Rows, reduced: Reduction) -> list[dict[str, Any]]:
    """`zombies` are groups by unit. `rate` is None where the unit had no group at the baseline.

    The load is of the people in the unit's groups, None where they are not known or fewer than FEWEST.
    """
    units = dict(_living(taken))
    for name, number in zombies.items():
        units[name].zombies = number
    for row in apps:
        units.setdefault(row["unit"], _Unit()).apps += 1
    for place, part in enumerate(reduced.parts):
        if part:
            _count(units.setdefault(taken.unit(place), _Unit()), part)
    return [_told(name, units[name]) for name in sorted(units, key=taken.place)]


def _living(taken: Census) -> Iterator[tuple[str, _Unit]]:
    """The groups of a unit stand together."""
    work = taken.heard.work * taken.rosters.sizes
    for first, last in taken.by_unit():
        yield taken.unit(first), _Unit(
            groups=last - first, people=taken.rosters.distinct(first, last), work=int(work[first:last].sum())
        )


def _count(unit: _Unit, part: str) -> None:
    if part == "kept":
        unit.kept += 1
    elif part in EVIDENCE:
        unit.closed[part] += 1
    else:
        unit.added += 1
        unit.rebounds += part == "rebound"


def _told(name: str, unit: _Unit) -> dict[str, Any]:
    baseline, closed = unit.kept + sum(unit.closed.values()), sum(unit.closed.values())
    enough = unit.people >= FEWEST
    return {
        "unit": name,
        "groups": unit.groups,
        "zombie_groups": unit.zombies,
        "apps": unit.apps,
        "baseline_groups": baseline,
        "closed": unit.closed,
        "added": unit.added,
        "rebounds": unit.rebounds,
        "reduced_groups": closed - unit.added,
        "reduction_rate": (closed - unit.added) / baseline if baseline else None,
        "people": unit.people if enough else None,
        "work_per_person_daily": round(unit.work / (unit.people * RECENT_DAYS), 2) if enough else None,
    }


def changes(taken: Census, reduced: Reduction, back: Mapping[str, Rebound]) -> list[dict[str, Any]]:
    """What ended since the baseline and what came, in the register's order; `of` is what a rebound brought back.

    The groups at the baseline are those of the snapshot that did not come since, and those that ended.
    """
    listed = [(taken.lifetime(at), part, at) for at, part in enumerate(reduced.parts) if part not in ("", "kept")]
    listed.sort(key=lambda each: (*taken.place(each[0].unit), taken.names[each[2]], each[0].id))
    return [
        {
            "id": one.id.split(":", 1)[1],
            "channel": one.id.split(":", 1)[0],
            "name": taken.names[at],
            "unit": one.unit,
            "part": part,
            "at": _moment(one.ended or (midnight(one.began) if one.began else None)),
            "of": taken.names[taken.places[back[one.id].closed]] if part == "rebound" else "",
        }
        for one, part, at in listed
    ]


def app_changes(register: Sequence[Any], baseline: datetime | None, end: datetime) -> list[dict[str, Any]]:
    """The apps that the register closed between the two moments, in its order."""
    if baseline is None or baseline > end:
        return []
    return [
        {"id": row.id, "name": row.name, "unit": row.unit, "kind": row.kind, "at": iso(row.closed)}
        for row in register
        if row.closed and baseline <= midnight(row.closed) < end
    ]


def app_reduction(apps: int, closed: int, baseline: datetime | None, end: datetime) -> dict[str, Any]:
    """A register of apps tells no day on which one began: all of them were there at the baseline, none is new."""
    counts = baseline is not None and baseline <= end
    existed = apps + closed if counts else 0
    return {
        "baseline_apps": existed,
        "closed": closed,
        "reduced_apps": closed,
        "reduction_rate": closed / existed if existed else 0.0,
    }


def _moment(at: datetime | None) -> str | None:
    return iso(at) if at else None

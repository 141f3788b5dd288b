"""The part of an inventory that is about some units: its rows, and the figures that these rows add up to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from config.wording import load_wording
from handlers import figures, unitfigures
from handlers.census import RECENT_DAYS
from handlers.listing import in_units, merges_of, of_units
from handlers.rules.reduction import EVIDENCE
from handlers.rules.week import first_day, midnight
from handlers.unitfigures import FEWEST
from storage import inventories, weekly

Row = Mapping[str, Any]


def only_units(db: Connection, snapshot: Row, units: Collection[str]) -> dict[str, Any]:
    """Everything that a snapshot tells, of these units alone; what tells of nothing smaller than the city is left out.

    `scope` is "units". The load counts everybody once, however many of the units' groups they are in.
    """
    groups: Sequence[Row] = in_units(snapshot["groups"], units)
    apps = in_units(snapshot["apps"], units)
    gone = in_units(snapshot.get("app_changes") or (), units)
    end = datetime.fromisoformat(snapshot["at"])
    baseline = (snapshot.get("reduction") or {}).get("baseline_at")
    load = _load(db, groups, end)
    counted = weekly.counts(db, midnight(first_day(snapshot["week"])), end, units)
    own = {_key(one) for one in groups}
    # A group with the same people in another unit counts, and is not named.
    groups = [{**one, "similar": [each for each in one.get("similar", ()) if _key(each) in own]} for one in groups]
    found = {
        "week": snapshot["week"],
        "at": snapshot["at"],
        "scope": "units",
        **only_figures(snapshot, units),
        "app_reduction": unitfigures.app_reduction(
            len(apps), len(gone), datetime.fromisoformat(baseline) if baseline else None, end
        ),
        "load": load,
        "flow": figures.flow(*counted, load["people"]),
        "verdicts": figures.verdicts(groups),
        "sources": {**snapshot.get("sources", {"gaps": []}), **_sources(groups)},
        "rules": snapshot["rules"],
        "units": of_units(snapshot.get("units", ()), units),
        "groups": groups,
        "apps": apps,
        "merges": merges_of(snapshot.get("merges", ()), own),
    }
    for name in ("changes", "app_changes"):
        if name in snapshot:
            found[name] = in_units(snapshot[name], units)
    found["totals"] |= {"groups": len(groups), "apps": len(apps)}
    found["totals"] |= {"zombie_groups": figures.zombies(groups), "zombie_apps": figures.zombies(apps)}
    return found


def only_figures(head: Row, units: Collection[str]) -> dict[str, Any]:
    """`totals` and `reduction` of these units, of a snapshot or of its head alone."""
    told = of_units(head.get("units", ()), units)
    baseline, groups, added, rebounds = (
        sum(one[name] for one in told) for name in ("baseline_groups", "groups", "added", "rebounds")
    )
    closed = {evidence: sum(one["closed"][evidence] for one in told) for evidence in EVIDENCE}
    reduced = sum(closed.values()) - added
    rate = reduced / baseline if baseline else 0.0
    say = load_wording()
    key = "inventory.formula" if baseline else "inventory.formula_none"
    return {
        "totals": {
            "groups": groups,
            "apps": sum(one["apps"] for one in told),
            "zombie_groups": sum(one["zombie_groups"] for one in told),
            "baseline_groups": baseline,
            "reduced_groups": reduced,
            "reduction_rate": rate,
        },
        "reduction": {
            "baseline_at": (head.get("reduction") or {}).get("baseline_at"),
            "closed": closed,
            "added": added,
            "rebounds": rebounds,
            "formula": say(key, baseline=baseline, now=groups, rate=rate),
        },
    }


def _key(row: Row) -> str:
    return f"{row['channel']}:{row['id']}"


def _sources(groups: Sequence[Row]) -> dict[str, int]:
    seen = sum(one.get("source") == "seen" for one in groups)
    return {"seen": seen, "imported": len(groups) - seen}


def _load(db: Connection, groups: Sequence[Row], end: datetime) -> dict[str, Any]:
    """As figures.load; nothing of fewer people than FEWEST."""
    known = [one for one in groups if one.get("people")]
    people = len(inventories.people_of(db, [_key(one) for one in known], end))
    if people < FEWEST:
        return {"people": 0, "groups_per_person": 0.0, "work_per_person_daily": 0.0, "all_per_person_daily": 0.0}
    work = sum(one["messages_30d"] * one["people"] for one in known)
    every = work + sum((one["rollcalls_30d"] + one["others_30d"]) * one["people"] for one in known)
    return {
        "people": people,
        "groups_per_person": round(sum(one["people"] for one in known) / people, 2),
        "work_per_person_daily": round(work / (people * RECENT_DAYS), 2),
        "all_per_person_daily": round(every / (people * RECENT_DAYS), 2),
    }

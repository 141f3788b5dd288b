"""The figures above an inventory: totals, the reduction with its evidence, the load beside it, thresholds, sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from config.settings import InventorySettings
from config.wording import Wording
from handlers.census import RECENT_DAYS, Census
from handlers.reasons import day_in_words, iso
from handlers.rules.moves import Move
from handlers.rules.reduction import Reduction
from handlers.rules.zombie import DAY, OVER_LIMIT

ZOMBIE = ("suspected", "dissolve")
# What is explained below the list → the setting that is its threshold, and its unit.
RULES: tuple[tuple[str, str, str], ...] = (
    ("silent_30", "watch_days", "days"),
    ("silent_90", "suspected_days", "days"),
    ("silent_180", "dissolve_days", "days"),
    ("never_used", "empty_grace_days", "days"),
    ("no_owner", "", "none"),
    ("task_ended", "overdue_days", "days"),
    ("member_overlap", "overlap", "share"),
    ("similar_name", "", "none"),
    ("only_rollcall", "rollcall_share", "share"),
    ("over_limit", "groups_per_unit", "groups"),
    ("unregistered", "", "none"),
    ("merge", "merge_messages", "messages"),
    ("rebound", "rebound_days", "days"),
    ("moved", "move_days", "days"),
    ("data_gap", "gap_hours", "hours"),
    ("exempt", "", "none"),
    ("alive", "", "none"),
    ("app", "app_days", "days"),
    ("account", "account_days", "days"),
    ("banned_function", "banned_functions", "words"),
    ("similar_app", "app_overlap", "share"),
    ("no_filing", "", "none"),
    ("few_users", "app_active_least", "people"),
)
# How far back a deaf channel is still worth a line.
GAP_DAYS = 180

Rows = Iterable[Mapping[str, Any]]


def totals(groups: Mapping[str, int], apps: Sequence[Mapping[str, Any]], reduced: Reduction) -> dict[str, Any]:
    """`groups` by verdict; `zombie_…` are those that are suspected or to dissolve; `reduction_rate` a fraction of 1."""
    return {
        "groups": sum(groups.values()),
        "apps": len(apps),
        "zombie_groups": sum(groups.get(judged, 0) for judged in ZOMBIE),
        "zombie_apps": zombies(apps),
        "baseline_groups": reduced.baseline,
        "reduced_groups": reduced.reduced,
        "reduction_rate": reduced.rate,
    }


def zombies(rows: Rows) -> int:
    return sum(one["verdict"] in ZOMBIE for one in rows)


def verdicts(groups: Rows) -> dict[str, int]:
    return dict(sorted(Counter(one["verdict"] for one in groups).items()))


def moved(moves: Mapping[str, Move], baseline: datetime | None) -> int:
    """How many groups went on under another name or elsewhere since the baseline."""
    return sum(baseline is not None and one.ended >= baseline for one in moves.values())


def reduction_figures(reduced: Reduction, baseline: datetime | None, moved: int, say: Wording) -> dict[str, Any]:
    """`moved` groups are neither closed nor added.

    baseline_groups − all of `closed` + `added` = groups; `rebounds` are among `added` and so count against it."""
    told = "inventory.formula" if reduced.baseline else "inventory.formula_none"
    return {
        "baseline_at": iso(baseline) if baseline else None,
        "closed": dict(reduced.closed),
        "added": reduced.added,
        "rebounds": reduced.rebounds,
        "moved": moved,
        "formula": say(told, baseline=reduced.baseline, now=reduced.now, rate=reduced.rate),
    }


def load(taken: Census) -> dict[str, Any]:
    """What one person receives a day on average, over all their groups (policy.md §3.4): a merger must not raise it.

    Groups whose members are not known by name cannot be counted and are left out of it.
    """
    sizes, heard = taken.rosters.sizes[: taken.living], taken.heard
    people = taken.rosters.distinct(0, taken.living)
    work = int((heard.work[: taken.living] * sizes).sum())
    rest = int(((heard.rollcalls + heard.others)[: taken.living] * sizes).sum())
    days = people * RECENT_DAYS
    return {
        "people": people,
        "groups_per_person": round(int(sizes.sum()) / people, 2) if people else 0.0,
        "work_per_person_daily": round(work / days, 2) if days else 0.0,
        "all_per_person_daily": round((work + rest) / days, 2) if days else 0.0,
    }


def flow(notices: int, copies: int, saved: int, people: int) -> dict[str, Any]:
    """What the week brought: notices, the people they asked, and the 收到 that nobody had to type."""
    return {
        "notices": notices,
        "copies": copies,
        "notices_per_person": round(copies / people, 2) if people else 0.0,
        "saved": saved,
    }


def sources(taken: Census) -> dict[str, Any]:
    """Where the groups are known from, and when channels were deaf (a key with a colon is one group's own gap)."""
    imported = sum(taken.places[key] < taken.living for key in taken.lone)
    since = taken.end - GAP_DAYS * DAY
    return {
        "seen": taken.living - imported,
        "imported": imported,
        "registered": taken.registered,
        "gaps": [
            {"channel": channel, "since": iso(start), "until": iso(until)}
            for channel, gaps in taken.gaps.items()
            if ":" not in channel
            for start, until in gaps.between(since, taken.end)
        ],
    }


def rules_in_force(rules: InventorySettings, say: Wording) -> list[dict[str, Any]]:
    """Each threshold with its text and where it comes from; what has no official number says 本地口径 and its date."""
    levels = "".join(say("inventory.rule.unit_limit", unit=unit, limit=one) for unit, one in rules.unit_limits.items())
    effect = say("inventory.rule.watched" if rules.over_limit_watch else "inventory.rule.told")
    return [
        {
            "code": code,
            "threshold": (threshold := _threshold(rules, setting)),
            "unit": unit,
            "text": say(f"inventory.rule.{code}", threshold=threshold, levels=levels, effect=effect),
            "source": say(f"inventory.rule_source.{code}", local=_local(rules, setting, say)),
            # Only a setting lets it lead to a verdict.
            **({"verdict": OVER_LIMIT[code]} if code in OVER_LIMIT and rules.over_limit_watch else {}),
        }
        for code, setting, unit in RULES
    ]


def _threshold(rules: InventorySettings, setting: str) -> Any:
    """A list reads as its words; None where nothing is to be turned."""
    value = getattr(rules, setting) if setting else None
    return "、".join(value) if isinstance(value, list) else value


def _local(rules: InventorySettings, setting: str, say: Wording) -> str:
    """The text that the unit's own number comes from, and its date; without one, whose number it is."""
    if rules.basis and rules.basis_date:
        return say("inventory.local.basis_dated", basis=rules.basis, date=day_in_words(rules.basis_date))
    if rules.basis:
        return say("inventory.local.basis", basis=rules.basis)
    own = bool(setting) and getattr(rules, setting) != type(rules).model_fields[setting].default
    return say("inventory.local.changed" if own else "inventory.local.default")

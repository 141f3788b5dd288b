"""Merge advice as data: which groups could become one, how many people that spares notices and how many it costs more.

It names groups and counts people; who they are stays in here.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from config.settings import InventorySettings
from config.wording import Wording
from handlers.census import RECENT_DAYS, Census, Entry
from handlers.rules import matter, merge
from handlers.rules.merge import Advice, Candidate, Merge
from handlers.rules.similar import Likeness
from storage import placements

WEEK_DAYS = 7
# What is to end, or was decided to stay, is not merged; DONE is the register's own word.
ENDING, DONE = "解散", ("保留", "解散", "注销")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """`figures` of all proposals together, and the proposals."""

    figures: dict[str, Any]
    rows: list[dict[str, Any]]


def advise(
    taken: Census,
    candidates: Iterable[Candidate],
    overlaps: Mapping[str, Likeness],
    names: Mapping[str, Likeness],
    rules: InventorySettings,
    say: Wording,
) -> Told:
    """Nobody counts whose group has no roster."""
    found = merge.propose(candidates, overlaps, names, rules.overlap, rules.merge_messages * RECENT_DAYS)
    return Told(_figures(found, rules, say), [_row(one, taken, say) for one in found.merges])


def copied(db: Connection, taken: Census) -> Mapping[str, frozenset[str]]:
    """By group, the notices of RECENT_DAYS that stood in other groups, too."""
    return placements.copied(db, taken.end - timedelta(days=RECENT_DAYS), taken.end)


def candidate(taken: Census, entry: Entry, disposition: str, notices: Mapping[str, frozenset[str]]) -> Candidate | None:
    """None for a group that does not go on, whose people are not known, or that is exempt."""
    decided = entry.row is not None and entry.row.disposition.startswith(DONE)
    if not entry.people or entry.exemption or decided or ENDING in disposition:
        return None
    return Candidate(
        key=entry.key,
        channel=entry.channel,
        people=taken.rosters.of(entry.place),
        messages=entry.known.messages,
        began=taken.began_on(entry.place),
        notices=notices.get(entry.key, frozenset()),
        apart=merge.apart_of(entry.kind, entry.name, entry.purpose),
        task=matter.name_of(entry.row.matter) if entry.row else "",
    )


def _row(found: Merge, taken: Census, say: Wording) -> dict[str, Any]:
    """The target stands first; the figures are averages over the people they are about."""
    counted = _counted(found.spared, found.burdened)
    places = [taken.places[key] for key in found.keys]
    units = dict.fromkeys(unit for place in places if (unit := taken.unit(place)))
    saves = len(found.keys) - 1
    text = say("inventory.merge.text", groups=len(found.keys), saves=saves)
    return {
        "groups": list(found.keys),
        "target": found.keys[0],
        "names": [taken.names[place] for place in places],
        "units": list(units),
        "saves_groups": saves,
        **counted,
        # Of the group that they would become.
        "messages_daily": round(found.messages / RECENT_DAYS, 2),
        "why": _why(found, say),
        "text": "；".join((text, *_effects(counted, say))),
    }


def _counted(spared: Mapping[Hashable, int], burdened: Mapping[Hashable, int]) -> dict[str, Any]:
    return {
        "people_fewer": {"people": len(spared), "notices_weekly": _average(spared, WEEK_DAYS)},
        "people_more": {"people": len(burdened), "messages_daily": _average(burdened, 1)},
    }


def _average(numbers: Mapping[Hashable, int], days: int) -> float:
    """Of one person in so many days, of what RECENT_DAYS brought."""
    return round(sum(numbers.values()) / len(numbers) * days / RECENT_DAYS, 2) if numbers else 0.0


def _why(found: Merge, say: Wording) -> str:
    """A share is never rounded up."""
    shared = None if found.overlap is None else math.floor(found.overlap * 100 + 1e-9)
    members = [] if shared is None else [say("inventory.merge.members", percent=shared)]
    return "；".join((*members, *([say("inventory.merge.names")] if found.named else [])))


def _effects(counted: Row, say: Wording) -> Iterator[str]:
    """Of whom it spares something, and of whom it costs something; that nobody is worse off is told, too."""
    if counted["people_fewer"]["people"]:
        yield say("inventory.merge.fewer", **counted["people_fewer"])
    more = counted["people_more"]
    yield say("inventory.merge.more", **more) if more["people"] else say("inventory.merge.nobody")


def _figures(found: Advice, rules: InventorySettings, say: Wording) -> dict[str, Any]:
    """Somebody whom several proposals concern is one person here."""
    groups = sum(len(one.keys) for one in found.merges)
    counted = _counted(found.spared, found.burdened)
    proposals = len(found.merges)
    saves = groups - proposals
    parts = [say("inventory.merge.none")]
    if proposals:
        parts = [say("inventory.merge.total", proposals=proposals, groups=groups, saves=saves), *_effects(counted, say)]
    if found.held:
        parts.append(say("inventory.merge.held", held=found.held, limit=rules.merge_messages))
    return {
        "proposals": proposals,
        "merged_groups": groups,
        "saves_groups": saves,
        **counted,
        "held": found.held,
        "limit": rules.merge_messages,
        "text": "；".join(parts),
    }

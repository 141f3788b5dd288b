"""The inventory of a week as data: every group and app with its verdict, reasons and evidence, and the totals.

It is JSON through and through: pages, files and the API render it and query nothing. It holds no figure of a person
and no ranking; the only names of people are those that the register's columns ask for.

It is handed over in pieces, so that a million groups need not be held at once: the groups as they are judged, in no
order but each with its place; then the other lists; the figures at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection

from config.settings import InventorySettings, Settings
from config.wording import Wording
from handlers import census, figures, likeness, merging, ratings, unitfigures
from handlers.census import RECENT_DAYS, Census, Entry
from handlers.reasons import iso, told
from handlers.rules import alike, apps, moves, reduction, zombie
from handlers.rules.apps import App
from handlers.rules.limit import Excess, beyond
from handlers.rules.merge import Candidate
from handlers.rules.moves import Move
from handlers.rules.reduction import Rebound, Reduction
from handlers.rules.similar import Likeness
from handlers.rules.week import end_of, first_day, local_day, midnight, week_of
from handlers.rules.zombie import DAY, Known, Reason
from storage import feeds, inventories, register, weekly
from storage import ratings as rated
from storage.inventories import Piece

# Columns of the register that nothing else tells; shown as they were imported.
REGISTER_COLUMNS = ("admins", "phone", "matter", "responsible", "due", "checker", "closed", "note")
# So many pieces are handed over at once.
TOGETHER = 2_000

Keep = Callable[[Sequence[Piece]], None]


def compute(db: Connection, settings: Settings, week: str, say: Wording) -> dict[str, Any]:
    """The whole snapshot at once, of what is not saved; `week` must be one (ValueError)."""
    pieces: list[Piece] = []
    take(db, settings, week, say, pieces.extend)
    return inventories.whole(pieces)


def take(db: Connection, settings: Settings, week: str, say: Wording, keep: Keep) -> None:
    """The same facts give the same pieces, today and later; `week` must be one (ValueError)."""
    end = end_of(week)
    rules = settings.inventory
    taken = census.take(db, end)
    was = _moves(db, taken, rules)
    census.follow(taken, was)
    back = _rebounds(taken, rules)
    baseline = _baseline(db, settings)
    reduced = reduction.reduce(taken.lifetimes(), back, baseline, end)
    told_ratings = {subject: ratings.told(row, say) for subject, row in rated.shown(db, week).items()}
    judged = _Judged(db, taken, back, reduced, told_ratings, rules, say)
    judged.all(keep)
    merges = merging.advise(taken, judged.candidates, judged.members, judged.alike, rules, say)
    judged.candidates.clear()
    listed = register.app_rows(db)
    in_use = [row for row in listed if row.closed is None or midnight(row.closed) >= end]
    judged_apps = _apps(db, in_use, end, rules, say)
    for row in judged_apps:
        row["rating"] = judged.ratings.get(f"app:{row['id']}")
    gone = unitfigures.app_changes(listed, baseline, end)
    load = figures.load(taken)
    told_figures = {
        "week": week,
        "at": iso(end),
        "totals": figures.totals(judged.verdicts, judged_apps, reduced),
        "reduction": figures.reduction_figures(reduced, baseline, figures.moved(was, baseline), say),
        "app_reduction": unitfigures.app_reduction(len(judged_apps), len(gone), baseline, end),
        "load": load,
        "flow": figures.flow(*weekly.counts(db, midnight(first_day(week)), end), load["people"]),
        "verdicts": dict(sorted(judged.verdicts.items())),
        "sources": figures.sources(taken),
        "rules": figures.rules_in_force(rules, say),
        "merging": merges.figures,
    }
    lists = {
        "units": unitfigures.by_unit(taken, judged.zombies, judged_apps, reduced),
        "apps": judged_apps,
        "changes": unitfigures.changes(taken, reduced, back),
        "app_changes": gone,
        "merges": merges.rows,
    }
    for name, rows in lists.items():
        for some in _batches(inventories.pieces_of(name, rows)):
            keep(some)
    numbers = {name: {"rows": len(rows)} for name, rows in lists.items()}
    numbers["groups"] = {"rows": taken.living, "loaded": judged.loaded, "worth": judged.worth}
    ordered = {name: numbers[name] for name in inventories.LISTS}
    keep([inventories.last_piece(told_figures, ordered)])


def opinions(db: Connection, week: str, say: Wording) -> dict[tuple[str, str], dict[str, Any]]:
    """What cadres' answers of this very week say, which are published when the week has ended: by list and key."""
    fresh = {subject: row for subject, row in rated.shown(db, week).items() if row.week == week}
    lists = {"group": "groups", "app": "apps"}
    return {
        (lists[kind], key): {"rating": ratings.told(row, say)}
        for subject, row in fresh.items()
        for kind, key in [subject.split(":", 1)]
    }


def _batches(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    some: list[Piece] = []
    for one in pieces:
        some.append(one)
        if len(some) == TOGETHER:
            yield some
            some = []
    if some:
        yield some


def _baseline(db: Connection, settings: Settings) -> datetime | None:
    """The end of the day that is set, or else of the week in which the first group was first heard of (or imported)."""
    if settings.reduction.baseline is not None:
        return midnight(settings.reduction.baseline + DAY)
    first = inventories.first_seen(db) or register.first_import(db)
    return end_of(week_of(first)) if first else None


def _moves(db: Connection, taken: Census, rules: InventorySettings) -> dict[str, Move]:
    """Only what began around an end can have taken over, so only of that the members are looked at."""
    listed = census.near_an_end(taken, rules.move_days)
    named = census.by_name(db, taken, listed)
    return moves.find_moves(listed, rules.move_days, rules.move_share, rules.overlap_members, named)


def _rebounds(taken: Census, rules: InventorySettings) -> dict[str, Rebound]:
    """Only what began soon after an end can have come back, so only of that the members are looked at."""
    gone = [at for at in range(taken.living, len(taken.keys)) if taken.keys[at] not in taken.left]
    closed = reduction.proving((taken.lifetime(place, members=True) for place in gone), rules.overlap_members)
    if not closed:
        return {}
    ends = np.unique([local_day(one.ended).toordinal() for one in closed.values() if one.ended])
    before = np.searchsorted(ends, taken.began, side="right") - 1
    soon = (before >= 0) & (taken.began - ends[before] <= rules.rebound_days) & (taken.began > 0)
    begun = (taken.lifetime(place, members=True) for place in np.flatnonzero(soon).tolist())
    return reduction.came_back(begun, closed, rules.rebound_days, rules.rebound_share)


@dataclass(slots=True)
class _Judged:
    """The groups one by one, and what of them the figures need."""

    db: Connection
    taken: Census
    back: Mapping[str, Rebound]
    reduced: Reduction
    ratings: Mapping[str, Any]
    rules: InventorySettings
    say: Wording
    members: Mapping[str, Likeness] = field(default_factory=dict)
    alike: dict[str, Likeness] = field(default_factory=dict)
    purposes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    excess: dict[str, Excess] = field(default_factory=dict)
    verdicts: Counter[str] = field(default_factory=Counter)
    zombies: Counter[str] = field(default_factory=Counter)
    candidates: list[Candidate] = field(default_factory=list)
    loaded: int = 0
    worth: int = 0

    def all(self, keep: Keep) -> None:
        taken, rules = self.taken, self.rules
        self.members = likeness.overlaps(
            taken.keys[: taken.living], taken.rosters, rules.overlap, rules.overlap_members
        )
        self._units()
        self.purposes = alike.same_purpose(self.alike, census.purposes(self.db, taken, self.alike))
        copied = merging.copied(self.db, taken)
        for some in _batches(self._group(entry, copied) for entry in census.entries(self.db, taken)):
            keep(some)

    def _units(self) -> None:
        """What is compared within a unit only: names, and how many groups it may have; exempt ones take no place."""
        taken, rules = self.taken, self.rules
        exempt = census.exempt(self.db, taken)
        for first, last in taken.by_unit():
            unit = taken.unit(first)
            if not unit:
                continue
            names = {taken.keys[at]: (taken.names[at], unit) for at in range(first, last)}
            self.alike |= alike.alike_names(names)
            counted = ((key, unit, taken.began_on(at)) for at, key in enumerate(names, first) if key not in exempt)
            self.excess |= beyond(counted, rules.unit_limits, rules.groups_per_unit)

    def _group(self, entry: Entry, copied: Mapping[str, frozenset[str]]) -> Piece:
        taken, key = self.taken, entry.key
        overlap, back = self.members.get(key), self.back.get(key)
        reasons = [
            *zombie.judge(entry.known, taken.end, self.rules),
            *_overlap(overlap, self.rules),
            *_alike(self.alike.get(key), self.purposes.get(key), entry, taken),
            # Most groups of a crowded unit have one: it goes when it has been told.
            *_over_limit(entry, self.excess.pop(key, None)),
            *([Reason("unregistered", {})] if taken.registered and entry.row is None else []),
            *_rebound(back, taken),
            *_moved(entry, taken),
        ]
        judged = zombie.verdict(reasons, entry.exemption is not None, self.rules.over_limit_watch)
        row = _group(entry, reasons, judged, overlap, taken, self.say) | {"rating": self.ratings.get(f"group:{key}")}
        self.verdicts[judged] += 1
        if judged in figures.ZOMBIE:
            self.zombies[entry.unit] += 1
        worth = entry.known.messages * entry.people if entry.people else None
        self.loaded += worth is not None
        self.worth += worth or 0
        if overlap or key in self.alike:
            found = merging.candidate(taken, entry, row["disposition"], copied)
            self.candidates += [found] if found else []
        part = inventories.group_part(self.reduced.parts[entry.place], back is not None, entry.moved is not None)
        return Piece("groups", entry.place, key, entry.unit, judged, part, worth, inventories.encoded(row))


def _overlap(found: Likeness | None, rules: InventorySettings) -> list[Reason]:
    if found is None:
        return []
    evidence = {"groups": found.number, "highest": found.others[0][1], "threshold": rules.overlap}
    return [Reason("member_overlap", evidence)]


def _alike(found: Likeness | None, same: tuple[str, ...] | None, entry: Entry, taken: Census) -> list[Reason]:
    """A name alone is a hint; name and purpose together make a duplicate."""
    if found is None:
        return []
    if same:
        names = [taken.names[taken.places[key]] for key in same[:5]]
        return [Reason("similar_name", {"groups": len(same), "names": names, "purpose": entry.purpose}, "purpose")]
    names = [taken.names[taken.places[key]] for key, _ in found.others[:5]]
    return [Reason("similar_name", {"groups": found.number, "names": names})]


def _over_limit(entry: Entry, found: Excess | None) -> list[Reason]:
    if found is None:
        return []
    evidence = {"unit": entry.unit, "groups": found.number, "threshold": found.limit, "place": found.place}
    return [Reason("over_limit", evidence)]


def _rebound(found: Rebound | None, taken: Census) -> list[Reason]:
    if found is None:
        return []
    evidence = {"name": taken.names[taken.places[found.closed]], "dissolved": found.ended, "share": found.share}
    return [Reason("rebound", {"closed": found.closed.split(":", 1)[1], **evidence})]


def _moved(entry: Entry, taken: Census) -> list[Reason]:
    """Told, and leads to no verdict: a group may be renamed, but it is no reduction."""
    if entry.moved is None:
        return []
    channel, closed = entry.moved.old.split(":", 1)
    evidence = {"name": taken.names[taken.places[entry.moved.old]], "dissolved": entry.moved.ended, "share": entry.moved.share}
    return [Reason("moved", {"closed": closed, "channel": channel, **evidence})]


def _group(
    entry: Entry, reasons: list[Reason], judged: str, overlap: Likeness | None, taken: Census, say: Wording
) -> dict[str, Any]:
    known = entry.known
    return {
        "id": entry.key.split(":", 1)[1],
        "name": entry.name,
        "channel": entry.channel,
        "unit": entry.unit,
        "members": entry.members,
        "last_work_message": _maybe(known.last_work),
        "messages_30d": known.messages,
        # 0.0 where nobody spoke and where the number of members is not known (`members_source`).
        "per_person_daily": round(known.messages / RECENT_DAYS / entry.members, 2) if entry.members else 0.0,
        "verdict": judged,
        "reasons": [told(one, say) for one in reasons],
        "similar": [_similar(key, share, taken) for key, share in (overlap.others if overlap else ())],
        "disposition": (entry.row.disposition if entry.row else "") or _suggested(reasons, judged, say),
        "source": "seen" if known.first_seen else "imported",
        "last_work_source": entry.last_source,
        "members_source": entry.members_source,
        "rollcalls_30d": known.rollcalls,
        "others_30d": entry.others,
        # Members known by name: the load per person is theirs.
        "people": entry.people,
        "kind": entry.kind,
        "purpose": entry.purpose,
        "created": _maybe(known.created),
        "first_seen": _maybe(known.first_seen),
        "ends": _maybe(known.ends),
        "owner": entry.owner,
        # Days without data, as [first, last]: since the last work message, and at least in the last 30 days.
        "no_data": _no_data(known, taken.end),
        # Names that it had before, the oldest first.
        "formerly": list(entry.formerly),
        "exemption": _exemption(entry),
        "register": _register(entry.row),
    }


def _no_data(known: Known, end: datetime) -> list[list[str]]:
    if known.first_seen is None:
        return []
    since = min(known.last_work or known.first_seen, end - RECENT_DAYS * DAY)
    days = known.gaps.days(max(since, known.first_seen), end)
    return [[first.isoformat(), last.isoformat()] for first, last in days[-zombie.SPANS :]]


def _maybe(moment: date | datetime | None) -> str | None:
    return iso(moment) if moment else None


def _similar(key: str, share: float, taken: Census) -> dict[str, Any]:
    channel, native = key.split(":", 1)
    return {"id": native, "overlap": share, "channel": channel, "name": taken.names[taken.places[key]]}


def _suggested(reasons: list[Reason], judged: str, say: Wording) -> str:
    return say("inventory.suggested", what=zombie.suggestion(reasons, judged))


def _exemption(entry: Entry) -> dict[str, Any] | None:
    if entry.exemption is None:
        return None
    return {"reason": entry.exemption.reason, "until": _maybe(entry.exemption.until)}


def _register(row: Any) -> dict[str, Any] | None:
    if row is None:
        return None
    return {name: _maybe(row.closed) if name == "closed" else getattr(row, name) for name in REGISTER_COLUMNS}


def _apps(db: Connection, rows: Sequence[Any], end: datetime, rules: InventorySettings, say: Wording) -> list[dict[str, Any]]:
    """The rows of the register of apps with what is wrong with them; an update is the later of register and feed."""
    fed = feeds.updates(db, local_day(end) - DAY)
    listed = [_app(row, fed.get(row.id), end) for row in rows]
    like = apps.alike(listed, rules.app_overlap)
    names = {one.id: one.name for one in listed}
    judged = [(one, *apps.judge(one, like.get(one.id), names, end, rules)) for one in listed]
    return [
        _app_row(row, app, verdict, reasons, like.get(app.id), names, say)
        for row, (app, verdict, reasons) in zip(rows, judged, strict=True)
    ]


def _app(row: Any, feed: Any, end: datetime) -> App:
    told = row.updated if row.updated and midnight(row.updated) < end else None
    by_feed = feed is not None and (told is None or feed.day > told)
    return App(
        id=row.id, name=row.name, unit=row.unit, kind=row.kind, functions=row.functions, similar=row.similar,
        filing=row.filing, updated=feed.day if by_feed else told or row.updated, by_feed=feed.file if by_feed else "",
        monthly_active=row.monthly_active,
    )  # fmt: skip


def _app_row(
    row: Any, app: App, judged: str, reasons: Sequence[Reason], like: Likeness | None, names: Mapping[str, str], say: Wording
) -> dict[str, Any]:
    unfiled = judged == "alive" and any(one.code == "no_filing" for one in reasons)
    suggested = "unfiled" if unfiled else judged
    return {
        "id": row.id,
        "name": row.name,
        "unit": row.unit,
        "kind": row.kind,
        "updated": _maybe(app.updated),
        # The file that the unit gave, when it tells a later day than the register.
        "updated_source": "feed" if app.by_feed else "register" if app.updated else "",
        "updated_file": app.by_feed,
        "verdict": judged,
        "reasons": [told(one, say) for one in reasons],
        "disposition": row.disposition or say(f"inventory.app_suggested.{suggested}"),
        "monthly_active": row.monthly_active,
        **{name: getattr(row, name) for name in ("handler", "basis", "functions", "similar", "filing")},
        "overlaps": [{"id": key, "name": names[key], "overlap": share} for key, share in (like.others if like else ())],
    }

"""The inventory of a week as data: every group and app with its verdict, reasons and evidence, and the totals.

It is JSON through and through: pages, files and the API render it and query nothing. It holds no figure of a person
and no ranking; the only names of people are those that the register's columns ask for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from config.settings import InventorySettings, Settings
from config.wording import Wording
from handlers import census, figures, merging, ratings, unitfigures
from handlers.census import RECENT_DAYS, Census, Entry
from handlers.reasons import iso, told
from handlers.rules import alike, apps, moves, reduction, similar, zombie
from handlers.rules.apps import App
from handlers.rules.limit import Excess, beyond
from handlers.rules.reduction import Rebound
from handlers.rules.similar import Likeness
from handlers.rules.week import end_of, first_day, local_day, midnight, week_of
from handlers.rules.zombie import DAY, Known, Reason
from storage import feeds, inventories, register, weekly
from storage import groups as groupbook
from storage import ratings as rated

# Columns of the register that nothing else tells; shown as they were imported.
REGISTER_COLUMNS = ("admins", "phone", "matter", "responsible", "due", "checker", "closed", "note")


def compute(db: Connection, settings: Settings, week: str, say: Wording) -> dict[str, Any]:
    """The same facts give the same snapshot, today and later; `week` must be one (ValueError)."""
    end = end_of(week)
    rules = settings.inventory
    taken = census.take(db, end)
    called = groupbook.names_of(db, moves.concerned(taken.lifetimes, rules.move_days))
    was = moves.find_moves(taken.lifetimes, rules.move_days, rules.move_share, rules.overlap_members, called)
    census.follow(taken, was)
    back = reduction.find_rebounds(taken.lifetimes, rules.rebound_days, rules.rebound_share, rules.overlap_members)
    baseline = _baseline(db, settings)
    reduced = reduction.reduce(taken.lifetimes, back, baseline, end)
    like = _Like(taken, rules)
    opinions = {subject: ratings.told(row, say) for subject, row in rated.shown(db, week).items()}
    groups = _groups(taken, like, back, rules, say)
    for entry, row in zip(taken.entries, groups, strict=True):
        row["rating"] = opinions.get(f"group:{entry.key}")
    merges = merging.advise(db, taken, groups, like.members, like.names, rules, say)
    listed = register.app_rows(db)
    in_use = [row for row in listed if row.closed is None or midnight(row.closed) >= end]
    judged_apps = _apps(db, in_use, end, rules, say)
    for row in judged_apps:
        row["rating"] = opinions.get(f"app:{row['id']}")
    gone = unitfigures.app_changes(listed, baseline, end)
    load = figures.load(taken)
    # The figures first: whoever needs no row reads the beginning of a saved snapshot (storage.inventories.head).
    return {
        "week": week,
        "at": iso(end),
        "totals": figures.totals(groups, judged_apps, reduced),
        "reduction": figures.reduction_figures(reduced, baseline, figures.moved(was, baseline), say),
        "app_reduction": unitfigures.app_reduction(len(judged_apps), len(gone), baseline, end),
        "load": load,
        "flow": figures.flow(*weekly.counts(db, midnight(first_day(week)), end), load["people"]),
        "verdicts": figures.verdicts(groups),
        "sources": figures.sources(taken),
        "rules": figures.rules_in_force(rules, say),
        "merging": merges.figures,
        "units": unitfigures.by_unit(taken, groups, judged_apps, reduced),
        "groups": groups,
        "apps": judged_apps,
        "changes": unitfigures.changes(taken, reduced, back),
        "app_changes": gone,
        "merges": merges.rows,
    }


def _baseline(db: Connection, settings: Settings) -> datetime | None:
    """The end of the day that is set, or else of the week in which the first group was first heard of (or imported)."""
    if settings.reduction.baseline is not None:
        return midnight(settings.reduction.baseline + DAY)
    first = inventories.first_seen(db) or register.first_import(db)
    return end_of(week_of(first)) if first else None


class _Like:
    """Which groups have nearly the same members, which of a unit nearly the same name, and which the same purpose, too."""

    def __init__(self, taken: Census, rules: InventorySettings) -> None:
        self.members = similar.overlaps(
            {one.key: one.people for one in taken.entries}, rules.overlap, rules.overlap_members
        )
        self.names = alike.alike_names({one.key: (one.name, one.unit) for one in taken.entries})
        self.purposes = alike.same_purpose(self.names, {one.key: one.purpose for one in taken.entries})


def _groups(
    taken: Census, like: _Like, back: Mapping[str, Rebound], rules: InventorySettings, say: Wording
) -> list[dict[str, Any]]:
    excess = _excess(taken, rules)
    found = []
    for entry in taken.entries:
        overlap = like.members.get(entry.key)
        reasons = [
            *zombie.judge(entry.known, taken.end, rules),
            *_overlap(overlap, rules),
            *_alike(like.names.get(entry.key), like.purposes.get(entry.key), entry, taken),
            *_over_limit(entry, excess.get(entry.key)),
            *([Reason("unregistered", {})] if taken.registered and entry.row is None else []),
            *_rebound(back.get(entry.key), taken),
            *_moved(entry, taken),
        ]
        judged = zombie.verdict(reasons, entry.exemption is not None, rules.over_limit_watch)
        found.append(_group(entry, reasons, judged, overlap, taken, say))
    return found


def _excess(taken: Census, rules: InventorySettings) -> dict[str, Excess]:
    """Exempt groups take nobody's place."""
    counted = ((one.key, one.unit, one.began) for one in taken.entries if one.exemption is None)
    return beyond(counted, rules.unit_limits, rules.groups_per_unit)


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
        names = [taken.names[key] for key in same[:5]]
        return [Reason("similar_name", {"groups": len(same), "names": names, "purpose": entry.purpose}, "purpose")]
    names = [taken.names[key] for key, _ in found.others[:5]]
    return [Reason("similar_name", {"groups": found.number, "names": names})]


def _over_limit(entry: Entry, found: Excess | None) -> list[Reason]:
    if found is None:
        return []
    evidence = {"unit": entry.unit, "groups": found.number, "threshold": found.limit, "place": found.place}
    return [Reason("over_limit", evidence)]


def _rebound(found: Rebound | None, taken: Census) -> list[Reason]:
    if found is None:
        return []
    evidence = {"name": taken.names[found.closed], "dissolved": found.ended, "share": found.share}
    return [Reason("rebound", {"closed": found.closed.split(":", 1)[1], **evidence})]


def _moved(entry: Entry, taken: Census) -> list[Reason]:
    """Told, and leads to no verdict: a group may be renamed, but it is no reduction."""
    if entry.moved is None:
        return []
    channel, closed = entry.moved.old.split(":", 1)
    evidence = {"name": taken.names[entry.moved.old], "dissolved": entry.moved.ended, "share": entry.moved.share}
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
        "people": len(entry.people),
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
    return {"id": native, "overlap": share, "channel": channel, "name": taken.names[key]}


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

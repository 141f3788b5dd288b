"""The groups as they were known at a week's end: what the bot saw, completed by the imported register.

Only facts from before that moment count, whenever the census is taken: the newest version of a group before it, the
stays of its members at it, the days of activity up to Sunday, an end that had come. A row of the register counts from
its 建群时间 on (without one: always), whenever it was imported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection

from handlers.rules import matter
from handlers.rules.merge import BODY
from handlers.rules.moves import Move, followed
from handlers.rules.reduction import EVIDENCE, Lifetime
from handlers.rules.week import local_day, midnight
from handlers.rules.zombie import DAY, Gaps, Known
from storage import clockwork, inventories, register, registerimports
from storage.inventories import Facts
from storage.register import Live

RECENT_DAYS = 30
# What a register says where there is no owner.
OWNERLESS = ("无", "空缺", "无群主", "暂缺")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One living group. `people` are its members by key, `members` their number, which the register may tell too."""

    key: str
    channel: str
    name: str
    unit: str
    purpose: str
    kind: str
    owner: str
    people: frozenset[str]
    members: int
    members_source: Literal["roster", "register", "unknown"]
    last_source: Literal["seen", "imported", ""]
    others: int
    known: Known
    row: Any = None
    exemption: Any = None
    # Names that it had, the oldest first; and what it was before it moved.
    formerly: tuple[str, ...] = ()
    moved: Move | None = None

    @property
    def began(self) -> date:
        """Its 建群时间; not told: when it was first heard of; a row of the register without one: always."""
        known = self.known
        return known.created or (local_day(known.first_seen) if known.first_seen else date.min)


@dataclass(slots=True)
class Census:
    """`lifetimes` are of all groups, also those that are gone; `names` of every group by key.

    `units` gives each unit of the register its place in it.
    """

    end: datetime
    entries: list[Entry] = field(default_factory=list)
    lifetimes: list[Lifetime] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    gaps: dict[str, Gaps] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)
    registered: bool = False
    # By group, its row in the register, also of those that are gone; and the names that the register had for a row.
    rows: dict[str, Any] = field(default_factory=dict)
    former: dict[str, list[str]] = field(default_factory=dict)

    def place(self, unit: str) -> tuple[int, str]:
        """Units as they first stand in the register, then the others by name; never by any figure."""
        return self.units.get(unit, len(self.units)), unit

    def order(self, entry: Entry) -> tuple[int, str, int, str, str]:
        position = entry.row.position if entry.row else 10**9
        return *self.place(entry.unit), position, entry.name, entry.key


def take(db: Connection, end: datetime) -> Census:
    """The census of the moment `end`, a Monday 0:00; groups in the order of the register, then of unit and name."""
    sunday = local_day(end) - DAY
    facts = inventories.facts_before(db, end, sunday, sunday - timedelta(days=RECENT_DAYS - 1))
    rows = [row for row in register.group_rows(db) if row.created is None or row.created <= sunday]
    census = Census(
        end=end, registered=bool(rows), gaps=_gaps(db, facts.groups, end),
        former=registerimports.former_names(db, "groups"),
    )  # fmt: skip
    for row in rows:
        census.units.setdefault(row.unit, len(census.units))
    pairs = register.pair(rows, [_live(row, facts, end) for row in facts.groups.values()])
    of_group = {pairs[row.id]: row for row in rows if row.id in pairs}
    census.rows = of_group
    for group in facts.groups.values():
        _add_live(census, group, of_group.get(group.id), facts)
    for row in rows:
        if row.id not in pairs:
            _add_imported(census, row, facts.exemptions.get(row.id))
    census.entries.sort(key=census.order)
    return census


def _gaps(db: Connection, groups: Mapping[str, Any], end: datetime) -> dict[str, Gaps]:
    since = min((group.first_seen for group in groups.values()), default=end)
    spans: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for row in clockwork.gaps(db, since, end):
        spans[row.channel].append((row.since, min(row.until, end)))
    return {channel: Gaps(found) for channel, found in sorted(spans.items())}


def _live(group: Any, facts: Facts, end: datetime) -> Live:
    version = facts.versions.get(group.id)
    living = group.dissolved_at is None or group.dissolved_at >= end
    former = facts.former.get(group.id, ())
    return Live(
        id=group.id, name=(version or group).name, unit=version.unit if version else "", living=living, former=former
    )


def _add_live(census: Census, group: Any, row: Any, facts: Facts) -> None:
    version, activity = facts.versions.get(group.id), facts.activity.get(group.id)
    created = (version.created if version else None) or (row.created if row else None)
    ended, evidence = _ended(group, row, activity, census.end)
    people = (facts.last_members if evidence in ("seen", "declared") else facts.members).get(group.id, frozenset())
    began = created or local_day(group.first_seen)
    census.names[group.id] = (version or group).name
    unit = _told("unit", version, row)
    census.lifetimes.append(
        Lifetime(id=group.id, began=began, ended=ended, evidence=evidence, members=people, unit=unit)
    )
    if ended is not None:
        return
    known, source = _known(census, group, row, facts, created, people)
    census.entries.append(
        Entry(
            key=group.id,
            channel=group.channel,
            name=census.names[group.id],
            unit=unit,
            purpose=_told("purpose", version, row),
            kind=_told("kind", version, row),
            owner=(row.owner if row else "") or (version.owner_name if version else "") or "",
            people=people,
            **_members(version, row, people),
            last_source=source,
            others=activity.other if activity else 0,
            known=known,
            row=row,
            exemption=facts.exemptions.get(group.id),
            formerly=_formerly(census, facts.former.get(group.id, ()), row, census.names[group.id]),
        )
    )


def _formerly(census: Census, seen: tuple[str, ...], row: Any, now: str) -> tuple[str, ...]:
    """As the bot saw it and as the register had it, each name once."""
    told = [*(census.former.get(row.id, ()) if row else ()), *seen]
    if row and row.name not in told:
        told.insert(0, row.name)
    return tuple(one for one in dict.fromkeys(told) if register.folded(one) != register.folded(now))


def follow(census: Census, moves: Mapping[str, Move]) -> None:
    """What went on elsewhere is one group: it has the life, the row and the names of what it was."""
    for place, entry in enumerate(census.entries):
        chain = []
        key = entry.key
        while key in moves:
            key = moves[key].old
            chain.append(key)
        if chain:
            row = entry.row or next((census.rows[old] for old in chain if old in census.rows), None)
            names = (*(census.names[old] for old in reversed(chain)), *entry.formerly)
            formerly = tuple(one for one in dict.fromkeys(names) if register.folded(one) != register.folded(entry.name))
            census.entries[place] = replace(entry, row=row, moved=moves[entry.key], formerly=formerly)
    census.lifetimes = followed(census.lifetimes, moves)
    census.entries.sort(key=census.order)


def _known(
    census: Census, group: Any, row: Any, facts: Facts, created: date | None, people: frozenset[str]
) -> tuple[Known, Any]:
    version, activity = facts.versions.get(group.id), facts.activity.get(group.id)
    last, source = _last_work(activity, row, census.end)
    known = Known(
        first_seen=group.first_seen,
        created=created,
        last_work=last,
        messages=activity.work if activity else 0,
        rollcalls=activity.rollcall if activity else 0,
        owner=_owner(version, people),
        ends=(version.ends if version else None) or (row.ends if row else None),
        gaps=_gaps_of(census, group),
        **_task(row, _told("kind", version, row)),
    )
    return known, source


def _gaps_of(census: Census, group: Any) -> Gaps:
    """When nothing of this group was heard: its channel was deaf, or the bot was not in the group."""
    own, channel = census.gaps.get(group.id), census.gaps.get(group.channel)
    if own is None or channel is None:
        return own or channel or Gaps()
    return Gaps([*own.spans, *channel.spans])


def _members(version: Any, row: Any, people: frozenset[str]) -> dict[str, Any]:
    """A roster counts, an empty one too; without one, what the register says."""
    if _has_roster(version):
        return {"members": len(people), "members_source": "roster"}
    told = (row.members if row else None) or 0
    return {"members": told, "members_source": "register" if told else "unknown"}


def _told(name: str, version: Any, row: Any) -> str:
    """What the group says of itself, or else what the register says."""
    told: str = (getattr(version, name) if version else "") or (getattr(row, name) if row else "")
    return told


def _task(row: Any, kind: str) -> dict[str, Any]:
    """What the register's 关联事项及截止日 says beside the day."""
    told = row.matter if row else ""
    return {"matter": matter.name_of(told), "over": matter.is_over(told), "body": kind.startswith(BODY)}


def _has_roster(version: Any) -> bool:
    return bool(version and version.owner_known)


def _ended(group: Any, row: Any, activity: Any, end: datetime) -> tuple[datetime | None, str]:
    """The dissolution that was seen or declared; or 销号 by the register, when nobody spoke after it."""
    if group.dissolved_at is not None and group.dissolved_at < end:
        return group.dissolved_at, group.evidence if group.evidence in EVIDENCE else "declared"
    closed = row.closed if row else None
    if closed and midnight(closed) < end and not (activity and activity.last_day > closed):
        return midnight(closed), "imported"
    return None, ""


def _last_work(activity: Any, row: Any, end: datetime) -> tuple[datetime | None, Any]:
    """The later of what was heard and what the register says, which knows no more than the day."""
    heard = activity.last_work_at if activity else None
    told = row.last_work_day if row else None
    if told is None or midnight(told) >= end or (heard and heard >= midnight(told)):
        return heard, "seen" if heard else ""
    return midnight(told), "imported"


def _owner(version: Any, people: frozenset[str]) -> Any:
    if not _has_roster(version):
        return "unknown"
    if version.owner is None:
        return "none"
    return "left" if people and version.owner not in people else "there"


def _add_imported(census: Census, row: Any, exemption: Any) -> None:
    census.names[row.id] = row.name
    ended = midnight(row.closed) if row.closed and midnight(row.closed) < census.end else None
    census.lifetimes.append(
        Lifetime(id=row.id, began=row.created, ended=ended, evidence="imported" if ended else "", unit=row.unit)
    )
    if ended:
        return
    known, source = _known_imported(row, census.end)
    census.entries.append(
        Entry(
            key=row.id,
            channel=row.channel,
            name=row.name,
            unit=row.unit,
            purpose=row.purpose,
            kind=row.kind,
            owner=row.owner,
            people=frozenset(),
            **_members(None, row, frozenset()),
            last_source=source,
            others=0,
            known=known,
            row=row,
            exemption=exemption,
            formerly=_formerly(census, (), row, row.name),
        )
    )


def _known_imported(row: Any, end: datetime) -> tuple[Known, Any]:
    """The register's number of messages is of its own 30 days: it is void when its last day lies further back."""
    last, source = _last_work(None, row, end)
    stale = last is not None and end - last > RECENT_DAYS * DAY
    known = Known(
        first_seen=None,
        created=row.created,
        last_work=last,
        messages=0 if stale else row.messages_30d or 0,
        rollcalls=0,
        owner="none" if row.owner in OWNERLESS else "unknown",
        ends=row.ends,
        gaps=Gaps(),
        **_task(row, row.kind),
    )
    return known, source

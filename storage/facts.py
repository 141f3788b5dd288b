"""The facts that a snapshot is made of: everything as it was known before a moment, as streams of tuples.

Instants are milliseconds here, as they are stored; nothing of it is held but what whoever reads it keeps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, Row, and_, func, or_, select, type_coerce

from storage.database import table
from storage.tables import EPOCH, Activity, Exemption, Group, GroupVersion, Member, PersonRow

GROUPS, VERSIONS, MEMBERS = table(Group), table(GroupVersion), table(Member)
ACTIVITY, PERSONS, EXEMPTIONS = table(Activity), table(PersonRow), table(Exemption)
# People who left so shortly before the end of their group left because of it.
LEAVING_MS = 86_400_000
# So many rows are fetched at a time.
FETCHED, FEW = 5_000, 500
# Between the people of a group; no id holds it.
BREAK = "\x1f"


class Outline(NamedTuple):
    """What the order of the groups, and their beginning and end, are known by. Without a version, `unit` is empty."""

    id: str
    first_seen: int
    dissolved_at: int | None
    evidence: str
    name: str
    unit: str
    created: date | None


class Portrait(NamedTuple):
    """All that is told of a living group; `owner_inside`: the owner is one of its members."""

    id: str
    channel: str
    first_seen: int
    name: str
    unit: str
    purpose: str
    kind: str
    created: date | None
    ends: date | None
    owner: str | None
    owner_known: bool
    owner_name: str
    owner_inside: bool


class Heard(NamedTuple):
    group: str
    last_work_at: int | None
    work: int
    rollcall: int
    other: int


def millis(moment: datetime) -> int:
    return (moment - EPOCH) // (EPOCH.resolution * 1000)


def _whole(column: Any) -> Any:
    return type_coerce(column, BigInteger)


def _stream(db: Connection, query: Any) -> Any:
    return db.execute(query.execution_options(yield_per=FETCHED))


def _with_versions(moment: datetime, *columns: Any) -> Any:
    newest = (
        select(VERSIONS.c.group, func.max(VERSIONS.c.at).label("at"))
        .where(VERSIONS.c.at < moment)
        .group_by(VERSIONS.c.group)
        .subquery()
    )
    versions = VERSIONS.join(newest, and_(newest.c.group == VERSIONS.c.group, newest.c.at == VERSIONS.c.at))
    return (
        select(*columns)
        .select_from(GROUPS.outerjoin(versions, VERSIONS.c.group == GROUPS.c.id))
        .where(GROUPS.c.first_seen < moment)
    )


def outlines(db: Connection, moment: datetime) -> Iterator[Outline]:
    """Every group heard of before the moment, those that are gone among them; in no order."""
    query = _with_versions(
        moment,
        GROUPS.c.id,
        _whole(GROUPS.c.first_seen),
        _whole(GROUPS.c.dissolved_at),
        GROUPS.c.evidence,
        func.coalesce(VERSIONS.c.name, GROUPS.c.name),
        func.coalesce(VERSIONS.c.unit, ""),
        VERSIONS.c.created,
    )
    return map(Outline._make, _stream(db, query))


def purposes(db: Connection, moment: datetime) -> Iterator[tuple[str, str]]:
    """By group heard of before the moment, what it says it is for; groups that say nothing are left out."""
    query = _with_versions(moment, GROUPS.c.id, VERSIONS.c.purpose).where(VERSIONS.c.purpose != "")
    return ((group, purpose) for group, purpose in _stream(db, query))


def portraits(db: Connection, moment: datetime) -> Iterator[Portrait]:
    """Every group heard of before the moment that was not dissolved before it, as its newest version tells it."""
    inside = select(MEMBERS.c.person).where(
        MEMBERS.c.group == VERSIONS.c.group, MEMBERS.c.person == VERSIONS.c.owner, *_there(moment)
    )
    query = _with_versions(
        moment,
        GROUPS.c.id,
        GROUPS.c.channel,
        _whole(GROUPS.c.first_seen),
        func.coalesce(VERSIONS.c.name, GROUPS.c.name),
        func.coalesce(VERSIONS.c.unit, ""),
        func.coalesce(VERSIONS.c.purpose, ""),
        func.coalesce(VERSIONS.c.kind, ""),
        VERSIONS.c.created,
        VERSIONS.c.ends,
        VERSIONS.c.owner,
        func.coalesce(VERSIONS.c.owner_known, False),
        func.coalesce(
            select(PERSONS.c.name).where(PERSONS.c.id == VERSIONS.c.owner).correlate(VERSIONS).scalar_subquery(), ""
        ),
        inside.correlate(VERSIONS).exists(),
    ).where(or_(GROUPS.c.dissolved_at.is_(None), GROUPS.c.dissolved_at >= moment))
    return map(Portrait._make, _stream(db, query))


def _there(moment: datetime) -> tuple[Any, Any]:
    return MEMBERS.c.joined_at < moment, or_(MEMBERS.c.left_at.is_(None), MEMBERS.c.left_at >= moment)


def rosters(db: Connection, moment: datetime) -> Iterator[tuple[str, str]]:
    """By group, who was in it at the moment, joined by BREAK."""
    people = func.aggregate_strings(MEMBERS.c.person, BREAK)
    query = select(MEMBERS.c.group, people).where(*_there(moment)).group_by(MEMBERS.c.group)
    return ((group, told) for group, told in _stream(db, query))


def last_rosters(db: Connection, moment: datetime) -> Iterator[tuple[str, str]]:
    """By group that was dissolved before the moment, who was in it then; leaving on its last day counts as staying."""
    left, dissolved = _whole(MEMBERS.c.left_at), _whole(GROUPS.c.dissolved_at)
    people = func.aggregate_strings(MEMBERS.c.person, BREAK)
    query = (
        select(MEMBERS.c.group, people)
        .join(GROUPS, GROUPS.c.id == MEMBERS.c.group)
        .where(
            GROUPS.c.dissolved_at < moment,
            MEMBERS.c.joined_at <= GROUPS.c.dissolved_at,
            or_(left.is_(None), left >= dissolved - LEAVING_MS),
        )
        .group_by(MEMBERS.c.group)
    )
    return ((group, told) for group, told in _stream(db, query))


def names_in(db: Connection, moment: datetime, groups: Collection[str]) -> dict[str, frozenset[str]]:
    """By group of these, what those are called who were in it at the moment."""
    return _names(db, groups, *_there(moment))


def last_names_in(db: Connection, groups: Collection[str]) -> dict[str, frozenset[str]]:
    """The same of groups that were dissolved, of those who were in them then."""
    left, dissolved = _whole(MEMBERS.c.left_at), _whole(GROUPS.c.dissolved_at)
    stayed = or_(left.is_(None), left >= dissolved - LEAVING_MS)
    return _names(db, groups, MEMBERS.c.joined_at <= GROUPS.c.dissolved_at, stayed)


def _names(db: Connection, groups: Collection[str], *which: Any) -> dict[str, frozenset[str]]:
    listed, found = sorted(groups), defaultdict[str, set[str]](set)
    query = (
        select(MEMBERS.c.group, PERSONS.c.name)
        .join(PERSONS, PERSONS.c.id == MEMBERS.c.person)
        .join(GROUPS, GROUPS.c.id == MEMBERS.c.group)
        .where(PERSONS.c.name != "", *which)
    )
    for start in range(0, len(listed), FEW):
        for group, name in db.execute(query.where(MEMBERS.c.group.in_(listed[start : start + FEW]))):
            found[group].add(name)
    return {group: frozenset(names) for group, names in found.items()}


def heard(db: Connection, last: date, since: date) -> Iterator[Heard]:
    """By group, up to and including the day `last`: the last work message; the counts from `since` on."""
    recent = (
        func.coalesce(func.sum(ACTIVITY.c[name]).filter(ACTIVITY.c.day >= since), 0)
        for name in ("work", "rollcall", "other")
    )
    query = (
        select(ACTIVITY.c.group, func.max(_whole(ACTIVITY.c.last_work_at)), *recent)
        .where(ACTIVITY.c.day <= last)
        .group_by(ACTIVITY.c.group)
    )
    return map(Heard._make, _stream(db, query))


def last_days(db: Connection, last: date, groups: Collection[str]) -> dict[str, date]:
    """Of these groups, the last day up to `last` on which anything was heard."""
    listed = sorted(groups)
    found: dict[str, date] = {}
    for start in range(0, len(listed), FEW):
        query = select(ACTIVITY.c.group, func.max(ACTIVITY.c.day)).group_by(ACTIVITY.c.group)
        query = query.where(ACTIVITY.c.group.in_(listed[start : start + FEW]), ACTIVITY.c.day <= last)
        found |= {row[0]: row[1] for row in db.execute(query)}
    return found


def exemptions_on(db: Connection, day: date) -> Mapping[str, Row[Any]]:
    """By group, the exemptions in force on that day."""
    begun = or_(EXEMPTIONS.c.since.is_(None), EXEMPTIONS.c.since <= day)
    going_on = or_(EXEMPTIONS.c.until.is_(None), EXEMPTIONS.c.until >= day)
    return {row.group: row for row in db.execute(select(EXEMPTIONS).where(begun, going_on))}


def first_seen(db: Connection, moment: datetime) -> datetime | None:
    """When the first group of all was heard of, if that was before the moment."""
    query = select(func.min(GROUPS.c.first_seen)).where(GROUPS.c.first_seen < moment)
    found: datetime | None = db.execute(query).scalar_one()
    return found


def former_names(db: Connection, moment: datetime) -> dict[str, tuple[str, ...]]:
    """By group that had several names before the moment, those that it has no more, the oldest first."""
    before = VERSIONS.c.at < moment
    several = select(VERSIONS.c.group).where(before).group_by(VERSIONS.c.group).having(func.count() > 1)
    query = select(VERSIONS.c.group, VERSIONS.c.name).where(before, VERSIONS.c.group.in_(several))
    found: dict[str, list[str]] = {}
    for group, name in db.execute(query.order_by(VERSIONS.c.group, VERSIONS.c.at)):
        # Before it was told its name, a group went by its number.
        if name != group.split(":", 1)[1]:
            found.setdefault(group, []).append(name)
    former = {group: tuple(dict.fromkeys(one for one in names if one != names[-1])) for group, names in found.items()}
    return {group: names for group, names in former.items() if names}

"""Weekly snapshots, and the facts they are made of: everything as it was known at a moment, whenever it is asked."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, and_, func, or_, select, type_coerce

from storage.database import insert, table
from storage.tables import Activity, Claim, Exemption, Group, GroupVersion, Member, PersonRow, Snapshot

SNAPSHOTS, EXEMPTIONS, CLAIMS = table(Snapshot), table(Exemption), table(Claim)
GROUPS, VERSIONS, MEMBERS = table(Group), table(GroupVersion), table(Member)
ACTIVITY, PERSONS = table(Activity), table(PersonRow)
# So much of a saved body is looked at for what stands before its rows, and there they begin.
HEAD, ROWS = 262_144, ', "groups": ['
# People who left so shortly before the end of their group left because of it.
LEAVING_MS = 86_400_000


def save(db: Connection, week: str, at: datetime, body: dict[str, Any]) -> bool:
    """True for the first who saves this week; a saved snapshot stays as it is."""
    text = json.dumps(body, ensure_ascii=False)
    statement = insert(db, Snapshot).values(week=week, at=at, body=text).on_conflict_do_nothing()
    return bool(db.execute(statement).rowcount)


def saved(db: Connection, week: str) -> dict[str, Any] | None:
    body = db.execute(select(SNAPSHOTS.c.body).where(SNAPSHOTS.c.week == week)).scalar_one_or_none()
    return None if body is None else dict(json.loads(body))


def head(db: Connection, week: str) -> dict[str, Any] | None:
    """The figures of a saved snapshot without its rows, which make it large and stand at its end."""
    start = func.substr(SNAPSHOTS.c.body, 1, HEAD)
    begin = db.execute(select(start).where(SNAPSHOTS.c.week == week)).scalar_one_or_none()
    if begin is None:
        return None
    figures, found, _ = begin.partition(ROWS)
    if found:
        return dict(json.loads(figures + "}"))
    body = saved(db, week) or {}
    names = list(body)
    return {name: body[name] for name in names[: names.index("groups")]}


def weeks(db: Connection) -> list[str]:
    """The saved weeks, the newest first."""
    return list(db.execute(select(SNAPSHOTS.c.week).order_by(SNAPSHOTS.c.week.desc())).scalars())


def newest_event(db: Connection) -> datetime | None:
    """The latest time of any event that had its effect; a replay may be ahead of the wall clock."""
    found: datetime | None = db.execute(select(func.max(CLAIMS.c.at))).scalar_one()
    return found


def first_seen(db: Connection) -> datetime | None:
    """When the first group of all was first heard of."""
    found: datetime | None = db.execute(select(func.min(GROUPS.c.first_seen))).scalar_one()
    return found


@dataclass(slots=True, kw_only=True)
class Facts:
    """Everything known before a moment, by group; `last_members` are of the groups that are gone."""

    groups: Mapping[str, Row[Any]]
    versions: Mapping[str, Row[Any]]
    members: Mapping[str, frozenset[str]]
    last_members: Mapping[str, frozenset[str]]
    activity: Mapping[str, Row[Any]]
    exemptions: Mapping[str, Row[Any]]
    former: Mapping[str, tuple[str, ...]]


def facts_before(db: Connection, moment: datetime, last: date, since: date) -> Facts:
    """`last` is the last day before the moment, `since` the first one whose messages are counted as recent."""
    return Facts(
        groups={row.id: row for row in groups_before(db, moment)},
        versions=versions_before(db, moment),
        members=members_before(db, moment),
        last_members=members_at_end(db, moment),
        activity=activity_until(db, last, since),
        exemptions=exemptions_on(db, last),
        former=former_names(db, moment),
    )


def groups_before(db: Connection, moment: datetime) -> Sequence[Row[Any]]:
    """Every group heard of before the moment, those that are gone among them."""
    return db.execute(select(GROUPS).where(GROUPS.c.first_seen < moment).order_by(GROUPS.c.id)).all()


def versions_before(db: Connection, moment: datetime) -> dict[str, Row[Any]]:
    """By group, its newest version before the moment, with `owner_name`; a group first told of later has none."""
    newest = (
        select(VERSIONS.c.group, func.max(VERSIONS.c.at).label("at"))
        .where(VERSIONS.c.at < moment)
        .group_by(VERSIONS.c.group)
        .subquery()
    )
    query = (
        select(VERSIONS, PERSONS.c.name.label("owner_name"))
        .join(newest, and_(newest.c.group == VERSIONS.c.group, newest.c.at == VERSIONS.c.at))
        .outerjoin(PERSONS, PERSONS.c.id == VERSIONS.c.owner)
    )
    return {row.group: row for row in db.execute(query)}


def former_names(db: Connection, moment: datetime) -> dict[str, tuple[str, ...]]:
    """By group that had several names before the moment, those that it has no more, the oldest first."""
    several = select(VERSIONS.c.group).where(VERSIONS.c.at < moment).group_by(VERSIONS.c.group)
    query = (
        select(VERSIONS.c.group, VERSIONS.c.name)
        .where(VERSIONS.c.at < moment, VERSIONS.c.group.in_(several.having(func.count() > 1)))
        .order_by(VERSIONS.c.group, VERSIONS.c.at)
    )
    found: dict[str, list[str]] = defaultdict(list)
    for group, name in db.execute(query):
        found[group].append(name)
    # Before it was told its name, a group went by its number.
    named = {group: [one for one in names if one != group.split(":", 1)[1]] for group, names in found.items()}
    former = {
        group: tuple(dict.fromkeys(one for one in names if one != names[-1])) for group, names in named.items() if names
    }
    return {group: names for group, names in former.items() if names}


def members_before(db: Connection, moment: datetime) -> dict[str, frozenset[str]]:
    """By group, who was in it at the moment."""
    stayed = or_(MEMBERS.c.left_at.is_(None), MEMBERS.c.left_at >= moment)
    query = select(MEMBERS.c.group, MEMBERS.c.person).where(MEMBERS.c.joined_at < moment, stayed)
    return _sets(db.execute(query))


def people_of(db: Connection, groups: Sequence[str], moment: datetime) -> set[str]:
    """Everybody who was in one of these groups at the moment."""
    stayed = or_(MEMBERS.c.left_at.is_(None), MEMBERS.c.left_at >= moment)
    found: set[str] = set()
    for start in range(0, len(groups), 500):
        some = MEMBERS.c.group.in_(groups[start : start + 500])
        query = select(MEMBERS.c.person).where(some, MEMBERS.c.joined_at < moment, stayed)
        found.update(db.execute(query).scalars())
    return found


def members_at_end(db: Connection, moment: datetime) -> dict[str, frozenset[str]]:
    """By group that was dissolved before the moment, who was in it then; leaving on its last day counts as staying."""
    left, dissolved = type_coerce(MEMBERS.c.left_at, BigInteger), type_coerce(GROUPS.c.dissolved_at, BigInteger)
    query = (
        select(MEMBERS.c.group, MEMBERS.c.person)
        .join(GROUPS, GROUPS.c.id == MEMBERS.c.group)
        .where(
            GROUPS.c.dissolved_at < moment,
            MEMBERS.c.joined_at <= GROUPS.c.dissolved_at,
            or_(left.is_(None), left >= dissolved - LEAVING_MS),
        )
    )
    return _sets(db.execute(query))


def _sets(rows: Any) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for group, person in rows:
        found[group].add(person)
    return {group: frozenset(people) for group, people in found.items()}


def activity_until(db: Connection, last: date, since: date) -> dict[str, Row[Any]]:
    """By group, up to and including the day `last`: the last work message, the last day; the counts from `since` on."""
    recent = {
        name: func.coalesce(func.sum(ACTIVITY.c[name]).filter(ACTIVITY.c.day >= since), 0).label(name)
        for name in ("work", "rollcall", "other")
    }
    query = (
        select(
            ACTIVITY.c.group,
            func.max(ACTIVITY.c.last_work_at).label("last_work_at"),
            func.max(ACTIVITY.c.day).label("last_day"),
            *recent.values(),
        )
        .where(ACTIVITY.c.day <= last)
        .group_by(ACTIVITY.c.group)
    )
    return {row.group: row for row in db.execute(query)}


def exemptions_on(db: Connection, day: date) -> dict[str, Row[Any]]:
    """By group, the exemptions in force on that day."""
    begun = or_(EXEMPTIONS.c.since.is_(None), EXEMPTIONS.c.since <= day)
    going_on = or_(EXEMPTIONS.c.until.is_(None), EXEMPTIONS.c.until >= day)
    return {row.group: row for row in db.execute(select(EXEMPTIONS).where(begun, going_on))}

"""Groups, people and who is in which group since when."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, or_, select, update

from storage.database import Hot, insert, insert_for, table
from storage.tables import Group, GroupVersion, Member, PersonRow, milliseconds

GROUPS, VERSIONS, MEMBERS, PERSONS = table(Group), table(GroupVersion), table(Member), table(PersonRow)
NAMES_AT_ONCE = 500
FACTS = ("name", "unit", "purpose", "kind", "created", "ends", "owner")


def get(db: Connection, group: str) -> Row[Any] | None:
    return db.execute(select(GROUPS).where(GROUPS.c.id == group)).one_or_none()


FIRST_SEEN = Hot(lambda dialect: select(GROUPS.c.first_seen).where(GROUPS.c.id == bindparam("group")))


def note_group(db: Connection, group: str, channel: str, name: str, at: datetime) -> None:
    """Know the group from now on; a message tells nothing more than its name."""
    first: int | None = FIRST_SEEN(db, {"group": group}).scalar_one_or_none()
    if first is not None:
        # Events may come late: the earliest is when we first heard of it.
        if milliseconds(at) < first:
            db.execute(update(GROUPS).where(GROUPS.c.id == group).values(first_seen=at))
        return
    made = insert(db, Group).values(id=group, channel=channel, name=name, first_seen=at).on_conflict_do_nothing()
    if db.execute(made).rowcount:
        add_version(db, group, at, {"name": name})


def save_facts(db: Connection, group: str, at: datetime, facts: dict[str, Any]) -> None:
    """Take what a roster says; None means "not said" except for the owner. Only changes make a version."""
    known = {name: value for name, value in facts.items() if value is not None or name == "owner"}
    add_version(db, group, at, known, owner_known="owner" in known)
    row = get(db, group)
    if row is None or row.roster_at is None or row.roster_at <= at:
        db.execute(update(GROUPS).where(GROUPS.c.id == group).values(**known, roster_at=at, source="seen"))


def add_version(db: Connection, group: str, at: datetime, facts: dict[str, Any], owner_known: bool = False) -> None:
    before = version_at(db, group, at)
    values: dict[str, Any] = {name: getattr(before, name) for name in FACTS} if before else {}
    merged = {**values, **facts}
    known = owner_known or bool(before and before.owner_known)
    if before and merged == values and known == before.owner_known:
        return
    statement = insert(db, GroupVersion).values(group=group, at=at, owner_known=known, **merged)
    changed = {**merged, "owner_known": known}
    db.execute(statement.on_conflict_do_update(index_elements=["group", "at"], set_=changed))


def version_at(db: Connection, group: str, at: datetime) -> Row[Any] | None:
    """The group as it was known at that moment."""
    query = select(VERSIONS).where(VERSIONS.c.group == group, VERSIONS.c.at <= at)
    return db.execute(query.order_by(VERSIONS.c.at.desc()).limit(1)).one_or_none()


def dissolve(db: Connection, group: str, at: datetime, evidence: str) -> bool:
    """True when it was alive; the first dissolution stays."""
    query = update(GROUPS).where(GROUPS.c.id == group, GROUPS.c.dissolved_at.is_(None))
    return bool(db.execute(query.values(dissolved_at=at, evidence=evidence)).rowcount)


def note_people(db: Connection, channel: str, people: Iterable[dict[str, Any]]) -> None:
    """Each is {id, name, unit, role}; an empty unit or role leaves what is known."""
    rows = [{"channel": channel, **person} for person in people]
    if not rows:
        return
    if len(rows) == 1:
        NOTING_PERSON(db, rows[0])
    else:
        db.execute(_noting_people(db.dialect.name), rows)


@cache
def _noting_people(dialect: str) -> Any:
    statement = insert_for(dialect, PersonRow)
    new = statement.excluded
    unit = func.coalesce(func.nullif(new.unit, ""), PERSONS.c.unit)
    role = func.coalesce(func.nullif(new.role, ""), PERSONS.c.role)
    # A row that says nothing new is not written again.
    changed = (PERSONS.c.name != new.name) | (PERSONS.c.unit != unit) | (PERSONS.c.role != role)
    return statement.on_conflict_do_update(
        index_elements=["id"], set_={"name": new.name, "unit": unit, "role": role}, where=changed
    )


NOTING_PERSON = Hot(_noting_people)


def person(db: Connection, person_id: str) -> Row[Any] | None:
    return db.execute(select(PERSONS).where(PERSONS.c.id == person_id)).one_or_none()


def names_of(db: Connection, people: Collection[str]) -> dict[str, str]:
    """What these people are called."""
    asked, found = sorted(people), {}
    for start in range(0, len(asked), NAMES_AT_ONCE):
        few = PERSONS.c.id.in_(asked[start : start + NAMES_AT_ONCE])
        found.update({row.id: row.name for row in db.execute(select(PERSONS.c.id, PERSONS.c.name).where(few))})
    return found


def set_members(db: Connection, group: str, roles: dict[str, str], at: datetime) -> tuple[set[str], set[str]]:
    """Make the open stays match `roles` (person → role); gives who joined and who left."""
    present = {row.person: row.role for row in members(db, group)}
    joined, left = roles.keys() - present.keys(), present.keys() - roles.keys()
    if joined:
        rows = [{"group": group, "person": p, "joined_at": at, "role": roles[p]} for p in sorted(joined)]
        statement = insert(db, Member)
        db.execute(
            statement.on_conflict_do_update(
                index_elements=["group", "person", "joined_at"], set_={"left_at": None, "role": statement.excluded.role}
            ),
            rows,
        )
    open_stay = and_(MEMBERS.c.group == group, MEMBERS.c.left_at.is_(None))
    for gone in sorted(left):
        db.execute(update(MEMBERS).where(open_stay, MEMBERS.c.person == gone).values(left_at=at))
    for stays in sorted(roles.keys() & present.keys()):
        if roles[stays] != present[stays]:
            db.execute(update(MEMBERS).where(open_stay, MEMBERS.c.person == stays).values(role=roles[stays]))
    return set(joined), set(left)


def members(db: Connection, group: str) -> Sequence[Row[Any]]:
    """The present members: person, role, name."""
    query = (
        select(MEMBERS.c.person, MEMBERS.c.role, PERSONS.c.name)
        .join(PERSONS, PERSONS.c.id == MEMBERS.c.person)
        .where(MEMBERS.c.group == group, MEMBERS.c.left_at.is_(None))
        .order_by(MEMBERS.c.person)
    )
    return db.execute(query).all()


def membership(db: Connection, group: str, person_id: str) -> Row[Any] | None:
    query = select(MEMBERS).where(
        MEMBERS.c.group == group, MEMBERS.c.person == person_id, MEMBERS.c.left_at.is_(None)
    )
    return db.execute(query).one_or_none()


def run_by(db: Connection, person_id: str) -> Sequence[str]:
    """Keys of the living groups that this person owns or is an admin of."""
    open_stay = and_(
        MEMBERS.c.group == GROUPS.c.id,
        MEMBERS.c.person == person_id,
        MEMBERS.c.left_at.is_(None),
        MEMBERS.c.role.in_(("admin", "office")),
    )
    query = select(GROUPS.c.id).where(
        GROUPS.c.dissolved_at.is_(None),
        or_(GROUPS.c.owner == person_id, select(MEMBERS.c.person).where(open_stay).exists()),
    )
    return list(db.execute(query.order_by(GROUPS.c.id)).scalars())


def resolve(db: Connection, given: str) -> str | None:
    """The key of a group named by its key or by its id in its own channel; None when unknown or ambiguous."""
    if get(db, given):
        return given
    ending = ":" + given.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    found = list(db.execute(select(GROUPS.c.id).where(GROUPS.c.id.like("%" + ending, escape="\\"))).scalars())
    exact = [key for key in found if key.split(":", 1)[1] == given]
    return exact[0] if len(exact) == 1 else None

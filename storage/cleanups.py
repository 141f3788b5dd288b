"""Rounds from a group found to a group closed, and their steps, which are only ever added to.

Whoever is to take a step holds the round first: its row is locked until the commit, so that one step follows another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, insert, or_, select, update

from storage.database import insert as upsert
from storage.database import table
from storage.tables import Activity, App, Cleanup, CleanupStep, Exemption, Group, Member, Outgoing, RegisterGroup

ITEMS, STEPS, ACTIVITY = table(Cleanup), table(CleanupStep), table(Activity)
GROUPS, MEMBERS, OUTBOX = table(Group), table(Member), table(Outgoing)
REGISTER, APPS, EXEMPTIONS = table(RegisterGroup), table(App), table(Exemption)
# What a step changes.
CHANGES = (
    "state", "choice", "reason", "target", "ends", "chosen_by", "evidence", "verified", "at", "due", "late_at", "steps",
)  # fmt: skip
BATCH = 500

Rows = Sequence[Row[Any]]


def get(db: Connection, item: str) -> Row[Any] | None:
    return db.execute(select(ITEMS).where(ITEMS.c.id == item)).one_or_none()


def hold(db: Connection, items: Collection[str]) -> Rows:
    """Those of these rounds that there are."""
    return _held(db, ITEMS.c.id.in_(sorted(items)))


def hold_in(db: Connection, states: Collection[str]) -> Rows:
    return _held(db, ITEMS.c.state.in_(sorted(states)))


def hold_due(db: Connection, at: datetime) -> Rows:
    """Those whose time has come."""
    return _held(db, ITEMS.c.due <= at)


def hold_of(db: Connection, kind: str, subjects: Collection[str], states: Collection[str]) -> Rows:
    found: list[Row[Any]] = []
    for some in _batches(subjects):
        found += _held(db, and_(ITEMS.c.kind == kind, ITEMS.c.subject.in_(some), ITEMS.c.state.in_(sorted(states))))
    return found


def hold_spoken(db: Connection, choices: Collection[str]) -> Rows:
    """Rounds that ended a group in which people spoke of work on a later day."""
    later = and_(ACTIVITY.c.group == ITEMS.c.subject, ACTIVITY.c.day > ITEMS.c.verified, ACTIVITY.c.work > 0)
    spoke = select(ACTIVITY.c.group).where(later).exists()
    ended = and_(ITEMS.c.kind == "group", ITEMS.c.choice.in_(sorted(choices)), ITEMS.c.state.in_(("closed", "cooling")))
    return _held(db, and_(ended, spoke))


def _held(db: Connection, condition: Any) -> Rows:
    # SQLite has one writer and ignores the lock.
    return db.execute(select(ITEMS).where(condition).order_by(ITEMS.c.id).with_for_update()).all()


def _batches(keys: Collection[str]) -> Iterator[list[str]]:
    listed = sorted(keys)
    for start in range(0, len(listed), BATCH):
        yield listed[start : start + BATCH]


def save(
    db: Connection,
    opened: Sequence[Mapping[str, Any]],
    changed: Sequence[Mapping[str, Any]],
    steps: Sequence[Mapping[str, Any]],
) -> None:
    """New rounds, rounds that steps were taken in (`id` and CHANGES), and those steps."""
    if opened:
        db.execute(insert(ITEMS), list(opened))
    if changed:
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in CHANGES}
        rows = [{"key": one["id"], **{f"new_{name}": one[name] for name in CHANGES}} for one in changed]
        db.execute(update(ITEMS).where(ITEMS.c.id == bindparam("key")).values(**values), rows)
    if steps:
        db.execute(insert(STEPS), list(steps))


def rounds(db: Connection, kind: str, subjects: Collection[str]) -> dict[str, int]:
    """By group or app that was found before, its latest round."""
    found: dict[str, int] = {}
    for some in _batches(subjects):
        query = select(ITEMS.c.subject, func.max(ITEMS.c.round)).where(ITEMS.c.kind == kind, ITEMS.c.subject.in_(some))
        found |= {row[0]: row[1] for row in db.execute(query.group_by(ITEMS.c.subject))}
    return found


def kept(db: Connection, day: date) -> set[tuple[str, str]]:
    """(kind, subject) of those that a closed round keeps on that day."""
    query = select(ITEMS.c.kind, ITEMS.c.subject)
    query = query.where(ITEMS.c.state == "closed", ITEMS.c.choice == "keep", ITEMS.c.ends >= day)
    return {(kind, subject) for kind, subject in db.execute(query)}


def place_units(db: Connection, places: Mapping[str, int]) -> None:
    """The units' order in the register, as the newest snapshot has it."""
    known = db.execute(select(ITEMS.c.unit, ITEMS.c.unit_place).distinct()).all()
    rows = [{"of": unit, "now": places[unit]} for unit, place in known if places.get(unit, place) != place]
    if rows:
        db.execute(update(ITEMS).where(ITEMS.c.unit == bindparam("of")).values(unit_place=bindparam("now")), rows)


def steps_of(db: Connection, items: Collection[str]) -> dict[str, list[Row[Any]]]:
    """By round, its steps in their order."""
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    for some in _batches(items):
        query = select(STEPS).where(STEPS.c.item.in_(some)).order_by(STEPS.c.item, STEPS.c.number)
        for row in db.execute(query):
            found[row.item].append(row)
    return found


def in_charge(db: Connection, groups: Collection[str]) -> dict[str, list[str]]:
    """By living group, its owner where they are in it, or else its admins; a group without either is left out."""
    found: dict[str, list[str]] = {}
    for some in _batches(groups):
        stay = and_(MEMBERS.c.group == GROUPS.c.id, MEMBERS.c.left_at.is_(None))
        leads = or_(MEMBERS.c.person == GROUPS.c.owner, MEMBERS.c.role == "admin")
        query = select(GROUPS.c.id, GROUPS.c.owner, MEMBERS.c.person).join(MEMBERS, and_(stay, leads))
        query = query.where(GROUPS.c.id.in_(some), GROUPS.c.dissolved_at.is_(None))
        for group, owner, person in db.execute(query.order_by(GROUPS.c.id, MEMBERS.c.person)):
            if person == owner:
                found[group] = [person]
            elif owner not in found.get(group, ()):
                found.setdefault(group, []).append(person)
    return found


def led_by(person: str) -> Any:
    """The keys of the groups that this person is in and owns, or is an admin of; one that is gone counts as it was."""
    stay = and_(MEMBERS.c.group == GROUPS.c.id, MEMBERS.c.person == person, MEMBERS.c.left_at.is_(None))
    leads = or_(GROUPS.c.owner == person, MEMBERS.c.role.in_(("admin", "office")))
    return select(MEMBERS.c.group).join(GROUPS, and_(stay, leads))


def runs(db: Connection, person: str, groups: Collection[str]) -> set[str]:
    """Those of these groups that the person is in charge of."""
    found: set[str] = set()
    for some in _batches(groups):
        found.update(db.execute(led_by(person).where(MEMBERS.c.group.in_(some))).scalars())
    return found


def waiting_for(db: Connection, person: str, states: Collection[str]) -> int:
    """How many rounds in these states are about a living group that this person is in charge of."""
    theirs = led_by(person).where(GROUPS.c.dissolved_at.is_(None))
    query = select(func.count()).select_from(ITEMS)
    query = query.where(ITEMS.c.kind == "group", ITEMS.c.state.in_(sorted(states)), ITEMS.c.subject.in_(theirs))
    return int(db.execute(query).scalar_one())


def is_ending(db: Connection, group: str) -> bool:
    """Whether somebody has decided that this group is to go."""
    going = and_(ITEMS.c.subject == group, ITEMS.c.choice.in_(("dissolve", "merge")))
    query = select(ITEMS.c.id).where(going, ITEMS.c.state.in_(("proposed", "doing", "cooling")))
    return db.execute(query.limit(1)).first() is not None


def deserted(db: Connection) -> set[str]:
    """Rounds that wait for an answer, none of those who were asked being in charge any more."""
    asked = and_(STEPS.c.item == ITEMS.c.id, STEPS.c.step == "asked")
    there = and_(MEMBERS.c.group == ITEMS.c.subject, MEMBERS.c.person == STEPS.c.whom, MEMBERS.c.left_at.is_(None))
    leads = and_(GROUPS.c.id == ITEMS.c.subject, or_(MEMBERS.c.role == "admin", MEMBERS.c.person == GROUPS.c.owner))
    somebody = select(STEPS.c.item).where(asked, there, leads).correlate(ITEMS).exists()
    waiting = and_(ITEMS.c.kind == "group", ITEMS.c.state == "asked", ITEMS.c.late_at.is_(None))
    return set(db.execute(select(ITEMS.c.id).where(waiting, ~somebody)).scalars())


def undelivered(db: Connection) -> dict[str, set[str]]:
    """By round that waits for an answer to messages, or is to be carried out, and of which none arrived: what became of
    them (failed, stale).
    """
    waiting = and_(ITEMS.c.state.in_(("asked", "doing")), ITEMS.c.late_at.is_(None))
    lost = and_(OUTBOX.c.key == STEPS.c.evidence, OUTBOX.c.state.in_(("failed", "stale")))
    suspects = select(ITEMS.c.id).join(STEPS, STEPS.c.item == ITEMS.c.id).join(OUTBOX, lost).where(waiting)
    other = select(STEPS.c.item, func.max(STEPS.c.number).label("number")).where(STEPS.c.step.not_in(("asked", "told")))
    before = other.where(STEPS.c.item.in_(suspects)).group_by(STEPS.c.item).subquery()
    query = (
        select(STEPS.c.item, OUTBOX.c.state)
        .join(before, and_(before.c.item == STEPS.c.item, before.c.number < STEPS.c.number))
        .outerjoin(OUTBOX, OUTBOX.c.key == STEPS.c.evidence)
    )
    found: dict[str, set[str]] = defaultdict(set)
    for item, state in db.execute(query):
        found[item].add(state or "sent")
    return {item: states for item, states in found.items() if states <= {"failed", "stale"}}


def warnings(db: Connection, items: Collection[str]) -> dict[str, str]:
    """By round, the outbox key of what was last said about it; what has not gone out (yet) warned nobody."""
    found: dict[str, str] = {}
    unsaid = and_(OUTBOX.c.key == STEPS.c.evidence, OUTBOX.c.state.in_(("waiting", "failed", "stale")))
    for some in _batches(items):
        query = select(STEPS.c.item, STEPS.c.evidence).outerjoin(OUTBOX, unsaid)
        query = query.where(STEPS.c.item.in_(some), STEPS.c.step.in_(("asked", "told")), OUTBOX.c.key.is_(None))
        found |= {row[0]: row[1] for row in db.execute(query.order_by(STEPS.c.item, STEPS.c.number))}
    return found


def ended(db: Connection, kind: str, subjects: Mapping[str, str]) -> dict[str, str]:
    """Of these (key → name) the ones that are gone, with the evidence."""
    found: dict[str, str] = {}
    register = REGISTER if kind == "group" else APPS
    for some in _batches(subjects):
        query = select(register).where(register.c.closed.is_not(None))
        names = [subjects[key] for key in some]
        same = or_(register.c.id.in_(some), register.c.name.in_(names))
        closed = db.execute(query.where(or_(same, register.c.group.in_(some)) if kind == "group" else same)).all()
        told = {key for row in closed for key in (row.id, row.name, getattr(row, "group", None))}
        found |= {key: "imported" for key in some if key in told or subjects[key] in told}
        if kind == "group":
            gone = select(GROUPS.c.id, GROUPS.c.evidence).where(
                GROUPS.c.id.in_(some), GROUPS.c.dissolved_at.is_not(None)
            )
            found |= {key: evidence or "declared" for key, evidence in db.execute(gone)}
    return found


def end(db: Connection, kind: str, subject: str, at: datetime, day: date) -> None:
    """Somebody declared that it is gone: it counts as such, with that evidence."""
    declared = update(GROUPS).where(GROUPS.c.id == subject, GROUPS.c.dissolved_at.is_(None))
    if kind == "group" and db.execute(declared.values(dissolved_at=at, evidence="declared")).rowcount:
        return
    register = REGISTER if kind == "group" else APPS
    db.execute(update(register).where(register.c.id == subject, register.c.closed.is_(None)).values(closed=day))


def revive(db: Connection, kind: str, subject: str) -> None:
    """It is not gone after all."""
    lives = update(GROUPS).where(GROUPS.c.id == subject).values(dissolved_at=None, evidence="")
    if kind == "group" and db.execute(lives).rowcount:
        return
    register = REGISTER if kind == "group" else APPS
    db.execute(update(register).where(register.c.id == subject).values(closed=None))


def witness(db: Connection, group: str) -> None:
    """The end that was declared has been seen."""
    declared = update(GROUPS).where(GROUPS.c.id == group, GROUPS.c.evidence == "declared")
    db.execute(declared.values(evidence="seen"))


def exempt(db: Connection, group: str, reason: str, approver: str, since: date, until: date | None) -> None:
    values = {"reason": reason, "approver": approver, "since": since, "until": until}
    statement = upsert(db, Exemption).values(group=group, **values)
    db.execute(statement.on_conflict_do_update(index_elements=["group"], set_=values))


def end_exemption(db: Connection, group: str, last: date) -> None:
    """It no longer holds; what it was stays to be read."""
    db.execute(update(EXEMPTIONS).where(EXEMPTIONS.c.group == group).values(until=last))

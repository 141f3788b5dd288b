"""Answers to 有用吗: who gave one is a keyed hash while the round is open, and nobody afterwards."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from storage.database import insert, table
from storage.tables import App, Ballot, Group, Member, Rating, RatingInvite

BALLOTS, RATINGS, INVITES = table(Ballot), table(Rating), table(RatingInvite)
GROUPS, MEMBERS, APPS = table(Group), table(Member), table(App)
# So many groups and so many apps are offered to one person: a page to answer, not a form to fill.
OFFERED = 30


def cast(db: Connection, round_: str, subject: str, voter: str, answer: str, week: str) -> None:
    """A later answer of the same voter stands in place of the earlier one."""
    statement = insert(db, Ballot).values(round=round_, subject=subject, voter=voter, answer=answer, week=week)
    key = ["round", "subject", "voter"]
    db.execute(statement.on_conflict_do_update(index_elements=key, set_={"answer": answer, "week": week}))


def counted(db: Connection, round_: str, until: str) -> dict[str, Counter[str]]:
    """By subject, the answers of the round up to the end of that week."""
    query = select(BALLOTS.c.subject, BALLOTS.c.answer, func.count()).where(
        BALLOTS.c.round == round_, BALLOTS.c.week <= until
    )
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for subject, answer, number in db.execute(query.group_by(BALLOTS.c.subject, BALLOTS.c.answer)):
        found[subject][answer] = number
    return dict(found)


def show(db: Connection, subject: str, week: str, round_: str, answers: Mapping[str, int]) -> None:
    """Written once a week and never changed; a second try changes nothing."""
    statement = insert(db, Rating).values(subject=subject, week=week, round=round_, **answers)
    db.execute(statement.on_conflict_do_nothing())


def shown(db: Connection, week: str) -> dict[str, Row[Any]]:
    """By subject, what is shown at the end of that week."""
    newest = select(RATINGS.c.subject, func.max(RATINGS.c.week).label("week")).where(RATINGS.c.week <= week)
    last = newest.group_by(RATINGS.c.subject).subquery()
    query = select(RATINGS).join(last, (last.c.subject == RATINGS.c.subject) & (last.c.week == RATINGS.c.week))
    return {row.subject: row for row in db.execute(query)}


def open_before(db: Connection, round_: str) -> Sequence[tuple[str, str]]:
    """Rounds that are over and still hold ballots, each with the last week of its answers."""
    query = select(BALLOTS.c.round, func.max(BALLOTS.c.week)).where(BALLOTS.c.round < round_)
    return [(name, week) for name, week in db.execute(query.group_by(BALLOTS.c.round).order_by(BALLOTS.c.round))]


def close(db: Connection, round_: str) -> None:
    """The ballots go, and the hashes with them."""
    db.execute(delete(BALLOTS).where(BALLOTS.c.round == round_))


def forget_invites(db: Connection, round_: str) -> None:
    """Who was asked in the rounds before this one."""
    db.execute(delete(INVITES).where(INVITES.c.round < round_))


def invite(db: Connection, round_: str, people: Collection[str]) -> list[str]:
    """Those of the people who were not asked in this round yet; from now on they were."""
    before = set(db.execute(select(INVITES.c.person).where(INVITES.c.round == round_)).scalars())
    fresh = sorted(set(people) - before)
    if fresh:
        rows = [{"person": person, "round": round_} for person in fresh]
        db.execute(insert(db, RatingInvite).on_conflict_do_nothing(), rows)
    return fresh


def people_of(db: Connection, channel: str) -> list[str]:
    """Everybody who is in a living group of the channel."""
    query = select(MEMBERS.c.person).join(GROUPS, GROUPS.c.id == MEMBERS.c.group)
    query = query.where(MEMBERS.c.left_at.is_(None), GROUPS.c.dissolved_at.is_(None), GROUPS.c.channel == channel)
    return list(db.execute(query.distinct().order_by(MEMBERS.c.person)).scalars())


def offered(db: Connection, person: str, least: int) -> list[tuple[str, str]]:
    """What a person may rate, as (subject, name): their living groups of at least `least` people, and the apps in use."""
    size = select(MEMBERS.c.group).where(MEMBERS.c.left_at.is_(None)).group_by(MEMBERS.c.group)
    own = (
        select(GROUPS.c.id, GROUPS.c.name)
        .join(MEMBERS, MEMBERS.c.group == GROUPS.c.id)
        .where(MEMBERS.c.person == person, MEMBERS.c.left_at.is_(None), GROUPS.c.dissolved_at.is_(None))
        .where(GROUPS.c.id.in_(size.having(func.count() >= least)))
    )
    groups = db.execute(own.distinct().order_by(GROUPS.c.name, GROUPS.c.id).limit(OFFERED))
    used = select(APPS.c.id, APPS.c.name).where(APPS.c.closed.is_(None)).order_by(APPS.c.position, APPS.c.id)
    return [
        *((f"group:{row.id}", row.name) for row in groups),
        *((f"app:{row.id}", row.name) for row in db.execute(used.limit(OFFERED))),
    ]


def answer_of(db: Connection, round_: str, voters: Mapping[str, str]) -> dict[str, str]:
    """Of (subject → voter), what each voter has answered."""
    query = select(BALLOTS.c.subject, BALLOTS.c.voter, BALLOTS.c.answer)
    query = query.where(BALLOTS.c.round == round_, BALLOTS.c.voter.in_(sorted(voters.values())))
    return {row.subject: row.answer for row in db.execute(query) if voters.get(row.subject) == row.voter}

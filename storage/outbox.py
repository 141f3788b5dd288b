"""What is to be said: written with the decision, spoken after the commit, at least once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, case, func, not_, or_, select, update

from storage.database import insert, table
from storage.tables import Outgoing

OUTBOX = table(Outgoing)


def put(
    db: Connection, *, key: str, channel: str, kind: str, target: str, payload: str, at: datetime, not_before: datetime,
    about: str = "",
) -> bool:
    """False when the same effect was written before. A waiting revision of the same post gives way to this one."""
    if kind == "revise":
        older = update(OUTBOX).where(OUTBOX.c.kind == "revise", OUTBOX.c.about == about, OUTBOX.c.state == "waiting")
        db.execute(older.where(OUTBOX.c.target == target).values(state="superseded"))
    statement = insert(db, Outgoing).values(
        key=key, channel=channel, kind=kind, target=target, about=about, payload=payload, at=at, not_before=not_before
    )
    return bool(db.execute(statement.on_conflict_do_nothing(index_elements=["key"])).rowcount)


def due(db: Connection, now: datetime, limit: int = 100) -> Sequence[Row[Any]]:
    """The waiting ones whose time has come, oldest first, whoever says them."""
    query = select(OUTBOX).where(OUTBOX.c.state == "waiting", OUTBOX.c.not_before <= now)
    return db.execute(query.order_by(OUTBOX.c.id).limit(limit)).all()


@dataclass(frozen=True, slots=True)
class Limit:
    """How many a minute a platform takes, in all and in one conversation; 0: as many as there are."""

    channel: int = 0
    target: int = 0


UNLIMITED = Limit()
MINUTE = timedelta(minutes=1)
# After a clock was put back what it had noted lies ahead of it; so far ahead it still counts.
SKEW = timedelta(minutes=5)
# What was under way when its process ended, or when the database did not take the outcome.
INTERRUPTED = "发送中断，对方可能已经收到"
# With the pauses between attempts no more than so many of one row fall into a minute.
MOST_TRIES = 5
# What a platform counts: a changed card and a question about the roster are no messages.
COUNTED = ("post", "whisper", "file")


def claim(
    db: Connection, channel: str, holder: str, now: datetime, until: datetime, limit: Limit = UNLIMITED, most: int = 100
) -> Sequence[Row[Any]]:
    """The waiting ones of this channel whose time has come, oldest first, for this holder alone until then.

    A conversation of which another holder says something is left to them, so that its order holds. In no minute more
    is given than the limit: what is under way counts, and every attempt by whomever, also before a restart. What is free
    again although it was claimed may have been said: that counts as an attempt.
    """
    free = or_(OUTBOX.c.claimed_until.is_(None), OUTBOX.c.claimed_until <= now, OUTBOX.c.claimed_by == holder)
    _note_interrupted(db, now, OUTBOX.c.channel == channel, free)
    others = _due(channel, now).where(not_(free)).with_only_columns(OUTBOX.c.target)
    query = _due(channel, now).where(free, OUTBOX.c.target.not_in(others))
    said, full = _said_lately(db, channel, now, limit)
    if full:
        query = query.where(or_(OUTBOX.c.kind.not_in(COUNTED), OUTBOX.c.target.not_in(full)))
    if limit.channel and said.total() >= limit.channel:
        query = query.where(OUTBOX.c.kind.not_in(COUNTED))
    taken = []
    for row in db.execute(query.order_by(OUTBOX.c.id).limit(most)):
        if row.kind in COUNTED:
            if _is_full(said, row.target, limit):
                continue
            said[row.target] += 1
        taken.append(row)
    if taken:
        mine = update(OUTBOX).where(OUTBOX.c.id.in_([row.id for row in taken]))
        db.execute(mine.values(claimed_by=holder, claimed_until=until))
    return taken


def _note_interrupted(db: Connection, now: datetime, *which: Any) -> None:
    """Claimed and neither said nor given back: its process died, or could not write down what it had done."""
    query = update(OUTBOX).where(OUTBOX.c.state == "waiting", OUTBOX.c.claimed_until.is_not(None), *which)
    tried = {"attempts": OUTBOX.c.attempts + 1, "sent_at": now, "at": _due_at(), "error": INTERRUPTED}
    db.execute(query.values(**tried, claimed_by=None, claimed_until=None))


def _due_at() -> Any:
    """From the first failure on `at` is when it was due: `not_before` moves with every attempt."""
    return case((OUTBOX.c.error == "", OUTBOX.c.not_before), else_=OUTBOX.c.at)


def _due(channel: str, now: datetime) -> Select[Any]:
    return select(OUTBOX).where(OUTBOX.c.channel == channel, OUTBOX.c.state == "waiting", OUTBOX.c.not_before <= now)


def _said_lately(db: Connection, channel: str, now: datetime, limit: Limit) -> tuple[Counter[str], list[str]]:
    """How much was said to whom within a minute or is under way, and to whom no more may be said now."""
    said: Counter[str] = Counter()
    if limit == UNLIMITED:
        return said, []
    mine = and_(OUTBOX.c.channel == channel, OUTBOX.c.kind.in_(COUNTED))
    tries = case((OUTBOX.c.attempts > MOST_TRIES, MOST_TRIES), else_=OUTBOX.c.attempts)
    done = case((OUTBOX.c.state.in_(("sent", "failed")), 1), else_=0)
    lately = select(OUTBOX.c.target, func.sum(tries + done)).where(
        mine, OUTBOX.c.sent_at > now - MINUTE, OUTBOX.c.sent_at <= now + SKEW
    )
    under_way = select(OUTBOX.c.target, func.count()).where(mine, OUTBOX.c.state == "waiting", OUTBOX.c.claimed_until > now)
    for query in (lately, under_way):
        said.update({row[0]: int(row[1]) for row in db.execute(query.group_by(OUTBOX.c.target))})
    return said, [target for target in said if limit.target and said[target] >= limit.target]


def _is_full(said: Counter[str], target: str, limit: Limit) -> bool:
    whole, here = limit.channel, limit.target
    return bool((whole and said.total() >= whole) or (here and said[target] >= here))


def release(db: Connection, channel: str, holder: str, now: datetime) -> None:
    """Whoever has the channel to itself takes back what others had claimed and can say no more."""
    _note_interrupted(db, now, OUTBOX.c.channel == channel, OUTBOX.c.claimed_by != holder)


def channels_due(db: Connection, now: datetime) -> list[str]:
    """Of which channels something waits whose time has come."""
    query = select(OUTBOX.c.channel).distinct().where(OUTBOX.c.state == "waiting", OUTBOX.c.not_before <= now)
    return sorted(db.execute(query).scalars())


def overdue_since(db: Connection, now: datetime) -> datetime | None:
    """Since when the one waits that should have been said long ago; what is held back for its time is not late."""
    waiting = OUTBOX.c.state == "waiting"
    untried = _moment(db, select(func.min(OUTBOX.c.not_before)).where(waiting, OUTBOX.c.error == ""))
    # A failure moves the next attempt on: what was tried is late since it was written down.
    tried = _moment(db, select(func.min(OUTBOX.c.at)).where(waiting, OUTBOX.c.error != ""))
    late = [at for at in (untried, tried) if at is not None and at <= now]
    return min(late, default=None)


def next_due(db: Connection) -> datetime | None:
    """When the next one may be said."""
    return _moment(db, select(func.min(OUTBOX.c.not_before)).where(OUTBOX.c.state == "waiting"))


def settle(db: Connection, row_id: int, state: str, now: datetime, reference: str = "", error: str = "") -> None:
    """Mark it sent, failed or stale; what was sent keeps no text."""
    query = update(OUTBOX).where(OUTBOX.c.id == row_id)
    db.execute(query.values(state=state, sent_at=now, reference=reference, error=error[:300], payload="", claimed_until=None))


def retry(
    db: Connection, row_id: int, not_before: datetime, error: str, now: datetime, counts: bool = True
) -> None:
    """`counts` False: the platform asked to wait, which is no failed attempt."""
    query = update(OUTBOX).where(OUTBOX.c.id == row_id)
    tried = {"attempts": OUTBOX.c.attempts + 1, "sent_at": now} if counts else {}
    db.execute(query.values(**tried, at=_due_at(), not_before=not_before, error=error[:300] or "?", claimed_until=None))


def unclaim(db: Connection, row_ids: Sequence[int], holder: str) -> None:
    """What this holder claimed and will not say now is free again."""
    query = update(OUTBOX).where(OUTBOX.c.id.in_(row_ids), OUTBOX.c.state == "waiting", OUTBOX.c.claimed_by == holder)
    db.execute(query.values(claimed_by=None, claimed_until=None))


def settle_all(db: Connection, state: str, now: datetime) -> None:
    """Give up on everything that waits, e.g. after a replay: the past is not said again."""
    db.execute(update(OUTBOX).where(OUTBOX.c.state == "waiting").values(state=state, sent_at=now, payload=""))


def reference(db: Connection, key: str) -> str | None:
    """The platform's id of what was said under this key; None when it was not said (yet)."""
    query = select(OUTBOX.c.reference).where(OUTBOX.c.key == key, OUTBOX.c.state == "sent")
    return db.execute(query).scalar_one_or_none()


def depths(db: Connection) -> dict[str, int]:
    query = select(OUTBOX.c.state, func.count()).group_by(OUTBOX.c.state)
    return {row[0]: row[1] for row in db.execute(query)}


def repeated(db: Connection) -> int:
    """How many were said after an attempt of which nobody knows the outcome: they may be there twice."""
    query = select(func.count()).where(OUTBOX.c.state == "sent", OUTBOX.c.attempts > 0)
    return int(db.execute(query).scalar_one())


def oldest_waiting(db: Connection) -> datetime | None:
    return _moment(db, select(func.min(OUTBOX.c.at)).where(OUTBOX.c.state == "waiting"))


def _moment(db: Connection, query: Select[Any]) -> datetime | None:
    found: datetime | None = db.execute(query).scalar_one()
    return found

"""What pages show and the demonstration needs beyond what handlers ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, select

from storage import notices
from storage.database import insert, table
from storage.tables import Exemption, Flag, Group, Notice, NoticeGroup, Receipt, Snapshot

NOTICES, PLACES, RECEIPTS = table(Notice), table(NoticeGroup), table(Receipt)
GROUPS, FLAGS, SNAPSHOTS = table(Group), table(Flag), table(Snapshot)

State = Literal["open", "acknowledged", "sender", "outside", "cancelled", "not_needed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one notice stands for one person; `at` is the acknowledgement that counts now."""

    notice: Any
    state: State
    name: str = ""
    at: datetime | None = None
    deputy: str | None = None


def standing(db: Connection, notice_id: str, person: str) -> Standing | None:
    """None when the notice is gone. After the deadline it may still be acknowledged: then it is open for the person."""
    notice = notices.get_for(db, notice_id, person)
    if notice is None:
        return None
    name = notice.mine_name or ""
    if notice.acked:
        return Standing(notice=notice, state="acknowledged", name=name, at=notice.acked_at, deputy=notice.deputy)
    return Standing(notice=notice, state=_state(notice, notice.mine is not None, person), name=name)


def _state(notice: Any, inside: bool, person: str) -> State:
    if notice.state == "cancelled":
        return "cancelled"
    if not notice.reply_wanted:
        return "not_needed"
    if notice.sender == person:
        return "sender"
    return "open" if inside or not notice.roster_known else "outside"


def standings(db: Connection, wanted: Sequence[str], person: str) -> dict[str, Standing]:
    found = ((notice, standing(db, notice, person)) for notice in wanted)
    return {notice: one for notice, one in found if one is not None}


def group_names(db: Connection, notice: str) -> list[str]:
    """The names of the groups in which a notice stands."""
    query = select(GROUPS.c.name).join(PLACES, PLACES.c.group == GROUPS.c.id).where(PLACES.c.notice == notice)
    return list(db.execute(query.order_by(PLACES.c.at, PLACES.c.group)).scalars())


def acknowledged_since(db: Connection, person: str, since: datetime) -> Sequence[Row[Any]]:
    """Notices that this person acknowledged after `since`, the latest first."""
    query = (
        select(NOTICES, RECEIPTS.c.acked_at)
        .join(RECEIPTS, RECEIPTS.c.notice == NOTICES.c.id)
        .where(RECEIPTS.c.person == person, RECEIPTS.c.acked, RECEIPTS.c.acked_at >= since)
    )
    return db.execute(query.order_by(RECEIPTS.c.acked_at.desc())).all()


def living_groups(db: Connection) -> Sequence[Row[Any]]:
    """Groups in register order: by unit, then by when they became known."""
    query = select(GROUPS).where(GROUPS.c.dissolved_at.is_(None), GROUPS.c.source == "seen")
    return db.execute(query.order_by(GROUPS.c.unit, GROUPS.c.first_seen, GROUPS.c.id)).all()


def places_of(db: Connection, wanted: Sequence[str]) -> dict[str, list[Row[Any]]]:
    """notice → (group, name) rows."""
    query = (
        select(PLACES.c.notice, PLACES.c.group, GROUPS.c.name)
        .join(GROUPS, GROUPS.c.id == PLACES.c.group)
        .where(PLACES.c.notice.in_(wanted))
    )
    found: dict[str, list[Row[Any]]] = {}
    for row in db.execute(query.order_by(PLACES.c.at, PLACES.c.group)):
        found.setdefault(row.notice, []).append(row)
    return found


def flags_of_week(db: Connection, since: datetime, until: datetime, keys: set[str] | None) -> Sequence[Row[Any]]:
    """category, number; of some groups only when keys are given. Dismissed and cleared ones do not count."""
    query = select(FLAGS.c.category, func.count().label("number"))
    query = query.where(FLAGS.c.at >= since, FLAGS.c.at < until, FLAGS.c.state.not_in(("dismissed", "cleared")))
    if keys is not None:
        query = query.where(FLAGS.c.group.in_(sorted(keys)))
    return db.execute(query.group_by(FLAGS.c.category).order_by(FLAGS.c.category)).all()


def weeks(db: Connection) -> list[str]:
    """Weeks that have a snapshot, the newest first."""
    return list(db.execute(select(SNAPSHOTS.c.week).order_by(SNAPSHOTS.c.week.desc())).scalars())


def has_groups(db: Connection) -> bool:
    """False while the house knows no group at all."""
    return db.execute(select(GROUPS.c.id).limit(1)).first() is not None


def exempt(db: Connection, group: str, reason: str, approver: str) -> None:
    values = {"group": group, "reason": reason, "approver": approver}
    db.execute(insert(db, Exemption).values(**values).on_conflict_do_nothing())

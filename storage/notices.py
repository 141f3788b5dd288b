"""Notices, their frozen rosters, and who acknowledged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, and_, bindparam, func, or_, select, update

from storage.database import Hot, insert, insert_for, table
from storage.tables import Audience, Digest, Notice, NoticeGroup, Press, Receipt, Reminder, RosterChange

NOTICES, PLACES, AUDIENCE = table(Notice), table(NoticeGroup), table(Audience)
PRESSES, RECEIPTS, REMINDERS, DIGESTS = table(Press), table(Receipt), table(Reminder), table(Digest)

# What every acknowledgement asks is built once: building a statement costs more than running it.
_NOTICE: BindParameter[str] = bindparam("notice")
_BY_ID = select(NOTICES).where(NOTICES.c.id == _NOTICE)
_IN_AUDIENCE = select(AUDIENCE).where(AUDIENCE.c.notice == _NOTICE, AUDIENCE.c.person == bindparam("person"))
_PRESSES = (
    select(PRESSES)
    .where(PRESSES.c.notice == _NOTICE, PRESSES.c.person == bindparam("person"))
    .order_by(PRESSES.c.at, PRESSES.c.action)
)
_RECEIPT = select(RECEIPTS).where(RECEIPTS.c.notice == _NOTICE, RECEIPTS.c.person == bindparam("person"))
_COUNTS = select(
    select(func.count()).select_from(RECEIPTS).where(RECEIPTS.c.notice == _NOTICE, RECEIPTS.c.acked).scalar_subquery(),
    select(func.count()).select_from(AUDIENCE).where(AUDIENCE.c.notice == _NOTICE).scalar_subquery(),
)


def open_notice(db: Connection, values: dict[str, Any]) -> None:
    db.execute(insert(db, Notice).values(**values).on_conflict_do_nothing())


def place(db: Connection, notice: str, group: str, message: str | None, at: datetime) -> bool:
    """Show the notice in this group; False when it is there already."""
    values = {"notice": notice, "group": group, "message": message, "at": at}
    return bool(db.execute(insert(db, NoticeGroup).values(**values).on_conflict_do_nothing()).rowcount)


def freeze(db: Connection, notice: str, group: str, people: Iterable[tuple[str, str]]) -> None:
    """Add (person, name) to the frozen roster; who is in it through another group stays there once."""
    rows = [{"notice": notice, "group": group, "person": person, "name": name} for person, name in people]
    if rows:
        db.execute(insert(db, Audience).on_conflict_do_nothing(), rows)


def get(db: Connection, notice: str) -> Row[Any] | None:
    return db.execute(_BY_ID, {"notice": notice}).one_or_none()


def of_message(db: Connection, message: str) -> Row[Any] | None:
    query = select(NOTICES).join(PLACES, PLACES.c.notice == NOTICES.c.id).where(PLACES.c.message == message)
    return db.execute(query.limit(1)).one_or_none()


def open_twin(db: Connection, fingerprint: str, since: datetime) -> Row[Any] | None:
    """The open notice with the same words that began after `since`."""
    query = select(NOTICES).where(
        NOTICES.c.fingerprint == fingerprint, NOTICES.c.state.in_(("open", "complete")), NOTICES.c.at >= since
    )
    return db.execute(query.order_by(NOTICES.c.at).limit(1)).one_or_none()


def places(db: Connection, notice: str) -> Sequence[Row[Any]]:
    return db.execute(select(PLACES).where(PLACES.c.notice == notice).order_by(PLACES.c.at, PLACES.c.group)).all()


def open_in_group(db: Connection, group: str) -> Sequence[Row[Any]]:
    """Notices that still take acknowledgements here, the newest first."""
    query = (
        select(NOTICES)
        .join(PLACES, PLACES.c.notice == NOTICES.c.id)
        .where(PLACES.c.group == group, NOTICES.c.state.in_(("open", "complete")))
    )
    return db.execute(query.order_by(NOTICES.c.at.desc(), NOTICES.c.id)).all()


_MINE = and_(AUDIENCE.c.notice == NOTICES.c.id, AUDIENCE.c.person == bindparam("person"))
_ANSWERED = and_(RECEIPTS.c.notice == NOTICES.c.id, RECEIPTS.c.person == bindparam("person"))
_OPEN_HERE = (
    select(NOTICES, AUDIENCE.c.person.label("mine"), RECEIPTS.c.acked, RECEIPTS.c.first_at)
    .join(PLACES, PLACES.c.notice == NOTICES.c.id)
    .join(AUDIENCE, _MINE, isouter=True)
    .join(RECEIPTS, _ANSWERED, isouter=True)
    .where(PLACES.c.group == bindparam("group"), NOTICES.c.state.in_(("open", "complete")))
    .order_by(NOTICES.c.at.desc(), NOTICES.c.id)
)


_FOR = (
    select(
        NOTICES, AUDIENCE.c.person.label("mine"), AUDIENCE.c.name.label("mine_name"),
        RECEIPTS.c.acked, RECEIPTS.c.acked_at, RECEIPTS.c.deputy, _PRESSES.exists().label("pressed"),
    )
    .join(AUDIENCE, _MINE, isouter=True)
    .join(RECEIPTS, _ANSWERED, isouter=True)
    .where(NOTICES.c.id == _NOTICE)
)  # fmt: skip


def get_for(db: Connection, notice: str, person: str) -> Row[Any] | None:
    """The notice and what it is to this person: `mine` (None: not in the roster), `mine_name`, `acked`, `acked_at`, `deputy`,
    and whether they ever `pressed`."""
    found: Row[Any] | None = db.execute(_FOR, {"notice": notice, "person": person}).one_or_none()
    return found


def open_here_for(db: Connection, group: str, person: str) -> Sequence[Row[Any]]:
    """As `open_in_group`, with what they are to this person: `mine` (None: not in the roster), `acked`, `first_at`."""
    return db.execute(_OPEN_HERE, {"group": group, "person": person}).all()


def listed(db: Connection, group: str | None, limit: int = 200) -> Sequence[Row[Any]]:
    """The newest first; those of one group, or all."""
    query = select(NOTICES)
    if group is not None:
        query = query.join(PLACES, PLACES.c.notice == NOTICES.c.id).where(PLACES.c.group == group)
    return db.execute(query.order_by(NOTICES.c.at.desc(), NOTICES.c.id).limit(limit)).all()


def change_state(db: Connection, notice: str, state: str, at: datetime, of: tuple[str, ...] = ("open",)) -> bool:
    """True when this call changed it."""
    query = update(NOTICES).where(NOTICES.c.id == notice, NOTICES.c.state.in_(of))
    return bool(db.execute(query.values(state=state, closed_at=at)).rowcount)


def set_values(db: Connection, notice: str, **values: Any) -> None:
    db.execute(update(NOTICES).where(NOTICES.c.id == notice).values(**values))


def in_audience(db: Connection, notice: str, person: str) -> Row[Any] | None:
    return db.execute(_IN_AUDIENCE, {"notice": notice, "person": person}).one_or_none()


def audience(db: Connection, notice: str) -> Sequence[Row[Any]]:
    """person, group, name, acked of everybody in the frozen roster."""
    joined = and_(RECEIPTS.c.notice == AUDIENCE.c.notice, RECEIPTS.c.person == AUDIENCE.c.person)
    query = (
        select(AUDIENCE.c.person, AUDIENCE.c.group, AUDIENCE.c.name, func.coalesce(RECEIPTS.c.acked, False).label("acked"))
        .join(RECEIPTS, joined, isouter=True)
        .where(AUDIENCE.c.notice == notice)
    )
    return db.execute(query.order_by(AUDIENCE.c.person)).all()


def pending(db: Connection, notice: str) -> list[Row[Any]]:
    return [row for row in audience(db, notice) if not row.acked]


def counts(db: Connection, notice: str) -> tuple[int, int]:
    """(acknowledged, audience)."""
    done, everybody = db.execute(_COUNTS, {"notice": notice}).one()
    return done, everybody


def ways(db: Connection, notice: str) -> dict[str, int]:
    query = select(RECEIPTS.c.via, func.count()).where(RECEIPTS.c.notice == notice, RECEIPTS.c.acked)
    return {"card": 0, "link": 0, "typed": 0, **{row[0]: row[1] for row in db.execute(query.group_by(RECEIPTS.c.via))}}


def press(
    db: Connection, notice: str, person: str, at: datetime, action: str, via: str, deputy: str | None = None
) -> bool:
    """False when the very same press is known."""
    values = {"notice": notice, "person": person, "at": at, "action": action, "via": via, "deputy": deputy}
    return bool(PRESSING(db, values).rowcount)


PRESSING = Hot(lambda dialect: insert_for(dialect, Press).on_conflict_do_nothing())


def presses(db: Connection, notice: str, person: str) -> Sequence[Row[Any]]:
    return db.execute(_PRESSES, {"notice": notice, "person": person}).all()


def receipt(db: Connection, notice: str, person: str) -> Row[Any] | None:
    return db.execute(_RECEIPT, {"notice": notice, "person": person}).one_or_none()


def save_receipt(db: Connection, notice: str, person: str, values: dict[str, Any]) -> None:
    """All of `acked`, `first_at`, `acked_at`, `via`, `deputy`."""
    SAVING(db, {"notice": notice, "person": person, **values})


def _saving(dialect: str) -> Any:
    statement = insert_for(dialect, Receipt)
    standing = ("acked", "first_at", "acked_at", "via", "deputy")
    changed = {name: statement.excluded[name] for name in standing}
    return statement.on_conflict_do_update(index_elements=["notice", "person"], set_=changed)


SAVING = Hot(_saving)


def note_change(db: Connection, notice: str, person: str, at: datetime, change: str) -> None:
    values = {"notice": notice, "person": person, "at": at, "change": change}
    db.execute(insert(db, RosterChange).values(**values).on_conflict_do_nothing())


def open_for(db: Connection, person: str) -> Sequence[Row[Any]]:
    """Every open notice that this person has still to acknowledge, the oldest deadline first."""
    joined = and_(RECEIPTS.c.notice == AUDIENCE.c.notice, RECEIPTS.c.person == AUDIENCE.c.person)
    query = (
        select(NOTICES)
        .join(AUDIENCE, AUDIENCE.c.notice == NOTICES.c.id)
        .join(RECEIPTS, joined, isouter=True)
        .where(AUDIENCE.c.person == person, NOTICES.c.state == "open", NOTICES.c.reply_wanted)
        .where(or_(RECEIPTS.c.acked.is_(None), RECEIPTS.c.acked.is_(False)))
    )
    return db.execute(query.order_by(NOTICES.c.deadline.is_(None), NOTICES.c.deadline, NOTICES.c.at)).all()


def people_with_open(db: Connection) -> Sequence[str]:
    """Everybody who has something open."""
    joined = and_(RECEIPTS.c.notice == AUDIENCE.c.notice, RECEIPTS.c.person == AUDIENCE.c.person)
    query = (
        select(AUDIENCE.c.person)
        .distinct()
        .join(NOTICES, NOTICES.c.id == AUDIENCE.c.notice)
        .join(RECEIPTS, joined, isouter=True)
        .where(NOTICES.c.state == "open", NOTICES.c.reply_wanted)
        .where(or_(RECEIPTS.c.acked.is_(None), RECEIPTS.c.acked.is_(False)))
    )
    return list(db.execute(query.order_by(AUDIENCE.c.person)).scalars())


def reminded_today(db: Connection, person: str, day: date) -> int:
    query = select(func.count()).select_from(REMINDERS).where(REMINDERS.c.person == person, REMINDERS.c.day == day)
    return int(db.execute(query).scalar_one())


def note_reminder(db: Connection, notice: str, person: str, day: date) -> bool:
    """True for the first and only reminder of this notice to this person."""
    values = {"notice": notice, "person": person, "day": day}
    return bool(db.execute(insert(db, Reminder).values(**values).on_conflict_do_nothing()).rowcount)


def was_reminded(db: Connection, notice: str, person: str) -> bool:
    query = select(REMINDERS.c.day).where(REMINDERS.c.notice == notice, REMINDERS.c.person == person)
    return db.execute(query).first() is not None


def note_digest(db: Connection, person: str, notice: str, day: date) -> bool:
    """True when no digest has named this notice to this person before."""
    values = {"person": person, "notice": notice, "day": day}
    return bool(db.execute(insert(db, Digest).values(**values).on_conflict_do_nothing()).rowcount)

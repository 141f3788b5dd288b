"""Delete what has been kept for its number of days."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, or_, select, update

from config.settings import TIMEZONE
from storage import registerimports
from storage.database import table
from storage.tables import (
    Activity,
    Audience,
    Claim,
    Cleanup,
    CleanupStep,
    Digest,
    Flag,
    Notice,
    NoticeGroup,
    Outgoing,
    Press,
    Receipt,
    Reminder,
    RosterChange,
    Trouble,
)

BELONGINGS = (NoticeGroup, Audience, Press, Receipt, Reminder, RosterChange, Digest)
OUTBOX_DAYS = 30
# A register's file that nobody confirmed, and the account of one that was taken in.
DRAFT_DAYS, ACCOUNT_DAYS = 7, 185


def forget_notices(db: Connection, now: datetime, days: int) -> None:
    """A notice goes with its roster and its receipts."""
    notices = table(Notice)
    old = select(notices.c.id).where(notices.c.at < now - timedelta(days=days))
    for belonging in BELONGINGS:
        rows = table(belonging)
        db.execute(delete(rows).where(rows.c.notice.in_(old)))
    db.execute(delete(notices).where(notices.c.at < now - timedelta(days=days)))


def forget_flags(db: Connection, now: datetime, days: int) -> None:
    """The words go; category, unit and day stay for the weekly counts, without the person."""
    flags = table(Flag)
    old = update(flags).where(flags.c.at < now - timedelta(days=days), flags.c.person != "")
    db.execute(old.values(span="", digest="", text="", why="", suggestion="", person="", message=""))


def forget_traces(db: Connection, now: datetime, claim_days: int, activity_days: int) -> None:
    claims, outbox, activity, troubles = table(Claim), table(Outgoing), table(Activity), table(Trouble)
    db.execute(delete(claims).where(claims.c.at < now - timedelta(days=claim_days)))
    items, steps = table(Cleanup), table(CleanupStep)
    # That a warning did not arrive is known from here, for as long as something may follow from it.
    awaited = select(steps.c.evidence).join(items, items.c.id == steps.c.item).where(items.c.state.in_(("asked", "doing")))
    said = or_(outbox.c.state == "sent", and_(outbox.c.state != "waiting", outbox.c.key.not_in(awaited)))
    db.execute(delete(outbox).where(said, outbox.c.at < now - timedelta(days=OUTBOX_DAYS)))
    first = (now - timedelta(days=activity_days)).astimezone(TIMEZONE).date()
    db.execute(delete(activity).where(activity.c.day < first))
    db.execute(delete(troubles).where(troubles.c.at < now - timedelta(days=claim_days)))


def forget_imports(db: Connection, now: datetime) -> None:
    registerimports.forget(db, now - timedelta(days=DRAFT_DAYS), now - timedelta(days=ACCOUNT_DAYS))

"""Sign in and out; whoever guesses passwords waits longer each time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from handlers.actions import Action
from handlers.context import Context
from handlers.events import DayEnded, SessionClosed, SessionOpened, SessionUsed, SigninTried
from handlers.rules.signin import waiting_seconds
from storage import accounts, sessions

REMEMBERED = timedelta(days=1)


def attempt(event: SigninTried, context: Context) -> list[Action]:
    """Written down before anything is compared, so that many at once are counted, too.

    What comes too early is refused and counts no further: nobody can keep somebody out by trying on.
    """
    keep = context.settings.signin
    moments = (
        _free_at(event, context, "login", event.login, keep.free_tries),
        _free_at(event, context, "address", event.address, keep.address_tries),
    )
    until = max((one for one in moments if one is not None), default=None)
    refused = until is not None and until > event.at
    row = {"id": event.id, "at": event.at, "login": event.login, "address": event.address}
    sessions.note_try(context.db, {**row, "state": "refused" if refused else "tried", "until": until if refused else None})
    return []


def _free_at(
    event: SigninTried, context: Context, by: Literal["login", "address"], value: str, free: int
) -> datetime | None:
    keep = context.settings.signin
    number, last = sessions.failures(context.db, by, value, event.at - REMEMBERED)
    wait = waiting_seconds(number, free, keep.first_wait_seconds, keep.longest_wait_minutes * 60)
    return last + timedelta(seconds=wait) if last is not None and wait else None


def open_session(event: SessionOpened, context: Context) -> list[Action]:
    if event.replaces:
        sessions.end(context.db, event.replaces)
    row = {"id": event.session, "account": event.account, "bearer": event.bearer}
    sessions.start(context.db, {**row, "at": event.at, "until": event.until, "seen": event.at})
    if event.account:
        accounts.change(context.db, event.account, last_at=event.at)
    if event.login:
        sessions.forgive(context.db, event.login)
    return []


def use(event: SessionUsed, context: Context) -> list[Action]:
    sessions.see(context.db, event.session, event.at)
    return []


def close(event: SessionClosed, context: Context) -> list[Action]:
    sessions.end(context.db, event.session)
    return []


def forget(event: DayEnded, context: Context) -> list[Action]:
    sessions.forget(context.db, event.at, event.at - REMEMBERED)
    return []

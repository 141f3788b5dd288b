"""Invite somebody to the office's pages, let them choose a password, switch an account off."""

from __future__ import annotations

import json

from handlers.actions import Action
from handlers.context import Context
from handlers.events import (
    AccountIntroduced,
    AccountSwitched,
    DayEnded,
    InvitationAccepted,
    InvitationMade,
    PasswordChanged,
)
from storage import accounts, sessions


def invite(event: InvitationMade, context: Context) -> list[Action]:
    if event.account:
        accounts.withdraw_resets(context.db, event.account, event.at)
    accounts.invite(
        context.db,
        {
            "id": event.link, "role": event.role, "name": event.name, "unit": event.unit, "by": event.by,
            "groups": json.dumps(event.groups), "account": event.account, "at": event.at, "until": event.until,
        },
    )  # fmt: skip
    return []


def accept(event: InvitationAccepted, context: Context) -> list[Action]:
    """A link counts once. A login that is taken leaves the link as it was, for another login."""
    found = accounts.invitation(context.db, event.link)
    if found is None or (found.account and found.account != event.account):
        return []
    if found.account:
        if accounts.use(context.db, event.link, event.at):
            accounts.change(context.db, found.account, password=event.password)
            sessions.end_all(context.db, found.account)
        return []
    made = {"id": event.account, "name": event.name or found.name, "login": event.login, "password": event.password}
    made |= {"role": found.role, "unit": found.unit, "groups": found.groups, "at": event.at}
    if accounts.add(context.db, made) and not accounts.use(context.db, event.link, event.at):
        accounts.remove(context.db, event.account)
    return []


def switch(event: AccountSwitched, context: Context) -> list[Action]:
    """Switched off, its sessions end at once and its links count no more."""
    accounts.change(context.db, event.account, disabled_at=event.at if event.disabled else None)
    if event.disabled:
        sessions.end_all(context.db, event.account)
        accounts.withdraw_resets(context.db, event.account, event.at)
    return []


def introduce(event: AccountIntroduced, context: Context) -> list[Action]:
    """The single sign-on's word counts, except that an account that was switched off here stays off."""
    told = {"name": event.name, "role": event.role, "unit": event.unit, "groups": json.dumps(event.groups)}
    if not accounts.add(context.db, {"id": event.account, "login": event.login, "password": "", "at": event.at, **told}):
        accounts.change(context.db, event.account, **told)
    return []


def change_password(event: PasswordChanged, context: Context) -> list[Action]:
    accounts.change(context.db, event.account, password=event.password)
    sessions.end_all(context.db, event.account, but=event.session)
    sessions.forgive(context.db, event.login)
    return []


def forget(event: DayEnded, context: Context) -> list[Action]:
    accounts.forget(context.db, event.at)
    return []

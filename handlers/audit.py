"""Write down who of the office read personal data."""

from __future__ import annotations

from datetime import timedelta

from handlers.actions import Action
from handlers.context import Context
from handlers.events import DayEnded, PersonalDataRead
from storage import audit


def note(event: PersonalDataRead, context: Context) -> list[Action]:
    row = {name: getattr(event, name) for name in ("at", "who", "name", "what", "subject", "scope")}
    audit.add(context.db, row)
    return []


def forget(event: DayEnded, context: Context) -> list[Action]:
    audit.forget(context.db, event.at - timedelta(days=context.settings.retention.audit_days))
    return []

"""Forget what has been kept long enough."""

from __future__ import annotations

from handlers.actions import Action
from handlers.context import Context
from handlers.events import DayEnded
from storage import retention


def forget(event: DayEnded, context: Context) -> list[Action]:
    keep = context.settings.retention
    retention.forget_notices(context.db, event.at, keep.notice_days)
    retention.forget_flags(context.db, event.at, context.settings.flags.keep_days)
    retention.forget_traces(context.db, event.at, keep.claim_days, keep.activity_days)
    retention.forget_imports(context.db, event.at)
    return []

"""What a handler may lean on besides its event: the open transaction and what was configured."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from config.calendar import Calendar
from config.rulebook import Rulebook
from config.settings import Settings
from config.wording import Wording


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Context:
    """There is no clock in here: the event's own time is now."""

    db: Connection
    settings: Settings
    rulebook: Rulebook
    calendar: Calendar
    say: Wording
    before: str = ""
    """What the sender of a message said in the same group within the last minute; known for that long, written nowhere."""

"""Note when nothing was heard, so that a deaf day never makes a group look dead."""

from __future__ import annotations

from handlers.actions import Action
from handlers.context import Context
from handlers.events import ChannelDeaf, RosterReceived
from storage import clockwork


def note(event: ChannelDeaf, context: Context) -> list[Action]:
    """A gap of one group is kept under the group's key; an outage reported twice grows, it does not double."""
    clockwork.note_gap(context.db, event.group or event.channel, event.since, event.until)
    return []


def heard_again(event: RosterReceived, context: Context) -> list[Action]:
    """Whoever can read the roster is in the group again: its open gap ends now."""
    for gap in clockwork.gaps(context.db, event.at, event.at):
        if gap.channel == event.group.id:
            clockwork.note_gap(context.db, gap.channel, gap.since, event.at)
    return []

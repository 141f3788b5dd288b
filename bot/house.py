"""What the parts of a running bot share; made in `app.py`, read everywhere in `bot/`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bot.bus import Bus, BusError, partition_of
from bot.channels import Channel
from bot.dispatch import Dispatch
from bot.links import Links
from config.calendar import Calendar
from config.rulebook import Rulebook
from config.settings import Settings
from config.wording import Wording
from handlers.events import Event
from storage.clockwork import claimed
from storage.database import Result, Store, Work

LONGEST_WAIT = 5.0
LOOK_AGAIN = 0.02


def wall_clock() -> datetime:
    """The one clock of a live bot."""
    return datetime.now(UTC)


# No repr: it would spell out the rulebook.
@dataclass(slots=True, repr=False)
class House:
    settings: Settings
    data: Path
    store: Store
    bus: Bus
    dispatch: Dispatch
    links: Links
    rulebook: Rulebook
    calendar: Calendar
    wording: Wording
    demo: bool = False
    now: Callable[[], datetime] = wall_clock
    # The channels that are open in this process.
    channels: dict[str, Channel] = field(default_factory=dict)
    started: datetime = field(default_factory=wall_clock)
    # What this process is for (bot/roles.py), how it is called among others, and what it has to itself of it.
    role: str = "all"
    name: str = ""
    held: dict[str, frozenset[str]] = field(default_factory=dict)

    async def tell(self, event: Event) -> None:
        """Decide it here and now: what is read next shows it. Told by the bus as well, it has its effect once."""
        await self.dispatch(event)

    async def tell_and_read(self, event: Event, work: Work[Result]) -> Result:
        """As `tell`, and what `work` reads right after it: one way to the database instead of two."""
        _, found = await self.dispatch.and_read(event, work)
        return found

    async def hand_over(self, events: Sequence[Event]) -> None:
        """Give them to the bus in their order; safe when it returns, and mostly decided as well."""
        for event in events:
            await self.bus.publish(event)
        last = {partition_of(event): event.key for event in events}
        with contextlib.suppress(BusError):
            for key in last.values():
                await self.effect(key)

    async def effect(self, key: str) -> None:
        """Wait until this event is decided. BusError when nobody took it in time; it is safe nevertheless."""
        deadline = asyncio.get_running_loop().time() + LONGEST_WAIT
        while not await self.store.read(lambda db: claimed(db, key)):
            if asyncio.get_running_loop().time() > deadline:
                raise BusError("事件已收下，处理还没有完成，请稍后刷新。")
            await asyncio.sleep(LOOK_AGAIN)

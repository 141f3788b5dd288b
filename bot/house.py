"""What the parts of a running bot share; made in `app.py`, read everywhere in `bot/`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bot.bus import Bus, BusError
from bot.channels import Channel
from bot.dispatch import Dispatch
from bot.links import Links
from config.calendar import Calendar
from config.rulebook import Rulebook
from config.settings import Settings
from config.wording import Wording
from handlers.events import Event
from storage.clockwork import claimed
from storage.database import Store

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
    channels: Mapping[str, Channel] = field(default_factory=dict)
    started: datetime = field(default_factory=wall_clock)

    async def tell(self, event: Event) -> None:
        """Publish and wait for the effect, so that what is read next shows it. BusError when nobody took it in time."""
        await self.bus.publish(event)
        deadline = asyncio.get_running_loop().time() + LONGEST_WAIT
        while not await self.store.read(lambda db: claimed(db, event.key)):
            if asyncio.get_running_loop().time() > deadline:
                raise BusError("事件已收下，处理还没有完成，请稍后刷新。")
            await asyncio.sleep(LOOK_AGAIN)

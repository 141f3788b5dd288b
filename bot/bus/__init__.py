"""The way of an event from whoever heard it to dispatch: `publish` returns when the event cannot be lost any more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from handlers.events import Event

# Whoever writes a register without an event waits in the same line: `store.write(…, key=REGISTER + book)`.
REGISTER = "register:"
Consume = Callable[[Event], Awaitable[object]]


class BusError(Exception):
    """The event was not taken; the message is a Chinese sentence. Publish it again."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What was published and is not decided yet: how many events, and since when the oldest waits."""

    depth: int = 0
    since: datetime | None = None
    # Events that nobody could read; they are kept aside by the broker.
    aside: int = 0


class Bus(Protocol):
    async def open(self, consume: Consume) -> None: ...
    async def publish(self, event: Event) -> None: ...
    async def backlog(self) -> Backlog: ...
    async def close(self) -> None: ...


def partition_of(event: Event) -> str:
    """What must stay in order: the events of one group, of one notice, of one register; everything else stands alone."""
    group = getattr(event, "group", None)
    if group is not None:
        return str(getattr(group, "id", group))
    book = getattr(event, "book", None)
    if book is not None:
        return f"{REGISTER}{book}"
    return str(getattr(event, "notice", None) or getattr(event, "subject", None) or event.id)

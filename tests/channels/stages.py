"""A stage is a platform with one group in it: what the contract suite plays on, the same for every channel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from bot.channels import Channel
from bot.channels.playground import Playground, people
from config.settings import load_settings
from handlers.cards import Link
from handlers.events import Event

NOW = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)


class Stage(Protocol):
    """`group`, `person` and `other` (both in the group) are keys; `heard` is everything the channel told."""

    channel: Channel
    group: str
    person: str
    other: str
    heard: list[Event]

    async def open(self) -> None: ...
    async def speak(self, text: str) -> None:
        """`person` says it in the group."""

    async def shown_in_group(self) -> list[str]:
        """One text a card that stands in the group, the oldest first."""

    async def shown_to(self, person: str) -> list[str]:
        """One text a card or file that this person alone sees."""


class PlaygroundStage:
    group, person, other = "playground:g1", "playground:p1", "playground:p2"

    def __init__(self, data: Path) -> None:
        settings = load_settings(flags={"data": data}, environ={})
        self.playground = Playground(settings, data, lambda: NOW)
        self.channel: Channel = self.playground
        self.heard: list[Event] = []
        # What hearing raises, to play an outage.
        self.outage: Exception | None = None

    async def furnish(self) -> None:
        names = (("p1", "王芳"), ("p2", "李强"))
        await self.playground.book(
            lambda db: people.add_people(db, [people.Someone(id=one, name=name) for one, name in names])
        )
        room = people.Room(id="g1", name="柳湾镇工作群", owner="p1")
        await self.playground.book(
            lambda db: people.save_room(db, room, [("p1", "admin"), ("p2", "")], heard=True)
        )

    async def open(self) -> None:
        await self.channel.open(self._hear, _address)

    async def _hear(self, event: Event) -> None:
        if self.outage is not None:
            raise self.outage
        self.heard.append(event)

    async def speak(self, text: str) -> None:
        await self.playground.desk.say("p1", "g1", text)

    async def shown_in_group(self) -> list[str]:
        return await self._cards("p2", "g1")

    async def shown_to(self, person: str) -> list[str]:
        native = person.split(":")[1]
        return await self._cards(native, f"@{native}")

    async def _cards(self, reader: str, room: str) -> list[str]:
        talk = await self.playground.desk.conversation(reader, room)
        bots = [one for one in talk["messages"] if one["sender"] is None]
        return [one["card"]["title"] if one["card"] else one["file"] for one in bots]


def _address(link: Link, person: str | None) -> str:
    return f"http://test/{link.page}/{link.subject}?{person}"


@asynccontextmanager
async def playground_stage(data: Path) -> AsyncIterator[Stage]:
    stage = PlaygroundStage(data)
    await stage.furnish()
    yield stage
    await stage.channel.close()


STAGES: dict[str, Callable[[Path], AbstractAsyncContextManager[Stage]]] = {"playground": playground_stage}

"""The playground as a channel: it stores first, then is heard; what the bot says it shows at once."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from sqlite3 import Connection

from loguru import logger

from bot.channels import Address, ChannelError, Health, Hear, native
from bot.channels.playground import heard, people, talk
from bot.channels.playground.book import Book
from bot.channels.playground.desk import Desk
from bot.channels.playground.entry import Refused
from bot.channels.playground.fanout import Fanout
from bot.channels.playground.rooms import Rooms
from bot.channels.playground.talk import Message, private_room
from config.logging import told
from config.settings import Settings
from handlers.cards import Card
from handlers.events import Event

__all__ = ["Playground", "Refused"]

RETRY_SECONDS = 5.0
FORGET_EVERY = 3600 / RETRY_SECONDS


class Playground:
    """The platform side is `desk`: what people do on the page. This side is what the bot does."""

    name = heard.NAME

    def __init__(self, settings: Settings, data: Path, now: Callable[[], datetime]) -> None:
        self._settings, self._now = settings, now
        self._hear: Hear | None = None
        self._task: asyncio.Task[None] | None = None
        self.book = Book(data / "playground.db")
        self.fanout = Fanout()
        self._lock = asyncio.Lock()
        self.desk = Desk(self.book, self.fanout, now, self._listen, self._tell)
        self.rooms = Rooms(self.book, self.fanout, now, self._listen)

    async def open(self, hear: Hear, address: Address) -> None:
        """What was said and not heard while the bot was away is heard now."""
        self._hear = hear
        self.desk.address = address
        await self.retry()
        self._task = asyncio.create_task(self._keep_house(), name="playground")

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._hear = None
        self.fanout.close()
        await self.book.close()

    async def post(self, group: str, card: Card, key: str) -> str:
        room = await self.book(lambda db: people.room(db, native(group)))
        if room is None or room.dissolved:
            raise ChannelError("试用台没有这个群，或群已解散", permanent=True)
        return await self._show(room.id, card, key)

    async def whisper(self, person: str, card: Card, key: str) -> str:
        await self._must_know(person)
        return await self._show(private_room(native(person)), card, key)

    async def revise(self, group: str, reference: str, card: Card, key: str) -> str:
        """The newer card stands where the older stood; said twice it changes nothing, whatever the key."""
        said = await self.book(lambda db: talk.revise(db, int(reference), card.as_dict()))
        if said is None or said.room != native(group):
            raise ChannelError("原卡片已经不在了", permanent=True)
        await self.desk.publish(said)
        return reference

    async def send_file(self, person: str, name: str, content: bytes, key: str) -> str:
        await self._must_know(person)
        room = private_room(native(person))
        message = Message(room=room, sender="", kind="file", text=name, at=self._now(), said_as=key)

        def store(db: Connection) -> Message:
            stored = talk.add(db, message)
            talk.attach(db, stored.id, name, content)
            return talk.get(db, stored.id) or stored

        stored = await self.book(store)
        await self.desk.publish(stored)
        return str(stored.id)

    async def ask_roster(self, group: str) -> None:
        room_id = native(group)
        found = await self.book(lambda db: (people.room(db, room_id), people.members(db, room_id)))
        if found[0] is None or found[0].dissolved:
            raise ChannelError("试用台没有这个群，或群已解散", permanent=True)
        await self._tell(heard.roster_event(found[0], found[1], self._now()))

    def health(self) -> Health:
        if self._hear is None:
            return Health(state="starting", cause="试用台正在打开。")
        return Health(state="ok")

    async def _must_know(self, person: str) -> None:
        if await self.book(lambda db: people.person(db, native(person))) is None:
            raise ChannelError("试用台没有这个人", permanent=True)

    async def _show(self, room: str, card: Card, key: str) -> str:
        """Under one key it shows once, also when it is said again after a kill."""
        text = json.dumps(card.as_dict(), ensure_ascii=False)
        message = Message(room=room, sender="", kind="card", card=text, at=self._now(), said_as=key)
        stored = await self.book(lambda db: talk.add(db, message))
        await self.desk.publish(stored)
        return str(stored.id)

    async def _tell(self, event: Event) -> None:
        if self._hear is None:
            raise ChannelError("试用台还没有打开，请稍后再试。")
        await self._hear(event)

    async def _listen(self) -> None:
        """Tell the house everything that it has not heard, oldest first; what fails stays for the next time."""
        async with self._lock:
            for event, done in await self.desk.unheard() if self._hear else ():
                try:
                    await self._tell(event)
                except Exception as error:
                    logger.warning("试用台有消息暂未处理，稍后重试：{}", told(error))
                    return
                await self.book(done)

    async def retry(self) -> None:
        await self._listen()
        days = self._settings.channels.playground.keep_days
        await self.book(lambda db: talk.forget(db, self._now(), days))

    async def _keep_house(self) -> None:
        rounds = 0
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            rounds += 1
            await (self.retry() if rounds % FORGET_EVERY == 0 else self._listen())

"""What people do on the page: read, say, take back, press; everything is stored before it is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from sqlite3 import Connection
from typing import Any

from bot.channels import Address
from bot.channels.playground import heard, people, shown, talk
from bot.channels.playground.book import Book
from bot.channels.playground.entry import Refused, enter, may_speak, pressable
from bot.channels.playground.fanout import Fanout
from bot.channels.playground.listing import Done, overview, unheard
from bot.channels.playground.talk import PRIVATE, Message
from bot.wire import clean
from config.wording import load_wording
from handlers.events import Event
from handlers.rules.secrecy import is_marked

KINDS = ("text", "image", "file", "sticker")
LONGEST = 5000


class Desk:
    def __init__(
        self,
        book: Book,
        fanout: Fanout,
        now: Callable[[], datetime],
        listen: Callable[[], Awaitable[None]],
        tell: Callable[[Event], Awaitable[None]],
    ) -> None:
        self.book, self.fanout, self.now = book, fanout, now
        self.listen, self._tell = listen, tell
        self.address: Address | None = None

    async def overview(self, person: str) -> dict[str, Any]:
        """Who the reader is, their groups and their talk with the bot, with what is new to them."""
        return await self.book(partial(overview, person=person))

    async def conversation(self, person: str, room: str, before: int | None = None) -> dict[str, Any]:
        """One page of messages, and who is in the room."""

        def read(db: Connection) -> dict[str, Any]:
            _, place, members = enter(db, person, room)
            said = talk.history(db, room, before)
            if said and before is None:
                talk.mark_seen(db, person, room, said[-1].id)
            shows = self._shows(db, person, said)
            roster = [{**shown.person(one), "here": here} for one, here in members]
            facts = shown.room(place, len(members), None, 0, {}, "") if place else None
            return {"room": room, "facts": facts, "members": roster, "messages": shows, "more": len(said) == talk.PAGE}

        return await self.book(read)

    def _shows(self, db: Connection, person: str, said: list[Message]) -> list[dict[str, Any]]:
        reader = people.person(db, person)
        assert reader is not None
        known = {one.id: one for one in people.everybody(db)}
        quoted = talk.quoted(db, said)

        def sign(link: Any) -> str:
            return self.address(link, heard.key(person)) if self.address else ""

        return [shown.message(one, reader, known, quoted, sign) for one in said]

    async def say(
        self, person: str, room: str, text: str, kind: str = "text", quotes: int | None = None, said_as: str = ""
    ) -> dict[str, Any]:
        """Stored, then heard; `said_as` is the client's name of this sending, which repeated says it once."""
        text = clean(text)[:LONGEST].strip()
        if kind not in KINDS or not text:
            raise Refused("写点什么再发送。", 422)
        if is_marked(text):
            # The mark alone is kept, so that the sender is warned; the words go nowhere.
            text = load_wording()("playground.classified")
        name = f"client:{person}:{said_as[:64]}" if said_as else None
        message = Message(
            room=room, sender=person, kind=kind, text=text, quotes=quotes, at=self.now(), heard=False, said_as=name
        )

        def store(db: Connection) -> Message:
            may_speak(db, person, room)
            if quotes is not None and getattr(talk.get(db, quotes), "room", "") != room:
                raise Refused("引用的消息不在这个会话里。", 422)
            stored = talk.add(db, message)
            talk.mark_seen(db, person, room, stored.id)
            return stored

        stored = await self.book(store)
        await self.publish(stored)
        return await self._told(stored, person)

    async def _told(self, stored: Message, person: str) -> dict[str, Any]:
        await self.listen()

        def read(db: Connection) -> dict[str, Any]:
            return self._shows(db, person, [talk.get(db, stored.id) or stored])[0]

        return await self.book(read)

    async def recall(self, person: str, message_id: int) -> tuple[str, str]:
        """Takes one's own message back and gives its room and its text, to be written anew."""
        message, taken = await self.book(partial(_take_back, person=person, message_id=message_id, at=self.now()))
        await self.publish(taken)
        await self.listen()
        return message.room, message.text

    async def text_of(self, person: str, message_id: int) -> str:
        """The words of one's own message, to be shared with the office; empty when it is gone."""
        message = await self.book(lambda db: talk.get(db, message_id))
        return message.text if message and message.sender == person else ""

    async def press(
        self, person: str, message_id: int, action: str, subject: str, press: str, stands_for: str = "", share: str = ""
    ) -> str:
        """Returns when the press is safe, and gives the event's key; raises what the house raised, and may then be
        pressed again."""

        def read(db: Connection) -> str | None:
            return pressable(db, person, message_id, action, subject, stands_for)

        room = await self.book(read)
        event = heard.press_event(
            action, subject, press=f"press-{person}-{press}", at=self.now(), person=stands_for or person, by=person,
            room=room, share=share,
        )  # fmt: skip
        if event is None:
            raise Refused("没有这个按钮。", 422)
        await self._tell(event)
        return event.key

    async def seen(self, person: str, room: str, message_id: int) -> None:
        await self.book(lambda db: talk.mark_seen(db, person, room, message_id))

    async def file(self, person: str, message_id: int) -> tuple[str, bytes]:
        def read(db: Connection) -> tuple[str, bytes]:
            message, found = talk.get(db, message_id), talk.file_of(db, message_id)
            if message is None or found is None:
                raise Refused("文件不存在或已过保留期。", 404)
            enter(db, person, message.room)
            return found

        return await self.book(read)

    async def publish(self, message: Message) -> None:
        """Show it to everybody who has the page open and is in the room."""
        if message.room.startswith(PRIVATE):
            audience = [message.room.removeprefix(PRIVATE)]
        else:
            audience = [one.id for one, _ in await self.book(lambda db: people.members(db, message.room))]
        for person in self.fanout.listening(audience):
            (current,) = await self.book(partial(self._shows, person=person, said=[message]))
            self.fanout.tell(person, {"type": "message", "message": current})

    async def unheard(self) -> list[tuple[Event, Done]]:
        """Every event that the house has not heard, oldest first, each with what is to be noted afterwards."""
        return await self.book(partial(unheard, now=self.now()))


def _take_back(db: Connection, person: str, message_id: int, at: datetime) -> tuple[Message, Message]:
    """The message as it was and as it is; the recall that is told quotes it."""
    message = talk.get(db, message_id)
    if message is None or message.sender != person:
        raise Refused("只能撤回自己发的消息。")
    if talk.take_back(db, message_id, at):
        word = f"recall:{message_id}"
        recall = Message(
            room=message.room, sender=person, kind="recall", quotes=message_id, at=at, heard=False, said_as=word
        )
        talk.add(db, recall)
    return message, talk.get(db, message_id) or message

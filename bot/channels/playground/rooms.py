"""Groups as people make and change them; the house is told the roster."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from sqlite3 import Connection

from bot.channels.playground import people
from bot.channels.playground.book import Book
from bot.channels.playground.entry import Refused, enter
from bot.channels.playground.fanout import Fanout
from bot.channels.playground.people import Room, Someone
from bot.wire import clean
from config.settings import TIMEZONE
from handlers.events import GROUP_KINDS

LONGEST_NAME = 60
INVITATION_DAYS = 7


class Rooms:
    def __init__(
        self, book: Book, fanout: Fanout, now: Callable[[], datetime], listen: Callable[[], Awaitable[None]]
    ) -> None:
        self.book, self.fanout, self.now, self.listen = book, fanout, now, listen

    async def found(self, person: str, name: str, members: Sequence[str], kind: str = "", ends: str = "") -> str:
        """The founder owns it; gives the new group's id."""
        name = _name(name, "群名称")
        if kind and kind not in GROUP_KINDS:
            raise Refused(f"类别应是 {'、'.join(GROUP_KINDS)} 之一。", 422)
        today = self.now().astimezone(TIMEZONE).date().isoformat()
        room_id = "g" + secrets.token_hex(4)

        def store(db: Connection) -> None:
            founder = people.person(db, person)
            known = {one.id for one in people.everybody(db)}
            if founder is None or not known.issuperset(members):
                raise Refused("名单里有不认识的人。", 422)
            room = Room(
                id=room_id, name=name, unit=founder.unit, kind=kind, created=today, ends=ends, owner=person
            )
            others = [(one, "") for one in dict.fromkeys(members) if one != person]
            people.save_room(db, room, [(person, "admin"), *others], heard=False)

        await self.book(store)
        await self._changed(room_id)
        return room_id

    async def join(self, by: str, room: str, person: str) -> None:

        def store(db: Connection) -> None:
            if people.person(db, person) is None:
                raise Refused("没有这个人。", 422)
            people.join(db, room, person)

        await self._manage(by, room, store)

    async def leave(self, by: str, room: str, person: str) -> None:
        """Anybody may leave; to take somebody else out one must run the group."""
        await self._manage(by, room, lambda db: people.leave(db, room, person), own=by == person, gone=person)

    async def hand_over(self, by: str, room: str, person: str) -> None:
        def store(db: Connection) -> None:
            if people.role_in(db, room, person) is None:
                raise Refused("新群主应是群里的人。", 422)
            people.hand_over(db, room, person)

        await self._manage(by, room, store)

    async def dissolve(self, by: str, room: str) -> None:
        await self._manage(by, room, lambda db: people.dissolve(db, room, self.now()))

    async def _manage(
        self, by: str, room: str, work: Callable[[Connection], None], own: bool = False, gone: str = ""
    ) -> None:
        def store(db: Connection) -> None:
            reader, place, _ = enter(db, by, room)
            if place is None or place.dissolved:
                raise Refused("群已解散。", 409)
            runs = reader.role == "office" or place.owner == by or people.role_in(db, room, by) == "admin"
            if not (own or runs):
                raise Refused("只有群主、管理员和机制办可以这样做。")
            work(db)

        await self.book(store)
        await self._changed(room, gone)

    async def _changed(self, room: str, gone: str = "") -> None:
        audience = [one.id for one, _ in await self.book(lambda db: people.members(db, room))]
        for person in self.fanout.listening([*audience, gone]):
            self.fanout.tell(person, {"type": "rooms"})
        await self.listen()

    async def invite(self, name: str, unit: str, role: str = "", groups: Sequence[str] = ()) -> str:
        """Makes the person and a single-use word to sign in with."""
        someone = Someone(
            id="u" + secrets.token_hex(4), name=_name(name, "姓名"), unit=clean(unit, keep_lines=False)[:LONGEST_NAME],
            role="office" if role == "office" else "",
        )  # fmt: skip
        until = self.now() + timedelta(days=INVITATION_DAYS)

        def store(db: Connection) -> str:
            people.add_people(db, [someone])
            for room in groups:
                if people.room(db, room) is None:
                    raise Refused("没有这个群。", 422)
                people.join(db, room, someone.id)
            return people.invite(db, someone.id, until)

        token = await self.book(store)
        await self.listen()
        return token

    async def invite_again(self, person: str) -> str:
        """A new word for somebody who is there already, for another device."""
        until = self.now() + timedelta(days=INVITATION_DAYS)

        def store(db: Connection) -> str:
            if people.person(db, person) is None:
                raise Refused("没有这个人。", 422)
            return people.invite(db, person, until)

        return await self.book(store)

    async def accept(self, token: str) -> str | None:
        """The person who may sign in by this word, once."""
        return await self.book(lambda db: people.accept(db, token, self.now()))

    async def everybody(self) -> list[Someone]:
        return await self.book(people.everybody)

    async def listed(self) -> list[Room]:
        return await self.book(people.all_rooms)


def _name(given: str, what: str) -> str:
    name = clean(given, keep_lines=False).strip()[:LONGEST_NAME]
    if not name:
        raise Refused(f"请写{what}。", 422)
    return name

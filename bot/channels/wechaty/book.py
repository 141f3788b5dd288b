"""Who is who and which room is which: asked once, kept until the gateway says it is dirty."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from bot.channels.wechaty.faults import GatewayError
from bot.channels.wechaty.payloads import Contact, Membership, Room
from bot.channels.wechaty.shelf import Shelf

ROOMS, PEOPLE, QUOTABLE = 5_000, 50_000, 20_000
# The puppet's numbers for what has become dirty.
CONTACT, ROOM, ROOM_MEMBER = 2, 3, 4
TELLING = 24


class Asked(Protocol):
    """What the book asks the gateway."""

    async def room(self, room: str) -> Room: ...
    async def membership(self, room: str, person: str) -> Membership: ...
    async def contact(self, person: str) -> Contact: ...


class Book:
    """A final "no" from the gateway gives a nameless entry that is not kept; an outage is the caller's to wait for."""

    def __init__(self, gateway: Callable[[], Asked]) -> None:
        self._gateway = gateway
        self._rooms: Shelf[str, Room] = Shelf(ROOMS)
        self._contacts: Shelf[str, Contact] = Shelf(PEOPLE)
        # Person → room → (the room's generation when it was asked, how the person is called there).
        self._members: Shelf[str, dict[str, tuple[int, Membership]]] = Shelf(PEOPLE)
        self._generations: Shelf[str, int] = Shelf(ROOMS)
        self._generation = 0
        self._said: Shelf[tuple[str, str], str] = Shelf(QUOTABLE)

    async def room(self, room: str) -> Room:
        known = self._rooms.get(room)
        if known is None:
            try:
                known = await self._gateway().room(room)
            except GatewayError as error:
                if not error.final:
                    raise
                return Room(room, "", "", (), ())
            self._rooms.put(room, known)
        return known

    async def contact(self, person: str) -> Contact:
        known = self._contacts.get(person)
        if known is None:
            try:
                known = await self._gateway().contact(person)
            except GatewayError as error:
                if not error.final:
                    raise
                return Contact(person, "", "", False)
            self._contacts.put(person, known)
        return known

    async def member(self, room: str, person: str) -> Membership:
        generation = self._generations.get(room) or 0
        known = (self._members.get(person) or {}).get(room)
        if known is not None and known[0] == generation:
            return known[1]
        try:
            found = await self._gateway().membership(room, person)
        except GatewayError as error:
            if not error.final:
                raise
            return Membership(person, "", "")
        rooms = self._members.get(person) or {}
        rooms[room] = (generation, found)
        self._members.put(person, rooms)
        return found

    async def acquaintance(self, person: str) -> Membership:
        """Somebody outside any room: by the name in one of our rooms, else our remark, else their own name."""
        known = [member.alias for _, member in (self._members.get(person) or {}).values() if member.alias]
        contact = await self.contact(person)
        return Membership(person, contact.name, next(iter(known), contact.alias))

    def forget(self, kind: int, what: str) -> None:
        """Of a dirty member the gateway names the room, some puppets room and person."""
        if kind == CONTACT:
            self._contacts.pop(what)
            self._members.pop(what)
        elif kind in (ROOM, ROOM_MEMBER):
            room = what.split("#", 1)[0]
            self._rooms.pop(room)
            self._generation += 1
            self._generations.put(room, self._generation)

    def clear(self) -> None:
        """After a gap nothing that was known is sure."""
        self._rooms.clear()
        self._contacts.clear()
        self._members.clear()

    def remember(self, room: str, text: str, message: str) -> None:
        """So that a quotation, which WeChat gives as words, can be led back to its message; only a hash is kept."""
        if text:
            self._said.put((room, _mark(text)), message)

    def quoted(self, room: str, said: str) -> str | None:
        return self._said.get((room, _mark(said)))


def _mark(text: str) -> str:
    """The beginning decides: WeChat cuts long quotations."""
    return str(hash("".join(text.split())[:TELLING]))

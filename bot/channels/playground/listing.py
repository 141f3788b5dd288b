"""Two lists: what a reader's page begins with, and what the house has not heard yet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from sqlite3 import Connection
from typing import Any

from loguru import logger

from bot.channels.playground import heard, people, shown, talk
from bot.channels.playground.entry import Refused
from bot.channels.playground.people import Someone
from bot.channels.playground.talk import PRIVATE, private_room
from bot.wire import WireError
from handlers.events import Event

Done = Callable[[Connection], None]


def overview(db: Connection, person: str) -> dict[str, Any]:
    reader = people.person(db, person)
    if reader is None:
        raise Refused("请先登录。", 401)
    known = {one.id: one for one in people.everybody(db)}
    rooms = []
    for room in people.rooms_of(db, person):
        members = people.members(db, room.id)
        role = reader.role or ("owner" if room.owner == person else people.role_in(db, room.id, person) or "")
        last, unseen = talk.last_of(db, room.id), talk.unseen(db, person, room.id)
        rooms.append(shown.room(room, len(members), last, unseen, known, role))
    own = private_room(person)
    private = {"id": own, "unseen": talk.unseen(db, person, own), "last": shown.last_line(talk.last_of(db, own), known)}
    return {"me": shown.person(reader), "rooms": rooms, "private": private}


def unheard(db: Connection, now: datetime) -> list[tuple[Event, Done]]:
    """Rosters before messages, so that a new group is known when somebody speaks in it."""
    waiting: list[tuple[Event, Done]] = []
    for room_id in people.unheard_rooms(db):
        room = people.room(db, room_id)
        assert room is not None
        done: Done = partial(people.room_heard, room_id=room_id)
        if room.dissolved:
            waiting.append((heard.dissolved_event(room, now), done))
        else:
            waiting.append((heard.roster_event(room, people.members(db, room_id), now), done))
    for message in talk.unheard(db):
        sender = people.person(db, message.sender)
        place = None if message.room.startswith(PRIVATE) else people.room(db, message.room)
        members = people.members(db, message.room) if place else []
        known = sender or Someone(id=message.sender, name=message.sender)
        try:
            event = heard.message_event(message, known, place, members)
        except WireError as error:
            logger.warning("试用台消息 {} 无法处理，略过：{}", message.id, error)
            talk.heard(db, message.id)
        else:
            waiting.append((event, partial(talk.heard, message_id=message.id)))
    return waiting

"""Who may do what in the playground; everything else is refused in a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterable
from sqlite3 import Connection

from bot.channels.playground import heard, people, talk
from bot.channels.playground.people import Room, Someone
from bot.channels.playground.talk import private_room


class Refused(Exception):
    """What the page may not do; a Chinese sentence, and the HTTP status that says the same."""

    def __init__(self, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.status = status


def enter(db: Connection, person: str, room: str) -> tuple[Someone, Room | None, heard.Members]:
    """The reader, the group (None in their private talk) and its members; Refused for anybody else."""
    reader = people.person(db, person)
    if reader is None:
        raise Refused("请先登录。", 401)
    if room == private_room(person):
        return reader, None, []
    place = people.room(db, room)
    if place is None or people.role_in(db, room, person) is None:
        raise Refused("您不在这个群里。", 404)
    return reader, place, people.members(db, room)


def may_speak(db: Connection, person: str, room: str) -> None:
    _, place, _ = enter(db, person, room)
    if place and place.dissolved:
        raise Refused("群已解散，不能再发消息。", 409)


def pressable(
    db: Connection, person: str, message_id: int, action: str, subject: str, stands_for: str
) -> str | None:
    """The group in which the card stands; None in private. A late press on a revised card still counts."""
    message = talk.get(db, message_id)
    if message is None or not message.card:
        raise Refused("卡片不存在或已过保留期。", 404)
    reader, place, members = enter(db, person, message.room)
    card = json.loads(message.card)
    subjects: Iterable[str] = [one["subject"] for one in (*card.get("buttons", ()), *card.get("links", ()))]
    if subject not in subjects or (action in ("uphold", "dismiss") and reader.role != "office"):
        raise Refused("没有这个按钮。", 422)
    if stands_for and stands_for not in [one.id for one, _ in members]:
        raise Refused("只能替同群的人确认。")
    return place.id if place else None

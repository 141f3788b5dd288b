"""Every kind of gateway event → what it means for the house; the only place that knows the puppet's event numbers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from loguru import logger

from bot.channels.wechaty import translate
from bot.channels.wechaty.book import CONTACT, ROOM, ROOM_MEMBER, Book
from bot.channels.wechaty.faults import Fault, GatewayError
from bot.channels.wechaty.intake import Intake, patiently
from bot.channels.wechaty.payloads import Membership, Message
from bot.channels.wechaty.rosters import Rosters
from bot.channels.wechaty.supervisor import Intervals
from bot.channels.wechaty.translate import NAME, SERVICES, Self, key
from handlers.events import ChannelDeaf, Event

MESSAGE, FRIENDSHIP, ROOM_INVITE, ROOM_JOIN, ROOM_LEAVE, ROOM_TOPIC, DIRTY = 2, 17, 18, 19, 20, 21, 27
MAX_ID = 200
# An outage in the middle of a payload call is waited for; a gateway that came back may still know the message.
PATIENCE = (0.3, 1.0, 2.0, 5.0, 10.0, 15.0, 15.0, 15.0)
# A group that the bot was thrown out of stays unheard until its roster is read again.
UNTIL_FURTHER_NOTICE = datetime(2100, 1, 1, tzinfo=UTC)


class Hearing:
    def __init__(
        self,
        gateway: Callable[[], Any],
        book: Book,
        intake: Intake,
        rosters: Rosters,
        now: Callable[[], datetime],
        bot_name: str,
        intervals: Intervals,
    ) -> None:
        self._gateway, self._book, self._intake, self._rosters = gateway, book, intake, rosters
        self._now, self._settle = now, intervals.settle
        self.me = Self("", (), bot_name)
        self._kinds = {
            MESSAGE: self._message,
            FRIENDSHIP: self._friendship,
            ROOM_INVITE: self._invited,
            ROOM_JOIN: self._changed,
            ROOM_LEAVE: self._left,
            ROOM_TOPIC: self._changed,
            DIRTY: self._dirty,
        }

    async def take(self, kind: int, payload: dict[str, Any]) -> None:
        """Kinds that nobody knows yet are passed over."""
        handle = self._kinds.get(kind)
        if handle is not None:
            await handle(payload)

    async def _message(self, payload: dict[str, Any]) -> None:
        await self._intake.put(self._find(_id(payload, "messageId")))

    async def _find(self, message: str) -> list[Event]:
        found: list[Event] = await patiently(lambda: self._said(message), _is_final, PATIENCE)
        return found

    async def _said(self, message_id: str) -> list[Event]:
        message: Message = await self._gateway().message(message_id)
        message = message._replace(id=message.id or message_id)
        if message.talker == self.me.id:
            return []
        events = await self._in_room(message) if message.room else await self._in_private(message)
        if translate.is_removal(message):
            events.append(self._removed(message.room, translate.moment(message.timestamp, self._now()), message.id))
        gone = translate.dissolved(message, self._now())
        return [*events, gone] if gone else events

    async def _in_room(self, message: Message) -> list[Event]:
        room = await self._book.room(message.room)
        member = await self._book.member(room.id, message.talker) if message.talker else Membership("", "", "")
        me = self.me
        if me.id in message.mentions:
            own = await self._book.member(room.id, me.id)
            me = me._replace(names=(own.alias, own.name, *me.names))
        text = await self._text(message)
        quote = translate.quotation(text) if message.type == translate.TEXT else None
        quoted = self._book.quoted(room.id, quote.said) if quote else None
        self._book.remember(room.id, quote.answer if quote else text, message.id)
        sender = translate.person_of(member, room)
        answer = quote.answer if quote else text
        return [translate.spoken(message, sender, translate.group_of(room), me, self._now(), answer, quoted)]

    async def _in_private(self, message: Message) -> list[Event]:
        if not message.talker or message.talker in SERVICES or translate.is_service(message.talker):
            return []
        sender = translate.person_of(await self._book.acquaintance(message.talker), None)
        return [translate.spoken(message, sender, None, self.me, self._now(), await self._text(message), None)]

    async def _text(self, message: Message) -> str:
        """A link's title has a call of its own; when it fails the message is none the worse."""
        told = translate.own_text(message)
        if told or message.type not in (translate.LINK, translate.MINI_PROGRAM):
            return told
        try:
            title = await self._gateway().link_title(message.id, message.type == translate.MINI_PROGRAM)
        except (GatewayError, ValueError):
            return ""
        return str(title)

    def _removed(self, room: str, at: datetime, mark: str) -> Event:
        logger.warning("轻群已被移出一个微信群，此后听不到它；重新邀请后自动恢复。")
        self._book.forget(ROOM, room)
        return ChannelDeaf(
            id=key(f"removed:{room}:{mark}"),
            at=at,
            channel=NAME,
            group=key(room),
            since=at,
            until=UNTIL_FURTHER_NOTICE,
        )

    async def _changed(self, payload: dict[str, Any]) -> None:
        """Somebody came, or the room has a new name: what was known of it is old."""
        room = _id(payload, "roomId")
        self._book.forget(ROOM, room)
        self._rosters.ask(room, self._settle)

    async def _left(self, payload: dict[str, Any]) -> None:
        gone = payload.get("removeeIdList") or []
        room = _id(payload, "roomId")
        if self.me.id not in gone:
            await self._changed(payload)
            return
        at = translate.moment(int(payload.get("timestamp") or 0), self._now())
        await self._intake.put(_known([self._removed(room, at, f"{at.timestamp():.3f}")]))

    async def _dirty(self, payload: dict[str, Any]) -> None:
        kind, what = int(payload.get("payloadType") or 0), _id(payload, "payloadId")
        self._book.forget(kind, what)
        if kind in (ROOM, ROOM_MEMBER):
            self._rosters.ask(what.split("#", 1)[0], self._settle)
        elif kind == CONTACT and what == self.me.id:
            self.me = self.me._replace(names=())

    async def _friendship(self, payload: dict[str, Any]) -> None:
        """Who asks to be a friend may be spoken to in private; the gateway is asked beside the stream."""
        friendship = _id(payload, "friendshipId")

        async def accept() -> list[Event]:
            person = await self._gateway().accept_friend(friendship)
            if person:
                self._book.forget(CONTACT, person)
            return []

        await self._intake.put(accept())

    async def _invited(self, payload: dict[str, Any]) -> None:
        invitation = _id(payload, "roomInvitationId")

        async def accept() -> list[Event]:
            await self._gateway().accept_invitation(invitation)
            return []

        await self._intake.put(accept())


async def _known(events: list[Event]) -> list[Event]:
    return events


def _is_final(error: Exception) -> bool:
    return not isinstance(error, GatewayError) or (error.final or error.fault is Fault.TOKEN)


def _id(payload: dict[str, Any], name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID:
        raise ValueError(f"no {name}")
    return value

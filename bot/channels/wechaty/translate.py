"""A WeChat message in the house's words; pure functions, no gateway, no clock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from bot.channels.wechaty.payloads import Membership, Message, Room
from bot.wire import MAX_NAME, MAX_TEXT, clean
from handlers.events import GroupDissolved, GroupFacts, MessageKind, MessageReceived, Person

NAME = "wechaty"
EVERYBODY = re.compile(r"[@＠](?:所有人|all)\b|[@＠]所有人", re.IGNORECASE)
MENTIONS_KEPT = 2_000
# The puppet's numbers; voice, video and places count as what people show one another. All others are system lines.
FILE, VOICE, CARD, HISTORY, STICKER, IMAGE, TEXT, PLACE = 1, 2, 3, 4, 5, 6, 7, 8
SYSTEM, MINI_PROGRAM, SOLITAIRE, RECALLED, LINK, VIDEO = 0, 9, 10, 13, 14, 15
KINDS: Mapping[int, MessageKind] = {
    FILE: "file",
    VOICE: "file",
    CARD: "link",
    HISTORY: "link",
    STICKER: "sticker",
    IMAGE: "image",
    TEXT: "text",
    PLACE: "link",
    MINI_PROGRAM: "link",
    SOLITAIRE: "text",
    RECALLED: "recall",
    LINK: "link",
    VIDEO: "file",
}
# WeChat shows a quotation as 「谁：原话」, a line of dashes, and then the answer.
QUOTED = re.compile(r"「(?P<who>[^\n]{1,80}?)[：:]\s*+(?P<said>.*?)」\s*+(?<=\n)(?:- ?){5,}+-?[^\S\n]*+\n(?P<answer>.*)", re.DOTALL)
TITLE = re.compile(r"<title>(?:<!\[CDATA\[)?(?P<title>[^<\]]{1,300})", re.IGNORECASE)
# The server's id before the client's: puppets name messages by the former.
RECALLED_IDS = [re.compile(rf"<{tag}>\s*(\w+)\s*</{tag}>", re.IGNORECASE) for tag in ("newmsgid", "msgid")]
DISSOLVED = re.compile(
    r"(?:群主|管理员|[“\"][^”\"]{1,40}[”\"])\s*已?经?解散了?(?:该|本|此)?群聊?[。.]?|(?:该|本|此)?群聊?已被?(?:群主)?解散[。.]?"
)
REMOVED = re.compile(r"(?:你|您)(?:已)?被.{0,60}移出(?:了)?群聊?")
SERVICES = frozenset({"weixin", "newsapp", "fmessage", "filehelper", "floatbottle", "medianote", "notifymessage"})
EARLIEST = datetime(2011, 1, 1, tzinfo=UTC)
FAST_CLOCK = timedelta(minutes=5)


class Quote(NamedTuple):
    said: str
    answer: str


class Self(NamedTuple):
    """The bot's own account, and the name under which the house knows it."""

    id: str
    names: tuple[str, ...]
    bot_name: str


def key(native: str) -> str:
    return f"{NAME}:{native}"


def moment(timestamp: int, now: datetime) -> datetime:
    """Seconds or milliseconds; what lies in the future or before WeChat is the present."""
    seconds = timestamp / 1000 if timestamp > 100_000_000_000 else timestamp
    try:
        at = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return now
    return at if EARLIEST <= at <= now + FAST_CLOCK else now


def is_service(talker: str) -> bool:
    """WeChat's own accounts and official accounts say nothing that concerns a work group."""
    return talker in SERVICES or talker.startswith("gh_")


def quotation(text: str) -> Quote | None:
    found = QUOTED.match(text.lstrip())
    return Quote(found["said"].strip(), found["answer"].strip()) if found else None


def recalled(message: Message) -> str:
    """The id of what was taken back: the whole text, or a field of WeChat's XML."""
    found = (pattern.search(message.text[:20_000]) for pattern in RECALLED_IDS)
    inside = next((one for one in found if one), None)
    return inside[1] if inside else message.text.strip()[:MAX_NAME]


def kind_of(message: Message) -> MessageKind:
    return KINDS.get(message.type, "system")


def group_of(room: Room) -> GroupFacts:
    return GroupFacts(id=key(room.id), name=_name(room.topic) or room.id)


def person_of(member: Membership, room: Room | None) -> Person:
    """By the name in the group, else the person's own; a system line may come from nobody."""
    if not member.id:
        return Person(id=key("system"), name="系统消息")
    name = _name(member.alias) or _name(member.name) or member.id
    return Person(id=key(member.id), name=name, role="admin" if room and member.id in room.admins else None)


def spoken(
    message: Message, sender: Person, group: GroupFacts | None, me: Self, now: datetime, text: str, quotes: str | None
) -> MessageReceived:
    kind = kind_of(message)
    if kind == "recall":
        quotes = recalled(message)
    return MessageReceived(
        id=key(message.id),
        at=moment(message.timestamp, now),
        channel=NAME,
        group=group,
        sender=sender,
        kind=kind,
        text="" if kind == "recall" else printable(_addressed(text, message, me)),
        mentions=_mentions(message),
        quotes=key(quotes) if quotes else None,
    )


def dissolved(message: Message, now: datetime) -> GroupDissolved | None:
    """Only a system line that says nothing else proves it, never somebody's words."""
    if message.type != SYSTEM or not message.room or not DISSOLVED.fullmatch(message.text[:200].strip()):
        return None
    return GroupDissolved(
        id=key(f"{message.id}:dissolved"), at=moment(message.timestamp, now), channel=NAME, group=key(message.room)
    )


def is_removal(message: Message) -> bool:
    return message.type == SYSTEM and bool(message.room) and bool(REMOVED.match(message.text[:200].strip()))


def own_text(message: Message) -> str:
    """What a message says by itself: words, a file's name, a title; the XML of a picture says nothing."""
    kind = kind_of(message)
    if kind in ("file", "image"):
        return message.filename
    start = message.text[:4_000].lstrip()
    if start.startswith("<") and ("</" in start or "/>" in start):
        title = TITLE.search(message.text[:20_000])
        return title["title"].strip() if title else ""
    return "" if kind == "sticker" else message.text


def printable(text: str) -> str:
    """As `wire` takes it: cut, without NULs and broken characters; offsets stay those of the sender's text."""
    return text[:MAX_TEXT].replace("\x00", "").encode("utf-8", "ignore").decode()


def _addressed(text: str, message: Message, me: Self) -> str:
    """Whatever the account is called in this group, `@轻群` is what the house listens to."""
    if me.id in message.mentions:
        for name in me.names:
            if name and f"@{name}" in text:
                return text.replace(f"@{name}", f"@{me.bot_name}", 1)
    return text


def _mentions(message: Message) -> tuple[str, ...]:
    named = [one for one in message.mentions[:MENTIONS_KEPT] if one]
    everybody = any(one.endswith("@all") or one == "all" for one in named) or EVERYBODY.search(message.text[:2_000])
    keys = [key(one) for one in named if not one.endswith("@all") and one != "all"]
    return ("all", *keys) if everybody else tuple(keys)


def _name(text: str) -> str:
    return clean(text, keep_lines=False).strip()[:MAX_NAME]

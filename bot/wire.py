"""Events as JSON: what `replay` reads, `POST /api/v1/events` takes and a broker carries."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from typing import Any, get_args

from config.settings import TIMEZONE
from handlers import events
from handlers.events import (
    GROUP_KINDS,
    ButtonClicked,
    Event,
    FlagAnswered,
    GroupDissolved,
    GroupFacts,
    MessageKind,
    MessageReceived,
    Person,
    Role,
    RosterReceived,
)

MAX_TEXT = 20_000
MAX_NAME = 200
MAX_ID = 200
MAX_MEMBERS = 20_000
EARLIEST, LATEST = 2000, 2100
# Bidirectional overrides and other controls that could turn a name around; line breaks and tabs stay in texts.
BIDI = {chr(code) for code in (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}


class WireError(ValueError):
    """An event that cannot be read; the message is a Chinese sentence that names the field."""


def parse(data: Any) -> Event:
    """The channel-neutral event of one JSON object. Ids become keys (`channel:id`)."""
    if not isinstance(data, Mapping):
        raise WireError("事件应是一个 JSON 对象。")
    kind = data.get("type")
    reader = READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise WireError(f"type 应是 {'、'.join(READERS)} 之一。")
    return reader(data)


def _message(data: Mapping[str, Any]) -> MessageReceived:
    channel = _channel(data)
    kind = data.get("kind", "text")
    if kind not in get_args(MessageKind):
        raise WireError(f"kind 应是 {'、'.join(get_args(MessageKind))} 之一。")
    mentions = data.get("mentions") or []
    if not isinstance(mentions, list):
        raise WireError("mentions 应是数组。")
    quotes = data.get("quotes")
    return MessageReceived(
        id=_key(channel, data, "id"),
        at=instant(data.get("at"), "at"),
        channel=channel,
        group=_group(channel, data.get("group")) if data.get("group") is not None else None,
        sender=_person(channel, data.get("sender"), "sender"),
        kind=kind,
        text=_text(data.get("text"), "text", MAX_TEXT, cut=True),
        mentions=tuple("all" if one == "all" else f"{channel}:{one}" for one in mentions[:MAX_MEMBERS]),
        quotes=f"{channel}:{_text(quotes, 'quotes', MAX_ID)}" if quotes is not None else None,
    )


def _roster(data: Mapping[str, Any]) -> RosterReceived:
    channel = _channel(data)
    members = data.get("members")
    if not isinstance(members, list) or len(members) > MAX_MEMBERS:
        raise WireError(f"members 应是不超过 {MAX_MEMBERS} 人的数组。")
    owner = data.get("owner")
    # `"owner": null` says that there is none; no owner at all says nothing.
    owner_known = "owner" in data
    people = {person.id: person for person in (_person(channel, one, "members") for one in members)}
    return RosterReceived(
        id=_key(channel, data, "id"),
        at=instant(data.get("at"), "at"),
        channel=channel,
        group=_group(channel, data.get("group")),
        owner=f"{channel}:{_text(owner, 'owner', MAX_ID)}" if owner is not None else None,
        owner_known=owner_known,
        members=tuple(people.values()),
    )


def _click(data: Mapping[str, Any]) -> ButtonClicked:
    channel = _channel(data)
    action = data.get("action", "ack")
    if action not in ("ack", "undo"):
        raise WireError("action 应是 ack 或 undo。")
    notice = data.get("notice")
    if not isinstance(notice, Mapping) or not ("message" in notice or "notice" in notice):
        raise WireError('notice 应是 {"message": 消息编号} 或 {"notice": 通知编号}。')
    message = notice.get("message")
    return ButtonClicked(
        id=_key(channel, data, "id"),
        at=instant(data.get("at"), "at"),
        channel=channel,
        group=_key(channel, data, "group") if data.get("group") is not None else None,
        person=_key(channel, data, "person"),
        notice=_text(notice["notice"], "notice", MAX_ID) if "notice" in notice else None,
        message=f"{channel}:{_text(message, 'message', MAX_ID)}" if message is not None else None,
        action=action,
    )


def _dissolved(data: Mapping[str, Any]) -> GroupDissolved:
    channel = _channel(data)
    return GroupDissolved(
        id=_key(channel, data, "id"),
        at=instant(data.get("at"), "at"),
        channel=channel,
        group=_key(channel, data, "group"),
    )


def _flag(data: Mapping[str, Any]) -> FlagAnswered:
    channel = _channel(data)
    answer = data.get("answer")
    if answer not in ("withdraw", "misjudged", "understood"):
        raise WireError("answer 应是 withdraw（已撤回）、misjudged（误判）或 understood（知道了）。")
    if not (data.get("flag") or data.get("message")):
        raise WireError("flag 或 message 要写一个：提示编号，或被提示的消息编号。")
    return FlagAnswered(
        id=_key(channel, data, "id"),
        at=instant(data.get("at"), "at"),
        flag=_text(data.get("flag"), "flag", MAX_ID),
        message=_key(channel, data, "message") if not data.get("flag") else "",
        person=_key(channel, data, "person"),
        answer=answer,
        share=_text(data.get("share"), "share", MAX_TEXT, cut=True),
    )


READERS: Mapping[str, Callable[[Mapping[str, Any]], Event]] = {
    "message": _message,
    "roster": _roster,
    "click": _click,
    "dissolved": _dissolved,
    "flag": _flag,
}


def instant(value: Any, name: str) -> datetime:
    """An aware moment between 2000 and 2100; a date without an offset is refused, not guessed."""
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise WireError(f"{name} 应是带时区的 ISO 8601 时间，例如 2026-11-23T09:00:00+08:00。") from None
    if at.tzinfo is None:
        raise WireError(f"{name} 缺少时区，请写成 2026-11-23T09:00:00+08:00 这样的时间。")
    if not EARLIEST <= at.year < LATEST:
        raise WireError(f"{name} 的年份 {at.year} 不合理，应在 {EARLIEST} 到 {LATEST} 之间。")
    return at


def _day(value: Any, name: str) -> date | None:
    if value is None or value == "":
        return None
    try:
        day = date.fromisoformat(value) if len(value) == len("2026-11-23") else None
        day = day or instant(value, name).astimezone(TIMEZONE).date()
    except (TypeError, ValueError):
        raise WireError(f"{name} 应是日期，例如 2026-11-23。") from None
    if not 1970 <= day.year < LATEST:
        raise WireError(f"{name} 的年份 {day.year} 不合理。")
    return day


def clean(text: str, keep_lines: bool = True) -> str:
    """Without control and bidi characters; they serve nobody in a name or a notice."""
    kept = "\n\t" if keep_lines else ""
    return "".join(
        char for char in text if char in kept or (unicodedata.category(char) not in ("Cc", "Cs") and char not in BIDI)
    )


def _text(value: Any, name: str, limit: int, cut: bool = False) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise WireError(f"{name} 应是文字。")
    if len(value) > limit and not cut:
        raise WireError(f"{name} 太长（超过 {limit} 字）。")
    # Offsets into a message must stay those of the sender's text: only surrogates and NULs go.
    return clean(value, keep_lines=False) if not cut else value[:limit].replace("\x00", "").encode("utf-8", "ignore").decode()


def _channel(data: Mapping[str, Any]) -> str:
    channel = data.get("channel")
    if not isinstance(channel, str) or not channel or ":" in channel or len(channel) > 40:
        raise WireError("channel 应是渠道名，例如 playground，不含冒号。")
    return clean(channel, keep_lines=False)


def _key(channel: str, data: Mapping[str, Any], name: str) -> str:
    value = _text(data.get(name), name, MAX_ID)
    if not value:
        raise WireError(f"{name} 不能为空。")
    return f"{channel}:{value}"


def _group(channel: str, data: Any) -> GroupFacts:
    if not isinstance(data, Mapping):
        raise WireError('group 应是 {"id", "name"}。')
    kind = data.get("kind") or None
    if kind is not None and kind not in GROUP_KINDS:
        raise WireError(f"group.kind 应是 {'、'.join(GROUP_KINDS)} 之一。")
    group_id = _key(channel, data, "id")
    return GroupFacts(
        id=group_id,
        name=_text(data.get("name"), "group.name", MAX_NAME) or group_id.split(":", 1)[1],
        unit=_text(data.get("unit"), "group.unit", MAX_NAME) or None,
        created=_day(data.get("created"), "group.created"),
        purpose=_text(data.get("purpose"), "group.purpose", MAX_NAME) or None,
        kind=kind,
        ends=_day(data.get("ends"), "group.ends"),
    )


def _person(channel: str, data: Any, name: str) -> Person:
    if not isinstance(data, Mapping):
        raise WireError(f'{name} 应是 {{"id", "name"}}。')
    role = data.get("role") or None
    if role is not None and role not in get_args(Role):
        raise WireError(f"{name}.role 应是 {'、'.join(get_args(Role))} 之一。")
    person = _key(channel, data, "id")
    return Person(
        id=person,
        name=_text(data.get("name"), f"{name}.name", MAX_NAME) or person.split(":", 1)[1],
        unit=_text(data.get("unit"), f"{name}.unit", MAX_NAME),
        role=role,
    )


def dump(event: Event) -> dict[str, Any]:
    """Any event as JSON, for a broker; `load` gives it back."""
    return {"event": type(event).__name__, **{f.name: _plain(getattr(event, f.name)) for f in fields(event)}}


def load(data: Mapping[str, Any]) -> Event:
    kind: Any = getattr(events, data["event"])
    values = {f.name: _fitted(f.name, data[f.name]) for f in fields(kind)}
    loaded: Event = kind(**values)
    return loaded


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value


def _fitted(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in ("at", "deadline", "since", "until"):
        return datetime.fromisoformat(value)
    if name in ("day", "created", "ends"):
        return date.fromisoformat(value)
    if name == "group" and isinstance(value, dict):
        return GroupFacts(**{key: _fitted(key, one) for key, one in value.items()})
    if name == "sender" and isinstance(value, dict):
        return Person(**value)
    if name == "members":
        return tuple(Person(**one) for one in value)
    return tuple(value) if isinstance(value, list) else value

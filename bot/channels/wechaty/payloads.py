"""What the gateway tells, as plain data: a message's payload is read from its bytes, without the SDK's slow decoder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

VARINT, LONG, BYTES, SHORT = 0, 1, 2, 5


class Message(NamedTuple):
    id: str = ""
    type: int = 0
    text: str = ""
    talker: str = ""
    room: str = ""
    listener: str = ""
    filename: str = ""
    mentions: tuple[str, ...] = ()
    # Seconds or milliseconds since 1970, as the puppet likes it.
    timestamp: int = 0


class Room(NamedTuple):
    id: str
    topic: str
    owner: str
    admins: tuple[str, ...]
    members: tuple[str, ...]


class Contact(NamedTuple):
    id: str
    name: str
    alias: str
    friend: bool


class Membership(NamedTuple):
    id: str
    name: str
    alias: str


TEXTS = {1: "id", 2: "filename", 3: "text", 6: "talker", 7: "room", 8: "listener"}
NUMBERS = {4: "timestamp", 5: "type"}
MENTION = 9


def request_of(message: str) -> bytes:
    """MessagePayloadRequest(id)."""
    name = message.encode()
    return b"\x0a" + _varint(len(name)) + name


def read_message(data: bytes) -> Message:
    """MessagePayloadResponse; unknown fields are passed over, damaged ones are a ValueError."""
    values: dict[str, str | int] = {}
    mentions: list[str] = []
    for number, value in _fields(data):
        if isinstance(value, bytes):
            if number in TEXTS:
                values[TEXTS[number]] = value.decode("utf-8", "replace")
            elif number == MENTION:
                mentions.append(value.decode("utf-8", "replace"))
        elif number in NUMBERS:
            values[NUMBERS[number]] = value
    return Message(**values, mentions=tuple(mentions))  # type: ignore[arg-type]


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    at, end = 0, len(data)
    while at < end:
        tag, at = _read_varint(data, at)
        kind = tag & 7
        if kind == VARINT:
            value, at = _read_varint(data, at)
            yield tag >> 3, value
            continue
        size = {LONG: 8, SHORT: 4}.get(kind)
        if kind == BYTES:
            size, at = _read_varint(data, at)
        if size is None or at + size > end:
            raise ValueError("damaged payload")
        yield tag >> 3, data[at : at + size]
        at += size


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("damaged payload")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)

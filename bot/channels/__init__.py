"""Channels: one table kind → (label, "module:Class"), loaded on first use, and the protocol they all speak."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, Literal, Protocol

from handlers.cards import Card, Link
from handlers.events import Event

CHANNELS: Mapping[str, tuple[str, str]] = {
    "playground": ("网页试用台", "bot.channels.playground:Playground"),
    "wechaty": ("微信（Wechaty）", "bot.channels.wechaty:WechatyChannel"),
}

Hear = Callable[[Event], Awaitable[object]]
# The address of a card's page: for one person, or for everybody in the group when the person is None.
Address = Callable[[Link, str | None], str]


class ChannelError(Exception):
    """The platform did not take it; `permanent` means that trying again is useless."""

    def __init__(self, message: str, *, permanent: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`cause` is a Chinese sentence when the channel does not hear or speak."""

    state: Literal["ok", "starting", "deaf"]
    cause: str = ""
    since: datetime | None = None


class Channel(Protocol):
    """What a platform must be able to do. Groups and people are keys (`channel:native-id`); `key` is the effect's
    name: said twice under one key, a platform that can tell shows it once. Every send gives the platform's id."""

    name: str

    async def open(self, hear: Hear, address: Address) -> None: ...
    async def close(self) -> None: ...
    async def post(self, group: str, card: Card, key: str) -> str: ...
    async def whisper(self, person: str, card: Card, key: str) -> str: ...
    async def revise(self, group: str, reference: str, card: Card, key: str) -> str: ...
    async def send_file(self, person: str, name: str, content: bytes, key: str) -> str: ...
    async def ask_roster(self, group: str) -> None: ...
    def health(self) -> Health: ...


def load(kind: str, *arguments: Any) -> Channel:
    """Import the channel's file and make it; a platform's SDK is imported no earlier than this."""
    module, _, name = CHANNELS[kind][1].partition(":")
    channel: Channel = getattr(import_module(module), name)(*arguments)
    return channel


def native(key: str) -> str:
    """The platform's own id of a key."""
    return key.split(":", 1)[1]

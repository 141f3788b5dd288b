"""What the house says, said on WeChat: at the platform's pace, each effect once as far as one can tell."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from loguru import logger

from bot.channels import Address, ChannelError, native
from bot.channels.wechaty import wording
from bot.channels.wechaty.book import CONTACT, Book
from bot.channels.wechaty.faults import GatewayError
from bot.channels.wechaty.pace import Pace
from bot.channels.wechaty.shelf import Shelf
from handlers.cards import Card

SHORT_WAIT = 1.0
SAID, STRANGERS = 5_000, 5_000
# The gateway's default limit is 4 MB a call, and a file travels in base64.
LARGEST_FILE = 2_900_000
NO_FRIEND = "对方不是机器人的微信好友，私下消息发不到；其本人可在群卡片的页面里查看。"


class Sending:
    def __init__(
        self, gateway: Callable[[], Any], book: Book, pace: Pace, refuse: Callable[[], ChannelError | None]
    ) -> None:
        self._gateway, self._book, self._pace, self._refuse = gateway, book, pace, refuse
        self._said: Shelf[str, str] = Shelf(SAID)
        self.strangers: Shelf[str, bool] = Shelf(STRANGERS)

    async def post(self, group: str, card: Card, key: str, address: Address) -> str:
        """A card with a page becomes a link card; any other is plain words."""
        room, link = native(group), next(iter(card.links), None)
        if link is None:
            return await self._once(room, key, lambda: self._gateway().say(room, wording.body(card)))
        title, small, url = wording.title(card), wording.description(card), address(link, None)
        return await self._once(room, key, lambda: self._gateway().show(room, title, small, url))

    async def whisper(self, person: str, card: Card, key: str, address: Address) -> str:
        who = native(person)
        await self._must_be_friend(who)
        links = wording.private_links(card, lambda link: address(link, person))
        text = "\n".join([wording.body(card), *links])
        return await self._once(who, key, lambda: self._gateway().say(who, text))

    async def send_file(self, person: str, name: str, content: bytes, key: str) -> str:
        who = native(person)
        if len(content) > LARGEST_FILE:
            raise ChannelError(f"文件《{name}》超过 {LARGEST_FILE // 1_000_000} MB，微信网关发不出。", permanent=True)
        await self._must_be_friend(who)
        return await self._once(who, key, lambda: self._gateway().give(who, name, content))

    async def _must_be_friend(self, who: str) -> None:
        self._must_be_open()
        try:
            if (await self._book.contact(who)).friend:
                self.strangers.pop(who)
                return
            # A friendship may be newer than what we know.
            self._book.forget(CONTACT, who)
            if (await self._book.contact(who)).friend:
                return
        except GatewayError as error:
            raise ChannelError(str(error)) from error
        if self.strangers.get(who) is None:
            self.strangers.put(who, True)
            logger.info("有一位成员不是微信好友，私下消息改由链接页面查看（目前共 {} 位）。", len(self.strangers))
        raise ChannelError(NO_FRIEND, permanent=True)

    async def _once(self, conversation: str, key: str, send: Callable[[], Awaitable[str]]) -> str:
        """Said under this key before, it is not said again."""
        known = self._said.get(key)
        if known is not None:
            return known
        self._must_be_open()
        wait = self._pace.wait(conversation, key)
        if wait > SHORT_WAIT:
            raise ChannelError("按平台的频率限制排队中", retry_after=wait)
        while wait:
            await asyncio.sleep(wait)
            wait = self._pace.wait(conversation, key)
        try:
            reference = await send()
        except GatewayError as error:
            raise ChannelError(f"微信网关没有发出：{error}") from error
        said = f"wechaty:{reference or key}"
        self._said.put(key, said)
        return said

    def _must_be_open(self) -> None:
        refusal = self._refuse()
        if refusal is not None:
            raise refusal

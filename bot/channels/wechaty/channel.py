"""The WeChat channel: the parts put together, behind the protocol that every channel has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.channels import Address, ChannelError, Health, Hear, native
from bot.channels.wechaty.book import Book
from bot.channels.wechaty.faults import Fault, GatewayError
from bot.channels.wechaty.hearing import Hearing
from bot.channels.wechaty.intake import Intake
from bot.channels.wechaty.pace import Pace
from bot.channels.wechaty.rosters import Rosters
from bot.channels.wechaty.sending import Sending
from bot.channels.wechaty.supervisor import Intervals, Supervisor
from bot.channels.wechaty.translate import NAME, key
from bot.channels.wechaty.watch import Gap, Watch
from config.settings import Settings, SettingsError
from handlers.cards import Card
from handlers.events import ChannelDeaf

SDK = "bot.channels.wechaty.sdk"
FIRST_RETRY, LAST_RETRY = 10.0, 300.0
STANDARD = Intervals()


class WechatyChannel:
    """Opens at once, whatever the gateway does; `health` says how it stands."""

    name = NAME

    def __init__(
        self,
        settings: Settings,
        data: Path,
        now: Callable[[], datetime],
        intervals: Intervals = STANDARD,
    ) -> None:
        self._settings = settings.channels.wechaty
        self._bot_name, self._now, self._intervals = settings.bot_name, now, intervals
        self._host, self._port = _endpoint(self._settings.endpoint)
        if not self._settings.token.get_secret_value():
            raise SettingsError("启用微信渠道需要网关令牌：请填写 channels.wechaty.token，或用 …_TOKEN_FILE 指向文件。")
        self._watch = Watch(now)
        self._book = Book(self._gateway)
        self._sending = Sending(
            self._gateway,
            self._book,
            Pace(self._settings.sends_per_minute, self._settings.room_sends_per_minute),
            self._refusal,
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._supervisor: Supervisor | None = None

    async def open(self, hear: Hear, address: Address) -> None:
        """The SDK is imported here and not earlier, beside the loop."""
        sdk = await asyncio.to_thread(import_module, SDK)
        context = None
        if self._settings.tls:
            ca_file = self._settings.ca_file
            context = await asyncio.to_thread(sdk.context_of, str(ca_file) if ca_file else None)
        self._address = address
        self._intake = Intake(hear)
        self._rosters = Rosters(self._book, self._members, self._intake.tell, self._now, self._intervals)
        self._hearing = Hearing(
            self._gateway, self._book, self._intake, self._rosters, self._now, self._bot_name, self._intervals
        )
        token = self._settings.token.get_secret_value()
        self._supervisor = Supervisor(
            lambda: sdk.Gateway(self._host, self._port, token, context, self._intervals.call),
            self._hearing.take,
            self._watch,
            self._intervals,
        )
        self._supervisor.on_login = self._logged_in
        self._intake.open()
        for work in (self._supervisor.run(), self._rosters.run(), self._report()):
            self._tasks.append(asyncio.create_task(work, name="wechaty"))

    async def close(self) -> None:
        """What was heard is told before the door is shut."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if self._supervisor is not None:
            await self._intake.close()
            self._supervisor = None

    async def post(self, group: str, card: Card, key: str) -> str:
        return await self._sending.post(group, card, key, self._address)

    async def whisper(self, person: str, card: Card, key: str) -> str:
        """To a friend; to a member who is none the error is permanent, and nobody else hears of it."""
        return await self._sending.whisper(person, card, key, self._address)

    async def revise(self, group: str, reference: str, card: Card, key: str) -> str:
        """WeChat cannot change what was said, and saying it again would be noise: the page shows how it stands."""
        return reference

    async def send_file(self, person: str, name: str, content: bytes, key: str) -> str:
        return await self._sending.send_file(person, name, content, key)

    async def ask_roster(self, group: str) -> None:
        refusal = self._refusal()
        if refusal is not None:
            raise refusal
        self._rosters.ask(native(group), 0.0)

    def health(self) -> Health:
        return self._watch.health()

    def _gateway(self) -> Any:
        gateway = self._supervisor.gateway if self._supervisor else None
        if gateway is None:
            raise GatewayError(Fault.LOST)
        return gateway

    async def _members(self, room: str) -> list[str]:
        members: list[str] = await self._gateway().members(room)
        return members

    def _refusal(self) -> ChannelError | None:
        """While deaf we are mute too; the longer it lasts, the later one should try again."""
        if not self._watch.deaf:
            return None
        later = min(max(self._watch.deaf_for, FIRST_RETRY), LAST_RETRY)
        return ChannelError(self._watch.health().cause or "微信渠道还没有连接好。", retry_after=later)

    async def _logged_in(self, account: str) -> None:
        """Hearing again: the gap is told, and everything that may have changed in it is read anew."""
        self._book.clear()
        self._rosters.me = account
        self._hearing.me = self._hearing.me._replace(id=account, names=())
        gap = self._watch.back(account)
        if gap is not None:
            await self._tell_gap(gap)
        task = asyncio.create_task(self._catch_up(account), name="wechaty-catch-up")
        self._tasks = [one for one in self._tasks if not one.done()] + [task]

    async def _catch_up(self, account: str) -> None:
        try:
            own = await self._gateway().contact(account)
            self._hearing.me = self._hearing.me._replace(names=(own.alias, own.name))
            for room in await self._gateway().rooms():
                self._rosters.ask(room, 0.0)
        except GatewayError:
            # The connection went again; the next login catches up.
            return

    async def _report(self) -> None:
        """An outage that goes on is told while it goes on: a week that ends in it must know of it."""
        while True:
            await asyncio.sleep(self._intervals.report)
            gap = self._watch.gap_so_far()
            if gap is not None:
                await self._tell_gap(gap)

    async def _tell_gap(self, gap: Gap) -> None:
        await self._intake.tell(
            ChannelDeaf(
                id=key(f"{gap.since.isoformat()}/{gap.until.isoformat()}"),
                at=gap.until,
                channel=NAME,
                since=gap.since,
                until=gap.until,
            )
        )


def _endpoint(given: str) -> tuple[str, int]:
    parts = urlsplit(given if "//" in given else f"//{given}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port:
        raise SettingsError(f"设置 channels.wechaty.endpoint 的值“{given}”不是“地址:端口”，例如 127.0.0.1:18788。")
    return host, port

"""Keeps the way to the gateway open: connect, listen, probe, and begin again after whatever has happened.

Upstream's `Wechaty.start()` is not used (see `sdk.py`). Nothing in here ends but by cancellation.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from loguru import logger

from bot.channels.wechaty.faults import Fault, GatewayError
from bot.channels.wechaty.watch import Watch

DONG, ERROR, SCAN, LOGIN, LOGOUT = 3, 16, 22, 25, 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """Seconds; together they let every fault be noticed within a minute. Tests shorten them."""

    call: float = 15.0
    # A stream that has been silent for so long is probed, and the probe must come back within `answer`.
    silence: float = 20.0
    answer: float = 15.0
    # How long after connecting the account may take to be reported as logged in.
    login: float = 25.0
    again: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0)
    # A session that lasted so long was a good one: the next attempt comes soon.
    stable: float = 30.0
    # How often an outage that goes on is reported to the house.
    report: float = 600.0
    # Changes of a room are waited for before its roster is read, and rosters are read with a pause between them.
    settle: float = 2.0
    between_rosters: float = 0.2


class Connection(Protocol):
    async def begin(self) -> None: ...
    def events(self) -> AsyncIterator[tuple[int, str]]: ...
    async def probe(self, data: str) -> None: ...
    def shut(self) -> None: ...


Take = Callable[[int, dict[str, Any]], Awaitable[None]]


class Supervisor:
    """`take` gets every event in order and may take its time: the stream waits for it, and is not thought dead."""

    def __init__(self, connect: Callable[[], Connection], take: Take, watch: Watch, intervals: Intervals) -> None:
        self._connect, self._take, self._watch, self._intervals = connect, take, watch, intervals
        self._last = 0.0
        self._taking = False
        self._probe_now = asyncio.Event()
        self._account = ""
        self.on_login: Callable[[str], Awaitable[None]] | None = None
        self.gateway: Connection | None = None

    async def run(self) -> None:
        failures = 0
        while True:
            started = time.monotonic()
            try:
                await self._session()
                self._watch.lost(Fault.LOST)
            except GatewayError as error:
                self._watch.lost(error.fault, str(error))
            except Exception as error:  # whatever it was, the next attempt may go well
                if not self._watch.deaf:
                    logger.opt(exception=error).error("微信渠道内部出错，将重新连接。")
                self._watch.lost(Fault.LOST)
            failures = 0 if time.monotonic() - started > self._intervals.stable else failures + 1
            await asyncio.sleep(self._intervals.again[min(failures, len(self._intervals.again)) - 1 if failures else 0])

    async def _session(self) -> None:
        """One connection from its start to its end; returns when the stream ended by itself."""
        gateway = self._connect()
        try:
            await gateway.begin()
            self.gateway, self._last = gateway, time.monotonic()
            async with _beside(self._guard(gateway)) as guard:
                listening = asyncio.create_task(self._listen(gateway), name="wechaty-listen")
                try:
                    await asyncio.wait({listening, guard}, return_when=asyncio.FIRST_COMPLETED)
                    if guard.done():
                        guard.result()
                finally:
                    listening.cancel()
                    await asyncio.gather(listening, return_exceptions=True)
                if not listening.cancelled():
                    listening.result()
        finally:
            self.gateway = None
            self._account = ""
            gateway.shut()

    async def _listen(self, gateway: Connection) -> None:
        async with aclosing(gateway.events()) as events:  # type: ignore[type-var]
            async for kind, text in events:
                self._last = time.monotonic()
                self._watch.touch()
                self._taking = True
                try:
                    await self._one(kind, text)
                except Exception as error:  # one bad event never ends the stream
                    logger.warning("跳过一个读不懂的微信事件（类型 {}）：{}", kind, type(error).__name__)
                finally:
                    self._taking = False
                    self._last = time.monotonic()

    async def _one(self, kind: int, text: str) -> None:
        payload = json.loads(text or "{}")
        if not isinstance(payload, dict):
            raise ValueError("not an object")
        if kind == LOGIN:
            await self._logged_in(str(payload.get("contactId") or ""))
        elif kind == LOGOUT:
            self._account = ""
            reason = str(payload.get("data") or "").strip()
            self._watch.lost(Fault.KICKED if _is_kick(reason) else Fault.LOGGED_OUT, reason[:100])
        elif kind == SCAN and not self._account:
            self._watch.lost(Fault.LOGGED_OUT)
        elif kind == ERROR:
            self._watch.troubled(_told(payload))
            self._probe_now.set()
        else:
            if kind == DONG:
                self._watch.sound()
            await self._take(kind, payload)

    async def _logged_in(self, account: str) -> None:
        if account and account != self._account:
            self._account = account
            if self.on_login is not None:
                await self.on_login(account)

    async def _guard(self, gateway: Connection) -> None:
        """Raises when the stream is silent for too long; notes when nobody logs in."""
        started = time.monotonic()
        while True:
            await self._until_silent()
            if not self._account and time.monotonic() - started >= self._intervals.login:
                self._watch.lost(Fault.LOGGED_OUT)
            if self._taking:
                await asyncio.sleep(self._intervals.silence / 20)
                continue
            if self._quiet_for() < self._intervals.silence and not self._probe_now.is_set():
                continue
            self._probe_now.clear()
            await self._probe(gateway)

    async def _probe(self, gateway: Connection) -> None:
        """There and back: a call, whose answer comes over the stream. A puppet that refuses the call is alive."""
        asked = time.monotonic()
        try:
            await gateway.probe("轻群")
        except GatewayError as error:
            if not error.final:
                raise
            self._last = time.monotonic()
        while self._last < asked and not self._taking:
            if time.monotonic() - asked > self._intervals.answer:
                raise GatewayError(Fault.FROZEN)
            await asyncio.sleep(min(0.5, self._intervals.answer / 10))

    async def _until_silent(self) -> None:
        pause = min(self._intervals.silence, self._intervals.login) / 4
        try:
            await asyncio.wait_for(self._probe_now.wait(), pause)
        except TimeoutError:
            return

    def _quiet_for(self) -> float:
        return time.monotonic() - self._last


def _is_kick(reason: str) -> bool:
    """The gateway's own words for an ordinary logout explain nothing."""
    return bool(reason) and reason not in ("logout()", "logout", "puppet stop()", "reset")


def _told(payload: dict[str, Any]) -> str:
    given = payload.get("gerror") or payload.get("data") or ""
    try:
        inside = json.loads(given)
        given = inside.get("message") or given
    except (ValueError, TypeError, AttributeError):
        pass
    return str(given).strip()[:120]


@asynccontextmanager
async def _beside(work: Any) -> AsyncIterator[asyncio.Task[None]]:
    task: asyncio.Task[None] = asyncio.create_task(work, name="wechaty-guard")
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

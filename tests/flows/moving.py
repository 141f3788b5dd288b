"""A bot whose clock is moved by the test: its pages are real, its days pass when they are told to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn

from bot.app import make_house, make_store, open_house
from bot.channels.playground import Playground, people
from bot.house import House
from bot.web.app import create_app
from config.settings import TIMEZONE, load_settings
from handlers.events import DayEnded, Event, WeekEnded
from handlers.rules.week import week_before
from storage import outbox

READY_SECONDS = 30


def at(day: str, clock: str = "08:30") -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=TIMEZONE)


class World:
    """Runs beside the test in a thread of its own; `url` is its address."""

    def __init__(self, data: Path, now: datetime) -> None:
        self.now, self.url = now, ""
        self._data = data
        self._loop = asyncio.new_event_loop()
        self._ready, self._over = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.house: House

    def open(self) -> None:
        self._thread.start()
        assert self._ready.wait(READY_SECONDS), "the bot did not start"

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(READY_SECONDS)

    def do(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Done in the bot's own thread."""

        async def doing() -> Any:
            return await work()

        return asyncio.run_coroutine_threadsafe(doing(), self._loop).result(READY_SECONDS)

    def tell(self, event: Event) -> None:
        self.do(lambda: self.house.tell(event))

    def monday(self, day: str) -> None:
        """It is this Monday morning, and the week before it has ended."""
        self.now = at(day, "08:31")
        self.tell(WeekEnded(id=f"week:{day}", at=at(day), week=week_before(at(day))))
        self.do(self._said)

    async def _said(self) -> None:
        """Until everything that is due has been said: what the clock runs away from would go stale."""
        while await self.house.store.read(lambda db: outbox.due(db, self.now)):
            await asyncio.sleep(0.02)

    def night(self, day: str) -> None:
        """The day before this one has ended."""
        self.now = at(day, "09:00")
        self.tell(DayEnded(id=f"day:{day}", at=at(day, "00:10"), day=(at(day) - timedelta(days=1)).date()))

    @property
    def playground(self) -> Playground:
        channel = self.house.channels["playground"]
        assert isinstance(channel, Playground)
        return channel

    def people(self, *names: str) -> None:
        """Each is known by the name they have."""
        self.do(lambda: self.playground.book(
            lambda db: people.add_people(db, [people.Someone(id=one, name=one, unit="柳湾镇") for one in names])
        ))  # fmt: skip

    def group(self, name: str, owner: str, *members: str) -> str:
        return str(self.do(lambda: self.playground.rooms.found(owner, name, list(members), "业务")))

    def says(self, who: str, room: str, text: str) -> None:
        self.do(lambda: self.playground.desk.say(who, room, text))

    def dissolves(self, who: str, room: str) -> None:
        self.do(lambda: self.playground.rooms.dissolve(who, room))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._live())
        self._loop.close()

    async def _live(self) -> None:
        settings = load_settings(flags={"data": self._data}, environ={})
        store = make_store(settings)
        await store.open()
        self.house = make_house(settings, store, demo=True, now=lambda: self.now)
        async with open_house(self.house):
            config = uvicorn.Config(
                create_app(self.house), port=0, log_config=None, access_log=False, timeout_graceful_shutdown=2
            )
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.02)
            port = server.servers[0].sockets[0].getsockname()[1]
            self.url = f"http://127.0.0.1:{port}"
            self.house.links.base_url = self.url
            self._ready.set()
            await self._over.wait()
            server.should_exit = True
            await serving
        await store.close()

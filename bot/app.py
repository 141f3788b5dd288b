"""The only place that assembles: settings → store → bus → channels → web → timer."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Any

import uvicorn
from loguru import logger

from bot import channels, links
from bot.bus import Bus
from bot.bus.jetstream import JetStreamBus
from bot.bus.memory import MemoryBus
from bot.channels import Channel
from bot.delivery import Delivery
from bot.dispatch import Decided, Dispatch
from bot.house import House, wall_clock
from bot.render import render_file
from bot.timer import Timer
from config.calendar import Calendar
from config.rulebook import load_rulebook
from config.settings import Settings, SettingsError
from config.wording import load_wording
from handlers.cards import Link
from storage import clockwork
from storage.database import Store
from storage.postgresql import PostgresStore
from storage.sqlite import SqliteStore

HEARTBEAT = 30.0


class AlreadyRunning(SettingsError):
    """Another 轻群 works on this data directory."""


def make_store(settings: Settings) -> Store:
    url = settings.database
    if not url:
        return SqliteStore(settings.data / "qingqun.db")
    if url.startswith("postgresql+asyncpg://"):
        return PostgresStore(url)
    raise SettingsError("设置 database 只认 postgresql+asyncpg://…，留空则用数据目录里的 SQLite。")


def make_bus(settings: Settings) -> Bus:
    return MemoryBus() if settings.bus == "memory" else JetStreamBus(settings.bus)


def make_house(settings: Settings, store: Store, *, demo: bool = False, now: Callable[[], datetime] = wall_clock) -> House:
    """A house with closed doors: no channel, no timer, no page is open yet."""
    rulebook = load_rulebook(extra=settings.flags.rulebooks)
    calendar = Calendar(settings.work.days, (settings.work.start, settings.work.end))
    wording = load_wording()
    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    return House(
        settings=settings,
        data=settings.data,
        store=store,
        bus=make_bus(settings),
        dispatch=Dispatch(store, settings, rulebook, calendar, wording),
        links=links.Links(links.secret_of(settings, settings.data), base, settings.token_days),
        rulebook=rulebook,
        calendar=calendar,
        wording=wording,
        demo=demo,
        now=now,
    )


def make_channels(settings: Settings, now: Callable[[], datetime]) -> dict[str, Channel]:
    """The channels that the settings switch on."""
    wanted = {
        "playground": settings.channels.playground.enabled,
        "wechaty": bool(settings.channels.wechaty.endpoint),
    }
    return {kind: channels.load(kind, settings, settings.data, now) for kind, on in wanted.items() if on}


@contextlib.contextmanager
def sole_owner(data: Path) -> Any:
    """Hold the data directory; a second process is refused with a sentence."""
    data.mkdir(parents=True, exist_ok=True)
    handle: IO[str] = (data / "lock").open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise AlreadyRunning(f"数据目录 {data} 正由另一个轻群使用。请先停掉它，或用 --data 换一个目录。") from None
    try:
        yield
    finally:
        handle.close()


@asynccontextmanager
async def open_house(house: House) -> AsyncIterator[House]:
    """Everything but the web server: bus, channels, delivery, timer; closed in the reverse order."""
    async with contextlib.AsyncExitStack() as stack:
        house.channels = make_channels(house.settings, house.now)
        delivery = Delivery(house.store, house.channels, lambda what: render_file(house, what), house.now)
        timer = Timer(house.store, house.settings, house.bus.publish, house.now)

        def told(decided: Decided) -> None:
            if decided.wakes:
                timer.nudge()
            if decided.speaks:
                delivery.nudge()

        house.dispatch.on_decided.append(told)
        await _note_own_gap(house)
        await house.bus.open(house.dispatch)
        stack.push_async_callback(house.bus.close)
        for channel in house.channels.values():
            await channel.open(house.bus.publish, lambda link, person: address(house, link, person))
            stack.push_async_callback(channel.close)
        for part in (delivery, timer):
            await part.open()
            stack.push_async_callback(part.close)
        heartbeat = asyncio.create_task(_beat(house), name="heartbeat")
        stack.callback(heartbeat.cancel)
        warm = asyncio.create_task(asyncio.to_thread(_warm), name="warm")
        stack.callback(warm.cancel)
        yield house


def address(house: House, link: Link, person: str | None) -> str:
    """Where a card's link leads this person; everybody in a group shares the notice's own page."""
    if link.page == "notice":
        return house.links.notice_url(link.subject, person) if person else f"{house.links.base_url}/c/{link.subject}"
    if link.page == "mine" and person:
        return f"{house.links.mine_url(person)}#{link.subject}".rstrip("#")
    if link.page == "cleanup" and person:
        return f"{house.links.cleanup_url(person)}#{link.subject}".rstrip("#")
    return f"{house.links.base_url}/office/inventory/{link.subject}".rstrip("/")


def _warm() -> None:
    """jieba loads beside the start, never in a request."""
    from handlers.rules import tokens

    tokens.warm()


async def _note_own_gap(house: House) -> None:
    """While the bot was off no channel was heard; silence in that time proves nothing."""
    last = await house.store.read(lambda db: clockwork.recall(db, "heartbeat"))
    if last is None:
        return
    since, until = datetime.fromisoformat(last), house.now()
    if (until - since).total_seconds() > 10 * HEARTBEAT:
        for name in house.channels:
            await house.store.write(partial(clockwork.note_gap, channel=name, since=since, until=until))


async def _beat(house: House) -> None:
    while True:
        now = house.now().isoformat()
        with contextlib.suppress(Exception):
            await house.store.write(partial(clockwork.remember, name="heartbeat", value=now))
        await asyncio.sleep(HEARTBEAT)


async def serve(settings: Settings, *, demo: bool, ready: Callable[[House], Awaitable[None]] | None = None) -> int:
    """Run until SIGINT or SIGTERM; gives the exit status."""
    from bot.web.app import create_app

    listener = _listen(settings)
    settings = settings.model_copy(update={"port": listener.getsockname()[1]})
    if demo:
        from bot.demo import demonstration

        settings = demonstration(settings)
    store = make_store(settings)
    await store.open()
    try:
        house = make_house(settings, store, demo=demo)
        async with open_house(house):
            config = uvicorn.Config(
                create_app(house), log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=5
            )
            server = _Server(config)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.02)
            if demo:
                from bot.demo import seed

                await seed(house)
            if ready is not None:
                await ready(house)
            await serving
    finally:
        await store.close()
        listener.close()
    return 0


class _Server(uvicorn.Server):
    """Stops on SIGINT and SIGTERM without raising them again: the house closes in order after it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        yield
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    def _stop(self) -> None:
        logger.info("正在停止……")
        self.should_exit = True


def _listen(settings: Settings) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"端口 {settings.host}:{settings.port} 用不了（{error.strerror}）。请用 --port 换一个端口，或停掉占用它的程序。"
        ) from None
    return listener

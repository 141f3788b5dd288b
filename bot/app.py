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
from sqlalchemy import Connection

from bot import channels, links, roles
from bot.bus import Bus
from bot.bus.jetstream import JetStreamBus
from bot.bus.memory import MemoryBus
from bot.channels import Channel
from bot.delivery import LONGEST_SLEEP, Delivery
from bot.dispatch import Decided, Dispatch
from bot.duties import Channels, Duties, Duty, Leadership, Partitions, Presence
from bot.house import House, wall_clock
from bot.render import render_file
from bot.timer import Timer
from config.calendar import Calendar
from config.rulebook import load_rulebook
from config.settings import Settings, SettingsError
from config.wording import load_wording
from handlers.cards import Link
from storage import clockwork, outbox
from storage.database import Store
from storage.outbox import Limit
from storage.postgresql import PostgresStore
from storage.sqlite import SqliteStore

HEARTBEAT = 30.0
# How soon one process sees what another has decided.
LOOK_EVERY = 0.3


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
    below = settings.office.units
    if demo and not below:
        from bot.demo.city import BELOW as below
    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    return House(
        settings=settings,
        data=settings.data,
        store=store,
        bus=make_bus(settings),
        dispatch=Dispatch(store, settings, rulebook, calendar, wording),
        links=links.Links(links.secret_of(settings, settings.data), base, settings.token_days, below, settings.link_days),
        rulebook=rulebook,
        calendar=calendar,
        wording=wording,
        demo=demo,
        now=now,
    )


def make_channels(settings: Settings, now: Callable[[], datetime]) -> dict[str, Channel]:
    """The channels that the settings switch on, not open yet."""
    return {kind: channels.load(kind, settings, settings.data, now) for kind in roles.enabled(settings)}


@contextlib.contextmanager
def sole_owner(data: Path) -> Any:
    """Hold the data directory; a second process is refused with a sentence."""
    with _locked(data, fcntl.LOCK_EX):
        yield


@contextlib.contextmanager
def one_of_many(data: Path) -> Any:
    """Hold the data directory together with the other processes of a bot that runs in roles."""
    with _locked(data, fcntl.LOCK_SH):
        yield


@contextlib.contextmanager
def _locked(data: Path, how: int) -> Any:
    data.mkdir(parents=True, exist_ok=True)
    handle: IO[str] = (data / "lock").open("a+")
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise AlreadyRunning(f"数据目录 {data} 正由另一个轻群使用。请先停掉它，或用 --data 换一个目录。") from None
    try:
        yield
    finally:
        handle.close()


@asynccontextmanager
async def open_house(house: House) -> AsyncIterator[House]:
    """Everything of its role but the web server; closed in the reverse order."""
    parts, store, alone = roles.ROLES[house.role], house.store, not roles.shared(house.settings)
    # Who is alone hears of every decision; among others one has to look.
    pause = LONGEST_SLEEP if alone else LOOK_EVERY
    configured = roles.enabled(house.settings)
    delivery = Delivery(
        store, house.channels, lambda what: render_file(house, what), house.now,
        limit=partial(limit_of, house.settings), holder=house.name, longest_sleep=pause,
        elsewhere=lambda name: name in configured and name not in house.channels,
    )  # fmt: skip
    timer = Timer(store, house.settings, house.bus.publish, house.now, longest_sleep=pause)
    _nudge(house, delivery, timer)
    async with contextlib.AsyncExitStack() as stack:
        if isinstance(house.bus, JetStreamBus):
            await house.bus.connect()
        else:
            await house.bus.open(house.dispatch)
        stack.push_async_callback(house.bus.close)
        duties: list[Duty] = [] if alone else [Presence(house)]
        if roles.CHANNELS in parts:
            duties.append(Channels(house, configured, partial(_take_channel, house), partial(_leave_channel, house)))
        if roles.WORKER in parts and isinstance(house.bus, JetStreamBus):
            duties.append(Partitions(house, house.bus))
        if roles.TIMER in parts:
            duties.append(Leadership(house, timer))
        shift = Duties(duties)
        stack.push_async_callback(shift.close)
        await shift.open()
        if roles.CHANNELS in parts:
            await delivery.open()
            stack.push_async_callback(delivery.close)
        heartbeat = asyncio.create_task(_beat(house), name="heartbeat")
        stack.callback(heartbeat.cancel)
        warm = asyncio.create_task(asyncio.to_thread(_warm), name="warm")
        stack.callback(warm.cancel)
        yield house


def _nudge(house: House, delivery: Delivery, timer: Timer) -> None:
    def told(decided: Decided) -> None:
        if decided.wakes:
            timer.nudge()
        if decided.speaks:
            delivery.nudge()

    house.dispatch.on_decided.append(told)


def limit_of(settings: Settings, channel: str) -> Limit:
    """What the channel's settings allow in a minute; a channel without such settings may say what it likes."""
    section = getattr(settings.channels, channel, None)
    return Limit(getattr(section, "sends_per_minute", 0), getattr(section, "room_sends_per_minute", 0))


async def _take_channel(house: House, name: str) -> None:
    """What another process had begun to say here is ours to say; the time in which nobody heard is noted."""
    await house.store.write(partial(outbox.release, channel=name, holder=house.name, now=house.now()))
    await _note_gap(house, name)
    channel = channels.load(name, house.settings, house.data, house.now)
    await channel.open(house.bus.publish, lambda link, person: address(house, link, person))
    house.channels[name] = channel


async def _leave_channel(house: House, name: str) -> None:
    await house.channels.pop(name).close()


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


async def _note_gap(house: House, channel: str) -> None:
    """While no process was there the channel was not heard; silence in that time proves nothing."""

    def last_heard(db: Connection) -> str | None:
        return clockwork.recall(db, f"heartbeat:{channel}") or clockwork.recall(db, "heartbeat")

    last = await house.store.read(last_heard)
    if last is None:
        return
    since, until = datetime.fromisoformat(last), house.now()
    if (until - since).total_seconds() > 10 * HEARTBEAT:
        await house.store.write(partial(clockwork.note_gap, channel=channel, since=since, until=until))


async def _beat(house: House) -> None:
    while True:
        now = house.now().isoformat()
        for name in list(house.channels):
            with contextlib.suppress(Exception):
                await house.store.write(partial(clockwork.remember, name=f"heartbeat:{name}", value=now))
        await asyncio.sleep(HEARTBEAT)


async def serve(
    settings: Settings, *, demo: bool, role: str = "all", ready: Callable[[House], Awaitable[None]] | None = None
) -> int:
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
        house.role, house.name = role, roles.name_of(settings)
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

"""The bus over NATS JetStream: one stream, a partition a group, one durable consumer a partition.

`publish` returns when the broker has it. An event is acknowledged after the commit, so a killed worker's events
come again; their claims make that one effect. Within a partition they come in order, however many workers come and
go: the broker gives the next event of a partition only after the acknowledgement of the one before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import zlib
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace

import nats
from loguru import logger
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from bot import wire
from bot.bus import Backlog, BusError, Consume, partition_of
from config.logging import told
from config.wording import load_wording
from handlers.events import Event, MessageReceived
from handlers.rules.secrecy import is_marked

# So many workers can be busy at once; more of them stand by.
PARTITIONS = 32
DUPLICATE_WINDOW = 120
# A killed worker's event comes again after so many seconds; a living one says in between that it is still at it.
ACK_WAIT = 10
STILL_AT_IT = 3.0
AGAIN_AFTER = 1.0
LEAVE_PATIENCE = 10.0
FIRST_CONNECT = 5.0
FETCH_WAIT = 5.0
# What cannot be read is kept aside for so long, for somebody to look at.
ASIDE_DAYS = 30
FAILURES = (NatsError, OSError)


class JetStreamBus:
    def __init__(self, url: str, stream: str = "qingqun") -> None:
        self._url, self._stream = url, stream
        self._client: Client | None = None
        self._js: JetStreamContext | None = None
        self._consume: Consume | None = None
        self._tasks: dict[int, asyncio.Task[None]] = {}
        # Held while an event is decided: whoever gives the partition away waits for it.
        self._busy: dict[int, asyncio.Lock] = {}

    async def open(self, consume: Consume) -> None:
        """Connect and follow every partition."""
        await self.connect()
        await self.follow(range(PARTITIONS), consume)

    async def connect(self) -> None:
        """Reach the broker and make the streams when they are not there; enough for one who only publishes.

        A stream that is there stays as it is: how many copies it has and how much it may hold is the operator's word.
        """
        try:
            # Reconnecting for ever is for a broker that was there once; the first time it must answer.
            connecting = nats.connect(self._url, max_reconnect_attempts=-1, connect_timeout=2, error_cb=_noted)
            self._client = await asyncio.wait_for(connecting, FIRST_CONNECT)
            self._js = self._client.jetstream()
            for config in (self._events(), self._aside()):
                try:
                    await self._js.stream_info(str(config.name))
                except NotFoundError:
                    await self._js.add_stream(config)
        except FAILURES as error:
            raise BusError(f"连不上 NATS：{error or '没有应答'}。请检查 bus 设置和 NATS 服务（需开启 JetStream）。") from error

    def _events(self) -> StreamConfig:
        return StreamConfig(
            name=self._stream,
            subjects=[f"{self._stream}.events.*"],
            retention=RetentionPolicy.WORK_QUEUE,
            storage=StorageType.FILE,
            duplicate_window=DUPLICATE_WINDOW,
            # A stream that is full refuses the new and keeps the old: the channel tells it again.
            discard=DiscardPolicy.NEW,
        )

    def _aside(self) -> StreamConfig:
        return StreamConfig(
            name=f"{self._stream}-aside",
            subjects=[f"{self._stream}.aside"],
            storage=StorageType.FILE,
            max_age=ASIDE_DAYS * 86_400,
        )

    async def publish(self, event: Event) -> None:
        if self._js is None:
            raise BusError("事件通道还没有打开，请稍后再试。")
        number = zlib.crc32(partition_of(event).encode()) % PARTITIONS
        body = json.dumps(wire.dump(_without_secrets(event)), ensure_ascii=False).encode()
        try:
            await self._js.publish(
                f"{self._stream}.events.{number}", body, headers={"Nats-Msg-Id": event.key.encode().hex()}
            )
        except FAILURES as error:
            raise BusError(f"NATS 没有收下事件：{error}。请稍后再试。") from error

    async def backlog(self) -> Backlog:
        if self._js is None:
            raise BusError("事件通道还没有打开，请稍后再试。")
        try:
            state = (await self._js.stream_info(self._stream)).state
            aside = (await self._js.stream_info(f"{self._stream}-aside")).state.messages
            if not state.messages:
                return Backlog(aside=aside)
            try:
                oldest = (await self._js.get_msg(self._stream, seq=state.first_seq)).time
            except NotFoundError:
                # It was acknowledged meanwhile.
                oldest = None
            return Backlog(state.messages, oldest, aside)
        except FAILURES as error:
            raise BusError(f"NATS 没有应答：{error}。") from error

    async def close(self) -> None:
        await self.follow(())
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def follow(self, numbers: Collection[int], consume: Consume | None = None) -> None:
        """From now on these partitions and no others; returns when nothing of the others is under way here."""
        self._consume = consume or self._consume
        for number in [one for one in self._tasks if one not in numbers]:
            await self._leave(number)
        for number in numbers:
            if number not in self._tasks:
                self._busy[number] = asyncio.Lock()
                self._tasks[number] = asyncio.create_task(self._follow(number), name=f"partition-{number}")

    async def _leave(self, number: int) -> None:
        """An event that is under way may end; one that cannot (the database is away) is left to the next worker."""
        task = self._tasks.pop(number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_PATIENCE), self._busy[number]:
                task.cancel()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _follow(self, number: int) -> None:
        subscription: JetStreamContext.PullSubscription | None = None
        try:
            # Asking once more for a partition that is given away would hold its next event up.
            while self._tasks.get(number) is asyncio.current_task():
                try:
                    subscription = subscription or await self._subscribe(number)
                    messages = await self._fetched(number, subscription)
                except FAILURES as error:
                    logger.warning("NATS 暂时取不到事件：{}", error)
                    await _quietly_leave(subscription)
                    subscription = None
                    await asyncio.sleep(AGAIN_AFTER)
                    continue
                for message in messages:
                    await self._take(number, message)
        finally:
            await _quietly_leave(subscription)

    async def _fetched(self, number: int, subscription: JetStreamContext.PullSubscription) -> list[Msg]:
        """The next event, or none; NatsError when there is nobody to ask any more."""
        assert self._js is not None
        try:
            return list(await subscription.fetch(1, timeout=FETCH_WAIT))
        except TimeoutError:
            # Nothing to do; the client says so by its own TimeoutError or by the bare one. It says the same when the
            # consumer is gone.
            with contextlib.suppress(TimeoutError):
                there = (await self._js.consumer_info(self._stream, f"worker-{number}")).config
                if there.max_ack_pending != 1:
                    raise NatsError(f"worker-{number} 被换成了别的设置") from None
            return []

    async def _subscribe(self, number: int) -> JetStreamContext.PullSubscription:
        """One event at a time: the next one is given after the acknowledgement, to whomever."""
        assert self._js is not None
        name, subject = f"worker-{number}", f"{self._stream}.events.{number}"
        config = ConsumerConfig(
            name=name, durable_name=name, filter_subject=subject, ack_wait=ACK_WAIT, max_ack_pending=1
        )
        # Made, or brought to this: an older version let many be under way.
        await self._js.add_consumer(self._stream, config)
        return await self._js.pull_subscribe_bind(consumer=name, stream=self._stream)

    async def _take(self, number: int, message: Msg) -> None:
        try:
            async with self._busy[number]:
                await self._decide(message)
        except asyncio.CancelledError:
            # Given away before it was begun: whoever follows has it at once.
            with contextlib.suppress(*FAILURES):
                await message.nak()
            raise

    async def _decide(self, message: Msg) -> None:
        """Until it is committed, nothing behind it in this partition may pass."""
        assert self._consume is not None
        try:
            event = wire.load(json.loads(message.data))
        except Exception as error:
            logger.error("有一个事件读不懂，已另存到 {}-aside：{}", self._stream, type(error).__name__)
            await self._until_done(message, self._put_aside)
            return
        consume = self._consume

        async def decide(_: Msg) -> None:
            await consume(event)

        await self._until_done(message, decide)

    async def _put_aside(self, message: Msg) -> None:
        assert self._js is not None
        await self._js.publish(f"{self._stream}.aside", message.data)

    async def _until_done(self, message: Msg, do: Callable[[Msg], Awaitable[None]]) -> None:
        alive = asyncio.create_task(_say_alive(message), name="in-progress")
        try:
            while True:
                try:
                    await do(message)
                    await message.ack()
                    return
                except Exception as error:  # the event stays with the broker whatever went wrong here
                    logger.warning("事件暂未处理，稍后重试：{}", told(error))
                    await asyncio.sleep(AGAIN_AFTER)
        finally:
            alive.cancel()


def _without_secrets(event: Event) -> Event:
    """The broker writes to its disk: of classified text only the mark goes there, so that its sender is warned."""
    if isinstance(event, MessageReceived) and is_marked(event.text):
        return replace(event, text=load_wording()("playground.classified"))
    return event


async def _say_alive(message: Msg) -> None:
    while True:
        await asyncio.sleep(STILL_AT_IT)
        with contextlib.suppress(*FAILURES):
            await message.in_progress()


async def _quietly_leave(subscription: JetStreamContext.PullSubscription | None) -> None:
    if subscription is not None:
        with contextlib.suppress(*FAILURES):
            await subscription.unsubscribe()


async def _noted(error: Exception) -> None:
    logger.warning("NATS 连接：{}", error or type(error).__name__)

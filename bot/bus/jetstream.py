"""The bus over NATS JetStream: one stream, a partition a group, one durable consumer a partition.

`publish` returns when the broker has it. An event is acknowledged after the commit, so a killed worker's events
come again; their claims make that one effect. Within a partition they come in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import zlib

import nats
from loguru import logger
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, RetentionPolicy, StorageType, StreamConfig

from bot import wire
from bot.bus import BusError, Consume, partition_of
from handlers.events import Event

PARTITIONS = 8
BATCH = 64
DUPLICATE_WINDOW = 120
ACK_WAIT = 30
AGAIN_AFTER = 1.0
FIRST_CONNECT = 5.0
FETCH_WAIT = 5.0


class JetStreamBus:
    def __init__(self, url: str, stream: str = "qingqun") -> None:
        self._url, self._stream = url, stream
        self._client: Client | None = None
        self._js: JetStreamContext | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, consume: Consume) -> None:
        """Connect and follow every partition."""
        await self.connect()
        for number in range(PARTITIONS):
            self._tasks.append(asyncio.create_task(self._follow(number, consume), name=f"partition-{number}"))

    async def connect(self) -> None:
        """Reach the broker and make the stream when it is not there; enough for one who only publishes."""
        try:
            # Reconnecting for ever is for a broker that was there once; the first time it must answer.
            connecting = nats.connect(self._url, max_reconnect_attempts=-1, connect_timeout=2)
            self._client = await asyncio.wait_for(connecting, FIRST_CONNECT)
            self._js = self._client.jetstream()
            await self._js.add_stream(
                StreamConfig(
                    name=self._stream,
                    subjects=[f"{self._stream}.events.*"],
                    retention=RetentionPolicy.WORK_QUEUE,
                    storage=StorageType.FILE,
                    duplicate_window=DUPLICATE_WINDOW,
                )
            )
        except (NatsError, OSError, TimeoutError) as error:
            raise BusError(f"连不上 NATS：{error or '没有应答'}。请检查 bus 设置和 NATS 服务（需开启 JetStream）。") from error

    async def publish(self, event: Event) -> None:
        if self._js is None:
            raise BusError("事件通道还没有打开，请稍后再试。")
        number = zlib.crc32(partition_of(event).encode()) % PARTITIONS
        body = json.dumps(wire.dump(event), ensure_ascii=False).encode()
        try:
            await self._js.publish(
                f"{self._stream}.events.{number}", body, headers={"Nats-Msg-Id": event.key.encode().hex()}
            )
        except (NatsError, OSError) as error:
            raise BusError(f"NATS 没有收下事件：{error}。请稍后再试。") from error

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _follow(self, number: int, consume: Consume) -> None:
        assert self._js is not None
        subscription = await self._js.pull_subscribe(
            f"{self._stream}.events.{number}",
            durable=f"worker-{number}",
            stream=self._stream,
            config=ConsumerConfig(ack_wait=ACK_WAIT, max_ack_pending=BATCH),
        )
        while True:
            try:
                messages = await subscription.fetch(BATCH, timeout=FETCH_WAIT)
            except TimeoutError:
                # Nothing to do; the client says so by its own TimeoutError or by the bare one.
                continue
            except (NatsError, OSError) as error:
                logger.warning("NATS 暂时取不到事件：{}", error)
                await asyncio.sleep(AGAIN_AFTER)
                continue
            for message in messages:
                await self._consume(message, consume)

    async def _consume(self, message: Msg, consume: Consume) -> None:
        """Until it is committed, nothing behind it in this partition may pass."""
        event = wire.load(json.loads(message.data))
        while True:
            try:
                await consume(event)
                await message.ack()
                return
            except Exception as error:  # the event stays with the broker whatever went wrong here
                logger.warning("事件暂未处理，稍后重试：{}", error)
                await message.in_progress()
                await asyncio.sleep(AGAIN_AFTER)

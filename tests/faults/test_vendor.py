"""The outbox against a platform on its bad days: it is silent, busy (429), broken (5xx), or hangs up, before it has taken a
message or after; the speaking process is killed and the database fails in between. Nothing is lost, a message is there
twice only where the platform cannot tell and the outbox marks it, and no minute has more than the limit.

The vendor is a small HTTP server of our own. It stands in for an official platform's send call: an idempotency key that it
heeds or does not (企业微信's `enable_duplicate_check`; a group robot and WeChat have none), 429 with Retry-After, 500, a
closed connection, and silence. `Voice` stands in for such a platform's channel file.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.channels import ChannelError
from bot.delivery import Delivery
from handlers.cards import Card
from storage import outbox
from storage.database import Result, Store, StoreError, Work
from storage.outbox import Limit
from storage.postgresql import PostgresStore
from storage.sqlite import SqliteStore
from tests.bot.test_delivery import Clock, Loud
from tests.storage.places import clear

FULL = os.environ.get("QINGQUN_FAULTS") == "full"
SEEDS = range(8 if FULL else 1)
MESSAGES, PEOPLE = (100, 8) if FULL else (25, 4)
LIMIT = Limit(channel=20, target=6)
MINUTE = timedelta(minutes=1)
# What the vendor does with a request, and whether it has taken the message.
DAYS = {
    "ok": True, "silent": False, "silent after": True, "busy": False, "broken": False, "broken after": True,
    "hangs up": False, "hangs up after": True,
}  # fmt: skip
ODDS = (8, 1, 1, 2, 1, 1, 1, 1)
SILENCE = 0.05


@dataclass
class Vendor:
    """What it took: (moment, whom, key), one entry for each message that stands in the conversation."""

    who: random.Random
    clock: Clock
    tells_apart: bool
    taken: list[tuple[datetime, str, str]] = field(default_factory=list)
    requests: list[tuple[datetime, str]] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    _known: set[str] = field(default_factory=set)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = json.loads(await reader.readexactly(int(head.lower().split(b"content-length:")[1].split()[0])))
        (day,) = self.who.choices(list(DAYS), ODDS)
        self.faults[day] += 1
        if DAYS[day]:
            self._take(body["to"], body["key"])
        if day.startswith("silent"):
            await asyncio.sleep(4 * SILENCE)
        elif not day.startswith("hangs up"):
            status = {"busy": b"429 Too Many Requests", "ok": b"200 OK"}.get(day, b"500 Internal Server Error")
            retry = b"Retry-After: %d\r\n" % self.who.randint(1, 90)
            writer.write(b"HTTP/1.1 " + status + b"\r\n" + retry + b"Content-Length: 0\r\n\r\n")
        writer.close()

    def _take(self, whom: str, key: str) -> None:
        self.requests.append((self.clock.at, whom))
        if not (self.tells_apart and key in self._known):
            self._known.add(key)
            self.taken.append((self.clock.at, whom, key))

    def most_in_a_minute(self) -> tuple[int, int]:
        """Of all it was asked to take; in all, and by one conversation."""
        windows = [[whom for at, whom in self.requests if start <= at < start + MINUTE] for start, _ in self.requests]
        return max(map(len, windows)), max(max(Counter(window).values()) for window in windows)


class Voice(Loud):
    """The platform's channel file: one call over HTTP, its failures in the house's words."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    async def whisper(self, person: str, card: Card, key: str) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            body = json.dumps({"to": person, "key": key, "text": card.title}).encode()
            writer.write(b"POST /send HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise ChannelError("平台挂断了") from error
        finally:
            writer.close()
        status = int(head.split()[1])
        if status == 429:
            raise ChannelError("平台忙", retry_after=float(head.lower().split("retry-after:")[1].split()[0]))
        if status != 200:
            raise ChannelError(f"平台出错：{status}")
        return key


class Shaky:
    """A database that now and then fails: before the commit, or after it, so that nobody knows."""

    def __init__(self, store: Store, who: random.Random) -> None:
        self._store, self._who = store, who

    async def write(self, work: Work[Result], key: str = "") -> Result:
        fate = self._who.random()
        if fate < 0.03:
            raise StoreError("PostgreSQL 没有接受：connection lost。")
        result = await self._store.write(work, key)
        if fate > 0.97:
            raise StoreError("PostgreSQL 没有接受：connection lost after commit。")
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store = SqliteStore(tmp_path / "t.db")
    if request.param == "postgresql":
        made = PostgresStore(os.environ["QINGQUN_TEST_POSTGRESQL"])
        await made.write(clear)
    await made.open()
    yield made
    await made.close()


@asynccontextmanager
async def serving(vendor: Vendor) -> AsyncIterator[int]:
    server = await asyncio.start_server(vendor, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def put_all(store: Store, who: random.Random, at: datetime) -> None:
    for number in range(MESSAGES):
        target, key = f"c:p{who.randrange(PEOPLE)}", f"k{number}"
        values = {"payload": json.dumps({"title": key}), "at": at, "not_before": at, "target": target}
        await store.write(partial(outbox.put, key=key, kind="whisper", channel="c", **values))  # type: ignore[arg-type]


async def speak_for_a_while(delivery: Delivery, who: random.Random, clock: Clock) -> bool:
    """False when the process was killed in the middle of it."""
    speaking = asyncio.create_task(delivery.deliver_due())
    killed = who.random() < 0.1
    if killed:
        await asyncio.sleep(who.random() * 0.05)
        speaking.cancel()
    await asyncio.gather(speaking, return_exceptions=True)
    if speaking.done() and not speaking.cancelled() and speaking.exception() is not None:
        assert isinstance(speaking.exception(), StoreError)
    return not killed


@pytest.mark.parametrize("tells_apart", [True, False], ids=["tells doubles apart", "cannot tell"])
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_vendors_bad_days_lose_nothing_and_double_only_what_is_marked(
    store: Store, seed: int, tells_apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery.PATIENCE", SILENCE)
    who, clock = random.Random(seed), Clock()
    vendor = Vendor(random.Random(seed + 1000), clock, tells_apart)
    begun, lives, kills = clock.at, 0, 0
    await put_all(store, who, begun)

    async def render(what: str) -> bytes:
        return b""

    async with serving(vendor) as port:

        def process() -> Delivery:
            nonlocal lives
            lives += 1
            shaky: Any = Shaky(store, who)
            return Delivery(shaky, {"c": Voice(port)}, render, clock, limit=lambda _: LIMIT, holder=f"process {lives}")

        speaking = process()
        while (await store.read(outbox.depths)).get("waiting"):
            assert clock.at - begun < timedelta(hours=10), await store.read(outbox.depths)
            if not await speak_for_a_while(speaking, who, clock):
                kills += 1
                speaking = process()
                await store.write(
                    partial(outbox.release, channel="c", holder=f"process {lives}", now=clock.at)
                )
            following = await store.read(outbox.next_due) or clock.at
            clock.at = max(clock.at + timedelta(seconds=who.uniform(1, 10)), min(following, clock.at + MINUTE))
    rows = {row.key: row for row in await store.read(lambda db: db.execute(outbox.OUTBOX.select()).all())}
    times = Counter(key for _, _, key in vendor.taken)
    # Nothing is lost: it is there, or it is set aside with its reason.
    assert all(times[key] or (row.state == "failed" and row.error) for key, row in rows.items())
    assert {row.state for row in rows.values()} <= {"sent", "failed"}
    assert len(rows) == MESSAGES
    twice = {key for key, number in times.items() if number > 1}
    marked = {key for key, row in rows.items() if row.attempts > 0 and row.error}
    assert twice <= (set() if tells_apart else marked)
    in_all, by_one = vendor.most_in_a_minute()
    assert in_all <= LIMIT.channel
    assert by_one <= LIMIT.target
    if FULL:
        told = ", ".join(f"{day} {number}" for day, number in sorted(vendor.faults.items()))
        print(f"\nseed {seed}: {MESSAGES} messages, {kills} kills, {told}; {len(twice)} twice, {len(marked)} marked, "
              f"{sum(row.state == 'failed' for row in rows.values())} set aside, at most {in_all}/{by_one} a minute")  # fmt: skip

"""WeChat: gateway → stored decision, beside plain `Wechaty.on_message` and the bare event stream, in one run.

    .venv/bin/python bench/wechaty.py [--messages 5000] [--rooms 20] [--repeat 3] [--memory 50000]

Every row has a fresh Node gateway (tests/gateway) and a fresh Python process on the same machine. Latency is from the
moment the gateway emits the message to the moment the row's work on it is done (ours: after the commit).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
# This folder must not be on the path: this file has the name of the SDK.
sys.path[0] = str(ROOT)

from tests.channels.gateway import TOKEN, Gateway, address, install, settings_for, until  # noqa: E402

WARM = 300
SENDS = 500
ROWS = (
    ("stream", "bare event stream (the limit: no payloads)"),
    ("plain", "plain Wechaty.on_message, doing nothing"),
    ("heard", "ours, heard and translated only"),
    ("ours-1", "ours, decided and stored, 1 room"),
    ("ours-n", "ours, decided and stored, {rooms} rooms"),
)


class Meter:
    """Counts what arrives and how old it is."""

    def __init__(self) -> None:
        self.ages: list[float] = []
        self.last = 0.0
        self.texts: dict[str, list[int]] = {}

    def note(self, sent_ms: float, room: str = "", text: str = "") -> None:
        self.last = time.time()
        self.ages.append(self.last - sent_ms / 1000)
        if text.startswith("第 "):
            self.texts.setdefault(room, []).append(int(text.split()[1]))

    def reset(self) -> None:
        self.ages.clear()
        self.texts.clear()


async def burst(gateway: Gateway, meter: Meter, messages: int, rooms: list[str]) -> dict[str, float]:
    """Warm up, then everything at once."""
    await gateway.tell("burst", n=WARM, rooms=rooms, tag="热身")
    await until(lambda: len(meter.ages) >= WARM, 60)
    meter.reset()
    spent = time.process_time()
    started = await gateway.tell("burst", n=messages, rooms=rooms)
    await until(lambda: len(meter.ages) >= messages, 300)
    spent = time.process_time() - spent
    seconds = meter.last - started["start"] / 1000
    ages = sorted(meter.ages)
    ordered = all(numbers == sorted(numbers) for numbers in meter.texts.values())
    p50, p99 = ages[len(ages) // 2], ages[int(len(ages) * 0.99)]
    return {"rate": messages / seconds, "cpu": spent / messages * 1e6, "p50": p50, "p99": p99, "ordered": ordered}


async def stream(gateway: Gateway, messages: int, rooms: list[str]) -> dict[str, float]:
    from bot.channels.wechaty import sdk

    meter = Meter()
    connection = sdk.Gateway("127.0.0.1", gateway.port, TOKEN, None, 15.0)
    await connection.begin()

    async def listen() -> None:
        async for kind, _ in connection.events():
            if kind == 2:
                meter.note(time.time() * 1000)

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0.5)
    found = await burst(gateway, meter, messages, rooms)
    listening.cancel()
    connection.shut()
    return found


async def plain(gateway: Gateway, messages: int, rooms: list[str]) -> dict[str, float]:
    from bot.channels.wechaty.compat import shims

    with shims():
        from wechaty import Message, Wechaty, WechatyOptions
    from tests.channels.gateway import free_port

    meter = Meter()

    class Bot(Wechaty):  # type: ignore[misc]
        async def on_message(self, msg: Message) -> None:
            meter.note(msg.payload.timestamp, msg.payload.room_id, msg.payload.text)

    bot = Bot(WechatyOptions(token=TOKEN, endpoint=f"127.0.0.1:{gateway.port}", port=free_port()))
    running = asyncio.create_task(bot.start())
    await asyncio.sleep(5)
    found = await burst(gateway, meter, messages, rooms)
    room = await bot.Room.find(rooms[0]) or bot.Room.load(rooms[0])
    await room.ready()
    found["sends"] = await per_second(lambda number: room.say(f"第{number}条"))
    running.cancel()
    return found


async def ours(gateway: Gateway, messages: int, rooms: list[str], *, store: bool) -> dict[str, float]:
    from bot.app import make_house, make_store
    from bot.channels.wechaty import WechatyChannel
    from handlers.cards import Card
    from handlers.events import MessageReceived

    meter = Meter()
    data = Path(tempfile.mkdtemp())
    settings = settings_for(gateway, data, **{"channels.wechaty.sends_per_minute": 1_000_000,
                                              "channels.wechaty.room_sends_per_minute": 1_000_000})  # fmt: skip
    kept = make_store(settings)
    await kept.open()
    house = make_house(settings, kept)
    await house.bus.open(house.dispatch)

    async def hear(event: Any) -> None:
        if store:
            await house.bus.publish(event)
        if isinstance(event, MessageReceived) and event.group:
            meter.note(event.at.timestamp() * 1000, event.group.id, event.text)

    channel = WechatyChannel(settings, data, lambda: datetime.now(UTC))
    await channel.open(hear, address)
    await until(lambda: channel.health().state == "ok", 30)
    await asyncio.sleep(1)
    found = await burst(gateway, meter, messages, rooms)
    gateway_of: Any = channel._gateway
    found["sends"] = await per_second(lambda number: gateway_of().say(rooms[0], f"第{number}条"))
    key = f"wechaty:{rooms[0]}"
    found["posts"] = await per_second(lambda number: channel.post(key, Card(title=f"第{number}条"), f"k{number}"), 50)
    await channel.close()
    await kept.close()
    return found


async def per_second(send: Callable[[int], Awaitable[object]], number: int = SENDS) -> float:
    started = time.monotonic()
    for one in range(number):
        await send(one)
    return number / (time.monotonic() - started)


async def memory(gateway: Gateway, messages: int, rooms: list[str]) -> dict[str, float]:
    """Resident size of our process while `messages` go through it, in MB at every tenth."""
    from bot.channels.wechaty import WechatyChannel
    from handlers.events import MessageReceived

    heard = 0

    async def hear(event: Any) -> None:
        nonlocal heard
        heard += isinstance(event, MessageReceived)

    data = Path(tempfile.mkdtemp())
    channel = WechatyChannel(settings_for(gateway, data), data, lambda: datetime.now(UTC))
    await channel.open(hear, address)
    await until(lambda: channel.health().state == "ok", 30)
    sizes = []
    for part in range(1, 11):
        await gateway.tell("burst", n=messages // 10, rooms=rooms, tag=f"第{part}轮", batch=50)
        await until(lambda part=part: heard >= part * (messages // 10), 300)
        await gateway.tell("trim")
        gc.collect()
        sizes.append(resident())
    await channel.close()
    return {f"{10 * (number + 1)}%": size for number, size in enumerate(sizes)}


def resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def child(row: str, messages: int, rooms: int) -> None:
    gateway = Gateway()
    await gateway.start()
    names = [f"bench{number}@chatroom" for number in range(1 if row == "ours-1" else rooms)]
    try:
        for name in names:
            await gateway.tell("room", id=name, topic=name, owner="alice", members=["bot", "alice", "bob"])
        work = {
            "stream": lambda: stream(gateway, messages, names),
            "plain": lambda: plain(gateway, messages, names),
            "heard": lambda: ours(gateway, messages, names, store=False),
            "ours-1": lambda: ours(gateway, messages, names, store=True),
            "ours-n": lambda: ours(gateway, messages, names, store=True),
            "memory": lambda: memory(gateway, messages, names),
        }[row]
        print(json.dumps(await work()), flush=True)
    finally:
        gateway.kill()
    # Upstream leaves threads and tasks behind.
    os._exit(0)


def measure(row: str, messages: int, rooms: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--row", row, "--messages", str(messages), "--rooms", str(rooms)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        sys.exit(f"{row}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(lines[-1])
    return found


def report(messages: int, rooms: int, repeat: int) -> None:
    rounds = [{row: measure(row, messages, rooms) for row, _ in ROWS} for _ in range(repeat)]
    middle = {
        row: {name: statistics.median(one[row][name] for one in rounds) for name in rounds[0][row]} for row, _ in ROWS
    }
    base = middle["plain"]
    print(f"burst of {messages} messages, {rooms} rooms, median of {repeat}")
    print(f"{'':44}{'msg/s':>8}{'× plain':>9}{'cpu µs':>8}{'p50 s':>8}{'p99 s':>8}{'× plain':>9}{'sends/s':>9}  order")
    for row, label in ROWS:
        one = middle[row]
        sends = f"{one['sends']:9.0f}" if "sends" in one else " " * 9
        order = "" if row == "stream" else "kept" if one["ordered"] else "broken"
        late = f"{one['p50']:8.2f}{one['p99']:8.2f}{one['p99'] / base['p99']:9.2f}" if row != "stream" else " " * 25
        rate = f"{one['rate']:8.0f}{one['rate'] / base['rate']:9.2f}{one['cpu']:8.0f}"
        print(f"{label.format(rooms=rooms):44}{rate}{late}{sends}  {order}")


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--messages", type=int, default=5000)
    options.add_argument("--rooms", type=int, default=20)
    options.add_argument("--repeat", type=int, default=1)
    options.add_argument("--memory", type=int, default=0, help="instead: our memory while so many messages go through")
    options.add_argument("--row", default="")
    given = options.parse_args()
    if given.row:
        asyncio.run(child(given.row, given.messages, given.rooms))
        return
    install()
    if given.memory:
        sizes = measure("memory", given.memory, given.rooms)
        print("MB resident:", "  ".join(f"{part} {size:.1f}" for part, size in sizes.items()))
        return
    report(given.messages, given.rooms, given.repeat)


if __name__ == "__main__":
    main()

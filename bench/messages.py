"""Messages a second, each decided and stored: embedded and through JetStream, beside raw inserts and other people's bots.

    python bench/messages.py [--messages 1000] [--parts 5] [--backlog 2000] [--rounds 3] [--peers .bench/bin/python]
                             [--json FILE] [--markdown [PAGE]]

The messages are drawn from the corpus as bench/judge.py draws them: 5 % with trigger words, half of those demands; in 20
groups, from 400 people. Embedded: SQLite and the bus in the process. Every side waits in a process of its own and all are
measured in turn, a part of the messages each; the figures are medians. Through JetStream: a NATS server of our own and
PostgreSQL; the workers stand still until the whole backlog is with the broker, and what is measured is the middle of it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import report, running
from bench.report import Found

ROOMS, PEOPLE, SHARE = 20, 400, 0.05
FLIGHT = 64
WARM = 100
PEERS = ("nonebot2", "python-telegram-bot", "opsdroid")
LIMIT, GROUPED = "裸插入：每次一行、一次提交", f"裸插入：经轻群的组提交，{FLIGHT} 条在途"
ONE, MANY = "轻群：一条接一条", f"轻群：{FLIGHT} 条在途"
NAMES = {"limit": LIMIT, "grouped": GROUPED, "one": ONE, "many": MANY}
Feed = Callable[[Any], Awaitable[object]]


def drawn(number: int) -> list[dict[str, Any]]:
    from bench.judge import corpus

    return [
        {"room": f"g{n % ROOMS}", "person": f"p{n % PEOPLE}", "text": text}
        for n, (text, _) in enumerate(corpus(number, SHARE))
    ]


def heard(messages: Sequence[dict[str, Any]], first: int = 0) -> list[Any]:
    from handlers.events import GroupFacts, MessageReceived, Person

    now = datetime.now(UTC)
    return [
        MessageReceived(
            id=f"bench:m{number}", at=now, channel="bench", text=one["text"],
            group=GroupFacts(id=f"bench:{one['room']}", name=f"{one['room']}工作群"),
            sender=Person(id=f"bench:{one['person']}", name=f"干部{one['person'][1:]}"),
        )
        for number, one in enumerate(messages, first)
    ]  # fmt: skip


# ---- one side, in a process of its own: a number on standard input, seconds on standard output


async def side(name: str, messages: Path, folder: Path) -> None:
    said = [json.loads(line) for line in messages.read_text("utf-8").splitlines()]
    async with contextlib.AsyncExitStack() as stack:
        feed, events = await SIDES[name](stack, folder, said)
        at = 0
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            some = events[at : at + int(line)]
            at += len(some)
            began, worked = time.perf_counter(), time.process_time()
            await pour(feed, some, FLIGHT if name in ("grouped", "many") else 1)
            print(json.dumps([time.perf_counter() - began, time.process_time() - worked]), flush=True)


async def pour(feed: Feed, events: Sequence[Any], flight: int) -> None:
    waiting = iter(events)

    async def one_after_the_other() -> None:
        for event in waiting:
            await feed(event)

    await asyncio.gather(*(one_after_the_other() for _ in range(flight)))


async def raw(stack: contextlib.AsyncExitStack, folder: Path, said: Sequence[Any]) -> tuple[Feed, Sequence[Any]]:
    from bench.peers import durable

    insert = durable(folder / "raw.db")

    async def feed(one: dict[str, Any]) -> object:
        return insert(one["room"], one["person"], one["text"])

    return feed, said


async def grouped(stack: contextlib.AsyncExitStack, folder: Path, said: Sequence[Any]) -> tuple[Feed, Sequence[Any]]:
    from storage.sqlite import SqliteStore

    store = SqliteStore(folder / "grouped.db")
    await store.open()
    stack.push_async_callback(store.close)
    await store.write(lambda db: db.exec_driver_sql("CREATE TABLE events (id INTEGER PRIMARY KEY, room TEXT, person TEXT, text TEXT)"))
    insert = "INSERT INTO events (room, person, text) VALUES (?, ?, ?)"
    return lambda one: store.write(lambda db: db.exec_driver_sql(insert, tuple(one.values())).rowcount), said


async def ours(stack: contextlib.AsyncExitStack, folder: Path, said: Sequence[Any]) -> tuple[Feed, Sequence[Any]]:
    from bot.app import make_house, make_store
    from config.settings import load_settings
    from handlers.rules import tokens

    settings = load_settings(flags={"data": folder / "data"}, environ={})
    store = make_store(settings)
    await store.open()
    stack.push_async_callback(store.close)
    house = make_house(settings, store)
    await house.bus.open(house.dispatch)
    tokens.warm()
    return house.bus.publish, heard(said)


SIDES: dict[str, Any] = {"limit": raw, "grouped": grouped, "one": ours, "many": ours}


class Side:
    """A process that decides as many messages as it is told to, when it is told to."""

    def __init__(self, command: list[str]) -> None:
        environ = {**os.environ, "PYTHONPATH": str(running.ROOT) if command[0] == sys.executable else ""}
        self.popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ, text=True)
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            if line == "ready\n":
                return
        raise SystemExit(f"没有启动：{command}")

    def part(self, number: int) -> Found:
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        self.popen.stdin.write(f"{number}\n")
        self.popen.stdin.flush()
        line = self.popen.stdout.readline()
        if not line:
            raise SystemExit(f"中途停了：{self.popen.args!r}")
        seconds, cpu = json.loads(line)
        return {"rate": number / seconds, "cpu": cpu / number * 1e6}

    def stop(self) -> None:
        self.popen.communicate(timeout=30)


def embedded(messages: int, parts: int, peers: Path) -> Found:
    with tempfile.TemporaryDirectory(prefix="messages-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        file = folder / "messages.jsonl"
        size = messages // parts
        lines = (json.dumps(one, ensure_ascii=False) for one in drawn(WARM + size * parts))
        file.write_text("\n".join(lines), encoding="utf-8")
        sides: dict[str, Side] = {}

        def begin(label: str, *command: str) -> None:
            sides[label] = Side(list(command))
            stack.callback(sides[label].stop)

        for key, label in NAMES.items():
            (folder / key).mkdir()
            begin(label, sys.executable, __file__, "--side", key, "--at", str(file), "--folder", str(folder / key))
        if peers.exists():
            for peer in PEERS:
                script = str(Path(__file__).with_name("peers.py"))
                begin(peer, str(peers), "-W", "ignore", script, peer, str(file), str(folder / f"{peer}.db"))
        else:
            print(f"没有 {peers}，略去与其他机器人框架的比较（make bench 会装好）。", file=sys.stderr)
        for one in sides.values():
            one.part(WARM)
        found: dict[str, list[Found]] = {label: [] for label in sides}
        for _ in range(parts):
            for label, one in sides.items():
                found[label].append(one.part(size))
        return {"middle": {label: report.middle(every) for label, every in found.items()}, "parts": found}


# ---- through JetStream


async def raw_postgresql(url: str, said: Sequence[dict[str, Any]]) -> float:
    """One row, one commit a message; as many connections as a worker has."""
    import asyncpg

    async with asyncpg.create_pool(url.replace("+asyncpg", ""), min_size=8, max_size=8) as pool:
        await pool.execute("CREATE TABLE IF NOT EXISTS bare (id BIGSERIAL PRIMARY KEY, room TEXT, person TEXT, text TEXT)")
        began = time.perf_counter()
        insert = "INSERT INTO bare (room, person, text) VALUES ($1, $2, $3)"
        await pour(lambda one: pool.execute(insert, *one.values()), said, FLIGHT)
        return len(said) / (time.perf_counter() - began)


@contextlib.contextmanager
def workers(folder: Path, number: int, environ: dict[str, str]) -> Iterator[list[running.Process]]:
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(running.bot(folder, "worker", **environ)) for _ in range(number)]
        # By then the partitions are shared out.
        time.sleep(3 if number == 1 else 6)
        yield found


async def drained(bus: Any, events: Sequence[Any], begun: Sequence[running.Process]) -> Found:
    """The workers stand still while everything is published; the rate is that of the middle of the backlog."""
    for one in begun:
        one.popen.send_signal(signal.SIGSTOP)
    await pour(bus.publish, events, FLIGHT)
    spent, busy = [one.cpu() for one in begun], busy_seconds()
    started = time.perf_counter()
    for one in begun:
        one.popen.send_signal(signal.SIGCONT)
    first = last = (started, len(events))
    until = started + 300
    while last[1] > 0:
        last = (time.perf_counter(), (await bus.backlog()).depth)
        if first[1] > len(events) * 0.9:
            first = last
        if last[1] <= len(events) * 0.1:
            break
        if last[0] > until:
            raise SystemExit(f"积压没有处理完：还有 {last[1]} 个事件")
        await asyncio.sleep(0.02)
    done = len(events) - last[1]
    cpu = [one.cpu() - before for one, before in zip(begun, spent, strict=True)]
    elapsed = last[0] - started
    # So that the next round begins with nothing.
    while (await bus.backlog()).depth:
        await asyncio.sleep(0.05)
    return {
        "rate": (first[1] - last[1]) / max(last[0] - first[0], 1e-9),
        "cpu": sum(cpu) / done * 1e6,
        # The two clocks do not tick together.
        "machine": min(1.0, (busy_seconds() - busy) / elapsed / (os.cpu_count() or 1)),
    }


def busy_seconds() -> float:
    """Of all processors of this machine, whoever used them."""
    fields = list(map(int, Path("/proc/stat").read_text("ascii").splitlines()[0].split()[1:9]))
    return (sum(fields) - fields[3] - fields[4]) / running.TICK


async def decided(url: str) -> int:
    import asyncpg

    db = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return int(await db.fetchval("SELECT count(*) FROM claims WHERE key LIKE 'MessageReceived:%'"))
    finally:
        await db.close()


def through_jetstream(backlog: int, rounds: int, database: str) -> Found:
    from bot.bus.jetstream import JetStreamBus

    with tempfile.TemporaryDirectory(prefix="jetstream-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        url, nats = stack.enter_context(running.database(database)), stack.enter_context(running.broker(folder))
        if not url or not nats:
            return {}
        environ = {"QINGQUN_DATABASE": url, "QINGQUN_BUS": nats, "QINGQUN_SECRET": "bench-bench-bench-bench"}
        said = drawn(backlog)
        parts: dict[str, list[Found]] = {"limit": [], "1": [], "2": []}
        published = 0

        async def one_round(begun: Sequence[running.Process]) -> Found:
            nonlocal published
            bus = JetStreamBus(nats)
            await bus.connect()
            events = heard(said, published)
            published += len(events)
            found = await drained(bus, events, begun)
            await bus.close()
            return found

        for _ in range(rounds):
            parts["limit"].append({"rate": asyncio.run(raw_postgresql(url, said))})
            for number in (1, 2):
                with workers(folder, number, environ) as begun:
                    parts[str(number)].append(asyncio.run(one_round(begun)))
        stored = asyncio.run(decided(url))
        if stored != published:
            sys.exit(f"发布了 {published} 条，处理了 {stored} 条")
        return {"middle": {label: report.middle(every) for label, every in parts.items()}, "parts": parts}


# ---- the table


def markdown(found: Found) -> str:
    told = found["embedded"]["middle"]
    limit, together = told[LIMIT]["rate"], told[GROUPED]["rate"]
    best = max((told[peer]["rate"] for peer in PEERS if peer in told), default=0.0)
    rows = []
    for label, one in told.items():
        rate = one["rate"]
        beside = f"{rate / best:.2f}" if best else "—"
        rows.append([label, f"{rate:,.0f}", f"{rate / limit:.2f}", f"{rate / together:.2f}", beside, f"{one['cpu']:.0f}"])
    head = "单机（SQLite），每条消息落盘后才算 | 每秒 | ÷ 每次一提交 | ÷ 同样组提交 | ÷ 最快的同类 | CPU 微秒/条"
    text = report.table(head, rows)
    if not (told := found["jetstream"].get("middle")):
        return text
    limit, single = told["limit"]["rate"], told["1"]["rate"]
    rows = [["裸插入：每次一行、一次提交，8 个连接", f"{limit:,.0f}", "1.00", "—", "—", "—"]]
    for number in ("1", "2"):
        one = told[number]
        ratios = [f"{one['rate'] / limit:.2f}", f"{one['rate'] / single:.2f}"]
        rows.append([f"轻群：{number} 个 worker", f"{one['rate']:,.0f}", *ratios, f"{one['cpu']:.0f}", f"{one['machine']:.0%}"])
    head = "JetStream + PostgreSQL | 每秒 | ÷ 裸插入 | ÷ 一个 worker | worker CPU 微秒/条 | 整机忙"
    return f"{text}\n\n{report.table(head, rows)}"


def main() -> None:
    parser = report.options(__doc__)
    parser.add_argument("--messages", type=int, default=2500, help="of each side, embedded")
    parser.add_argument("--parts", type=int, default=5)
    parser.add_argument("--backlog", type=int, default=2000, help="of each round through JetStream; 0: not measured")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--postgresql", default=running.POSTGRESQL, help="made for this run")
    parser.add_argument("--peers", type=Path, default=running.ROOT / ".bench" / "bin" / "python")
    parser.add_argument("--side", choices=tuple(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--at", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        asyncio.run(side(given.side, given.at, given.folder))
        return
    found: Found = {"messages": given.messages, "share": SHARE, "backlog": given.backlog}
    found["embedded"] = embedded(given.messages, given.parts, given.peers)
    found["jetstream"] = through_jetstream(given.backlog, given.rounds, given.postgresql) if given.backlog else {}
    report.tell(given, "messages", found, markdown)


if __name__ == "__main__":
    main()

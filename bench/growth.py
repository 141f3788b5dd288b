"""What it costs as work grows: groups that are known, members of a notice; the memory and the latency of one event.

    python bench/growth.py [--groups 1000,10000,100000] [--members 10,100,1000,5000] [--rounds 3] [--events 200]
                           [--json FILE] [--markdown [PAGE]]

Embedded (SQLite). The past of each size is written once, straight into the tables; then every size is opened in a fresh
process, round after round, and decides messages and acknowledgements one after the other, each with its own fsync. CPU is
of the whole process and hardly feels the disk. Messages come from groups all over the known ones.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import report
from bench.report import Found

SIZE = 20
WARM = 20


def known(path: Path, groups: int) -> None:
    """So many groups of twenty people each, a month of activity in each third of them."""
    now = int(time.time() * 1000)
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript("PRAGMA synchronous=OFF; PRAGMA cache_size=-200000")
    db.execute("BEGIN")
    fill: dict[str, tuple[str, Any]] = {
        "persons": ('id, channel, name, unit, "role"', ((f"bench:p{n}", "bench", f"干部{n}", "", "") for n in range(groups * 2))),
        "groups": (
            'id, channel, name, unit, purpose, kind, owner, first_seen, roster_at, evidence, source',
            ((f"bench:g{n}", "bench", f"g{n}工作群", "某镇", "", "", f"bench:p{n}", now, now, "", "seen") for n in range(groups)),
        ),
        "group_versions": (
            '"group", "at", name, unit, purpose, kind, owner, owner_known',
            ((f"bench:g{n}", now, f"g{n}工作群", "某镇", "", "", f"bench:p{n}", True) for n in range(groups)),
        ),
        "members": (
            '"group", person, joined_at, "role"',
            ((f"bench:g{n}", f"bench:p{(n + one * 97) % (groups * 2)}", now, "") for n in range(groups) for one in range(SIZE)),
        ),
        "activity": (
            '"group", "day", work, rollcall, other, last_work_at, last_by',
            ((f"bench:g{n}", f"2026-10-{day:02d}", 3, 1, 1, now, f"bench:p{n}") for n in range(0, groups, 3) for day in range(1, 31)),
        ),
    }  # fmt: skip
    for name, (columns, rows) in fill.items():
        marks = ", ".join("?" * (columns.count(",") + 1))
        db.executemany(f'INSERT OR IGNORE INTO "{name}" ({columns}) VALUES ({marks})', rows)
    db.execute("COMMIT")
    db.executescript("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


async def opened(folder: Path, stack: contextlib.AsyncExitStack) -> Any:
    from bot.app import make_house, make_store
    from config.settings import load_settings

    settings = load_settings(flags={"data": folder}, environ={})
    store = make_store(settings)
    await store.open()
    stack.push_async_callback(store.close)
    house = make_house(settings, store)
    await house.bus.open(house.dispatch)
    return house


async def timed(do: Callable[[Any], Awaitable[object]], events: Sequence[Any]) -> dict[str, float]:
    """Milliseconds on the clock and of the processor for one, the first ones apart."""
    ages = []
    worked = 0.0
    for number, event in enumerate(events):
        if number == WARM:
            worked = time.process_time()
        began = time.perf_counter()
        await do(event)
        ages.append((time.perf_counter() - began) * 1000)
    ages = ages[WARM:]
    cpu = (time.process_time() - worked) / len(ages) * 1000
    return {"p50": report.quantile(ages, 0.5), "p99": report.quantile(ages, 0.99), "cpu": cpu}


def says(number: int, group: str, person: str, text: str) -> Any:
    from handlers.events import GroupFacts, MessageReceived, Person

    return MessageReceived(
        id=f"bench:{time.time_ns()}-{number}", at=datetime.now(UTC), channel="bench", text=text,
        group=GroupFacts(id=f"bench:{group}", name=f"{group}工作群"),
        sender=Person(id=f"bench:{person}", name=f"干部{person[1:]}"),
    )  # fmt: skip


async def notice(house: Any, group: str, people: int) -> tuple[str, list[str]]:
    """A notice to a group of so many; made anew, whoever was there before."""
    from handlers.events import GroupFacts, NoticeIssued, Person, RosterReceived

    stamp, now, key = time.time_ns(), datetime.now(UTC), f"bench:{group}"
    members = [Person(id=f"bench:{group}-{n}", name=f"干部{n}") for n in range(people)]
    facts = GroupFacts(id=key, name=f"{group}工作群")
    await house.tell(
        RosterReceived(id=f"bench:r{stamp}", at=now, channel="bench", group=facts, owner=None, members=tuple(members))
    )
    text = f"第 {stamp} 号通知：明天上午开会，请提前到场。"
    await house.tell(
        NoticeIssued(id=f"n{stamp}", at=now, groups=(key,), text=text, sender="token:bench", sender_name="办公室")
    )
    return f"n{stamp}", [one.id for one in members]


async def measure(folder: Path, kind: str, size: int, events: int) -> Found:
    """One size in this process; `rest` is the memory before the first event."""
    from bench.judge import corpus
    from bot.web.acknowledge import clicked
    from handlers.rules import tokens
    from storage import pages

    tokens.warm()
    draw = random.Random(size)
    texts = [text for text, _ in corpus(events + WARM, 0.05)]
    async with contextlib.AsyncExitStack() as stack:
        house = await opened(folder, stack)
        gc.collect()
        rest = resident()
        groups = size if kind == "groups" else 1

        def one(number: int, text: str) -> Any:
            group = draw.randrange(groups) if kind == "groups" else 0
            name = f"g{group}" if kind == "groups" else "big"
            return says(number, name, f"p{group}", text)

        people = size if kind == "members" else 50
        issued, members = await notice(house, "big", people)
        messages = await timed(house.bus.publish, [one(*pair) for pair in enumerate(texts)])

        # A notice to ten people is acknowledged ten times; there are more of those.
        taps: list[Any] = []
        while len(taps) < events + WARM:
            taps += [(issued, person) for person in members]
            if len(taps) < events + WARM:
                issued, members = await notice(house, "big", people)

        async def tap(pair: tuple[str, str]) -> None:
            await house.tell_and_read(clicked(house, *pair, "ack"), lambda db: pages.standing(db, *pair))

        draw.shuffle(taps)
        acks = await timed(tap, taps[: events + WARM])
        gc.collect()
        return {"rest": rest, "after": resident(), "message": messages, "ack": acks}


def resident() -> float:
    """Megabytes that are the program's own: what it holds of the file through the page cache is not counted."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) / 1000


def apart(folder: Path, kind: str, size: int, events: int) -> Found:
    command = [sys.executable, __file__, "--measure", kind, "--size", str(size), "--folder", str(folder), "--events", str(events)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def prepared(folder: Path, kind: str, size: int) -> Path:
    place = folder / f"{kind}-{size}"

    async def schema() -> None:
        async with contextlib.AsyncExitStack() as stack:
            await opened(place, stack)

    asyncio.run(schema())
    if kind == "groups":
        known(place / "qingqun.db", size)
    return place


def flat(parts: list[Found]) -> Found:
    """The medians over the rounds."""
    return {
        **report.middle([{name: part[name] for name in ("rest", "after")} for part in parts]),
        **{name: report.middle([part[name] for part in parts]) for name in ("message", "ack")},
    }


def markdown(found: Found) -> str:
    head = (
        "| 刚打开，内存 MB | 处理后，内存 MB | 消息 p50 毫秒 | p99 | CPU 毫秒 | ÷ 最小 | 确认 p50 毫秒 | p99 | CPU 毫秒 | ÷ 最小"
    )
    tables = []
    for kind, label in (("groups", "已知的群"), ("members", "一条通知的人数")):
        sizes = found[kind]
        if not sizes:
            continue
        first = next(iter(sizes.values()))
        rows = []
        for size, one in sizes.items():
            cells = [f"{int(size):,}", f"{one['rest']:.0f}", f"{one['after']:.0f}"]
            for name in ("message", "ack"):
                told = one[name]
                ratio = told["cpu"] / first[name]["cpu"]
                cells += [f"{told['p50']:.1f}", f"{told['p99']:.1f}", f"{told['cpu']:.2f}", f"{ratio:.2f}"]
            rows.append(cells)
        tables.append(report.table(label + head, rows))
    return "\n\n".join(tables)


def main() -> None:
    parser = report.options(__doc__)
    parser.add_argument("--groups", default="1000,10000,100000")
    parser.add_argument("--members", default="10,100,1000,5000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--measure", choices=("groups", "members"), help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(asyncio.run(measure(given.folder, given.measure, given.size, given.events))))
        return
    found: Found = {"rounds": given.rounds, "events": given.events}
    with tempfile.TemporaryDirectory(prefix="growth-") as name:
        for kind, told in (("groups", given.groups), ("members", given.members)):
            sizes = [int(size) for size in told.split(",") if size]
            places = {size: prepared(Path(name), kind, size) for size in sizes}
            parts: dict[int, list[Found]] = {size: [] for size in sizes}
            for _ in range(given.rounds):
                for size, place in places.items():
                    parts[size].append(apart(place, kind, size, given.events))
            found[kind] = {str(size): flat(every) for size, every in parts.items()}
    report.tell(given, "growth", found, markdown)


if __name__ == "__main__":
    main()

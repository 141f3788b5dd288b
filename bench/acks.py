"""Acknowledgements a second: many people tap one notice, beside a bare route that inserts one row as durably.

    python bench/acks.py [--people 10000] [--parts 5] [--connections 100] [--spread 60] [--json FILE] [--markdown [PAGE]]

A tap is what a browser sends for the button of the page behind a link: one POST, answered 303 after the commit. The bot is
`qingqun run`; the limit is bench/bare.py under the same uvicorn. Both run all the time and are measured in turn, a part of
the people each, so that whatever else the machine does meets both. `--spread` taps once more, evenly within so many seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import report, running
from bench.report import Found
from bench.running import Process
from bench.taps import post, tap

GROUP, NOTICE = "bench:g", "bench-{number}"
OURS, LIMIT, GROUPED = "轻群：确认页", "裸路由：每次一行、一次提交", "裸路由：一行，经轻群的组提交"


async def prepare(folder: Path, database: str, people: int, number: int) -> list[list[bytes]]:
    """A group of so many people and `number` notices to all of them; the taps of each notice."""
    from bot.app import make_house, make_store
    from config.settings import load_settings
    from handlers.events import GroupFacts, NoticeIssued, Person, RosterReceived

    given = {"data": folder / "data", **({} if database == "sqlite" else {"database": database})}
    settings = load_settings(flags=given, environ={})
    store = make_store(settings)
    await store.open()
    house = make_house(settings, store)
    now = datetime.now(UTC)
    members = tuple(Person(id=f"bench:p{n}", name=f"干部{n}") for n in range(people))
    facts = GroupFacts(id=GROUP, name="大群")
    await house.tell(RosterReceived(id="bench:r", at=now, channel="bench", group=facts, owner="bench:boss", members=members))
    taps = []
    for one in range(number):
        notice = NOTICE.format(number=one)
        text = f"第 {one} 次通知：明天上午九点在三楼会议室开会，请提前十分钟到场。"
        await house.tell(NoticeIssued(id=notice, at=now, groups=(GROUP,), text=text, sender="token:bench", sender_name="办公室"))
        taps.append([post(f"/n/{house.links.notice_token(notice, person.id)}") for person in members])
    await store.close()
    return taps


def part(process: Process, requests: Sequence[bytes], connections: int, spread: float = 0.0) -> Found:
    spent = process.cpu()
    taken = asyncio.run(tap(running.host_of(process.url), requests, connections, spread))
    if set(taken.statuses) != {303}:
        sys.exit(f"回答不是 303：{taken.statuses}")
    return {
        "rate": len(requests) / taken.seconds,
        "p50": report.quantile(taken.ages, 0.5) * 1000,
        "p99": report.quantile(taken.ages, 0.99) * 1000,
        "cpu": (process.cpu() - spent) / len(requests) * 1e6,
        "client": taken.cpu / taken.seconds,
    }


def kept(folder: Path, database: str, notice: str) -> int:
    """How many acknowledgements the database holds; asked of it, not of the bot."""
    query = f"SELECT count(*) FROM receipts WHERE acked AND notice = '{notice}'"
    if database == "sqlite":
        import sqlite3

        with contextlib.closing(sqlite3.connect(folder / "data" / "qingqun.db")) as db:
            return int(db.execute(query).fetchone()[0])

    async def ask() -> int:
        import asyncpg

        db = await asyncpg.connect(database.replace("+asyncpg", ""))
        try:
            return int(await db.fetchval(query))
        finally:
            await db.close()

    return asyncio.run(ask())


def measure(database: str, given: Any) -> Found:
    """Everybody taps one notice in parts, in turn with the bare routes; then another one evenly, if asked to."""
    grouped = database == "sqlite"
    with tempfile.TemporaryDirectory(prefix="acks-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        size = given.people // given.parts
        rush, calm = asyncio.run(prepare(folder, database, size * given.parts, 2))
        environ = {} if database == "sqlite" else {"QINGQUN_DATABASE": database}
        sides = {
            OURS: stack.enter_context(running.bot(folder, **environ)),
            LIMIT: stack.enter_context(running.route(folder, database, "each")),
            **({GROUPED: stack.enter_context(running.route(folder, database, "grouped"))} if grouped else {}),
        }
        # What loads beside the start is loaded.
        time.sleep(given.settle)
        parts: dict[str, list[Found]] = {side: [] for side in sides}
        for number in range(given.parts):
            for side, process in sides.items():
                mine = slice(number * size, (number + 1) * size)
                requests = rush[mine] if side == OURS else [post(f"/n/rush/{n}") for n in range(mine.start, mine.stop)]
                parts[side].append(part(process, requests, given.connections))
        wanted, held = len(rush), kept(folder, database, NOTICE.format(number=0))
        found: Found = {"rush": {side: report.middle(every) for side, every in parts.items()}, "parts": parts}
        if given.spread:
            number = max(1, int(len(calm) * min(1.0, given.spread / 60)))
            taps = {side: [post(f"/n/calm/{n}") for n in range(number)] for side in sides} | {OURS: calm[:number]}
            chosen = [side for side in sides if side != GROUPED]
            found["spread"] = {side: part(sides[side], taps[side], given.connections, given.spread) for side in chosen}
            wanted, held = wanted + number, held + kept(folder, database, NOTICE.format(number=1))
        if wanted != held:
            sys.exit(f"{wanted} 个回答过的确认，库里只有 {held} 个")
        return found


def markdown(found: Found) -> str:
    head = "| 每秒 | ÷ 每次一提交 | ÷ 同样组提交 | p50 毫秒 | p99 毫秒 | 服务进程 CPU 微秒/次 | 客户端占一核"
    rows = []
    for database, one in found["databases"].items():
        limit, grouped = one["rush"][LIMIT]["rate"], one["rush"].get(GROUPED, {}).get("rate")
        for side, told in one["rush"].items():
            rows.append([
                f"{database}，{side}", f"{told['rate']:,.0f}", f"{told['rate'] / limit:.2f}",
                f"{told['rate'] / grouped:.2f}" if grouped else "—", f"{told['p50']:.1f}", f"{told['p99']:.1f}",
                f"{told['cpu']:.0f}", f"{told['client']:.0%}",
            ])  # fmt: skip
    text = report.table(f"{found['people']:,} 人，尽快点完{head}", rows)
    calm = [
        [f"{database}，{side}", f"{told['p50']:.1f}", f"{told['p99']:.1f}", f"{told['cpu']:.0f}"]
        for database, one in found["databases"].items()
        for side, told in one.get("spread", {}).items()
    ]
    if calm:
        pace = f"每分钟 {found['people']:,} 人的节奏，均匀到达 {found['spread']:.0f} 秒"
        text += "\n\n" + report.table(f"{pace} | p50 毫秒 | p99 毫秒 | 服务进程 CPU 微秒/次", calm)
    return text


def main() -> None:
    parser = report.options(__doc__)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--parts", type=int, default=5)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--spread", type=float, default=60.0, help="seconds; 0: not measured")
    parser.add_argument("--settle", type=float, default=5.0, help="seconds between the start and the first tap")
    parser.add_argument("--postgresql", default=running.POSTGRESQL, help="made for this run; empty: not measured")
    given = parser.parse_args()
    found: Found = {"people": given.people, "connections": given.connections, "spread": given.spread, "databases": {}}
    found["databases"]["SQLite"] = measure("sqlite", given)
    if given.postgresql:
        with running.database(given.postgresql) as url:
            if url:
                found["databases"]["PostgreSQL"] = measure(url, given)
    report.tell(given, "acks", found, markdown)


if __name__ == "__main__":
    main()

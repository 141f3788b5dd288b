"""Size and speed of the week's inventory: `python bench/inventory.py --groups 10000,100000,1000000 --database both`.

The data are made up from a seed and written straight into the tables (that is the bot's work of years, so it is not
counted). Then, each in a process of its own: the weekly snapshot as the bot takes it, by phases; the same aggregates as
bare SQL on the same database, and in DuckDB (`pip install duckdb`; left out with a sentence without it); the overlaps,
and their recall against the exact comparison of a sample; pages through the application; an xlsx of 100,000 rows.
The figures go to standard output, to a JSON file and as a table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import csv
import json
import os
import platform
import random
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from config.settings import TIMEZONE, Settings, load_settings
from config.wording import load_wording
from storage import facts
from storage.database import Store

WEEK = "2026-W47"
END = datetime(2026, 11, 23, tzinfo=TIMEZONE)
MS = 86_400_000
END_MS = facts.millis(END)
SUNDAY = date(2026, 11, 22)
# Groups, people and people in a group: 25 groups and 50 people a unit, 20 memberships a group.
UNIT_GROUPS, UNIT_PEOPLE, SIZE = 25, 50, 20
REGISTERED, SAMPLE, REQUESTS = 200_000, 400, 40
PLACES = "东西南北中上下新老大小青白红金银双龙凤河江湖山林桥石泉云安和平兴旺永"
TOPICS = (
    "防汛", "党建", "财务", "统计", "安全生产", "乡村振兴", "信访", "宣传", "环保", "民政", "教育", "卫健", "人社",
    "住建", "农业", "综治", "林长", "河长", "项目", "招商", "档案", "督查", "工会", "妇联", "团委",
)  # fmt: skip
TABLES = {
    "groups": ("id", "channel", "name", "unit", "purpose", "kind", "created", "ends", "owner", "first_seen", "roster_at",
               "dissolved_at", "evidence", "source"),
    "group_versions": ("group", "at", "name", "unit", "purpose", "kind", "created", "ends", "owner", "owner_known"),
    "persons": ("id", "channel", "name", "unit", "role"),
    "members": ("group", "person", "joined_at", "left_at", "role"),
    "activity": ("group", "day", "work", "rollcall", "other", "last_work_at", "last_by"),
    "register_groups": ("id", "position", "group", "name", "channel", "unit", "owner", "admins", "phone", "members",
                        "created", "purpose", "kind", "matter", "ends", "last_work_day", "messages_30d", "disposition",
                        "responsible", "due", "checker", "closed", "note", "extra", "imported_at"),
    "apps": ("id", "position", "name", "unit", "kind", "handler", "basis", "functions", "updated", "monthly_active",
             "similar", "filing", "disposition", "closed", "extra", "imported_at"),
    "exemptions": ("group", "reason", "approver", "since", "until"),
    "notice_groups": ("notice", "group", "message", "at"),
}  # fmt: skip
Row = tuple[Any, ...]


# ---- what is made up


def county(groups: int, seed: int = 7) -> Iterator[tuple[str, list[Row]]]:
    """(table, rows) of one unit after the other; ids ascend, so that a bulk load is in the order of the keys."""
    draw, numbers = random.Random(seed), np.random.default_rng(seed)
    units = max(groups // UNIT_GROUPS, 1)
    listed = 0
    gone: list[tuple[int, Any]] = []
    for number in range(units):
        unit = f"{''.join(draw.choices(PLACES, k=3))}{number}{draw.choice(('镇', '街道', '局', '村'))}"
        base = number * UNIT_PEOPLE
        found: dict[str, list[Row]] = {name: [] for name in TABLES}
        people = [f"wechat:wx{base + one:09d}" for one in range(UNIT_PEOPLE)]
        found["persons"] = [(one, "wechat", f"干部{base + at}", unit, "") for at, one in enumerate(people)]
        before: Any = None
        for one in range(groups // units if number else groups - (units - 1) * (groups // units)):
            key = f"wechat:g{number:06d}-{one:04d}"
            came = END_MS - (draw.randint(1, 40) if draw.random() < 0.03 else draw.randint(120, 900)) * MS
            size = int(min(max(numbers.lognormal(2.9, 0.5), 3), UNIT_PEOPLE))
            members = numbers.choice(UNIT_PEOPLE, size, replace=False)
            topic, copied = draw.choice(TOPICS), before is not None and draw.random() < 0.08
            if copied:
                members = before[0].copy()
                members[0] = draw.randrange(UNIT_PEOPLE)
                topic = before[1] if draw.random() < 0.5 else topic
            ended = END_MS - draw.randint(1, 60) * MS if draw.random() < 0.05 else None
            if gone and draw.random() < 0.01:
                came, members = END_MS - draw.randint(1, 20) * MS, gone[-1][1]
            before = (members, topic)
            if ended:
                gone = [(number, members)]
            members = sorted({base + int(at) for at in members})
            # Some are in groups of other units, too.
            if draw.random() < 0.1:
                members.append(draw.randrange(units * UNIT_PEOPLE))
            names = sorted({f"wechat:wx{at:09d}" for at in members})
            owner = draw.choice(names) if draw.random() < 0.97 else None
            # The bot has been there for 120 days.
            began, came = came, max(came, END_MS - 120 * MS)
            created = (END + timedelta(milliseconds=began - END_MS)).date().isoformat()
            name = f"{unit}{topic}{draw.choice(('工作群', '通知群', '群', '专班'))}{one if draw.random() < 0.8 else ''}"
            ends = (SUNDAY - timedelta(days=draw.randint(-200, 300))).isoformat() if draw.random() < 0.1 else None
            told = (name, unit, topic, draw.choice(("业务", "综合", "临时")), created, ends, owner)
            found["groups"].append((key, "wechat", *told, came, came, ended, "seen" if ended else "", "seen"))
            found["group_versions"].append((key, came, *told, True))
            if draw.random() < 0.1:
                found["group_versions"].append((key, came + MS, *told, True))
            found["members"] += [
                (key, who, came, END_MS - draw.randint(1, 30) * MS if draw.random() < 0.03 else None, "")
                for who in names
            ]
            found["activity"] += _activity(key, draw, numbers, names[0])
            if listed < REGISTERED and draw.random() < 0.25:
                listed += 1
                found["register_groups"].append(_registered(f"wechat:台账{listed}", listed, name, unit, key, draw))
            if draw.random() < 0.002:
                found["exemptions"].append((key, "防汛值守", "机制办", None, None))
            if draw.random() < 0.02:
                at = END_MS - draw.randint(1, 29) * MS
                found["notice_groups"] += [(f"n{number}-{draw.randrange(5)}", key, None, at)]
        if number % 20 == 0:
            found["apps"].append((f"app{number}", number, f"{unit}通", unit, "小程序", "", "", "", "2026-06-01", None, "", "",
                                  "", None, "{}", END_MS - 300 * MS))  # fmt: skip
        yield from found.items()


def _activity(key: str, draw: random.Random, numbers: Any, who: str) -> list[Row]:
    """A third speak on most days, a third now and then, a fifth hardly, the rest not in ninety days."""
    kind = draw.random()
    days = 30 if kind < 0.3 else 10 if kind < 0.6 else 2 if kind < 0.8 else 0
    past = sorted(numbers.choice(90, days, replace=False).tolist(), reverse=True) if days else []
    return [
        (
            key,
            (SUNDAY - timedelta(days=ago)).isoformat(),
            1 + ago % 7,
            ago % 3,
            ago % 2,
            END_MS - (ago + 1) * MS + 36_000_000,
            who,
        )
        for ago in past
    ]


def _registered(row: str, position: int, name: str, unit: str, key: str, draw: random.Random) -> Row:
    closed = "2026-11-01" if draw.random() < 0.02 else None
    # One of twenty is of a group that the bot never met.
    group = key if draw.random() < 0.95 else None
    name = name if group else f"{name}（旧）"
    return (row, position, group, name, "wechat", unit, "王主任", "李干事", "0000-0000000", 20, "2024-03-01", "日常工作", "业务", "",
            None, "2026-08-01", 3, "", "", "", "", closed, "", "{}", END_MS - 300 * MS)  # fmt: skip


def load_sqlite(path: Path, groups: int) -> None:
    """Straight into the file: no fsync, and the index on persons afterwards."""
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript('PRAGMA synchronous=OFF; PRAGMA cache_size=-200000; DROP INDEX "ix_members_person"')
    db.execute("BEGIN")
    for name, rows in county(groups):
        if rows:
            into = ", ".join(f'"{column}"' for column in TABLES[name])
            marks = ", ".join("?" * len(TABLES[name]))
            db.executemany(f'INSERT OR IGNORE INTO "{name}" ({into}) VALUES ({marks})', rows)
    db.execute("COMMIT")
    db.executescript('CREATE INDEX "ix_members_person" ON members (person); ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)')
    db.close()


async def load_postgresql(url: str, groups: int) -> None:
    """By COPY, through tables of text, so that days and numbers are read by the server."""
    import asyncpg

    db = await asyncpg.connect(url.replace("+asyncpg", ""))
    dates = {"created", "ends", "day", "last_work_day", "closed", "since", "until", "updated"}
    waiting: dict[str, list[Row]] = {name: [] for name in TABLES}
    seen: set[Any] = set()

    async def copy(name: str) -> None:
        columns = TABLES[name]
        turned = [place for place, column in enumerate(columns) if column in dates]
        rows = [
            tuple(date.fromisoformat(value) if place in turned and value else value for place, value in enumerate(row))
            for row in waiting[name]
        ] if turned else waiting[name]  # fmt: skip
        await db.copy_records_to_table(name, records=rows, columns=columns)
        waiting[name] = []

    await db.execute("DROP INDEX ix_members_person")
    for name, rows in county(groups):
        if name == "notice_groups":
            rows = [row for row in rows if row[:2] not in seen and not seen.add(row[:2])]  # type: ignore[func-returns-value]
        waiting[name] += rows
        if len(waiting[name]) > 20_000:
            await copy(name)
    for name in TABLES:
        await copy(name)
    await db.execute("CREATE INDEX ix_members_person ON members (person)")
    await db.execute("VACUUM ANALYZE")
    await db.close()


# ---- what is measured, each in a process of its own


class Clock:
    """Seconds by phase; what a phase calls of another one is the other one's."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._open: list[tuple[str, float]] = []

    def wrap(self, owner: Any, name: str, phase: str) -> None:
        inner = getattr(owner, name)

        def timed(*args: Any, **options: Any) -> Any:
            with self.phase(phase):
                return inner(*args, **options)

        setattr(owner, name, timed)

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        self._open.append((name, 0.0))
        try:
            yield
        finally:
            spent = time.perf_counter() - started
            _, inside = self._open.pop()
            self.spent[name] = self.spent.get(name, 0.0) + spent - inside
            if self._open:
                above, known = self._open[-1]
                self._open[-1] = (above, known + spent)


def settings_of(folder: Path, database: str) -> Settings:
    flags = {"data": str(folder), **({} if database == "sqlite" else {"database": database})}
    return load_settings(flags=flags, environ={})


def store_of(folder: Path, database: str) -> Store:
    from bot.app import make_store

    return make_store(settings_of(folder, database))


async def measure_snapshot(folder: Path, database: str) -> dict[str, Any]:
    """As the bot takes it: beside the writer, in pieces, and sealed by its event."""
    from handlers import census, figures, likeness, merging, snapshot, unitfigures
    from handlers.rules import reduction
    from storage import inventories

    clock = Clock()
    clock.wrap(census, "_ordered", "order")
    clock.wrap(census, "_lives", "order")
    clock.wrap(census, "_rosters", "rosters")
    clock.wrap(census, "_heard", "activity")
    clock.wrap(snapshot, "_rebounds", "rebounds")
    clock.wrap(reduction, "reduce", "reduction")
    clock.wrap(likeness, "overlaps", "overlaps")
    clock.wrap(snapshot._Judged, "_units", "names and limits")
    clock.wrap(snapshot._Judged, "all", "verdicts")
    clock.wrap(merging, "advise", "mergers")
    clock.wrap(unitfigures, "by_unit", "units and load")
    clock.wrap(figures, "load", "units and load")
    clock.wrap(unitfigures, "changes", "changes")
    settings, store = settings_of(folder, database), store_of(folder, database)
    await store.open()
    await store.write(lambda db: (db.execute(inventories.SNAPSHOTS.delete()), db.execute(inventories.ROWS.delete()))[0])
    await store.write(lambda db: inventories.begin(db, WEEK, "2026-W47/bench"))
    add = inventories.add
    clock.wrap(inventories, "add", "database writes")

    def study(db: Any) -> None:
        def keep(pieces: Any) -> None:
            written = store.write(lambda db: add(db, "2026-W47/bench", pieces))
            with clock.phase("writing"):
                asyncio.run_coroutine_threadsafe(written, loop).result()

        snapshot.take(db, settings, WEEK, load_wording(), keep)

    loop = asyncio.get_running_loop()
    began, worked = time.perf_counter(), time.process_time()
    with clock.phase("other"):
        await store.study(study)
    taken = time.perf_counter()
    await store.write(lambda db: inventories.seal(db, WEEK, END, "2026-W47/bench"))
    done = time.perf_counter()
    head = await store.read(lambda db: inventories.head(db, WEEK))
    await store.close()
    clock.spent["sealing"] = done - taken
    return {
        "seconds": done - began,
        "cpu": time.process_time() - worked,
        "phases": clock.spent,
        "totals": head["totals"] if head else {},
        "verdicts": head["verdicts"] if head else {},
        "merges": head["merging"]["proposals"] if head else 0,
    }


AGGREGATES: dict[str, str] = {
    "newest version": """CREATE {temp} TABLE b_version AS SELECT v."group", v.name, v.unit, v.owner, v.created FROM group_versions v
        JOIN (SELECT "group", max("at") AS "at" FROM group_versions WHERE "at" < {end} GROUP BY "group") n
        ON n."group" = v."group" AND n."at" = v."at" """,
    "activity": """CREATE {temp} TABLE b_activity AS SELECT "group", max(last_work_at) AS last,
        sum(CASE WHEN "day" >= {since} THEN work ELSE 0 END) AS work,
        sum(CASE WHEN "day" >= {since} THEN rollcall ELSE 0 END) AS rollcall,
        sum(CASE WHEN "day" >= {since} THEN other ELSE 0 END) AS other
        FROM activity WHERE "day" <= {sunday} GROUP BY "group" """,
    "members": """CREATE {temp} TABLE b_members AS SELECT "group", count(*) AS people FROM members
        WHERE joined_at < {end} AND (left_at IS NULL OR left_at >= {end}) GROUP BY "group" """,
    "verdict by group": """CREATE {temp} TABLE b_stat AS SELECT g.id, v.unit, coalesce(m.people, 0) AS people,
        coalesce(a.work, 0) AS work, coalesce(a.rollcall, 0) + coalesce(a.other, 0) AS rest,
        CASE WHEN a.last IS NULL THEN 'empty' WHEN {end} - a.last >= {d180} THEN 'dissolve'
        WHEN {end} - a.last >= {d90} THEN 'suspected' WHEN {end} - a.last >= {d30} THEN 'watch' ELSE 'alive' END AS verdict
        FROM groups g LEFT JOIN b_version v ON v."group" = g.id LEFT JOIN b_activity a ON a."group" = g.id
        LEFT JOIN b_members m ON m."group" = g.id WHERE g.dissolved_at IS NULL OR g.dissolved_at >= {end}""",
    "totals": "SELECT verdict, count(*), sum(work * people), sum(rest * people) FROM b_stat GROUP BY verdict",
    "by unit": """SELECT unit, count(*), sum(CASE WHEN verdict IN ('dissolve', 'suspected') THEN 1 ELSE 0 END), sum(work * people)
        FROM b_stat GROUP BY unit""",
    "people": """SELECT count(DISTINCT person) FROM members WHERE joined_at < {end} AND (left_at IS NULL OR left_at >= {end})""",
    "people by unit": """SELECT s.unit, count(DISTINCT m.person) FROM members m JOIN b_stat s ON s.id = m."group"
        WHERE joined_at < {end} AND (left_at IS NULL OR left_at >= {end}) GROUP BY s.unit""",
}  # fmt: skip


MOMENTS = {"end": END_MS, "d30": 30 * MS, "d90": 90 * MS, "d180": 180 * MS, "temp": "TEMP"}


def aggregates(run: Callable[[str], Any], **more: str) -> dict[str, Any]:
    day = (SUNDAY - timedelta(days=29)).isoformat()
    told = {**MOMENTS, "since": f"'{day}'", "sunday": f"'{SUNDAY.isoformat()}'", **more}
    phases, worked = {}, time.process_time()
    for name, statement in AGGREGATES.items():
        began = time.perf_counter()
        run(statement.format(**told))
        phases[name] = time.perf_counter() - began
    return {"seconds": sum(phases.values()), "cpu": time.process_time() - worked, "phases": phases}


async def measure_sql(folder: Path, database: str) -> dict[str, Any]:
    if database == "sqlite":
        db = sqlite3.connect(folder / "qingqun.db", isolation_level=None)
        db.execute("PRAGMA cache_size=-200000")
        return aggregates(lambda statement: db.execute(statement).fetchall())
    import asyncpg

    connection = await asyncpg.connect(database.replace("+asyncpg", ""))
    phases = {}
    day = (SUNDAY - timedelta(days=29)).isoformat()
    told = {**MOMENTS, "since": f"DATE '{day}'", "sunday": f"DATE '{SUNDAY.isoformat()}'"}
    for name, statement in AGGREGATES.items():
        began = time.perf_counter()
        await connection.fetch(statement.format(**told))
        phases[name] = time.perf_counter() - began
    await connection.close()
    return {"seconds": sum(phases.values()), "phases": phases}


async def measure_duckdb(folder: Path, database: str) -> dict[str, Any]:
    """On one thread, beside SQLite's one; its tables are filled from CSV, which is not counted."""
    try:
        import duckdb
    except ImportError:
        return {"left_out": "没有安装 duckdb：pip install duckdb 后再量。"}
    source = sqlite3.connect(folder / "qingqun.db")
    db = duckdb.connect(str(folder / "bench.duckdb"), config={"threads": 1})
    for name in ("groups", "group_versions", "activity", "members"):
        columns = [column for column in TABLES[name] if column not in ("last_by", "role", "purpose", "kind")]
        path = folder / f"{name}.csv"
        with path.open("w", newline="") as file:
            told = ", ".join(f'"{column}"' for column in columns)
            csv.writer(file).writerows(source.execute(f'SELECT {told} FROM "{name}"'))
        kinds = {"day": "DATE", "at": "BIGINT", "first_seen": "BIGINT", "dissolved_at": "BIGINT", "joined_at": "BIGINT",
                 "left_at": "BIGINT", "last_work_at": "BIGINT", "work": "BIGINT", "rollcall": "BIGINT", "other": "BIGINT"}  # fmt: skip
        typed = ", ".join(f"'{column}': '{kinds.get(column, 'VARCHAR')}'" for column in columns)
        db.execute(f"CREATE TABLE \"{name}\" AS SELECT * FROM read_csv('{path}', header=false, columns={{{typed}}})")
        path.unlink()
    sunday = f"DATE '{SUNDAY.isoformat()}'"
    since = f"DATE '{(SUNDAY - timedelta(days=29)).isoformat()}'"
    found = aggregates(lambda statement: db.execute(statement).fetchall(), since=since, sunday=sunday)
    db.close()
    (folder / "bench.duckdb").unlink()
    return found


async def measure_recall(folder: Path, database: str) -> dict[str, Any]:
    """Of a sample of units, all pairs compared with all, by the plain definition."""
    from handlers import census, likeness

    store, settings = store_of(folder, database), settings_of(folder, database).inventory
    await store.open()

    def take(db: Any) -> Any:
        taken = census.take(db, END)
        began = time.perf_counter()
        found = likeness.overlaps(taken.keys[: taken.living], taken.rosters, settings.overlap, settings.overlap_members)
        return taken, found, time.perf_counter() - began

    taken, found, seconds = await store.study(take)
    await store.close()
    draw = random.Random(1)
    sample = draw.sample(range(taken.living), min(SAMPLE, taken.living))
    people, starts = taken.rosters.people, taken.rosters.starts
    sizes = taken.rosters.sizes[: taken.living]
    wanted = hit = 0
    for place in sample:
        if sizes[place] < settings.overlap_members:
            continue
        inside = np.zeros(int(people.max()) + 2, dtype=np.int64)
        inside[people[starts[place] : starts[place + 1]]] = 1
        sums = np.concatenate(([0], np.cumsum(inside[people])))
        common = sums[starts[1 : taken.living + 1]] - sums[starts[: taken.living]]
        alike = common / (sizes + sizes[place] - common) >= settings.overlap - 1e-9
        alike &= sizes >= settings.overlap_members
        alike[place] = False
        number = int(alike.sum())
        wanted += number
        told = found.get(taken.keys[place])
        hit += min(told.number, number) if told else 0
        assert number or told is None, "found what is not alike"
    return {
        "seconds": seconds,
        "found": len(found),
        "sample": len(sample),
        "pairs": wanted,
        "recall": hit / wanted if wanted else 1.0,
    }


async def measure_pages(folder: Path, database: str) -> dict[str, Any]:
    """Through the application, signed in as the office; the first answer of each page apart from the others."""
    import httpx

    from bot.app import make_house
    from bot.web.app import create_app

    store = store_of(folder, database)
    await store.open()
    house = make_house(settings_of(folder, database), store, now=lambda: END + timedelta(hours=9))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=create_app(house)), base_url="http://bench")
    await client.post("/office/signin", data={"token": house.links.bearer("office", "机制办", ())})
    head = json.loads((await store.read(_figures)) or "{}")
    groups = head["totals"]["groups"]
    unit = await store.read(_a_unit)
    last = max(groups // 100, 1)
    pages = {
        "dashboard": "/office",
        "inventory": f"/office/inventory/{WEEK}",
        "inventory, last page": f"/office/inventory/{WEEK}?page={last}",
        "inventory, one verdict": f"/office/inventory/{WEEK}?only=watch",
        "rows: groups, in the middle": f"/office/rows?what=groups&week={WEEK}&page={last // 2}",
        "rows: zombies": f"/office/rows?what=zombies&week={WEEK}&page=3",
        "rows: baseline, in the middle": f"/office/rows?what=baseline&week={WEEK}&page={last // 2}",
        "rows: load": f"/office/rows?what=load&week={WEEK}&page={last // 2}",
        "rows: a unit": f"/office/rows?what=groups&week={WEEK}&unit={unit}",
        "rows: closed": f"/office/rows?what=closed&week={WEEK}",
    }
    found: dict[str, Any] = {}
    for name, address in pages.items():
        times, works = [], []
        for _ in range(REQUESTS + 1):
            began, worked = time.perf_counter(), time.process_time()
            answer = await client.get(address)
            times.append((time.perf_counter() - began) * 1000)
            works.append((time.process_time() - worked) * 1000)
            assert answer.status_code == 200, (address, answer.status_code, answer.text[:200])
        times, first = times[1:], times[0]
        cuts = statistics.quantiles(times, n=20)
        cpu = statistics.quantiles(works[1:], n=20)[18]
        size = len(answer.content)
        found[name] = {"first": first, "p50": statistics.median(times), "p95": cuts[18], "cpu95": cpu, "bytes": size}
    await client.aclose()
    await store.close()
    return found


def _a_unit(db: Any) -> str:
    from storage import inventories

    units = inventories.listed(db, WEEK, "units")
    assert units is not None
    return str(units[len(units) // 2]["unit"])


def _figures(db: Any) -> str | None:
    from storage import inventories

    return json.dumps(inventories.head(db, WEEK))


async def measure_xlsx(folder: Path, database: str) -> dict[str, Any]:
    """The workbook of the first 100,000 groups, as the download makes it."""
    from bot.reports import xlsx
    from storage import inventories

    store = store_of(folder, database)
    await store.open()

    class First:
        def __init__(self, rows: Any) -> None:
            self.rows = rows

        def __len__(self) -> int:
            return min(len(self.rows), 100_000)

        def __iter__(self) -> Iterator[Any]:
            for start in range(0, len(self), 1000):
                yield from self.rows[start : min(start + 1000, len(self))]

    def make(db: Any) -> int:
        snapshot = inventories.opened(db, WEEK)
        assert snapshot is not None
        path = folder / "bench.xlsx"
        with path.open("wb") as file:
            xlsx.write({**snapshot, "groups": First(snapshot["groups"])}, file)
        size = path.stat().st_size
        path.unlink()
        return size

    began = time.perf_counter()
    size = await store.study(make)
    await store.close()
    return {"seconds": time.perf_counter() - began, "megabytes": size / 1e6}


MEASURES: dict[str, Any] = {
    "snapshot": measure_snapshot,
    "sql": measure_sql,
    "duckdb": measure_duckdb,
    "recall": measure_recall,
    "pages": measure_pages,
    "xlsx": measure_xlsx,
}


# ---- the run


def measured(what: str, folder: Path, database: str) -> dict[str, Any]:
    """In a process of its own, so that its peak of memory is its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--measure", what, "--folder", str(folder), "--at", database],
        stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        return {"failed": f"exit {done.returncode}"}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def one_size(groups: int, kind: str, address: str, skip: set[str], folder: Path) -> dict[str, Any]:
    database = "sqlite" if kind == "sqlite" else address
    began = time.perf_counter()
    if kind == "sqlite":
        asyncio.run(_schema(folder, database))
        load_sqlite(folder / "qingqun.db", groups)
    else:
        asyncio.run(_fresh(address))
        asyncio.run(_schema(folder, database))
        asyncio.run(load_postgresql(address, groups))
    found: dict[str, Any] = {"groups": groups, "database": kind, "load": time.perf_counter() - began}
    print(f"{kind} {groups:,}: loaded in {found['load']:.0f} s", flush=True)
    for what in MEASURES:
        if what in skip or (what == "duckdb" and kind != "sqlite"):
            continue
        found[what] = measured(what, folder, database)
        print(f"  {what}: {json.dumps(found[what], ensure_ascii=False)[:900]}", flush=True)
    return found


async def _schema(folder: Path, database: str) -> None:
    store = store_of(folder, database)
    await store.open()
    await store.close()


async def _fresh(address: str) -> None:
    """The database is made for this run, and dropped after it."""
    import asyncpg

    server, name = address.replace("+asyncpg", "").rsplit("/", 1)
    db = await asyncpg.connect(f"{server}/postgres")
    await db.execute(f'DROP DATABASE IF EXISTS "{name}"')
    await db.execute(f'CREATE DATABASE "{name}"')
    await db.close()


async def _drop(address: str) -> None:
    import asyncpg

    server, name = address.replace("+asyncpg", "").rsplit("/", 1)
    db = await asyncpg.connect(f"{server}/postgres")
    await db.execute(f'DROP DATABASE IF EXISTS "{name}"')
    await db.close()


def table_of(runs: list[dict[str, Any]]) -> str:
    """Seconds on the clock, and of the processor where all the work is in the measured process."""
    head = (
        "| 数据库 | 群数 | 清单 | 裸 SQL | DuckDB | 清单 ÷ SQL | 其中汇总 ÷ SQL | 峰值内存 | 重合比对 | 召回率 | 页面 p95 "
        "| xlsx 10 万行 |"
    )
    lines = [head, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for one in runs:
        own = one["database"] == "sqlite"
        snapshot, sql, sheet = (one.get(what, {}) for what in ("snapshot", "sql", "xlsx"))
        pages = [page["p95"] for page in one.get("pages", {}).values() if isinstance(page, dict)]
        recall = one.get("recall", {})
        cells = [
            one["database"],
            f"{one['groups']:,}",
            _seconds(snapshot, own),
            _seconds(sql, own),
            _seconds(one.get("duckdb", {}), own),
            _ratio(snapshot.get("cpu" if own else "seconds"), sql.get("cpu" if own else "seconds")),
            _ratio(sum(snapshot.get("phases", {}).get(name, 0.0) for name in AGGREGATED), sql.get("seconds")),
            f"{snapshot['peak']:.0f} MB" if "peak" in snapshot else "—",
            f"{recall['seconds']:.1f} s" if "seconds" in recall else "—",
            f"{recall['recall']:.3f}" if "recall" in recall else "—",
            f"{max(pages):.0f} ms" if pages else "—",
            f"{_seconds(sheet, own)}，{sheet['peak']:.0f} MB" if "seconds" in sheet else "—",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _seconds(found: dict[str, Any], own: bool) -> str:
    if "seconds" not in found:
        return "—"
    return f"{found['seconds']:.1f} s" + (f"（CPU {found['cpu']:.1f}）" if own and "cpu" in found else "")


def _ratio(one: float | None, other: float | None) -> str:
    return f"{one / other:.1f}" if one and other else "—"


def details_of(runs: list[dict[str, Any]]) -> str:
    """The phases of the largest run of each database, and its pages."""
    lines = []
    for kind in dict.fromkeys(one["database"] for one in runs):
        largest = max((one for one in runs if one["database"] == kind), key=lambda one: one["groups"])
        for what, title in (("snapshot", "清单各步"), ("sql", "裸 SQL 各步"), ("duckdb", "DuckDB 各步")):
            phases = largest.get(what, {}).get("phases", {})
            if phases:
                told = "，".join(f"{name} {spent:.1f}" for name, spent in phases.items())
                lines.append(f"- {kind}，{largest['groups']:,} 群，{title}（秒）：{told}。")
        pages = {name: page for name, page in largest.get("pages", {}).items() if isinstance(page, dict)}
        if pages:
            told = "，".join(f"{name} {page['p50']:.0f}/{page['p95']:.0f}/{page['cpu95']:.0f}" for name, page in pages.items())
            lines.append(f"- {kind}，{largest['groups']:,} 群，页面 p50/p95/p95 的 CPU（毫秒）：{told}。")
    return "\n".join(lines)


# The phases of a snapshot that count what the bare SQL counts.
AGGREGATED = ("order", "rosters", "activity", "units and load")
SECTION = re.compile(r"## 清单\n.*?(?=\n## |\Z)", re.DOTALL)


def write_section(path: Path, runs: list[dict[str, Any]]) -> None:
    """Its own section only; what others have written stays."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    machine = f"{platform.machine()}，{os.cpu_count()} 核，{memory:.0f} GB 内存，Python {platform.python_version()}"
    section = f"""## 清单

`bench/inventory.py`，{date.today().isoformat()}，{machine}。合成数据，按种子生成，直接写入表中（不计时）：每群约 20 名成员，90 天活动，
每单位约 {UNIT_GROUPS} 个群、{UNIT_PEOPLE} 人，约四分之一的群在
台账里（最多 {REGISTERED:,} 行）。每一项在单独的进程里量一次，峰值内存是该进程的。
“清单 ÷ SQL”在 SQLite 上按 CPU 时间算；“汇总”是清单里与裸 SQL 同样内容的几步（读群、花名册、活动、单位和人均）。
裸 SQL 不含成员和群名比对、原因和证据文字、合并测算、逐行写入。

{table_of(runs)}

{details_of(runs)}
"""
    text = path.read_text(encoding="utf-8") if path.exists() else "# 规模和速度\n"
    text = (
        SECTION.sub(lambda _: section.rstrip() + "\n", text)
        if SECTION.search(text)
        else f"{text.rstrip()}\n\n{section}"
    )
    path.write_text(text, encoding="utf-8")


def peak() -> float:
    """Megabytes that this program has held at most; getrusage would count what its parent held when it started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", default="10000,100000,1000000")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--postgresql", default="postgresql+asyncpg://postgres@127.0.0.1/qingqun_bench_inventory")
    parser.add_argument("--skip", default="", help=f"what is left out, of {','.join(MEASURES)}")
    parser.add_argument("--folder", type=Path, help="where the data go; a temporary folder by default")
    parser.add_argument("--json", type=Path, default=Path("bench-inventory.json"))
    parser.add_argument("--docs", type=Path, default=Path(__file__).parent.parent / "docs" / "performance.md")
    parser.add_argument("--measure", choices=tuple(MEASURES), help=argparse.SUPPRESS)
    parser.add_argument("--at", default="sqlite", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        found = asyncio.run(MEASURES[args.measure](args.folder, args.at))
        found = {"cpu": time.process_time()} | found | {"peak": peak()}
        print(json.dumps(found))
        return
    # What was measured before stays, until it is measured again.
    runs: list[dict[str, Any]] = json.loads(args.json.read_text(encoding="utf-8")) if args.json.exists() else []
    kinds = ("sqlite", "postgresql") if args.database == "both" else (args.database,)
    for kind in kinds:
        for groups in map(int, args.groups.split(",")):
            folder = Path(tempfile.mkdtemp(prefix="inventory-", dir=args.folder))
            try:
                found = one_size(groups, kind, args.postgresql, set(args.skip.split(",")), folder)
                runs = [one for one in runs if (one["database"], one["groups"]) != (kind, groups)] + [found]
                runs.sort(key=lambda one: (one["database"] != "sqlite", one["groups"]))
            finally:
                shutil.rmtree(folder)
            args.json.write_text(json.dumps(runs, ensure_ascii=False, indent=1), encoding="utf-8")
            write_section(args.docs, runs)
    if "postgresql" in kinds:
        asyncio.run(_drop(args.postgresql))
    print(table_of(runs))


if __name__ == "__main__":
    main()

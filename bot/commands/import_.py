"""`qingqun import groups|apps FILE`: take a register in, and say row by row what became of it."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection

from bot.commands import import_feeds
from bot.reports.register_import import Register, RegisterRow, read_register
from bot.reports.spreadsheet import ImportRefused, load_file
from config.settings import Settings
from config.wording import load_wording
from storage import register
from storage.database import Store
from storage.register import Live, Outcome, What, folded

BAD = 2
# What registers call a platform → the channel.
CHANNELS: Mapping[str, str] = {
    "微信": "wechat", "微信群": "wechat", "企业微信": "wecom", "政务微信": "wecom", "钉钉": "dingtalk",
    "钉钉群": "dingtalk", "政务钉钉": "dingtalk", "飞书": "feishu", "qq": "qq", "qq群": "qq",
    "网页试用台": "playground", "未注明": "other",
}  # fmt: skip
UNKNOWN_CHANNEL = "other"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one row; `told` is how it goes into the table, `outcome` None for a skipped one."""

    row: RegisterRow
    told: Mapping[str, Any]
    outcome: Outcome | None = None
    note: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = "工作群台账、政务应用台账，或单位提供的账号更新记录文件（feeds）"
    parser.add_argument("what", choices=("groups", "apps", "feeds"), metavar="groups|apps|feeds", help=what)
    file = "xlsx 或 csv 文件，表头为中文，列的次序不限；feeds 为 RSS、Atom、JSON Feed、csv 文件或其所在的文件夹"
    parser.add_argument("file", type=Path, metavar="FILE", help=file)
    parser.add_argument("--dry-run", action="store_true", help="只报告会做什么，不写入")


async def run(args: argparse.Namespace, settings: Settings, store: Store) -> int:
    if args.what == "feeds":
        return await import_feeds.run(args.file, settings, store, args.dry_run)
    try:
        read = await asyncio.to_thread(_read, args.file, settings.upload_mb, args.what)
    except ImportRefused as refused:
        print(refused.said(args.file.name), file=sys.stderr)
        return BAD
    now = datetime.now(UTC)
    if args.dry_run:
        taken, kept = await store.read(lambda db: take(db, read, args.what, None))
    else:
        taken, kept = await store.write(lambda db: take(db, read, args.what, now))
    for line in _account(read, taken, kept, args.file.name, args.dry_run):
        print(line)
    return 0


def _read(path: Path, limit_mb: int, what: str) -> Register:
    return read_register(load_file(path, limit_mb), what)


def take(db: Connection, read: Register, what: What, at: datetime | None) -> tuple[list[Taken], int]:
    """Save all rows in one transaction, or only compare them when `at` is None; and how many others the table holds."""
    live = register.live_groups(db) if what == "groups" else []
    known = {row.id for row in (register.group_rows if what == "groups" else register.app_rows)(db)}
    taken = _prepared(read, what, live)
    rows = [one.told for one in taken if one.told]
    outcomes = register.save(db, what, rows, at) if at else register.compare(db, what, rows)
    became = {row["id"]: outcome for row, outcome in zip(rows, outcomes, strict=True)}
    notes = _notes(rows, live)
    done = [
        replace(one, outcome=became[one.told["id"]], note=notes.get(one.told["id"], "")) if one.told else one
        for one in taken
    ]
    return done, len(known - became.keys())


def _prepared(read: Register, what: What, live: list[Live]) -> list[Taken]:
    """Each row under its key; the second row of one key is skipped."""
    first: dict[str, int] = {}
    by_native: dict[str, list[str]] = {}
    for group in live:
        for given in (group.id, group.id.split(":", 1)[1]):
            by_native.setdefault(given, []).append(group.id)
    taken: list[Taken] = []
    for row in read.rows:
        told = {} if row.skipped else _told(row, read, what, by_native)
        if told and (before := first.setdefault(told["id"], row.number)) != row.number:
            row.skipped, told = load_wording()("import.twice", row=before), {}
        taken.append(Taken(row, told))
    return taken


def _told(row: RegisterRow, read: Register, what: What, by_native: Mapping[str, list[str]]) -> dict[str, Any]:
    """The cells that the file has; an empty one empties, one that could not be read leaves what was known."""
    columns = read.columns | ({"ends"} if "matter" in read.columns else set())
    told = {name: row.values.get(name) for name in columns - row.unread - {"platform", "native"}}
    if row.extra or read.unknown:
        told["extra"] = json.dumps(row.extra, ensure_ascii=False, sort_keys=True)
    told |= {"id": _key(row, what), "position": row.number}
    if what == "groups":
        told["channel"] = _channel(row)
        native = row.values.get("native", "")
        if native:
            named = by_native.get(native, [])
            told["group"] = named[0] if len(named) == 1 else None
    return told


def _channel(row: RegisterRow) -> str:
    text = unicodedata.normalize("NFKC", row.values.get("platform", "")).lower().replace(":", "").strip()
    return CHANNELS.get(text, text[:40]) or UNKNOWN_CHANNEL


def _key(row: RegisterRow, what: What) -> str:
    """Stays the same from file to file: the id that the file gives, or else platform, unit and name."""
    head = _channel(row) if what == "groups" else "app"
    native = row.values.get("native", "")
    if native:
        return str(native) if ":" in native else f"{head}:{native}"
    named = ("unit", "name") if what == "groups" else ("unit", "name", "kind")
    text = "\n".join(folded(row.values.get(name, "")) for name in named)
    return f"{head}:r{hashlib.sha256(text.encode()).hexdigest()[:15]}"


def _notes(rows: list[Mapping[str, Any]], live: list[Live]) -> dict[str, str]:
    """Which live group a row was matched to, or that it could not be."""
    say = load_wording()
    asked = [
        SimpleNamespace(id=row["id"], group=row.get("group"), name=row["name"], unit=row.get("unit") or "")
        for row in rows
    ]
    pairs = register.pair(asked, live)
    names = Counter(folded(one.name) for one in live if one.living)
    notes = {row.id: say("import.ambiguous") for row in asked if names[folded(row.name)] > 1}
    return notes | {row: say("import.matched", group=group) for row, group in pairs.items()}


def _account(read: Register, taken: list[Taken], kept: int, file: str, dry: bool) -> Iterator[str]:
    say = load_wording()
    for name in ("unknown", "computed"):
        if columns := getattr(read, name):
            yield say(f"import.{name}_columns", columns="、".join(columns))
    counts: Counter[str] = Counter()
    for one in taken:
        counts[one.outcome or "skipped"] += 1
        counts["problems"] += len(one.row.problems)
        yield from _lines(one, dry)
    numbers = {name: counts[name] for name in ("new", "changed", "same", "skipped", "problems")}
    yield say("import.summary_dry" if dry else "import.summary", file=file, rows=len(taken), **numbers)
    if kept:
        yield say("import.kept", number=kept)


def _lines(one: Taken, dry: bool) -> Iterator[str]:
    say, row = load_wording(), one.row
    if one.outcome is None:
        yield say("import.skipped", row=row.number, why=row.skipped)
    else:
        would = "would_" if dry and one.outcome != "same" else ""
        values = {"row": row.number, "outcome": say(f"import.{would}{one.outcome}"), "name": one.told["name"]}
        unit = one.told.get("unit")
        yield (say("import.line_unit", unit=unit, **values) if unit else say("import.line", **values)) + one.note
    for problem in row.problems:
        yield say("import.problem", row=row.number, cell=problem.cell, column=problem.column, why=problem.why)

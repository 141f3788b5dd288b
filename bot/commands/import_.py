"""`qingqun import groups|apps FILE`: take a register in, and say row by row what became of it."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import sys
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from bot.bus import REGISTER
from bot.commands import import_feeds
from bot.reports import register_account
from bot.reports.register_import import Register, read_register
from bot.reports.register_rows import HEADERS, prepared
from bot.reports.spreadsheet import ImportRefused, load_file
from config.settings import Settings
from config.wording import load_wording
from storage import register, registerimports
from storage.database import Store
from storage.registerimports import Difference

BAD = 2
WHO = "command"
# Rows of the register that the file does not have are counted; so many are named.
MISSING_NAMED = 20

Rows = Sequence[Mapping[str, Any]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = "工作群台账、政务应用台账，或单位提供的账号更新记录文件（feeds）"
    parser.add_argument("what", choices=("groups", "apps", "feeds"), metavar="groups|apps|feeds", help=what)
    file = "xlsx 或 csv 文件，表头为中文；feeds 为 RSS、Atom、JSON Feed、csv 文件或文件夹，不写则读台账里写明的"
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE", help=file)
    parser.add_argument("--dry-run", action="store_true", help="只报告会做什么，不写入")
    parser.add_argument("--account", type=Path, metavar="FILE", help="把每一行的去向另存为 xlsx 或 csv 文件")


async def run(args: argparse.Namespace, settings: Settings, store: Store) -> int:
    if args.what == "feeds":
        return await import_feeds.run(args.file, settings, store, args.dry_run)
    if args.file is None:
        print(load_wording()("import.no_file", what=args.what), file=sys.stderr)
        return BAD
    try:
        content, read = await asyncio.to_thread(_read, args.file, settings.upload_mb, args.what)
    except ImportRefused as refused:
        print(refused.said(args.file.name), file=sys.stderr)
        return BAD
    if args.account and args.account.suffix.lower() not in register_account.MEDIA:
        print(load_wording()("import.account_kind", path=args.account.name), file=sys.stderr)
        return BAD
    told: dict[str, Any] = {"id": f"i{uuid.uuid4().hex[:16]}", "book": args.what, "file": args.file.name[:200]}
    told |= {"sha256": hashlib.sha256(content).hexdigest(), "who": WHO, "at": datetime.now(UTC), "parts": 0}
    if args.dry_run:
        rows, found = await store.read(lambda db: _compare(db, read, args.what))
    else:
        rows, found = await store.write(lambda db: _take(db, read, told), key=REGISTER + args.what)
    for line in _said(read, rows, found, args.file.name, args.dry_run, args.what):
        print(line)
    return _write_account(args.account, args.what, registerimports.accounted(rows, found)) if args.account else 0


def _read(path: Path, limit_mb: int, what: str) -> tuple[bytes, Register]:
    content = load_file(path, limit_mb)
    return content, read_register(content, what)


def _compare(db: Connection, read: Register, what: Any) -> tuple[Rows, Difference]:
    rows = prepared(read, what, register.live_groups(db) if what == "groups" else [])
    return rows, registerimports.difference(db, what, registerimports.told(what, rows))


def _take(db: Connection, read: Register, told: dict[str, Any]) -> tuple[Rows, Difference]:
    """In one transaction."""
    rows, found = _compare(db, read, told["book"])
    registerimports.note(db, told)
    draft = registerimports.get(db, told["id"])
    assert draft is not None
    registerimports.take(db, draft, rows, found, told["at"], WHO)
    return rows, found


def _write_account(path: Path, what: str, account: Rows) -> int:
    say = load_wording()
    try:
        path.write_bytes(register_account.render(path.suffix.lower(), what, account))
    except OSError as error:
        print(say("inventory.not_written", path=path, why=error.strerror), file=sys.stderr)
        return BAD
    print(say("inventory.written", path=path))
    return 0


def _said(read: Register, rows: Rows, found: Difference, file: str, dry: bool, what: str) -> Iterator[str]:
    say = load_wording()
    for name in ("unknown", "computed"):
        if columns := getattr(read, name):
            yield say(f"import.{name}_columns", columns="、".join(columns))
    counts: Counter[str] = Counter()
    weighed = iter(found.rows)
    for line in registerimports.accounted(rows, found):
        one = next(weighed) if line["outcome"] != "skipped" else None
        counts[line["outcome"]] += 1
        counts["problems"] += len(line["problems"])
        yield from _lines(line, one, dry, what)
    numbers = {name: counts[name] for name in ("new", "changed", "same", "skipped", "problems")}
    for row in found.missing[:MISSING_NAMED]:
        yield say("import.kept_row", name=row.name, unit=row.unit or say("import.no_unit"))
    yield say("import.summary_dry" if dry else "import.summary", file=file, rows=len(rows), **numbers)
    if found.missing:
        yield say("import.kept", number=len(found.missing))


def _lines(line: Mapping[str, Any], one: Any, dry: bool, what: str) -> Iterator[str]:
    say = load_wording()
    if one is None:
        yield say("import.skipped", row=line["row"], why=line["why"])
    else:
        would = "would_" if dry and line["outcome"] != "same" else ""
        values = {"row": line["row"], "outcome": say(f"import.{would}{line['outcome']}"), "name": line["name"]}
        unit, formerly = line["unit"], line["formerly"]
        said = say("import.line_unit", unit=unit, **values) if unit else say("import.line", **values)
        yield said + (say("import.formerly", name=formerly) if formerly else "") + line["note"]
        for change in one.changes:
            column = HEADERS[what].get(change.field, change.field)
            cells = {side: getattr(change, side) or say("import.nothing") for side in ("before", "after")}
            yield say("import.change", column=column, **cells)
    for cell, column, why in line["problems"]:
        yield say("import.problem", row=line["row"], cell=cell, column=column, why=why)

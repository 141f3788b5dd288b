"""`qingqun export DIR|FILE.zip`: everything that is stored in open formats, or a copy of one person's own data."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection as Sqlite
from typing import Any

from bot import exporting
from bot.channels.playground import leaving
from bot.channels.playground.book import Book
from bot.exporting import FORMATS, Refused
from bot.people import one_person
from config.settings import Settings
from config.wording import load_wording
from storage import audit
from storage.database import Store

BAD = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", type=Path, metavar="DIR|FILE.zip", help="写入的文件夹（须不存在或是空的），或 zip 文件")
    parser.add_argument("--format", choices=FORMATS, default="jsonl", help="每张表一个文件的格式，默认 jsonl")
    parser.add_argument("--person", metavar="ID", help="只导出这一个人的资料：平台编号，或不重名的姓名")


async def run(args: argparse.Namespace, settings: Settings, store: Store) -> int:
    say, now = load_wording(), datetime.now(UTC)
    try:
        who = await store.read(lambda db: one_person(db, args.person)) if args.person else None
        exporting.check(args.target)
        extra = [] if who else await beside(settings.data)
        # Not whose: the log must not keep what is to be erased one day.
        log = {"at": now, "who": "command", "name": say("export.command"), "what": "own" if who else "everything"}
        await store.write(lambda db: audit.add(db, {**log, "subject": args.format, "scope": ""}))
        manifest = await store.snapshot(lambda db: exporting.write(db, args.target, now, args.format, who, extra))
    except Refused as refused:
        return _refuse(refused)
    except OSError as error:
        return _refuse(say("export.not_written", path=args.target, why=error.strerror or error))
    print(say("export.written", path=args.target, tables=len(manifest["tables"]), rows=manifest["rows"]))
    return 0


def _refuse(why: object) -> int:
    print(why, file=sys.stderr)
    return BAD


async def beside(data: Path) -> list[tuple[str, tuple[str, ...], list[dict[str, Any]]]]:
    """The playground's own file, where there is one."""
    path = data / "playground.db"
    if not path.exists():
        return []
    book = Book(path)
    try:
        found: Mapping[str, list[dict[str, Any]]] = await book(_everything)
    finally:
        await book.close()
    return [(f"playground_{name}", leaving.TABLES[name], rows) for name, rows in found.items()]


def _everything(db: Sqlite) -> dict[str, list[dict[str, Any]]]:
    return {name: list(leaving.rows(db, name)) for name in leaving.TABLES}

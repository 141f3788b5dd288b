"""`qingqun inventory`: the week's inventory as JSON on stdout, or as a file."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from bot.reports import xlsx
from config.settings import Settings
from config.wording import load_wording
from handlers.inventory import WeekError, snapshot_for
from storage.database import Store

BAD = 2
FORMATS = ("json", "xlsx")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--week", metavar="2026-W47", help="ISO 周，默认最近一个已结束的周")
    parser.add_argument("--format", choices=FORMATS, help="输出格式，默认 json（-o 以 .xlsx 结尾时为 xlsx）")
    parser.add_argument("-o", "--output", type=Path, metavar="PATH", help="写入的文件；json 默认写到标准输出")


async def run(args: argparse.Namespace, settings: Settings, store: Store) -> int:
    now = datetime.now(UTC)
    try:
        snapshot = await store.read(lambda db: snapshot_for(db, settings, args.week, now))
    except WeekError as error:
        print(error, file=sys.stderr)
        return BAD
    output: Path | None = args.output
    if (args.format or ("xlsx" if output and output.suffix.lower() == ".xlsx" else "json")) == "xlsx":
        content = await asyncio.to_thread(xlsx.render, snapshot)
        return await asyncio.to_thread(_write, output or Path(f"工作群清单-{snapshot['week']}.xlsx"), content)
    text = json.dumps(snapshot, ensure_ascii=False, indent=2) + "\n"
    if output is None:
        sys.stdout.write(text)
        return 0
    return await asyncio.to_thread(_write, output, text.encode())


def _write(path: Path, content: bytes) -> int:
    say = load_wording()
    try:
        path.write_bytes(content)
    except OSError as error:
        print(say("inventory.not_written", path=path, why=error.strerror), file=sys.stderr)
        return BAD
    print(say("inventory.written", path=path))
    return 0

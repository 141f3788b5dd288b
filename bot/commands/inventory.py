"""`qingqun inventory`: the week's inventory as JSON on stdout, as a file, or as letters to those it concerns."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection

from bot.reports import formats
from bot.reports.paper import FontError
from bot.reports.stream import written
from config.settings import Settings
from config.wording import load_wording
from handlers.inventory import WeekError, opened_for
from storage.database import Store

BAD = 2
FORMATS = ("json", *formats.MEDIA)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--week", metavar="2026-W47", help="ISO 周，默认最近一个已结束的周")
    parser.add_argument("--format", choices=FORMATS, help="输出格式，默认按 -o 的后缀，否则 json")
    parser.add_argument("-o", "--output", type=Path, metavar="PATH", help="写入的文件；json 默认写到标准输出")
    parser.add_argument("--letters", type=Path, metavar="DIR", help="按分管战线写提示函（docx）的文件夹")


async def run(args: argparse.Namespace, settings: Settings, store: Store) -> int:
    if args.letters and (args.format or args.output):
        return _refuse(load_wording()("letter.alone"))
    now = datetime.now(UTC)

    def work(db: Connection) -> int:
        snapshot = opened_for(db, settings, args.week, now)
        if args.letters:
            return _write_letters(snapshot, settings, args.letters)
        return _write_inventory(snapshot, settings, args.format, args.output)

    try:
        # The rows of a saved snapshot are read while they are written.
        return await store.study(work)
    except WeekError as error:
        return _refuse(error)


def _write_inventory(snapshot: Mapping[str, Any], settings: Settings, kind: str | None, output: Path | None) -> int:
    """Without a format, the output's ending tells it; what it does not tell is JSON."""
    ending = output.suffix.lower().removeprefix(".") if output else ""
    kind = kind or (ending if ending in FORMATS else "json")
    if kind == "json":
        if output:
            return _write(output, lambda file: file.writelines(one.encode() for one in written(snapshot)))
        sys.stdout.writelines(written(snapshot))
        return 0
    named = "bulletin.file" if kind != "xlsx" else "inventory.file"
    path = output or Path(load_wording()(named, week=snapshot["week"], kind=kind))
    try:
        return _write(path, lambda file: formats.write(kind, snapshot, settings, file))
    except FontError as error:
        return _refuse(error)


def _write_letters(snapshot: Mapping[str, Any], settings: Settings, folder: Path) -> int:
    """The draft is read before anything is written."""
    from bot.reports import letters

    say = load_wording()
    try:
        files = letters.render(snapshot, settings)
    except letters.DraftError as error:
        return _refuse(error)
    if not files:
        print(say("letter.nothing", week=snapshot["week"]))
        return 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return _refuse(say("inventory.not_written", path=folder, why=error.strerror))
    if any(_write(folder / name, partial(_put, content)) for name, content in files):
        return BAD
    if units := letters.unassigned(snapshot, settings.office.lines):
        print(say("letter.rest_units", units="、".join(units)))
    return 0


def _refuse(why: object) -> int:
    print(why, file=sys.stderr)
    return BAD


def _put(content: bytes, file: IO[bytes]) -> None:
    file.write(content)


def _write(path: Path, fill: Callable[[IO[bytes]], Any]) -> int:
    """Beside its place first: what cannot be finished leaves the file of before as it was."""
    say = load_wording()
    # A device or a link is written to as it is.
    plain = not path.is_symlink() and (path.is_file() or not path.exists())
    unfinished = path.with_name(f".{path.name}.part") if plain else path
    try:
        with unfinished.open("wb") as file:
            fill(file)
        if plain:
            unfinished.replace(path)
    except OSError as error:
        return _refuse(say("inventory.not_written", path=path, why=error.strerror))
    finally:
        if plain:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
    print(say("inventory.written", path=path))
    return 0

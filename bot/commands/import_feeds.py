"""`qingqun import feeds FILE|DIR`: when accounts last published something, by the files that their units gave."""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from bot.reports.feeds import SUFFIXES, Feed, read_feeds
from bot.reports.spreadsheet import ImportRefused, load_file
from config.settings import TIMEZONE, Settings
from config.wording import load_wording
from storage import feeds, register
from storage.database import Store
from storage.register import folded

BAD = 2
# A folder holds one file for each account, and a county has not more of them.
MAX_FILES = 5_000


@dataclass(frozen=True, slots=True)
class Told:
    """A file's word about one account; `owner` is what tells whose it is: the name in a table, or the file's own."""

    file: str
    owner: str
    feed: Feed


async def run(path: Path, settings: Settings, store: Store, dry: bool) -> int:
    """What can be read is taken in, what cannot is told; BAD when anything could not."""
    say = load_wording()
    files = _files(path)
    if not files:
        print(_nothing(path), file=sys.stderr)
        return BAD
    told, refused = await asyncio.to_thread(_read_all, files, settings.upload_mb)
    today = datetime.now(UTC).astimezone(TIMEZONE).date()
    work = store.read if dry else store.write
    lines, lost = await work(lambda db: _take(db, told, today, dry))
    for line in lines:
        print(line)
    for line in (*refused, *lost):
        print(line, file=sys.stderr)
    summary = "import.feed_summary_dry" if dry else "import.feed_summary"
    print(say(summary, files=len(files), taken=len(lines), lost=len(refused) + len(lost)))
    return BAD if refused or lost else 0


def _nothing(path: Path) -> str:
    return load_wording()("import.feed_no_files" if path.is_dir() else "import.missing", file=path)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path] if path.exists() else []
    found = sorted(one for one in path.iterdir() if one.suffix.lower() in SUFFIXES and one.is_file() and not one.is_symlink())
    return found[:MAX_FILES]


def _read_all(files: Sequence[Path], limit_mb: int) -> tuple[list[Told], list[str]]:
    told: list[Told] = []
    refused: list[str] = []
    for file in files:
        try:
            told += [Told(file.name, one.title, one) for one in read_feeds(load_file(file, limit_mb))]
        except ImportRefused as why:
            refused.append(why.said(file.name))
    return told, refused


def _take(db: Connection, told: Sequence[Told], today: date, dry: bool) -> tuple[list[str], list[str]]:
    """What was taken in and what could not be, as sentences. Days that are still to come count for nothing."""
    say = load_wording()
    known = _Names(register.app_rows(db))
    taken: list[str] = []
    lost: list[str] = []
    for one in told:
        found = known.find(one)
        days = sorted(day for day in one.feed.days if day <= today)
        if len(found) != 1:
            key = "feed_ambiguous" if found else "feed_unknown"
            lost.append(say(f"import.{key}", file=one.file, name=known.asked(one)[0]))
        elif not days:
            lost.append(say("import.feed_future", file=one.file))
        else:
            if not dry:
                feeds.replace(db, found[0].id, days, one.file)
            more = len(one.feed.days) - len(days) + one.feed.undated
            left = say("import.feed_left", number=more) if more else ""
            last = f"{days[-1].year}年{days[-1].month}月{days[-1].day}日"
            taken.append(say("import.feed_line", name=found[0].name, file=one.file, last=last, days=len(days)) + left)
    return taken, lost


class _Names:
    """Whose a file is: by the app's id, its name, or 主办单位-名称; the file's own name counts before its title."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self._known: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            for name in {row.id, row.id.split(":", 1)[-1], row.name, f"{row.unit}-{row.name}"}:
                self._known[folded(name)].append(row)

    def find(self, told: Told) -> list[Any]:
        for name in self.asked(told):
            if found := self._known.get(folded(name)):
                return found
        return []

    def asked(self, told: Told) -> tuple[str, ...]:
        stem = Path(told.file).stem
        table = Path(told.file).suffix.lower() in (".csv", ".xlsx")
        # The names in a table are its rows'; elsewhere whoever named the file knows better than the file.
        return (told.owner, stem) if table and told.owner else (stem, told.owner)

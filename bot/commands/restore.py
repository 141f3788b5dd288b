"""`qingqun restore FILE`: a backup back into an empty database, whole or not at all."""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection

from bot.app import sole_owner
from bot.archive import Archive, ArchiveError
from bot.commands.backup import PLAYGROUND, SECRET
from config.settings import Settings
from config.wording import Wording, load_wording
from storage import copying
from storage.copying import Tally
from storage.database import Store

BAD = 2
NEEDS_STORE = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE.zip", help="qingqun backup 写下的文件")
    parser.add_argument("--force", action="store_true", help="即使数据库里已有数据也恢复，原有数据全部丢弃")


async def run(args: argparse.Namespace, settings: Settings, store: Store) -> int:
    say = load_wording()
    with sole_owner(settings.data):
        if settings.database and await store.holders("process"):
            return _refuse(say("restore.running"))
        try:
            backup = await asyncio.to_thread(Archive, args.file)
        except ArchiveError as error:
            return _refuse(error)
        try:
            await asyncio.to_thread(backup.check)
            return await Restore(backup, settings, store, say).run(args.force)
        except ArchiveError as error:
            return _refuse(error)
        finally:
            backup.close()


class Restore:
    def __init__(self, backup: Archive, settings: Settings, store: Store, say: Wording) -> None:
        self._backup, self._data, self._store, self._say = backup, settings.data, store, say
        self._settings = settings

    async def run(self, force: bool) -> int:
        say = self._say
        lost = [f"{name} {number}" for name, number in (await self._store.read(copying.counts)).items()]
        lost += [name for name in (PLAYGROUND, SECRET) if self._would_replace(name)]
        if lost and not force:
            return _refuse(say("restore.not_empty", lost="、".join(lost)))
        if lost:
            print(say("restore.lost", lost="、".join(lost)))
        ready = self._unpack()
        try:
            rows = await self._store.write(self._rows)
        except Exception:
            for file in ready.values():
                file.unlink(missing_ok=True)
            raise
        for name, file in ready.items():
            for ending in ("-wal", "-shm"):
                (self._data / (name + ending)).unlink(missing_ok=True)
            file.replace(self._data / name)
        print(say("restore.done", tables=len(self._backup.manifest["tables"]), rows=rows, made=self._backup.manifest["made"]))
        if SECRET not in ready:
            print(say("restore.no_secret"))
        return 0

    def _rows(self, db: Connection) -> int:
        """How many rows came back; ArchiveError, and nothing changed, when one did not."""
        told: list[tuple[str, Tally]] = []
        different = self._backup.restore(db, lambda name, tally: told.append((name, tally)))
        if different:
            listed = "、".join(f"{one.name}（{one.wanted} → {one.found}）" for one in different)
            raise ArchiveError(self._say("restore.different", listed=listed))
        for name, tally in told:
            print(self._say("restore.table", table=name, rows=tally.rows, checksum=tally.checksum[:16]))
        return sum(tally.rows for _, tally in told)

    def _would_replace(self, name: str) -> bool:
        """True when something is there that the backup brings too, and that is not the same or empty."""
        there = self._data / name
        if name not in self._backup.files or not there.is_file():
            return False
        if name == PLAYGROUND:
            with closing(sqlite3.connect(there)) as db:
                tables = db.execute("select count(*) from sqlite_master where name = 'people'").fetchone()[0]
                return bool(tables and db.execute("select count(*) from people").fetchone()[0])
        return bool(there.read_text(encoding="ascii").strip() != self._backup.text(name))

    def _unpack(self) -> dict[str, Path]:
        """Beside their places, so that putting them there is one step."""
        ready = {}
        for name in (PLAYGROUND, SECRET):
            # A secret of the settings stays the settings' business.
            if name in self._backup.files and not (name == SECRET and self._settings.secret.get_secret_value()):
                ready[name] = self._data / f"{name}.restoring"
                self._backup.extract(name, ready[name])
        return ready


def _refuse(why: object) -> int:
    print(why, file=sys.stderr)
    return BAD

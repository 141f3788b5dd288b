"""`qingqun migrate --from sqlite:///… --to postgresql://…`: from the one file to a server, resumable."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from bot.app import sole_owner
from config.settings import Settings
from config.wording import load_wording
from storage.copying import Tally
from storage.transfer import Transfer

BAD, WRONG = 2, 1
NEEDS_STORE = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="source", required=True, metavar="sqlite:///data/qingqun.db", help="来源：轻群的 SQLite 文件"
    )
    parser.add_argument("--to", dest="target", required=True, metavar="postgresql://…", help="目标：空的 PostgreSQL 数据库")


def run(args: argparse.Namespace, settings: Settings) -> int:
    say = load_wording()
    source, target = _url(args.source), _url(args.target)
    if source is None or source.get_backend_name() != "sqlite" or not source.database:
        return _refuse(say("migrate.bad_source", given=args.source))
    if target is None or target.get_backend_name() != "postgresql":
        return _refuse(say("migrate.bad_target"))
    path = Path(source.database)
    if not path.is_file():
        return _refuse(say("migrate.no_file", path=path))
    counted = Counted()
    with sole_owner(path.parent):
        wanted = target.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
        different = asyncio.run(Transfer(path, wanted, counted.told).run())
    if different:
        print(say("migrate.different", tables="、".join(different)), file=sys.stderr)
        return WRONG
    print(say("migrate.done", tables=counted.tables, rows=counted.rows))
    shown = target.set(drivername="postgresql+asyncpg").render_as_string()
    print(say("migrate.next", database=shown))
    return 0


class Counted:
    """Says each table when it is compared."""

    def __init__(self) -> None:
        self.tables = self.rows = 0
        self._say = load_wording()

    def told(self, name: str, tally: Tally, same: bool) -> None:
        self.tables += 1
        self.rows += tally.rows
        key = "migrate.table" if same else "migrate.table_differs"
        print(self._say(key, table=name, rows=tally.rows, checksum=tally.checksum[:16]), flush=True)


def _url(given: str) -> URL | None:
    try:
        return make_url(given)
    except ArgumentError:
        return None


def _refuse(why: object) -> int:
    print(why, file=sys.stderr)
    return BAD

"""`qingqun backup`: everything into one file, while the bot runs."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bot import archive
from bot.links import secret_of
from config.settings import TIMEZONE, Settings
from config.wording import load_wording
from storage.copying import Tally
from storage.database import Store
from storage.sqlite import copy_file

BAD = 2
NEEDS_STORE = True
PLAYGROUND, SECRET = "playground.db", "secret"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE.zip", help="备份文件，默认 qingqun-日期-时间.zip")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.zip", help="同上")
    parser.add_argument("--with-secret", action="store_true", help="把签名密钥也放进备份（请像保管钥匙一样保管这份备份）")


async def run(args: argparse.Namespace, settings: Settings, store: Store) -> int:
    say = load_wording()
    now = datetime.now(UTC)
    path: Path = args.output or args.file or Path(f"qingqun-{now.astimezone(TIMEZONE):%Y%m%d-%H%M%S}.zip")
    if await asyncio.to_thread(path.exists):
        return _refuse(say("backup.exists", path=path))

    def told(name: str, tally: Tally) -> None:
        print(say("backup.table", table=name, rows=tally.rows, checksum=tally.checksum[:16]))

    unfinished = path.with_name(path.name + ".part")
    try:
        # A backup is as secret as what is in it.
        unfinished.touch(mode=0o600)
        with TemporaryDirectory() as folder:
            files = _files(settings, Path(folder), args.with_secret)
            manifest = await store.snapshot(lambda db: archive.write(db, unfinished, files, now, told))
        unfinished.rename(path)
    except OSError as error:
        return _refuse(say("backup.not_written", path=path, why=error.strerror or error))
    finally:
        unfinished.unlink(missing_ok=True)
    rows = sum(one["rows"] for one in manifest["tables"].values())
    print(say("backup.done", path=path, tables=len(manifest["tables"]), rows=rows))
    print(say("backup.with_secret" if args.with_secret else "backup.without_secret"))
    return 0


def _files(settings: Settings, folder: Path, with_secret: bool) -> dict[str, Path]:
    files = {}
    playground = settings.data / PLAYGROUND
    if playground.is_file():
        copy_file(playground, folder / PLAYGROUND)
        files[PLAYGROUND] = folder / PLAYGROUND
    if with_secret:
        (folder / SECRET).write_text(secret_of(settings, settings.data), encoding="utf-8")
        files[SECRET] = folder / SECRET
    return files


def _refuse(why: object) -> int:
    print(why, file=sys.stderr)
    return BAD

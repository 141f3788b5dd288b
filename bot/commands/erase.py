"""`qingqun erase PERSON`: delete everything about one person on request, and give a receipt for it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bot.channels import native
from bot.channels.playground import Playground, leaving
from bot.channels.playground.book import Book
from bot.exporting import Refused
from bot.people import one_person
from bot.reports import receipt
from config.settings import Settings
from config.wording import load_wording
from handlers.erase import carry_out, words
from storage import erasure
from storage.database import Store
from storage.erasure import Erased

BAD, STOPPED = 2, 1
WHO = "command"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("person", metavar="PERSON", help="平台编号，或不重名的姓名")
    parser.add_argument("--dry-run", action="store_true", help="只列出会删除什么，不删除")
    parser.add_argument("--yes", action="store_true", help="在终端里也不再询问，直接删除")
    parser.add_argument("--receipt", type=Path, metavar="FILE", help="把回执写成 docx、txt 或 json 文件，文件须不存在")


async def run(args: argparse.Namespace, settings: Settings, store: Store) -> int:
    say, now = load_wording(), datetime.now(UTC)
    try:
        _check_receipt(args.receipt)
        key = await store.read(lambda db: one_person(db, args.person))
        foreseen = await store.write(lambda db: erasure.foresee(db, key, words(say), now))
        talks = await _talks(settings.data, key, gone=False)
        if not foreseen and not talks:
            raise Refused(say("erase.nothing", given=args.person))
    except Refused as refused:
        print(refused, file=sys.stderr)
        return BAD
    print("\n".join([say("erase.foreseen", person=key), *listed(foreseen, talks)]))
    if args.dry_run:
        print(say("erase.dry_run"))
        return 0
    if sys.stdin.isatty() and not args.yes and not _agreed():
        print(say("erase.stopped"))
        return STOPPED
    number = receipt.new_number(now)
    talks = await _talks(settings.data, key, gone=True)
    done = await store.write(lambda db: carry_out(db, key, now, WHO, number, talks, say))
    print("\n".join(receipt.lines(done, args.person)))
    if args.receipt:
        try:
            args.receipt.write_bytes(receipt.render(args.receipt.suffix.lower(), done, args.person))
        except OSError as error:
            print(say("erase.no_receipt", path=args.receipt, why=error.strerror, number=number), file=sys.stderr)
            return BAD
        print(say("erase.kept_receipt", path=args.receipt))
    return 0


def _check_receipt(path: Path | None) -> None:
    """Before anything is deleted: a receipt that cannot be written would be known too late."""
    say = load_wording()
    if path is None:
        return
    if path.suffix.lower() not in receipt.RENDERERS:
        raise Refused(say("erase.receipt_kind", path=path.name))
    if path.exists() or not path.absolute().parent.is_dir():
        raise Refused(say("erase.receipt_place", path=path))


async def _talks(data: Path, key: str, gone: bool) -> int:
    """How many rows the playground's own file has about the person, and away with them."""
    path = data / "playground.db"
    if not path.exists() or not key.startswith(f"{Playground.name}:"):
        return 0
    book = Book(path)
    try:
        if not gone:
            return await book(partial(leaving.count, person=native(key)))
        return await book(partial(leaving.erase, person=native(key), instead=load_wording()("erase.someone")))
    finally:
        await book.close()


def _agreed() -> bool:
    """Only the word itself; where nobody can be asked, nobody agreed."""
    say = load_wording()
    try:
        return input(say("erase.ask")).strip() == say("erase.word")
    except EOFError:
        print()
        return False


def listed(done: Erased, talks: int) -> Iterator[str]:
    say = load_wording()
    for name in sorted({*done.deleted, *done.changed}):
        title, deleted, changed = say(f"export.table.{name}"), done.deleted[name], done.changed[name]
        if deleted:
            yield say("erase.line_deleted", title=title, number=deleted)
        if changed:
            yield say("erase.line_changed", title=title, number=changed)
    if talks:
        yield say("erase.line_deleted", title=say("erase.playground"), number=talks)
    if done.elsewhere:
        yield say("erase.elsewhere", number=done.elsewhere)

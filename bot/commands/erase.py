"""`qingqun erase PERSON`: delete everything about one person on request, and give a receipt for it."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import secrets
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bot.commands.export import Refused, one_person
from config.settings import TIMEZONE, Settings
from config.wording import load_wording
from storage import erasure
from storage.database import Store
from storage.erasure import Erased, Words

BAD, STOPPED = 2, 1
# Of scrypt: so much work for one guess at whose receipt it is.
COST: dict[str, int] = {"n": 2**14, "r": 8, "p": 1}
SALT_BYTES = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("person", metavar="PERSON", help="平台编号，或不重名的姓名")
    parser.add_argument("--yes", action="store_true", help="不再询问，直接删除")
    parser.add_argument("--receipt", type=Path, metavar="FILE", help="把删除回执写成 JSON 文件，文件须不存在")


async def run(args: argparse.Namespace, settings: Settings, store: Store) -> int:
    say = load_wording()
    words = Words(someone=say("erase.someone"), sender=say("erase.sender"))
    try:
        key = await store.read(lambda db: one_person(db, args.person))
        foreseen = await store.write(lambda db: erasure.foresee(db, key, words))
        if not foreseen:
            raise Refused(say("erase.nothing", given=args.person))
    except Refused as refused:
        print(refused, file=sys.stderr)
        return BAD
    print("\n".join([say("erase.foreseen", person=key), *_listed(foreseen)]))
    if not (args.yes or _agreed()):
        print(say("erase.stopped"))
        return STOPPED
    try:
        out = _open_new(args.receipt) if args.receipt else None
    except OSError as error:
        print(say("erase.no_receipt", path=args.receipt, why=error.strerror), file=sys.stderr)
        return BAD
    try:
        done = await store.write(lambda db: erasure.erase(db, key, words))
    except BaseException:
        if out:
            out.close()
            args.receipt.unlink()
        raise
    receipt = receipt_for(key, done, datetime.now(UTC))
    print("\n".join(_said(receipt, done)))
    if out:
        with out:
            out.write(json.dumps(receipt, ensure_ascii=False, indent=2) + "\n")
        print(say("erase.kept_receipt", path=args.receipt))
    return 0


def _agreed() -> bool:
    """Only the word itself; where nobody can be asked, nobody agreed."""
    say = load_wording()
    try:
        return input(say("erase.ask")).strip() == say("erase.word")
    except EOFError:
        print()
        return False


def _open_new(path: Path) -> Any:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")


def receipt_for(key: str, done: Erased, now: datetime) -> dict[str, Any]:
    """Whoever knows the key can tell that it is meant, by the salt; the receipt does not name it."""
    say, salt = load_wording(), secrets.token_bytes(SALT_BYTES)
    names = sorted({*done.deleted, *done.changed})
    return {
        "receipt": f"{now.astimezone(TIMEZONE):%Y%m%d}-{secrets.token_hex(6).upper()}",
        "at": now.astimezone(TIMEZONE).isoformat(timespec="seconds"),
        "program": f"qingqun {version('qingqun')}",
        "person": {
            "hash": hashlib.scrypt(key.encode(), salt=salt, dklen=32, **COST).hex(),
            "salt": salt.hex(),
            "method": "scrypt " + " ".join(f"{name}={value}" for name, value in COST.items()),
        },
        "tables": [
            {
                "table": name,
                "title": say(f"export.table.{name}"),
                "deleted": done.deleted[name],
                "anonymised": done.changed[name],
            }
            for name in names
        ],
        "register_elsewhere": done.elsewhere,
        "stays": [say(f"erase.stays.{what}") for what in STAYS],
    }


STAYS = ("counts", "platform", "playground", "logs", "register", "again")


def _listed(done: Erased) -> Iterator[str]:
    say = load_wording()
    for name in sorted({*done.deleted, *done.changed}):
        title, deleted, changed = say(f"export.table.{name}"), done.deleted[name], done.changed[name]
        if deleted:
            yield say("erase.line_deleted", title=title, number=deleted)
        if changed:
            yield say("erase.line_changed", title=title, number=changed)
    if done.elsewhere:
        yield say("erase.elsewhere", number=done.elsewhere)


def _said(receipt: dict[str, Any], done: Erased) -> Iterator[str]:
    say = load_wording()
    yield say("erase.receipt", number=receipt["receipt"], at=receipt["at"], program=receipt["program"])
    yield say("erase.hash", **receipt["person"])
    yield from _listed(done)
    yield from receipt["stays"]

"""`qingqun export DIR`: everything that is stored in an open format, or a copy of one person's own data."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from config.settings import TIMEZONE, Settings
from config.wording import load_wording
from storage import dump, personal
from storage.database import Store
from storage.dump import Part
from storage.migrate import revision

BAD = 2
MANIFEST, FORMAT = "manifest.json", "qingqun-export/1"


class Refused(Exception):
    """Nothing is written; the message is a Chinese sentence."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="写入的文件夹，须不存在或是空的")
    parser.add_argument("--person", metavar="ID", help="只导出这一个人的资料：平台编号，或不重名的姓名")


async def run(args: argparse.Namespace, settings: Settings, store: Store) -> int:
    say, now = load_wording(), datetime.now(UTC)
    try:
        who = await store.read(lambda db: one_person(db, args.person)) if args.person else None
        check_empty(args.folder)
        manifest = await store.read(lambda db: write(db, args.folder, who, now))
    except Refused as refused:
        return _refuse(refused)
    except OSError as error:
        return _refuse(say("export.not_written", path=args.folder, why=error.strerror or error))
    rows = sum(one["rows"] for one in manifest["tables"])
    print(say("export.written", path=args.folder, tables=len(manifest["tables"]), rows=rows))
    return 0


def _refuse(why: object) -> int:
    print(why, file=sys.stderr)
    return BAD


def one_person(db: Connection, given: str) -> str:
    """Their key; one that stands in no list of people may still stand elsewhere."""
    say, found = load_wording(), personal.resolve(db, given)
    if len(found) > 1:
        listed = "\n".join(say("export.candidate", id=one.id, name=one.name, unit=one.unit) for one in found)
        raise Refused(say("export.several", given=given) + "\n" + listed)
    if not found and ":" not in given:
        raise Refused(say("export.nobody", given=given))
    return str(found[0].id) if found else given


def check_empty(folder: Path) -> None:
    say = load_wording()
    if folder.exists() and not folder.is_dir():
        raise Refused(say("export.no_folder", path=folder))
    if folder.exists() and any(folder.iterdir()):
        raise Refused(say("export.not_empty", path=folder))


def write(db: Connection, folder: Path, person: str | None, now: datetime) -> dict[str, Any]:
    """Into a folder beside it first, which then takes its name: a failure leaves nothing."""
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    draft.mkdir(mode=0o700)
    try:
        dump.freeze(db)
        manifest = _write_all(db, draft, person, now)
        draft.replace(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return manifest


def _write_all(db: Connection, draft: Path, person: str | None, now: datetime) -> dict[str, Any]:
    say = load_wording()
    if person is None:
        tables = [_write_part(draft, part) for part in dump.everything(db)]
    else:
        found = (_write_part(draft, part) for part in dump.about(db, personal.subject(db, person), say("export.other")))
        tables = [one for one in found if one["rows"]]
        if not tables:
            raise Refused(say("export.nothing", given=person))
    manifest = {
        "format": FORMAT,
        "program": f"qingqun {version('qingqun')}",
        "schema": revision(db),
        "at": now.astimezone(TIMEZONE).isoformat(timespec="seconds"),
        **({"person": person} if person else {}),
        "tables": tables,
    }
    with _open(draft / MANIFEST) as out:
        out.write(json.dumps(manifest, ensure_ascii=False, indent=2).encode() + b"\n")
    with _open(draft / say("export.readme")) as out:
        out.write("\n".join(_explained(manifest)).encode() + b"\n")
    return manifest


def _write_part(draft: Path, part: Part) -> dict[str, Any]:
    """An empty table of a whole export has its file, too."""
    digest, rows, path = hashlib.sha256(), 0, draft / f"{part.name}.jsonl"
    encode = json.JSONEncoder(ensure_ascii=False).encode
    with _open(path) as out:
        for row in part.rows:
            line = encode(row).encode() + b"\n"
            out.write(line)
            digest.update(line)
            rows += 1
    return {
        "table": part.name,
        "title": load_wording()(f"export.table.{part.name}"),
        "file": path.name,
        "rows": rows,
        "sha256": digest.hexdigest(),
        "columns": [{"name": name, "type": kind} for name, kind in part.columns.items()],
    }


def _open(path: Path) -> Any:
    """For the owner of the process alone."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _explained(manifest: dict[str, Any]) -> Iterable[str]:
    say, person = load_wording(), manifest.get("person")
    yield (
        say("export.intro_person", person=person, at=manifest["at"])
        if person
        else say("export.intro", at=manifest["at"])
    )
    yield ""
    for one in manifest["tables"]:
        yield say("export.line", **{name: one[name] for name in ("file", "title", "rows")})
    yield ""
    yield say("export.format")
    if person:
        yield say("export.rights")

"""Everything that is stored, in open formats: a folder or a zip with an explanation, a manifest and checksums."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection

from bot.reports.xlsx import quoted
from config.settings import TIMEZONE
from config.wording import load_wording
from storage import dump, personal
from storage.dump import Part
from storage.migrate import revision

MANIFEST, FORMAT = "manifest.json", "qingqun-export/1"
FORMATS = ("jsonl", "csv")
Format = Literal["jsonl", "csv"]
# Beside the database: the playground's own file.
Extra = Iterable[tuple[str, tuple[str, ...], Iterable[Mapping[str, Any]]]]


class Refused(Exception):
    """Nothing is written; the message is a Chinese sentence."""


def check(target: Path) -> None:
    """A folder must be new or empty, a zip file new."""
    say = load_wording()
    if target.suffix.lower() == ".zip":
        if target.exists():
            raise Refused(say("export.file_exists", path=target))
        return
    if target.exists() and not target.is_dir():
        raise Refused(say("export.no_folder", path=target))
    if target.exists() and any(target.iterdir()):
        raise Refused(say("export.not_empty", path=target))


def write(
    db: Connection, target: Path, now: datetime, kind: Format = "jsonl", person: str | None = None, extra: Extra = ()
) -> dict[str, Any]:
    """Of a snapshot of the store; into a folder beside it first, which then takes its name: a failure leaves nothing."""
    target = target.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    draft.mkdir(mode=0o700)
    try:
        manifest = _write_all(db, draft, now, kind, person, extra)
        if target.suffix.lower() == ".zip":
            _pack(draft, target)
        else:
            draft.replace(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def _pack(draft: Path, target: Path) -> None:
    packed = draft / "packed.zip"
    with zipfile.ZipFile(packed, "x", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(draft.iterdir()):
            if path != packed:
                archive.write(path, path.name)
    packed.chmod(0o600)
    packed.replace(target)


def _write_all(
    db: Connection, draft: Path, now: datetime, kind: Format, person: str | None, extra: Extra
) -> dict[str, Any]:
    say = load_wording()
    if person is None:
        tables = [_write_part(draft, part, kind) for part in (*dump.everything(db), *_beside(extra))]
    else:
        found = dump.about(db, personal.subject(db, person), say("export.other"))
        tables = [one for part in found if (one := _write_part(draft, part, kind))["rows"]]
        for path in set(draft.iterdir()) - {draft / one["file"] for one in tables}:
            path.unlink()
        if not tables:
            raise Refused(say("export.nothing", given=person))
    manifest = {
        "format": FORMAT,
        "program": f"qingqun {version('qingqun')}",
        "schema": revision(db),
        "at": now.astimezone(TIMEZONE).isoformat(timespec="seconds"),
        **({"person": person} if person else {}),
        "tables": tables,
        "rows": sum(one["rows"] for one in tables),
    }
    readme = "\n".join(_explained(manifest)).encode() + b"\n"
    manifest["readme"] = {"file": say("export.readme"), "sha256": hashlib.sha256(readme).hexdigest()}
    with _open(draft / say("export.readme")) as out:
        out.write(readme)
    with _open(draft / MANIFEST) as out:
        out.write(json.dumps(manifest, ensure_ascii=False, indent=2).encode() + b"\n")
    return manifest


def _beside(extra: Extra) -> Iterator[Part]:
    for name, columns, rows in extra:
        yield Part(name, dict.fromkeys(columns, "text"), (dict(row) for row in rows))


def _write_part(draft: Path, part: Part, kind: Format) -> dict[str, Any]:
    """An empty table of a whole export has its file, too."""
    digest, rows, path = hashlib.sha256(), 0, draft / f"{part.name}.{kind}"
    line = LINES[kind]
    with _open(path) as out:
        for number, text in enumerate(line(part)):
            data = text.encode()
            out.write(data)
            digest.update(data)
            rows = number + (kind == "jsonl")
    return {
        "table": part.name,
        "title": load_wording()(f"export.table.{part.name}"),
        "file": path.name,
        "rows": rows,
        "sha256": digest.hexdigest(),
        "columns": [
            {"name": name, "type": sort, "meaning": meaning(part.name, name)} for name, sort in part.columns.items()
        ],
    }


def _jsonl(part: Part) -> Iterator[str]:
    encode = json.JSONEncoder(ensure_ascii=False).encode
    return (encode(row) + "\n" for row in part.rows)


def _csv(part: Part) -> Iterator[str]:
    """The header comes first, behind the mark without which a spreadsheet guesses the encoding wrong."""
    yield "\ufeff" + _csv_line(list(part.columns))
    for row in part.rows:
        yield _csv_line([_cell(row.get(name)) for name in part.columns])


def _csv_line(cells: list[str]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerow(cells)
    return out.getvalue()


def _cell(value: Any) -> str:
    """What a spreadsheet could take for a formula is quoted, as in every file of ours."""
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    return str(value) if isinstance(value, int) else quoted(str(value))


LINES: Mapping[str, Callable[[Part], Iterator[str]]] = {"jsonl": _jsonl, "csv": _csv}


def meaning(table: str, column: str) -> str:
    """What a column holds, in Chinese: what is said of it in this table, or else of its name."""
    say = load_wording()
    for key in (f"export.own.{table}.{column}", f"export.column.{column}"):
        if key in say.keys():  # noqa: SIM118 - a Wording is no mapping
            return say(key)
    return column


def _open(path: Path) -> Any:
    """For the owner of the process alone."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _explained(manifest: Mapping[str, Any]) -> Iterator[str]:
    say, person = load_wording(), manifest.get("person")
    at = manifest["at"]
    yield say("export.intro_person", person=person, at=at) if person else say("export.intro", at=at)
    yield say("export.format")
    yield say("export.rights" if person else "export.left_out")
    for one in manifest["tables"]:
        yield ""
        yield say("export.line", **{name: one[name] for name in ("file", "title", "rows")})
        for column in one["columns"]:
            kind = say(f"export.type.{column['type']}")
            yield say("export.column_line", name=column["name"], kind=kind, meaning=column["meaning"])

"""A backup: one zip with a manifest, every table as JSON lines, the playground's file and, if asked for, the secret.

Any zip and JSON reader can open it; it goes back into SQLite or PostgreSQL, whichever it came from.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

from storage import copying
from storage.copying import Tally
from storage.database import is_outage
from storage.migrate import HEAD, known, revision, upgrade

FORMAT = 1
MANIFEST = "manifest.json"
BLOCK = 1 << 20

Told = Callable[[str, Tally], None]


class ArchiveError(Exception):
    """Not a backup, a damaged one or one that may not go there; the message is a Chinese sentence."""


@dataclass(frozen=True, slots=True)
class Different:
    """A table that did not come back as it was."""

    name: str
    wanted: int
    found: int


def write(db: Connection, path: Path, files: Mapping[str, Path], at: datetime, told: Told) -> dict[str, Any]:
    """The database as this connection sees it, and the files; gives the manifest."""
    manifest: dict[str, Any] = {
        "format": FORMAT, "made": at.isoformat(), "version": version("qingqun"), "schema": revision(db),
        "engine": db.dialect.name, "tables": {}, "files": {},
    }  # fmt: skip
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=3, allowZip64=True) as archive:
        for table in copying.tables(db):
            tally, digest = _write_table(archive, db, table)
            manifest["tables"][table.name] = {
                "columns": [column.name for column in table.columns], "rows": tally.rows,
                "checksum": tally.checksum, "sha256": digest,
            }  # fmt: skip
            told(table.name, tally)
        for name, file in files.items():
            archive.write(file, name)
            manifest["files"][name] = {"sha256": _digest_of(file), "bytes": file.stat().st_size}
        archive.writestr(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=2))
    return manifest


def _write_table(archive: zipfile.ZipFile, db: Connection, table: Table) -> tuple[Tally, str]:
    tally, digest = Tally(), hashlib.sha256()
    with archive.open(f"tables/{table.name}.jsonl", "w", force_zip64=True) as out:
        for page in copying.pages(db, table):
            tally.add(table, page)
            lines = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in page).encode()
            digest.update(lines)
            out.write(lines)
    return tally, digest.hexdigest()


class Archive:
    """An opened backup, checked before anything is written anywhere."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
            self.manifest: dict[str, Any] = json.loads(self._zip.read(MANIFEST))
            made = (self.manifest["format"], self.manifest["schema"], self.manifest["tables"], self.manifest["files"])
        except OSError as error:
            raise ArchiveError(f"备份文件 {path} 打不开：{error.strerror or error}。") from None
        except (zipfile.BadZipFile, KeyError, ValueError, TypeError):
            raise ArchiveError(f"{path} 不是轻群的备份文件，或已损坏。") from None
        if made[0] != FORMAT or not known(str(made[1])):
            raise ArchiveError("这份备份来自更新版本的轻群，请先把程序升级到同样或更新的版本再恢复。")
        if not (_is_table(made[2], "columns", "rows", "checksum", "sha256") and _is_table(made[3], "sha256")):
            raise ArchiveError(f"{path} 不是轻群的备份文件，或已损坏。")

    def close(self) -> None:
        self._zip.close()

    @property
    def files(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.manifest["files"]
        return found

    def check(self) -> None:
        """Every member is there and is what the manifest says."""
        wanted = {f"tables/{name}.jsonl": told["sha256"] for name, told in self.manifest["tables"].items()}
        wanted |= {name: told["sha256"] for name, told in self.files.items()}
        for name, digest in wanted.items():
            try:
                with self._zip.open(name) as file:
                    found = _digest(file)
            except (KeyError, zipfile.BadZipFile, OSError, EOFError):
                found = ""
            if found != digest:
                raise ArchiveError(f"备份文件已损坏：{name} 与清单里的校验值不符，没有恢复任何内容。请换一份备份。")

    def extract(self, name: str, target: Path) -> None:
        """Readable by the owner only."""
        target.touch(mode=0o600)
        with self._zip.open(name) as file, target.open("wb") as out:
            shutil.copyfileobj(file, out, BLOCK)

    def text(self, name: str) -> str:
        return self._zip.read(name).decode().strip()

    def restore(self, db: Connection, told: Told) -> list[Different]:
        """Within the caller's transaction: what is there goes, the backup's schema and rows come, then the newest schema.

        Gives what differs from the backup; the caller keeps nothing when there is anything.
        """
        copying.clear(db)
        upgrade(db, self.manifest["schema"])
        tables = {one.name: one for one in copying.tables(db)}
        if strange := [name for name in self.manifest["tables"] if name not in tables]:
            raise ArchiveError(f"备份里有不认识的表 {'、'.join(strange)}，没有恢复任何内容。")
        different = []
        for name, wanted in self.manifest["tables"].items():
            for page in self._pages(name):
                try:
                    copying.put(db, tables[name], wanted["columns"], page)
                except DBAPIError as error:
                    if is_outage(error):
                        raise
                    reason = str(error.orig).splitlines()[0]
                    raise ArchiveError(f"表 {name} 里有一行写不进这个数据库（{reason}），没有恢复任何内容。") from error
            found = copying.tally(db, tables[name])
            if (found.rows, found.checksum) != (wanted["rows"], wanted["checksum"]):
                different.append(Different(name, wanted["rows"], found.rows))
            told(name, found)
        copying.set_sequences(db)
        upgrade(db, HEAD)
        return different

    def _pages(self, name: str) -> Iterator[list[copying.Values]]:
        with self._zip.open(f"tables/{name}.jsonl") as file:
            page = []
            for line in file:
                page.append(json.loads(line))
                if len(page) == copying.PAGE:
                    yield page
                    page = []
            yield page


def _is_table(found: Any, *keys: str) -> bool:
    """A name → what is told of it, with these keys at least."""
    return isinstance(found, dict) and all(isinstance(one, dict) and one.keys() >= set(keys) for one in found.values())


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return _digest(file)


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := file.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()

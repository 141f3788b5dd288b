"""Rows out of an xlsx or csv that anybody may have made: limits first, then the sheets, row by row."""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl

from config.wording import load_wording

MAX_ROWS = 200_000
MAX_COLUMNS = 100
# Of the rows that a sheet may have, most are empty.
LAST_ROW = 1_048_576
UNPACKED_MB = 150
MB = 1_000_000
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
ENCODINGS = ("utf-8-sig", "gb18030")
SEPARATORS = ",\t;，"
# A declaration of entities has no business in a workbook; it is how small files grow.
DOCTYPE = b"<!DOCTYPE"

# So many bytes of a thousand that are no text in either encoding are slips; more, and the file is something else.
SLIPS = 1
# A cell is as long as somebody made it; the file's size is what limits it.
csv.field_size_limit(500 * MB)
UNCLOSED = 100_000

# Row number as the user sees it, and the cells.
Rows = list[tuple[int, tuple[Any, ...]]]


class ImportRefused(Exception):
    """The file is not used; `said(file)` is the Chinese sentence that tells why and what to do."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key, self.values = key, values

    def said(self, file: str) -> str:
        return load_wording()(f"import.{self.key}", file=file, **self.values)


def load_file(path: Path, limit_mb: int) -> bytes:
    """The content, when it is there and not too big."""
    if not path.is_file():
        raise ImportRefused("missing")
    try:
        size = path.stat().st_size
        if size > limit_mb * MB:
            raise ImportRefused("too_big", size=f"{size / MB:.0f}", limit=limit_mb)
        content = path.read_bytes()
    except OSError:
        raise ImportRefused("unreadable") from None
    if not content.strip():
        raise ImportRefused("empty")
    return content


def sheets_of(content: bytes) -> Iterator[Rows]:
    """The rows of every sheet that are not empty; a csv is one sheet. What it is, the content says, not its name."""
    if content.startswith(OLE):
        raise ImportRefused("old_xls")
    if content.startswith(ZIP):
        yield from _workbook(content)
    else:
        yield _csv(content)


def _workbook(content: bytes) -> Iterator[Rows]:
    try:
        _check_size(content)
        with warnings.catch_warnings():
            # Extensions of Excel that openpyxl does not know are nothing to us.
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            for sheet in book.worksheets:
                sheet.reset_dimensions()
                yield _limited(enumerate(sheet.iter_rows(1, LAST_ROW, 1, MAX_COLUMNS, values_only=True), start=1))
            book.close()
    except ImportRefused:
        raise
    except Exception:
        # Whatever a damaged file makes the parsers raise, the user can do but one thing.
        raise ImportRefused("broken") from None


def _check_size(content: bytes) -> None:
    """The sizes in the directory are binding: zipfile unpacks no more than they say."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
        if sum(part.file_size for part in parts) > UNPACKED_MB * MB:
            raise ImportRefused("unpacked", limit=UNPACKED_MB)
        for part in parts:
            if part.filename.endswith((".xml", ".rels")):
                with archive.open(part) as file:
                    if DOCTYPE in file.read(4096).upper():
                        raise ImportRefused("broken")


def _limited(rows: Iterator[tuple[int, Any]]) -> Rows:
    kept: Rows = []
    for number, cells in rows:
        if cells.count(None) + cells.count("") == len(cells):
            continue
        # One more than the limit, for the header.
        if len(kept) > MAX_ROWS:
            raise ImportRefused("too_many", limit=MAX_ROWS)
        kept.append((number, tuple(cells)))
    return kept


def _csv(content: bytes) -> Rows:
    text = _decoded(content)
    head = text[:20_000]
    separator = max(SEPARATORS, key=head.count)
    try:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        return _limited((lines.line_num, _whole(line[:MAX_COLUMNS])) for line in lines)
    except csv.Error:
        raise ImportRefused("broken") from None


def _whole(line: list[str]) -> list[str]:
    """A quotation mark that nobody closed makes one cell of all the rows behind it: they must not be lost in it."""
    if any(len(cell) > UNCLOSED and "\n" in cell for cell in line):
        raise ImportRefused("broken")
    return line


def _decoded(content: bytes) -> str:
    """A byte here and there that is no text costs its cell, not the file: it becomes \ufffd."""
    known = ("utf-16",) if content.startswith(UTF16) else ENCODINGS
    for strictness in ("strict", "replace"):
        for encoding in known:
            try:
                text = content.decode(encoding, strictness)
            except UnicodeDecodeError:
                continue
            if text.count("\ufffd") * 1000 > SLIPS * len(text):
                continue
            # A picture or a program decodes to something, too.
            if text.count("\x00") * 1000 > SLIPS * len(text):
                raise ImportRefused("broken")
            return text.replace("\x00", "")
    raise ImportRefused("encoding")

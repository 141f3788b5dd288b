"""The files that a snapshot can become, by their ending."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import IO, Any

from bot.reports import bulletin, xlsx
from config.settings import Settings

Snapshot = Mapping[str, Any]
WORD = "application/vnd.openxmlformats-officedocument"
MEDIA: Mapping[str, str] = {
    "xlsx": f"{WORD}.spreadsheetml.sheet",
    "docx": f"{WORD}.wordprocessingml.document",
    "pdf": "application/pdf",
}


def render(kind: str, snapshot: Snapshot, settings: Settings) -> bytes:
    """KeyError for a kind that is not in MEDIA; a PDF may meet a FontError."""
    content = io.BytesIO()
    write(kind, snapshot, settings, content)
    return content.getvalue()


def write(kind: str, snapshot: Snapshot, settings: Settings, file: IO[bytes]) -> None:
    """The same into a file."""
    WRITERS[kind](snapshot, settings, file)


def _xlsx(snapshot: Snapshot, _: Settings, file: IO[bytes]) -> None:
    xlsx.write(snapshot, file)


def _docx(snapshot: Snapshot, settings: Settings, file: IO[bytes]) -> None:
    # Imported when it is asked for: these libraries are large, and a bot may never need them.
    from bot.reports import docx

    file.write(docx.render(bulletin.compose(snapshot, settings)))


def _pdf(snapshot: Snapshot, settings: Settings, file: IO[bytes]) -> None:
    from bot.reports import pdf

    file.write(pdf.render(bulletin.compose(snapshot, settings), settings.reports.fonts))


WRITERS: Mapping[str, Callable[[Snapshot, Settings, IO[bytes]], None]] = {"xlsx": _xlsx, "docx": _docx, "pdf": _pdf}

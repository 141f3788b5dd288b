"""The files that a snapshot can become, by their ending."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

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
    return RENDERERS[kind](snapshot, settings)


def _xlsx(snapshot: Snapshot, _: Settings) -> bytes:
    return xlsx.render(snapshot)


def _docx(snapshot: Snapshot, settings: Settings) -> bytes:
    # Imported when it is asked for: these libraries are large, and a bot may never need them.
    from bot.reports import docx

    return docx.render(bulletin.compose(snapshot, settings))


def _pdf(snapshot: Snapshot, settings: Settings) -> bytes:
    from bot.reports import pdf

    return pdf.render(bulletin.compose(snapshot, settings), settings.reports.fonts)


RENDERERS: Mapping[str, Callable[[Snapshot, Settings], bytes]] = {"xlsx": _xlsx, "docx": _docx, "pdf": _pdf}

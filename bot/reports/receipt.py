"""The receipt of an erasure: what went, what stays and why; as docx, as text or as JSON."""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from config.settings import TIMEZONE
from config.wording import load_wording

Receipt = Mapping[str, Any]
MEDIA: Mapping[str, str] = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
}


def new_number(now: datetime) -> str:
    """The number of a receipt; nobody can guess another's."""
    return f"SC{now.astimezone(TIMEZONE):%Y%m%d}-{secrets.token_hex(5).upper()}"


def render(ending: str, receipt: Receipt, asked: str = "") -> bytes:
    """`asked` is the identifier that was given, where it is known; KeyError for another ending."""
    return RENDERERS[ending](receipt, asked)


def lines(receipt: Receipt, asked: str = "") -> Iterator[str]:
    """The receipt, line by line."""
    say = load_wording()
    yield say("erase.title")
    yield from _head(receipt, asked)
    for one in _tables(receipt):
        yield "  " + say("erase.row", title=one[0], deleted=one[1], changed=one[2])
    if receipt["elsewhere"]:
        yield say("erase.elsewhere", number=receipt["elsewhere"]).strip()
    yield say("erase.stays_head")
    for number, one in enumerate(receipt["stays"], start=1):
        yield f"  {number}. {one}"
    yield say("erase.checksum", checksum=receipt["checksum"])


def _head(receipt: Receipt, asked: str) -> Iterator[str]:
    say, at = load_wording(), datetime.fromisoformat(receipt["at"])
    yield say("erase.number", number=receipt["receipt"])
    yield say("erase.at", at=f"{at.year}年{at.month}月{at.day}日 {at:%H:%M:%S}")
    if asked:
        yield say("erase.asked", given=asked)
    yield say("erase.hash", **receipt["person"])
    yield say("erase.total", deleted=receipt["deleted"], changed=receipt["changed"])


def _tables(receipt: Receipt) -> list[tuple[str, str, str]]:
    return [(one["title"], str(one["deleted"]), str(one["changed"])) for one in receipt["tables"]]


def _text(receipt: Receipt, asked: str) -> bytes:
    return ("\n".join(lines(receipt, asked)) + "\n").encode()


def _json(receipt: Receipt, asked: str) -> bytes:
    told = {**receipt, **({"asked": asked} if asked else {})}
    return (json.dumps(told, ensure_ascii=False, indent=2) + "\n").encode()


def _docx(receipt: Receipt, asked: str) -> bytes:
    # Imported when it is asked for: it is large, and a bot may never need it.
    from docx import Document
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml.ns import qn
    from docx.shared import Pt

    say, paper = load_wording(), Document()
    style: Any = paper.styles["Normal"]
    style.font.name, style.font.size = "仿宋", Pt(12)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), "仿宋")
    title = paper.add_paragraph()
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    run = title.add_run(say("erase.title"))
    run.bold, run.font.size = True, Pt(18)
    for line in _head(receipt, asked):
        paper.add_paragraph(line)
    table = paper.add_table(rows=1, cols=3, style="Table Grid")
    for row in [tuple(say(f"erase.column_{name}") for name in ("title", "deleted", "changed")), *_tables(receipt)]:
        cells = table.rows[0].cells if not table.rows[0].cells[0].text else table.add_row().cells
        for cell, text in zip(cells, row, strict=True):
            cell.text = text
    if receipt["elsewhere"]:
        paper.add_paragraph(say("erase.elsewhere", number=receipt["elsewhere"]).strip())
    paper.add_paragraph(say("erase.stays_head"))
    for number, one in enumerate(receipt["stays"], start=1):
        paper.add_paragraph(f"{number}. {one}")
    paper.add_paragraph(say("erase.checksum", checksum=receipt["checksum"]))
    content = io.BytesIO()
    paper.save(content)
    return content.getvalue()


RENDERERS: Mapping[str, Callable[[Receipt, str], bytes]] = {".docx": _docx, ".txt": _text, ".json": _json}

"""What became of every row of a file, as a table to keep: csv or xlsx."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import xlsxwriter

from bot.reports.register_rows import HEADERS
from bot.reports.xlsx import quoted
from config.wording import load_wording

MEDIA: Mapping[str, str] = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".csv": "text/csv; charset=utf-8",
}
HEAD = ("行号", "结果", "名称", "单位", "原名（原单位）", "更新的列", "说明")
WIDTHS = (8, 8, 28, 18, 20, 28, 60)
Line = Mapping[str, Any]


def render(ending: str, what: str, account: Sequence[Line]) -> bytes:
    return _xlsx(what, account) if ending == ".xlsx" else _csv(what, account)


def explained(what: str, line: Line) -> str:
    """In one sentence or several: why it was skipped, which cells could not be read, which group it is about."""
    say = load_wording()
    told = [say("import.cell", cell=cell, column=column, why=why) for cell, column, why in line["problems"]]
    parts = [line.get("why", ""), *told, line["note"].strip("，")]
    return "；".join(part for part in parts if part)


def _rows(what: str, account: Sequence[Line]) -> Iterator[tuple[Any, ...]]:
    say = load_wording()
    for line in account:
        fields = "、".join(HEADERS[what].get(name, name) for name in line.get("fields", ()))
        texts = (line["name"], line["unit"], line.get("formerly", ""), fields, explained(what, line))
        outcome = "left" if line["outcome"] == "skipped" else line["outcome"]
        yield line["row"], say(f"import.{outcome}"), *map(quoted, texts)


def _csv(what: str, account: Sequence[Line]) -> bytes:
    """With a mark at its beginning, without which a spreadsheet guesses the encoding wrong."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEAD)
    writer.writerows(_rows(what, account))
    return text.getvalue().encode("utf-8-sig")


def _xlsx(what: str, account: Sequence[Line]) -> bytes:
    content = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(content, options) as book:
        head = book.add_format({"bold": True, "bg_color": "#E7E6E6", "border": 1})
        sheet = book.add_worksheet(load_wording()("import.account_sheet"))
        for place, width in enumerate(WIDTHS):
            sheet.set_column(place, place, width)
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, HEAD, head)
        for number, row in enumerate(_rows(what, account), start=1):
            sheet.write_row(number, 0, row)
        sheet.autofilter(0, 0, max(len(account), 1), len(HEAD) - 1)
    return content.getvalue()

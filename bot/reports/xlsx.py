"""The inventory as a workbook a county office can file: a summary, the registers of groups and apps, merge advice.

Renders a snapshot and queries nothing; the same snapshot gives the same bytes. Rows keep the snapshot's order. No cell
is a formula, and text that a spreadsheet could take for one is quoted, so that it stays text in a CSV made of it, too.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import IO, Any

import xlsxwriter

from bot.reports.columns import APPS, GROUPS, MERGES, Column
from bot.reports.summary import summary_rows
from bot.wire import clean
from config.wording import Wording, load_wording

BODY_FONT, HEAD_FONT = "宋体", "黑体"
BASE = {"font_name": BODY_FONT, "font_size": 10, "valign": "vcenter", "text_wrap": True, "border": 1}
STYLES: Mapping[str, Mapping[str, Any]] = {
    "text": BASE,
    "middle": {**BASE, "align": "center"},
    "whole": {**BASE, "align": "center", "num_format": "#,##0"},
    "number": {**BASE, "align": "center", "num_format": "#,##0.00"},
    "share": {**BASE, "align": "center", "num_format": "0.00%"},
    "date": {**BASE, "align": "center", "num_format": 'yyyy"年"m"月"d"日"'},
    "red": {**BASE, "align": "center", "bg_color": "#F4CCCC"},
    "orange": {**BASE, "align": "center", "bg_color": "#FCE5CD"},
    "yellow": {**BASE, "align": "center", "bg_color": "#FFF2CC"},
    "head": {**BASE, "font_name": HEAD_FONT, "align": "center", "bg_color": "#E7E6E6"},
    "section": {**BASE, "font_name": HEAD_FONT, "font_size": 11, "bg_color": "#E7E6E6", "text_wrap": False},
    "title": {"font_name": HEAD_FONT, "font_size": 16, "align": "center", "valign": "vcenter"},
    "subtitle": {"font_name": BODY_FONT, "font_size": 10, "align": "center", "valign": "vcenter"},
}
COLOURS = {
    "dissolve": "red", "overdue": "red", "empty": "red", "banned": "red", "duplicate": "orange", "suspected": "orange",
    "watch": "yellow",
}  # fmt: skip
LINE_HEIGHT, LEAST_HEIGHT, MOST_HEIGHT = 15.0, 18.0, 400.0
# A summary of so many rows still reads well on one page.
ONE_PAGE = 52
# What a spreadsheet, or the CSV made of it, takes for the beginning of a formula.
DANGEROUS = tuple("=+-@\t\r＝＋－＠")
LONGEST = 32_000

SUMMARY_WIDTHS = (34, 16, 96)
Row = Mapping[str, Any]


def render(snapshot: Row) -> bytes:
    """The bytes of an xlsx; of a snapshot of some groups only (`scope` own), without the city's figures and apps."""
    content = io.BytesIO()
    write(snapshot, content)
    return content.getvalue()


def write(snapshot: Row, file: IO[bytes]) -> None:
    """The same into a file. A list is gone through once, row by row: of a saved snapshot never all are held at once."""
    say = load_wording()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        title = title_of(snapshot, say)
        book.set_properties({"title": title, "author": "轻群", "created": datetime.fromisoformat(snapshot["at"])})
        styles = {name: book.add_format(dict(style)) for name, style in STYLES.items()}
        _summary(book.add_worksheet(say("inventory.sheet.summary")), snapshot, title, styles, say)
        _table(book.add_worksheet(say("inventory.sheet.groups")), GROUPS, snapshot["groups"], title, styles, say)
        if snapshot.get("scope") != "own":
            _table(book.add_worksheet(say("inventory.sheet.apps")), APPS, snapshot["apps"], title, styles, say)
        if merges := snapshot.get("merges"):
            _table(book.add_worksheet(say("inventory.sheet.merges")), MERGES, merges, title, styles, say)


def title_of(snapshot: Row, say: Wording) -> str:
    year, number = snapshot["week"].split("-W")
    key = "inventory.sheet.title_own" if "scope" in snapshot else "inventory.sheet.title"
    return say(key, year=year, number=int(number))


def quoted(text: str) -> str:
    """A leading apostrophe for what could become a formula elsewhere; the import takes it off again."""
    text = text[:LONGEST]
    if not text.isprintable():
        text = clean(text)
    return f"'{text}" if text.startswith(DANGEROUS) else text


def _paper(sheet: Any, title: str, say: Wording) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.center_horizontally()
    sheet.set_margins(left=0.4, right=0.4, top=0.75, bottom=0.6)
    sheet.set_footer("&C" + say("inventory.sheet.page"))
    sheet.set_header(f'&C&"{HEAD_FONT}"&14{title.replace("&", "&&")}')


def _summary(sheet: Any, snapshot: Row, title: str, styles: Mapping[str, Any], say: Wording) -> None:
    _paper(sheet, "", say)
    rows = list(summary_rows(snapshot, say))
    sheet.fit_to_pages(1, 1 if len(rows) <= ONE_PAGE else 0)
    for place, width in enumerate(SUMMARY_WIDTHS):
        sheet.set_column(place, place, width)
    sheet.set_row(0, 30)
    sheet.merge_range(0, 0, 0, 2, title, styles["title"])
    for number, (style, cells) in enumerate(rows, start=1):
        sheet.set_row(number, _height(cells, SUMMARY_WIDTHS) if len(cells) > 1 else LEAST_HEIGHT)
        if len(cells) == 1:
            sheet.merge_range(number, 0, number, 2, cells[0], styles[style])
            continue
        for place, value in enumerate(cells):
            looks = style if place == 1 or style == "head" else "text"
            _write(sheet, number, place, value, styles[looks])


def _table(
    sheet: Any, columns: Sequence[Column], rows: Sequence[Row], title: str, styles: Mapping[str, Any], say: Wording
) -> None:
    """Header in the first row, so that it can be sorted out, filtered and imported again."""
    _paper(sheet, title, say)
    sheet.freeze_panes(1, 2)
    sheet.repeat_rows(0)
    sheet.repeat_columns(0, 1)
    sheet.fit_to_pages(2 if len(columns) > 15 else 1, 0)
    sheet.autofilter(0, 0, max(len(rows), 1), len(columns) - 1)
    widths = [width for _, width, _, _ in columns]
    sheet.set_row(0, _height([head for head, _, _, _ in columns], widths))
    for place, (head, width, _, _) in enumerate(columns):
        sheet.set_column(place, place, width)
        sheet.write_string(0, place, head, styles["head"])
    for number, row in enumerate(rows, start=1):
        cells = [number if value is None else value(row, say) for _, _, _, value in columns]
        sheet.set_row(number, _height(cells, widths))
        for place, (_, _, style, _) in enumerate(columns):
            looks = COLOURS.get(row["verdict"], "middle") if style == "verdict" else style
            _write(sheet, number, place, cells[place], styles[looks])


def _height(cells: Sequence[Any], widths: Sequence[int]) -> float:
    """High enough for the longest wrapped text: not every program finds the height by itself."""
    lines = max(-(-_width(cell) // (width - 1)) for cell, width in zip(cells, widths, strict=True))
    return min(max(LEAST_HEIGHT, lines * LINE_HEIGHT + 4), MOST_HEIGHT)


def _width(cell: Any) -> int:
    """In characters of a Latin font; a Chinese one takes two, as its bytes do in GBK."""
    return len(cell.encode("gbk", "replace")) if isinstance(cell, str) else 0


def _write(sheet: Any, row: int, column: int, value: Any, style: Any) -> None:
    match value:
        case None | "":
            sheet.write_blank(row, column, None, style)
        case int() | float():
            sheet.write_number(row, column, value, style)
        case date():
            sheet.write_datetime(row, column, value, style)
        case _:
            sheet.write_string(row, column, quoted(str(value)), style)

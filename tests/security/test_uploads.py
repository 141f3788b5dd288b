"""What anybody may upload or hand over as a file: bombs are refused by their looks, in bounded memory, with a sentence."""

from __future__ import annotations

import io
import resource
import zipfile
from collections.abc import Callable
from functools import cache

import pytest
import xlsxwriter

from bot.reports.feeds import read_feeds
from bot.reports.register_import import Register, read_register
from bot.reports.spreadsheet import MAX_COLUMNS, ImportRefused

EXPANDED = "晒" * 50


@cache
def book(columns: int = 2) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as made:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, ["群名称", "建群单位", *(f"列{n}" for n in range(columns - 2))])
        sheet.write_row(1, 0, ["一群", "甲村", *(["x"] * (columns - 2))])
    return content.getvalue()


def changed(name: str, change: Callable[[bytes], bytes], **more: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book())) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, change(old.read(part)) if part == name else old.read(part))
        for part, content in more.items():
            new.writestr(part, content)
    return out.getvalue()


def read(content: bytes) -> Register | str:
    try:
        return read_register(content, "groups")
    except ImportRefused as refused:
        return refused.said("群.xlsx")


def laughs(before: str = "", encoding: str = "utf-8") -> Callable[[bytes], bytes]:
    """Entities in entities, five hundred million characters; hidden behind a long comment, or in another encoding."""
    levels = "".join(f'<!ENTITY b{n} "{(f"&b{n - 1};" if n else "&a;") * 10}">' for n in range(7))
    bomb = f'<!DOCTYPE s [<!ENTITY a "{EXPANDED}"><!ENTITY file SYSTEM "file:///etc/passwd">{levels}]>'

    def change(part: bytes) -> bytes:
        _, rest = part.decode().split("?>", 1)
        text = f'<?xml version="1.0" encoding="{encoding}"?>{before}{bomb}{rest}'
        return text.replace("一群", "&b6;").replace("甲村", "&file;").encode(encoding)

    return change


@pytest.mark.parametrize("part", ["xl/sharedStrings.xml", "xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"])
@pytest.mark.parametrize(("before", "encoding"), [("", "utf-8"), (f"<!-- {'x' * 9000} -->", "utf-8"), ("", "utf-16")])
def test_entities_in_a_workbook_are_never_expanded(part: str, before: str, encoding: str) -> None:
    found = read(changed(part, laughs(before, encoding)))
    said = found if isinstance(found, str) else repr(found)
    assert EXPANDED not in said
    assert "root:" not in said
    assert isinstance(found, str) or found.rows[0].values["name"] == "一群", "a DTD that nothing refers to is nothing"


def test_a_workbook_that_grows_is_refused_before_it_is_unpacked() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = read(changed("xl/sharedStrings.xml", lambda part: part + b" " * 200_000_000))
    assert isinstance(found, str)
    assert "150 MB" in found
    del found
    content = changed("xl/sharedStrings.xml", lambda part: part, bomb=b"\0" * 100)
    # A directory that lies about a size: zipfile gives no more than the directory says.
    lying = content.replace((100).to_bytes(4, "little"), (2**31).to_bytes(4, "little"))
    assert isinstance(read(lying), str)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 900_000, "kB"


def test_a_zip_in_a_zip_is_not_opened() -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("more.zip", b"\0" * 50_000_000)
    found = read(changed("x", lambda part: part, **{"xl/media/inner.zip": inner.getvalue()}))
    assert isinstance(found, Register)
    only = io.BytesIO()
    with zipfile.ZipFile(only, "w") as archive:
        archive.writestr("inner.zip", inner.getvalue())
    assert isinstance(read(only.getvalue()), str)


def test_ten_thousand_columns_are_read_to_the_hundredth() -> None:
    found = read(book(10_000))
    assert isinstance(found, Register)
    assert len(found.unknown) == MAX_COLUMNS - 2


@pytest.mark.parametrize("dimension", ["A1:XFD1048576", "A1:A1", "XFD1048576"])
def test_the_dimensions_that_a_sheet_claims_are_not_believed(dimension: str) -> None:
    def claim(part: bytes) -> bytes:
        return part.replace(b'<dimension ref="A1:B2"/>', f'<dimension ref="{dimension}"/>'.encode())

    assert claim(b'<dimension ref="A1:B2"/>') != b'<dimension ref="A1:B2"/>'
    found = read(changed("xl/worksheets/sheet1.xml", claim))
    assert isinstance(found, Register)
    assert [row.values["name"] for row in found.rows] == ["一群"]


def test_a_row_far_down_and_a_cell_far_out_cost_nothing() -> None:
    def far(part: bytes) -> bytes:
        row = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
        return part.replace(b"</sheetData>", row + b"</sheetData>")

    assert far(b"</sheetData>") != b"</sheetData>"
    found = read(changed("xl/worksheets/sheet1.xml", far))
    assert isinstance(found, Register)


@pytest.mark.parametrize("name", ["../../evil", "/etc/cron.d/evil", "xl/../../evil.xml"])
def test_paths_inside_a_workbook_lead_nowhere(name: str) -> None:
    """Nothing of a workbook is written to disk at all."""
    assert isinstance(read(changed("x", lambda part: part, **{name: b"<a/>"})), Register)


@pytest.mark.parametrize("content", [b"PK\x03\x04" + b"\xff" * 100, b"\xd0\xcf\x11\xe0" + b"\0" * 600, b"\x00" * 5000, b"\xff\xfe"])
def test_rubbish_is_a_sentence(content: bytes) -> None:
    found = read(content)
    assert isinstance(found, str)
    assert found.startswith("文件 群.xlsx")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_feed_expands_and_fetches_nothing(encoding: str) -> None:
    feed = '<rss><channel><item><title>&b6;</title><pubDate>2026-11-20</pubDate></item></channel></rss>'
    levels = "".join(f'<!ENTITY b{n} "{(f"&b{n - 1};" if n else EXPANDED) * 10}">' for n in range(7))
    for declared in (f"<!DOCTYPE rss [{levels}]>", '<!DOCTYPE rss SYSTEM "http://127.0.0.1:1/evil.dtd">'):
        text = f'<?xml version="1.0" encoding="{encoding}"?>{declared}{feed}'
        with pytest.raises(ImportRefused):
            read_feeds(text.encode(encoding))

"""The docx: GB/T 9704 by measure and by font, the same bytes each time, whatever people call their groups."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import docx
import pytest
from docx.oxml.ns import qn

from bot.reports import formats
from config.settings import Settings
from tests.reports.conftest import HOSTILE, docx_text, troubled
from tests.reports.test_xlsx import app, group, snapshot


def parts(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".xml")}


@pytest.fixture
def opened(settings: Settings) -> Any:
    groups = [group(id=f"g{number}", name=f"第{number}群") for number in range(60)]
    return docx.Document(io.BytesIO(formats.render("docx", snapshot(groups, [app()]), settings)))


def looks(book: Any, style: str) -> tuple[str, float, float]:
    """The font for Chinese, its size and the line, in points."""
    found = book.styles[style]
    fonts = found.element.rPr.rFonts
    assert fonts.get(qn("w:eastAsia")) == fonts.get(qn("w:ascii")) == fonts.get(qn("w:hAnsi"))
    return fonts.get(qn("w:eastAsia")), found.font.size.pt, found.paragraph_format.line_spacing.pt


def test_page_and_fonts_are_those_of_the_standard(opened: Any) -> None:
    section = opened.sections[0]
    margins = (section.top_margin, section.bottom_margin, section.left_margin, section.right_margin)
    assert [round(one.mm) for one in margins] == [37, 35, 28, 26]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    assert looks(opened, "公文标题") == ("方正小标宋简体", 22, 36)
    assert looks(opened, "公文正文") == ("仿宋", 16, 28)
    assert looks(opened, "Heading 1") == ("黑体", 16, 28)
    assert looks(opened, "页码")[:2] == ("宋体", 14)


def test_a_second_level_heading_is_in_kai_in_its_paragraph(opened: Any) -> None:
    paragraph = next(one for one in opened.paragraphs if one.text.startswith("（一）"))
    lead, text = paragraph.runs
    assert lead.text == "（一）在册情况。"
    assert lead._r.rPr.rFonts.get(qn("w:eastAsia")) == "楷体"
    assert text._r.rPr is None


def test_every_font_names_what_may_replace_it(settings: Settings) -> None:
    table = parts(formats.render("docx", snapshot([]), settings))["word/fontTable.xml"]
    for name, other in (("仿宋", "仿宋_GB2312"), ("方正小标宋简体", "宋体"), ("黑体", "SimHei"), ("楷体", "KaiTi")):
        entry = table.partition(f'<w:font w:name="{name}">')[2].partition("</w:font>")[0]
        assert other in entry


def test_page_numbers_stand_outside(opened: Any) -> None:
    section = opened.sections[0]
    assert opened.settings.odd_and_even_pages_header_footer
    for footer, side in ((section.footer, "right"), (section.even_page_footer, "left")):
        [paragraph] = footer.paragraphs
        assert paragraph._p.pPr.jc.get(qn("w:val")) == side
        assert "PAGE" in paragraph._p.xml
        assert "".join(one.text for one in paragraph._p.iter(qn("w:t"))) == "— 1 —"


def test_the_head_of_a_table_repeats_and_a_row_is_not_torn(opened: Any) -> None:
    groups, apps = opened.tables
    assert len(groups.rows) == 61
    for table in (groups, apps):
        assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
        assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in table.rows)


def test_a_signature_takes_the_last_paragraph_along(opened: Any) -> None:
    texts = [one.text for one in opened.paragraphs]
    last = next(place for place, text in enumerate(texts) if "不给基层添负担" in text)
    date = texts.index("2026年11月23日")
    assert date > last
    assert all(one.paragraph_format.keep_with_next for one in opened.paragraphs[last:date])


def test_the_same_snapshot_gives_the_same_bytes_without_the_time_of_the_run(settings: Settings) -> None:
    first = formats.render("docx", troubled(), settings)
    assert first == formats.render("docx", json.loads(json.dumps(troubled())), settings)
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert docx.Document(io.BytesIO(first)).core_properties.created.isoformat()[:16] == "2026-11-22T16:00"


def test_what_people_write_breaks_nothing(settings: Settings) -> None:
    body = snapshot([group(name=HOSTILE, unit=HOSTILE, reasons=[{"code": "x", "text": HOSTILE, "evidence": {}}])])
    content = formats.render("docx", body, settings)
    _, rows = docx_text(content)
    assert rows[1][1].startswith("防汛群 =cmd()<w:br/>&{战线}\U0001f30a很长")
    assert rows[1][1].endswith("……")
    assert [len(rows[1][place]) for place in (1, 2, 4)] == [102, 102, 302]
    text = parts(content)["word/document.xml"]
    assert not [mark for mark in "\x00\x0b\u202e\u2066" if mark in text]
    assert "instrText" not in text
    assert "<w:hyperlink" not in text

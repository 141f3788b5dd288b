"""An official document as docx, as GB/T 9704 sets it; the same document gives the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

import docx
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from bot.reports import paper
from bot.reports.paper import Annex, Document, Heading, signature

# Role → the font's name, and what it is called or replaced by where that is not installed.
FONTS: Mapping[str, tuple[str, str]] = {
    "title": ("方正小标宋简体", "FZXiaoBiaoSong-B05S,方正小标宋_GBK,华文中宋,宋体"),
    "body": ("仿宋", "FangSong,仿宋_GB2312,方正仿宋_GBK,华文仿宋"),
    "heading": ("黑体", "SimHei,方正黑体_GBK,华文黑体"),
    "lead": ("楷体", "KaiTi,楷体_GB2312,方正楷体_GBK,华文楷体"),
    "song": ("宋体", "SimSun,方正书宋_GBK,华文宋体"),
}
CENTRE, RIGHT, LEFT, BOTH = (
    WD_ALIGN_PARAGRAPH.CENTER,
    WD_ALIGN_PARAGRAPH.RIGHT,
    WD_ALIGN_PARAGRAPH.LEFT,
    WD_ALIGN_PARAGRAPH.JUSTIFY,
)
# Style → font, size, line, alignment, indent of the first line in characters.
STYLES: Mapping[str, tuple[str, float, float, Any, int]] = {
    "公文标题": ("title", paper.TITLE, paper.TITLE_LINE, CENTRE, 0),
    "主送机关": ("body", paper.BODY, paper.LINE, LEFT, 0),
    "公文正文": ("body", paper.BODY, paper.LINE, BOTH, paper.INDENT),
    "落款": ("body", paper.BODY, paper.LINE, RIGHT, 0),
    "附件标识": ("heading", paper.BODY, paper.LINE, LEFT, 0),
    "附表": ("body", paper.SMALL, paper.SMALL_LINE, LEFT, 0),
    "附表居中": ("body", paper.SMALL, paper.SMALL_LINE, CENTRE, 0),
    "附表表头": ("heading", paper.SMALL, paper.SMALL_LINE, CENTRE, 0),
    "页码": ("song", paper.FOLIO, 16, LEFT, 0),
}
HEADING = "Heading 1"
TWIPS = 20
# A zip knows no earlier day; the time of a run must not get into the file.
EPOCH = (1980, 1, 1, 0, 0, 0)


def render(document: Document) -> bytes:
    book = docx.Document()
    _set_up(book, document)
    # One paragraph with a soft break in it, as one types a title.
    book.add_paragraph("\n".join(document.title_lines), "公文标题")
    for line in ("", document.to) if document.to else ("",):
        book.add_paragraph(line, "主送机关")
    _body(book, document)
    _mentions(book, document.mentions)
    if document.date:
        _sign(book, document)
    for annex in document.annexes:
        _annex(book, annex)
    content = io.BytesIO()
    book.save(content)
    return _settled(content)


def _set_up(book: Any, document: Document) -> None:
    about = book.core_properties
    about.title, about.author, about.last_modified_by, about.comments = "".join(document.title), "轻群", "轻群", ""
    about.created = about.modified = document.at.astimezone(UTC).replace(tzinfo=None)
    about.language = "zh-CN"
    section = book.sections[0]
    section.page_width, section.page_height = Mm(paper.WIDTH), Mm(paper.HEIGHT)
    section.top_margin, section.bottom_margin = Mm(paper.TOP), Mm(paper.BOTTOM)
    section.left_margin, section.right_margin = Mm(paper.LEFT), Mm(paper.RIGHT)
    section.footer_distance = Mm(paper.BOTTOM - paper.FOLIO_BELOW) - Pt(paper.FOLIO)
    _name_fonts(book)
    _make_styles(book)
    book.settings.odd_and_even_pages_header_footer = True
    _number(section.footer, RIGHT)
    _number(section.even_page_footer, LEFT)


def _name_fonts(book: Any) -> None:
    """The other names of each font, which a program looks for where the first is not installed."""
    part = book.part.part_related_by(RELATIONSHIP_TYPE.FONT_TABLE)
    entries = "".join(
        f'<w:font w:name="{name}"><w:altName w:val="{others}"/><w:charset w:val="86"/></w:font>'
        for name, others in FONTS.values()
    )
    part._blob = part.blob.replace(b"</w:fonts>", entries.encode() + b"</w:fonts>")
    defaults = book.styles.element.find(".//" + qn("w:rPrDefault"))
    fonts, language = (defaults.find(".//" + qn(tag)) for tag in ("w:rFonts", "w:lang"))
    for name in list(fonts.attrib):
        del fonts.attrib[name]
    # By the language a program knows how Chinese lines break.
    language.set(qn("w:eastAsia"), "zh-CN")


def _make_styles(book: Any) -> None:
    normal = book.styles["Normal"]
    _shape(normal, "body", paper.BODY, paper.LINE, BOTH, 0)
    for name, shape in STYLES.items():
        style = book.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = normal
        _shape(style, *shape)
    heading = book.styles[HEADING]
    _shape(heading, "heading", paper.BODY, paper.LINE, BOTH, paper.INDENT)
    heading.font.bold = False
    heading.font.color.rgb = RGBColor(0, 0, 0)


def _shape(style: Any, role: str, size: float, line: float, align: Any, indent: int) -> None:
    style.font.size = Pt(size)
    _use(style.element.get_or_add_rPr(), role)
    tracking = paper.TRACKING if size == paper.BODY else 0
    style.element.rPr.find(qn("w:sz")).addprevious(_with("w:spacing", val=str(round(tracking * TWIPS))))
    form = style.paragraph_format
    form.alignment, form.line_spacing_rule, form.line_spacing = align, WD_LINE_SPACING.EXACTLY, Pt(line)
    form.space_before = form.space_after = Pt(0)
    form.widow_control = False
    # No punctuation beyond the edge, no blank between Chinese and figures: 28 characters make a line.
    for tag in ("w:overflowPunct", "w:autoSpaceDE", "w:autoSpaceDN"):
        style.element.pPr.find(qn("w:spacing")).addprevious(_with(tag, val="0"))
    form.first_line_indent = Pt(indent * size)
    if indent:
        style.element.pPr.ind.set(qn("w:firstLineChars"), str(indent * 100))


def _use(properties: Any, role: str) -> None:
    """One font for Chinese, Latin and figures, as the eastAsia attribute and beside it."""
    fonts = properties.get_or_add_rFonts()
    for name in list(fonts.attrib):
        del fonts.attrib[name]
    for script in ("ascii", "hAnsi", "eastAsia", "cs"):
        fonts.set(qn(f"w:{script}"), FONTS[role][0])
    fonts.set(qn("w:hint"), "eastAsia")


def _body(book: Any, document: Document) -> None:
    for block in document.body:
        if isinstance(block, Heading):
            book.add_paragraph(block.text, HEADING)
            continue
        paragraph = book.add_paragraph("", "公文正文")
        if block.lead:
            _use(paragraph.add_run(block.lead)._r.get_or_add_rPr(), "lead")
        paragraph.add_run(block.text)
    # A signature does not stand on a page alone: the last paragraph goes with it.
    form = book.paragraphs[-1].paragraph_format
    form.keep_together = form.keep_with_next = True


def _mentions(book: Any, mentions: tuple[str, ...]) -> None:
    """附件说明 below the text after a blank line; names stand below each other, behind the word 附件."""
    if mentions:
        book.add_paragraph("", "公文正文").paragraph_format.keep_with_next = True
    for number, mention in enumerate(mentions):
        form = book.add_paragraph(mention, "公文正文").paragraph_format
        form.left_indent = Pt(paper.MENTION * paper.BODY)
        form.first_line_indent = Pt(0 if number else (paper.INDENT - paper.MENTION) * paper.BODY)
        # The style's indent in characters would prevail.
        form.element.pPr.ind.set(qn("w:firstLineChars"), "0")
        form.keep_with_next = True


def _sign(book: Any, document: Document) -> None:
    book.add_paragraph("", "落款").paragraph_format.keep_with_next = True
    for text, free in zip((document.signer, document.date), signature(document.signer, document.date), strict=True):
        form = book.add_paragraph(text, "落款").paragraph_format
        form.right_indent = Pt(free * paper.BODY)
        form.keep_with_next = text is document.signer


def _annex(book: Any, annex: Annex) -> None:
    book.add_paragraph(annex.label, "附件标识").paragraph_format.page_break_before = True
    book.add_paragraph("", "附件标识")
    book.add_paragraph(annex.title, "公文标题")
    book.add_paragraph("", "附表")
    table = book.add_table(rows=0, cols=len(annex.widths))
    table.style, table.autofit, table.alignment = "Table Grid", False, WD_TABLE_ALIGNMENT.CENTER
    margins = OxmlElement("w:tblCellMar")
    for side in ("top", "left", "bottom", "right"):
        margins.append(_with(f"w:{side}", w=str(round(paper.PADDING * TWIPS)), type="dxa"))
    table._tbl.tblPr.find(qn("w:tblLook")).addprevious(margins)
    for column, width in zip(table.columns, annex.widths, strict=True):
        column.width = Mm(width)
    head = _row(annex, annex.head, ["附表表头"] * len(annex.head))
    head.trPr.append(OxmlElement("w:tblHeader"))
    looks = ["附表居中" if place in annex.middle else "附表" for place in range(len(annex.head))]
    table._tbl.extend([head, *(_row(annex, cells, looks) for cells in annex.rows)])
    # Word wants a paragraph behind a table; it must not begin a page.
    last = book.add_paragraph("", "附表").paragraph_format
    last.line_spacing = Pt(1)


def _row(annex: Annex, cells: Sequence[str], looks: Sequence[str]) -> Any:
    """A row that is not torn over two pages, made by hand: python-docx would look at every cell again for each."""
    row = OxmlElement("w:tr")
    properties = OxmlElement("w:trPr")
    properties.append(OxmlElement("w:cantSplit"))
    row.append(properties)
    for text, width, look in zip(cells, annex.widths, looks, strict=True):
        row.append(_cell(text, width, look))
    return row


def _cell(text: str, width: float, look: str) -> Any:
    cell = OxmlElement("w:tc")
    about = OxmlElement("w:tcPr")
    about.append(_with("w:tcW", w=str(Mm(width).twips), type="dxa"))
    about.append(_with("w:vAlign", val="center"))
    paragraph = OxmlElement("w:p")
    # A style that we made has its name for an id.
    paragraph.style = look
    run = OxmlElement("w:r")
    run.text = text
    paragraph.append(run)
    cell.append(about)
    cell.append(paragraph)
    return cell


def _with(tag: str, **values: str) -> Any:
    element = OxmlElement(tag)
    for name, value in values.items():
        element.set(qn(f"w:{name}"), value)
    return element


def _number(footer: Any, align: Any) -> None:
    """— 1 — at the outer edge, a character from it."""
    paragraph = footer.paragraphs[0]
    paragraph.style = "页码"
    form = paragraph.paragraph_format
    form.alignment = align
    form.right_indent = form.left_indent = Pt(paper.FOLIO)
    paragraph.add_run("— ")
    field = _with("w:fldSimple", instr="PAGE")
    paragraph._p.append(field)
    field.append(OxmlElement("w:r"))
    field[0].text = "1"
    paragraph.add_run(" —")


def _settled(content: io.BytesIO) -> bytes:
    """The same parts, each with the same day, so that the same document gives the same bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(content) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = zipfile.ZipInfo(name, EPOCH)
            part.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(part, old.read(name))
    return made.getvalue()

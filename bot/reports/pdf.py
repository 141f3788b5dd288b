"""An official document as PDF, as GB/T 9704 sets it, with its fonts embedded; the same document, the same bytes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from fpdf import FPDF

from bot.reports import fonts, paper
from bot.reports.fonts import UNKNOWN, Face, Source
from bot.reports.paper import POINTS, Annex, Document, Heading, Paragraph, signature
from bot.reports.typeset import broken, stretch

LEFT, RIGHT = paper.LEFT * POINTS, (paper.WIDTH - paper.RIGHT) * POINTS
TOP, BOTTOM = paper.TOP * POINTS, (paper.HEIGHT - paper.BOTTOM) * POINTS
WIDE = RIGHT - LEFT
# How far below the top of its line a letter stands, as a share of its size beside what the line leaves.
ASCENT = 0.87
# How strong the outline of a letter is that stands in for a bolder one.
OUTLINE = 0.025

# A text and the role of its font.
Piece = tuple[str, str]


def render(document: Document, given: Sequence[Path] = ()) -> bytes:
    """FontError says what to install or to set where no Chinese font is found."""
    sources = fonts.find(given)
    with TemporaryDirectory() as folder:
        press = Press(document, sources, Path(folder))
        press.write(document)
        return bytes(press.sheet.output())


class Sheet(FPDF):
    """A4 pages whose numbers stand at the outer edge, a character from it."""

    def __init__(self, press: Press) -> None:
        super().__init__(unit="pt", format="A4")
        self.press = press
        self.set_auto_page_break(False)
        self.set_margin(0)

    def footer(self) -> None:
        number = f"— {self.page_no()} —"
        wide = self.press.width([(number, "song")], paper.FOLIO)
        left = RIGHT - paper.FOLIO - wide if self.page_no() % 2 else LEFT + paper.FOLIO
        self.press.put([(number, "song")], left, BOTTOM + paper.FOLIO_BELOW * POINTS, paper.FOLIO, paper.FOLIO)


class Press:
    """Puts lines on pages from the top down; `y` is where the next one begins."""

    def __init__(self, document: Document, sources: Mapping[str, Source], folder: Path) -> None:
        self.sheet = Sheet(self)
        self.sheet.set_creation_date(document.at)
        self.sheet.set_title("".join(document.title))
        self.sheet.set_author("轻群")
        self.sheet.set_lang("zh-CN")
        self.sources = sources
        self.families, self.faces = self._embed(sorted(_letters(document)), folder)
        self.y = TOP
        self.sheet.add_page()

    def _embed(self, letters: Sequence[str], folder: Path) -> tuple[dict[str, str], dict[str, Face]]:
        """Role → family, and family → face; a file that serves several roles is embedded once."""
        families: dict[str, str] = {}
        faces: dict[str, Face] = {}
        known: dict[tuple[Path, int], str] = {}
        for role, source in self.sources.items():
            place = (source.path, source.number)
            if place not in known:
                family = known[place] = f"f{len(known)}"
                faces[family] = fonts.cut_out(source, letters)
                path = folder / f"{family}.ttf"
                path.write_bytes(faces[family].content)
                self.sheet.add_font(family, fname=path)
            families[role] = known[place]
        return families, faces

    def write(self, document: Document) -> None:
        for line in document.title_lines:
            self.centred(line)
        self.skip()
        if document.to:
            self.paragraph([(document.to, "body")], indent=0)
        for block in document.body:
            pieces = _pieces(block)
            # A heading does not stand at the foot of a page, nor a signature on one alone.
            self.need(3 if isinstance(block, Heading) else 1)
            if block is document.body[-1]:
                self.need(len(list(self.body_lines(pieces))) + _tail(document))
            self.paragraph(pieces)
        self.mention(document.mentions)
        if document.date:
            self.sign(document)
        for annex in document.annexes:
            self.annex(annex)

    def need(self, lines: float, line: float = paper.LINE) -> None:
        """A new page when so many lines have no room on this one."""
        if self.y + lines * line > BOTTOM + 0.01:
            self.sheet.add_page()
            self.y = TOP

    def skip(self, lines: int = 1) -> None:
        self.y += lines * paper.LINE

    def centred(self, text: str) -> None:
        pieces = [(text, "title")]
        for line, wide in self.lines(pieces, paper.TITLE, WIDE):
            self.need(1, paper.TITLE_LINE)
            self.put(line, LEFT + (WIDE - wide) / 2, self.y, paper.TITLE, paper.TITLE_LINE)
            self.y += paper.TITLE_LINE

    def body_lines(
        self, pieces: Sequence[Piece], indent: float = paper.INDENT, hang: float = 0
    ) -> list[tuple[list[Piece], float]]:
        """`indent` of the first line, `hang` of the others, in characters."""
        left = hang * paper.BODY
        return list(self.lines(pieces, paper.BODY, WIDE - left, indent * paper.BODY - left, paper.TRACKING))

    def paragraph(self, pieces: Sequence[Piece], indent: float = paper.INDENT, hang: float = 0) -> None:
        """Even at both edges but for its last line."""
        found = self.body_lines(pieces, indent, hang)
        for number, (line, wide) in enumerate(found):
            self.need(1)
            start = LEFT + (hang if number else indent) * paper.BODY
            last = number == len(found) - 1
            more = 0.0 if last else stretch(wide, _length(line), RIGHT - start)
            self.put(line, start, self.y, paper.BODY, paper.LINE, paper.TRACKING + more)
            self.y += paper.LINE

    def mention(self, names: Sequence[str]) -> None:
        self.skip(1 if names else 0)
        for number, name in enumerate(names):
            self.paragraph([(name, "body")], paper.MENTION if number else paper.INDENT, paper.MENTION)

    def sign(self, document: Document) -> None:
        """The signer and the date stay together."""
        self.need(3)
        self.skip()
        for text, free in zip((document.signer, document.date), signature(document.signer, document.date), strict=True):
            pieces = [(text, "body")]
            left = max(LEFT, RIGHT - free * paper.BODY - self.width(pieces, paper.BODY))
            self.put(pieces, left, self.y, paper.BODY, paper.LINE)
            self.y += paper.LINE

    def annex(self, annex: Annex) -> None:
        self.sheet.add_page()
        self.y = TOP
        self.paragraph([(annex.label, "heading")], indent=0)
        self.skip()
        self.centred(annex.title)
        self.y += paper.SMALL_LINE
        self.row(annex, annex.head, head=True)
        for cells in annex.rows:
            self.row(annex, cells)

    def row(self, annex: Annex, cells: Sequence[str], head: bool = False) -> None:
        """On a new page, below the header, when there is no room for the whole of it."""
        role = "heading" if head else "body"
        widths = [width * POINTS for width in annex.widths]
        texts = [
            list(self.lines([(text, role)], paper.SMALL, width - 2 * paper.PADDING))
            for text, width in zip(cells, widths, strict=True)
        ]
        high = max(map(len, texts)) * paper.SMALL_LINE + 2 * paper.PADDING
        if self.y + high > BOTTOM and not head:
            self.sheet.add_page()
            self.y = TOP
            self.row(annex, annex.head, head=True)
        left = LEFT
        for place, (lines, width) in enumerate(zip(texts, widths, strict=True)):
            self.sheet.set_line_width(0.5)
            self.sheet.rect(left, self.y, width, high)
            self._cell(lines, left, width, high, middle=head or place in annex.middle)
            left += width
        self.y += high

    def _cell(
        self, lines: Sequence[tuple[list[Piece], float]], left: float, width: float, high: float, middle: bool
    ) -> None:
        top = self.y + (high - len(lines) * paper.SMALL_LINE) / 2
        for line, wide in lines:
            start = left + ((width - wide) / 2 if middle else paper.PADDING)
            self.put(line, start, top, paper.SMALL, paper.SMALL_LINE)
            top += paper.SMALL_LINE

    def lines(
        self, pieces: Sequence[Piece], size: float, limit: float, indent: float = 0.0, tracking: float = 0.0
    ) -> Iterator[tuple[list[Piece], float]]:
        """Each line with its width, the indent not counted."""
        letters = [(letter, role) for text, role in pieces for letter in self.writable(text, role)]
        widths = [self.advance(letter, role) * size + tracking for letter, role in letters]
        for start, end in broken("".join(letter for letter, _ in letters), widths, limit, indent):
            while end > start and letters[end - 1][0] == " ":
                end -= 1
            joined = groupby(letters[start:end], key=lambda one: one[1])
            yield [("".join(letter for letter, _ in run), role) for role, run in joined], sum(widths[start:end])

    def writable(self, text: str, role: str) -> str:
        """What no font has becomes a box; a mark above or below another letter goes without one."""
        return "".join(
            letter if self.family(letter, role) else "" if unicodedata.combining(letter) else UNKNOWN for letter in text
        )

    def family(self, letter: str, role: str) -> str | None:
        """The role's own, or the first that has the letter."""
        own = self.families[role]
        return next((one for one in (own, *self.faces) if letter in self.faces[one].widths), None)

    def advance(self, letter: str, role: str) -> float:
        return self.faces[self.family(letter, role) or self.families[role]].widths.get(letter, 1.0)

    def width(self, pieces: Sequence[Piece], size: float) -> float:
        return sum(self.advance(letter, role) * size for text, role in pieces for letter in self.writable(text, role))

    def put(
        self, pieces: Sequence[Piece], left: float, top: float, size: float, line: float, tracking: float = 0.0
    ) -> None:
        """A line of text whose upper edge is at `top`."""
        base = top + (line - size) / 2 + ASCENT * size
        for text, role in pieces:
            for family, letters in groupby(self.writable(text, role), key=lambda letter: self.family(letter, role)):
                run = "".join(letters)
                thick = self.sources[role].thick
                with self.sheet.local_context(text_mode="FILL_STROKE" if thick else "FILL", line_width=OUTLINE * size):
                    self.sheet.set_font(family, size=size)
                    self.sheet.set_char_spacing(tracking)
                    self.sheet.text(left, base, run)
                left += sum(self.advance(letter, role) * size + tracking for letter in run)


def _length(pieces: Sequence[Piece]) -> int:
    return sum(len(text) for text, _ in pieces)


def _pieces(block: Heading | Paragraph) -> list[Piece]:
    if isinstance(block, Heading):
        return [(block.text, "heading")]
    return [(block.lead, "lead"), (block.text, "body")]


def _tail(document: Document) -> int:
    """How many lines follow the text: 附件说明 and the signature, each behind a blank one."""
    return (len(document.mentions) + 1 if document.mentions else 0) + (3 if document.date else 0)


def _letters(document: Document) -> set[str]:
    """Every character that may be written, and those of the page number."""
    texts = [*document.title, document.to, document.signer, document.date, *document.mentions, UNKNOWN, "— 0123456789"]
    for block in document.body:
        texts += [block.text] if isinstance(block, Heading) else [block.lead, block.text]
    for annex in document.annexes:
        texts += [annex.label, annex.title, *annex.head, *(cell for row in annex.rows for cell in row)]
    return set("".join(texts))

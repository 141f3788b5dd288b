"""An official document as what it says and where it stands (GB/T 9704—2012), before any file format."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

# In millimetres: A4, 天头 37, 地脚 35, 订口 28, 切口 26.
WIDTH, HEIGHT = 210.0, 297.0
TOP, BOTTOM, LEFT, RIGHT = 37.0, 35.0, 28.0, 26.0
TYPE_WIDTH = WIDTH - LEFT - RIGHT
# In points: 2号, 3号, 4号, 五号; 22 lines a page.
TITLE, BODY, FOLIO, SMALL = 22.0, 16.0, 14.0, 10.5
LINE, TITLE_LINE, SMALL_LINE = 28.0, 36.0, 15.0
# 3号 letters are set a little closer, so that 28 of them make a line.
TRACKING = -0.25
# Between the line of a table's cell and its text.
PADDING = 3.0
# In characters: the first line of a paragraph, and the names behind 附件：.
INDENT, MENTION = 2, 5
# The 一字线 of the page number stands 7 mm below the text.
FOLIO_BELOW = 7.0
POINTS = 72 / 25.4
# So many characters of the title fit into one line.
TITLE_EMS = TYPE_WIDTH * POINTS / TITLE
NAME_LIMIT, REASON_LIMIT = 100, 300


class FontError(RuntimeError):
    """No font to be embedded in a PDF; the message is a Chinese sentence that says what to install or to set."""


@dataclass(frozen=True, slots=True)
class Heading:
    """First level: 一、…, in 黑体."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """`lead` is the second-level heading in 楷体 that the text follows in the same line: （一）…。"""

    text: str
    lead: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annex:
    """A table on its own pages. `widths` are in millimetres and fill the line; `middle` are columns to be centred."""

    label: str
    title: str
    head: tuple[str, ...]
    widths: tuple[float, ...]
    middle: frozenset[int]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """`title` in parts between which it may break; without `to` and `signer` it is addressed and signed by nobody."""

    title: tuple[str, ...]
    to: str
    body: tuple[Heading | Paragraph, ...]
    mentions: tuple[str, ...]
    signer: str
    date: str
    annexes: tuple[Annex, ...]
    at: datetime

    @property
    def title_lines(self) -> tuple[str, ...]:
        whole = "".join(self.title)
        return (whole,) if ems(whole) <= TITLE_EMS else self.title


def ems(text: str) -> float:
    """The width in characters of the full width; a Latin letter or a figure takes half of one."""
    return sum(1.0 if unicodedata.east_asian_width(char) in "WFA" else 0.5 for char in text)


def signature(signer: str, date: str) -> tuple[float, float]:
    """How many characters stay free to the right of the signer and of the date.

    The date stands four characters from the edge and the signer is centred above it; a long signer keeps two
    characters from the edge and takes the date along.
    """
    beyond = (ems(signer) - ems(date)) / 2
    date_free = max(4.0, 2.0 + beyond)
    return date_free - beyond, date_free


def plain(text: str, limit: int, cut: str) -> str:
    """One line of what can be printed: no controls, no marks that turn text around; too long, it ends in `cut`."""
    kept = "".join(char if char.isprintable() else " " if char.isspace() else "" for char in text)
    line = " ".join(kept.split())
    return line if len(line) <= limit else line[:limit] + cut


def day_in_words(at: datetime) -> str:
    """2026年11月23日."""
    return f"{at.year}年{at.month}月{at.day}日"


def annex_labels(word: str, number: int) -> Iterable[str]:
    """附件 alone, or 附件1, 附件2, …"""
    return (word if number == 1 else f"{word}{place}" for place in range(1, number + 1))

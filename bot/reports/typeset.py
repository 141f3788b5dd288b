"""Chinese lines: where a text may break, so that no line begins with a full stop or ends with an opening bracket."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

OPENING = "（《〈“‘「『【〔([{"
CLOSING = "，。、；：？！）》〉”’」』】〕％·…—,.;:?!)]}%"
MEASURES = "年月日时分天个人条次周号"
WORD = rf"[0-9.]+[{MEASURES}]?|[0-9A-Za-z_./:&@#+\-]+|."
# What stays in one line: a number and its measure, or a Latin word, with what must not be parted from it.
CHUNK = re.compile(rf"[{re.escape(OPENING)}]*(?:{WORD})[{re.escape(CLOSING)}\s]*", re.DOTALL)
# A line with more room than this share is left ragged.
RAGGED = 0.12

# A line as the place of its first character and of the one behind its last.
Line = tuple[int, int]


def broken(text: str, widths: Sequence[float], limit: float, indent: float = 0.0) -> list[Line]:
    """The lines of `text`, whose characters are so wide; the first line begins at `indent`."""
    lines, begin, used = [], 0, indent
    for start, end in _chunks(text, widths, limit):
        width = sum(widths[start:end])
        # Blanks at the end of a line need no room.
        if used + width - _blank(text, widths, start, end) > limit and start > begin:
            lines.append((begin, start))
            begin, used = start, 0.0
        used += width
    return [*lines, (begin, len(text))]


def stretch(width: float, letters: int, limit: float) -> float:
    """How much to put between the letters of a full line, so that it ends where the others do."""
    room = limit - width
    return room / (letters - 1) if letters > 1 and 0 < room <= limit * RAGGED else 0.0


def _chunks(text: str, widths: Sequence[float], limit: float) -> Iterator[Line]:
    for match in CHUNK.finditer(text):
        start, end = match.span()
        if sum(widths[start:end]) <= limit:
            yield start, end
        else:
            yield from ((place, place + 1) for place in range(start, end))


def _blank(text: str, widths: Sequence[float], start: int, end: int) -> float:
    bare = start + len(text[start:end].rstrip())
    return sum(widths[bare:end])

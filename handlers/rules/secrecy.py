"""密级 marks: classified text must never enter a work group (保守国家秘密法)."""

from __future__ import annotations

import re

# A mark is 绝密/机密/秘密 with a star, or at the head of a line as a document carries it; “严守秘密” is not one.
# Blank lines before it are lines of their own: `^\s*` would look at all of them again from each.
MARK = re.compile(r"(?:绝密|机密|秘密)\s*[★☆]|^[^\S\n]*(?:绝密|机密|秘密)\s*(?:$|[★☆·\s]|\d+年)", re.MULTILINE)


def is_marked(text: str) -> bool:
    return MARK.search(text) is not None

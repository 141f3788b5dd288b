"""What people send to bind a device or to free theirs: “绑定 483920”, “解绑”, with or without naming the bot."""

from __future__ import annotations

import re

_SENT = re.compile(r"\s*(?:[@＠]\S{1,40}[\s\u2005]+)?绑定[\s:：]*(\d{6})\s*[。.]?\s*")
_UNBIND = re.compile(r"\s*(?:[@＠]\S{1,40}[\s\u2005]+)?解绑\s*[。.]?\s*")
_LONGEST = 80


def code_in(text: str) -> str | None:
    sent = _SENT.fullmatch(text) if len(text) <= _LONGEST else None
    return sent[1] if sent else None


def is_unbinding(text: str) -> bool:
    return len(text) <= _LONGEST and _UNBIND.fullmatch(text) is not None


def is_about_binding(text: str) -> bool:
    """Said to the bot about a device; no work message."""
    return code_in(text) is not None or is_unbinding(text)

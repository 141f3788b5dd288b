"""Passwords that everybody tries first, from `passwords.txt`."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def common_passwords() -> frozenset[str]:
    """In lower case, one a line; lines that begin with # are remarks."""
    text = resources.files("config").joinpath("passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))

"""How long whoever guesses has to wait, and which passwords are too easy to guess."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from typing import Literal

LONGEST_PASSWORD, LONGEST_LOGIN = 128, 64

Weakness = Literal["", "short", "long", "login", "common"]


def waiting_seconds(failures: int, free: int, first: int, most: int) -> int:
    """Nothing for the first few; then the time doubles with every failure up to the most, and never grows into a lock."""
    if failures < free:
        return 0
    return min(most, first << min(failures - free, 30))


def folded_login(login: str) -> str:
    """One account however it is typed: without width, case and blanks around it."""
    return unicodedata.normalize("NFKC", login).strip().lower()


def is_login(login: str) -> bool:
    """Letters (Chinese ones too), digits and `.`, `_`, `-`, `@`; two to LONGEST_LOGIN of them."""
    return 2 <= len(login) <= LONGEST_LOGIN and all(char.isalnum() or char in "._-@" for char in login)


def weakness(password: str, login: str, shortest: int, common: Collection[str]) -> Weakness:
    """Length counts, and that nobody guesses it first; no rule about which signs are in it (NIST SP 800-63B §5.1.1)."""
    plain = unicodedata.normalize("NFKC", password).lower()
    if len(password) < shortest:
        return "short"
    if len(password) > LONGEST_PASSWORD:
        return "long"
    if login and (login in plain or plain in login):
        return "login"
    # A common one stays common with one sign repeated, or written twice.
    half = plain[: len(plain) // 2]
    return "common" if plain in common or len(set(plain)) < 4 or (half in common and half * 2 == plain) else ""

"""What a single sign-on says, read with care; and that it did not work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class SignOnError(Exception):
    """It did not work; the message is a Chinese sentence, `__cause__` is for the log."""


def claim(claims: Mapping[str, Any], path: str) -> Any:
    """The claim of this name; dots lead into objects (`realm_access.roles`)."""
    found: Any = claims
    for part in path.split(".") if path else ():
        found = found.get(part) if isinstance(found, Mapping) else None
    return found if path else None


def words(value: Any) -> list[str]:
    """A claim as a list of words, whether it is one or several."""
    values = value if isinstance(value, list) else [value]
    return [str(one).strip() for one in values if isinstance(one, str | int) and str(one).strip()]

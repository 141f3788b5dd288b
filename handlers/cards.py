"""Cards: what is said, as data; every channel renders them in its own way."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """`action` and `subject` come back with the press, e.g. ("ack", notice id)."""

    label: str
    action: str
    subject: str
    style: Literal["primary", "plain"] = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A page for the one who reads the card; the shell signs it for them when it speaks."""

    label: str
    page: Literal["notice", "mine", "inventory", "cleanup"]
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """`note` is small print; `progress` is (done, all) and never names anybody."""

    title: str
    text: str = ""
    lines: tuple[str, ...] = ()
    note: str = ""
    progress: tuple[int, int] | None = None
    buttons: tuple[Button, ...] = ()
    links: tuple[Link, ...] = ()
    tone: Literal["plain", "notice", "flag", "done", "emergency"] = "plain"
    details: tuple[tuple[str, str], ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Card:
        """The card of `as_dict`, also after a way through JSON."""
        return cls(
            **{
                **data,
                "lines": tuple(data.get("lines", ())),
                "progress": tuple(data["progress"]) if data.get("progress") else None,
                "buttons": tuple(Button(**button) for button in data.get("buttons", ())),
                "links": tuple(Link(**link) for link in data.get("links", ())),
                "details": tuple((name, value) for name, value in data.get("details", ())),
            }
        )

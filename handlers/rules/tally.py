"""Where the presses of one person lead; the same presses in any order of arrival lead to the same place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Tally:
    """Of a notice: how many have acknowledged, of how many, and how many of them by typing."""

    done: int
    everybody: int
    typed: int

    @property
    def saved(self) -> int:
        """The 收到 that nobody had to type."""
        return self.done - self.typed

    @property
    def progress(self) -> tuple[int, int] | None:
        return (self.done, self.everybody) if self.everybody else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    at: datetime
    action: str
    via: str
    deputy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`first_at` is the earliest acknowledgement ever, kept through undo; `acked_at` the one that counts now."""

    acked: bool
    first_at: datetime
    acked_at: datetime
    via: str
    deputy: str | None


def standing(presses: Iterable[Pressed], undo_within: timedelta) -> Standing | None:
    """None when nobody ever acknowledged. An undo counts within `undo_within` of the acknowledgement it undoes."""
    now: Standing | None = None
    for press in sorted(presses, key=lambda one: (one.at, one.action)):
        if press.action == "ack":
            if now is None or not now.acked:
                first = now.first_at if now else press.at
                now = Standing(acked=True, first_at=first, acked_at=press.at, via=press.via, deputy=press.deputy)
        elif now is not None and now.acked and press.at - now.acked_at <= undo_within:
            now = Standing(
                acked=False, first_at=now.first_at, acked_at=now.acked_at, via=now.via, deputy=now.deputy
            )
    return now

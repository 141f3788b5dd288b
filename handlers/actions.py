"""What is to be done: the answers of handlers, as data; written to the outbox before anybody speaks.

`key` names the effect: the same key twice is said once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handlers.cards import Card


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Say a card in the group, for all."""

    key: str
    group: str
    card: Card


@dataclass(frozen=True, slots=True, kw_only=True)
class Whisper:
    """Tell one person alone; `urgent` may break quiet hours, everything else that is not an answer waits for work."""

    key: str
    person: str
    card: Card
    urgent: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Revise:
    """Show a newer card in place of the one that the Post with key `post` said; only the newest waiting one counts."""

    key: str
    post: str
    group: str
    card: Card


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFile:
    """Give one person a rendered file; `what` is e.g. `inventory/2026-W47.xlsx`, made when it is sent."""

    key: str
    person: str
    what: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedRoster:
    """Ask the channel for the group's members; the answer comes back as RosterReceived."""

    key: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """Publish `Woke(kind, subject)` at `at`; asked twice, the earlier time stays unless `move`."""

    kind: str
    subject: str
    at: datetime
    move: bool = False


Action = Post | Whisper | Revise | SendFile | NeedRoster | Wake

"""Event → ROUTES → actions → outbox: one transaction an event, which is claimed, decided and written down in it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loguru import logger
from sqlalchemy import Connection

from bot.ahead import take_ahead
from bot.bus import partition_of
from bot.meter import Histogram
from bot.recent import Recent
from config.calendar import Calendar
from config.rulebook import Rulebook
from config.settings import Settings
from config.wording import Wording
from handlers.actions import Action, NeedRoster, Post, Revise, SendFile, Wake, Whisper
from handlers.context import Context
from handlers.events import Event, MessageReceived, WeekEnded, Woke
from handlers.routes import ROUTES, Handler
from storage import clockwork, outbox
from storage.database import Result, Store, StoreError, Work, is_outage, savepoint


@dataclass(frozen=True, slots=True)
class Decided:
    """`fresh` is False for an event that had its effect before."""

    fresh: bool
    wakes: bool = False
    speaks: bool = False


class Dispatch:
    """`await dispatch(event)` returns after the commit: what it has answered survives a kill."""

    def __init__(
        self, store: Store, settings: Settings, rulebook: Rulebook, calendar: Calendar, wording: Wording
    ) -> None:
        self.store = store
        self.settings, self.rulebook, self.calendar, self.wording = settings, rulebook, calendar, wording
        self._recent = Recent()
        self.latency = Histogram("qingqun_decision_seconds")
        self.on_decided: list[Callable[[Decided], None]] = []

    async def __call__(self, event: Event) -> Decided:
        decided, _ = await self.and_read(event, _nothing)
        return decided

    async def and_read(self, event: Event, work: Work[Result]) -> tuple[Decided, Result]:
        """As it is after this event: `work` reads in the same transaction."""
        if isinstance(event, WeekEnded):
            await take_ahead(self.store, self.settings, self.wording, event.week)
        begun = time.perf_counter()
        # Two events of one notice, or else of one group, would only be in each other's way.
        key = str(getattr(event, "notice", None) or partition_of(event))
        try:
            decided, found = await self.store.write(lambda db: (self._decide(db, event, self._ask_all), work(db)), key=key)
        except StoreError:
            raise
        except Exception:
            # A handler failed and nothing of the event stayed: once more, with care.
            decided, found = await self.store.write(lambda db: (self.decide(db, event), work(db)), key=key)
        self.latency.note(time.perf_counter() - begun)
        for tell in self.on_decided:
            tell(decided)
        return decided, found

    def decide(self, db: Connection, event: Event) -> Decided:
        """Within the caller's transaction: claim, ask every handler in order, write down what they answered.

        A handler that fails takes nothing from the others.
        """
        return self._decide(db, event, self._ask_with_care)

    def _decide(self, db: Connection, event: Event, ask: Callable[[Event, Context], list[Action]]) -> Decided:
        if isinstance(event, Woke):
            # In one transaction with what it leads to: nothing that is asked for after this decision is taken with it.
            clockwork.take_wake(db, event.kind, event.subject, event.at)
        if not clockwork.claim(db, event.key, event.at):
            return Decided(fresh=False)
        context = Context(
            db=db,
            settings=self.settings,
            rulebook=self.rulebook,
            calendar=self.calendar,
            say=self.wording,
            before=self._recent.before(event) if isinstance(event, MessageReceived) else "",
        )
        actions = ask(event, context)
        return Decided(
            fresh=True,
            wakes=any(isinstance(action, Wake) for action in actions),
            speaks=any(not isinstance(action, Wake) for action in actions),
        )

    def _ask_all(self, event: Event, context: Context) -> list[Action]:
        return [action for handler in ROUTES[type(event)] for action in self._ask(handler, event, context)]

    def _ask_with_care(self, event: Event, context: Context) -> list[Action]:
        try:
            with savepoint(context.db):
                return self._ask_all(event, context)
        except Exception as error:
            if is_outage(error):
                raise
        return self._ask_one_by_one(event, context)

    def _ask(self, handler: Handler, event: Event, context: Context) -> list[Action]:
        actions = handler(event, context)
        for action in actions:
            self._write_down(context.db, action, event.at)
        return actions

    def _ask_one_by_one(self, event: Event, context: Context) -> list[Action]:
        """After a failure, once more from the start: who failed is noted and takes nothing from the others."""
        actions: list[Action] = []
        for handler in ROUTES[type(event)]:
            try:
                with savepoint(context.db):
                    actions += self._ask(handler, event, context)
            except Exception as error:
                if is_outage(error):
                    raise
                name = f"{handler.__module__}.{handler.__name__}"
                logger.opt(exception=error).error("处理 {} 时 {} 出错", type(event).__name__, name)
                clockwork.note_trouble(context.db, event.key, name, type(error).__name__, event.at)
        return actions

    def _write_down(self, db: Connection, action: Action, at: datetime) -> None:
        if isinstance(action, Wake):
            clockwork.wake(db, action.kind, action.subject, action.at, action.move)
            return
        kind, target, payload, about = _row(action)
        held = isinstance(action, Whisper) and not action.urgent
        outbox.put(
            db,
            key=action.key,
            channel=target.split(":", 1)[0],
            kind=kind,
            target=target,
            payload=json.dumps(payload, ensure_ascii=False),
            at=at,
            not_before=self.calendar.next_working_moment(at) if held else at,
            about=about,
        )


def _nothing(_: Connection) -> None:
    return None


def _row(action: Post | Whisper | Revise | SendFile | NeedRoster) -> tuple[str, str, dict[str, Any], str]:
    match action:
        case Post():
            return "post", action.group, action.card.as_dict(), action.key
        case Whisper():
            return "whisper", action.person, action.card.as_dict(), ""
        case Revise():
            return "revise", action.group, action.card.as_dict(), action.post
        case SendFile():
            return "file", action.person, {"what": action.what, "name": action.name}, ""
        case NeedRoster():
            return "roster", action.group, {}, ""


"""What the suites share: a house without doors, a clock that stands still, short ways to say what happened."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from bot.app import make_house
from bot.house import House
from config.rulebook import Rulebook, load_rulebook
from config.settings import TIMEZONE, load_settings
from handlers.rules import tokens
from storage.sqlite import SqliteStore

# A Monday in a week without holidays.
MONDAY = datetime(2026, 11, 16, 9, 0, tzinfo=TIMEZONE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In CI a service that is not there is a failure, elsewhere a skip with a sentence."""
    for item in items:
        for mark, variable in (("postgresql", "QINGQUN_TEST_POSTGRESQL"), ("nats", "QINGQUN_TEST_NATS")):
            if item.get_closest_marker(mark) and not os.environ.get(variable) and not os.environ.get("CI"):
                item.add_marker(pytest.mark.skip(reason=f"{variable} is not set: no server to test with"))


@pytest.fixture(autouse=True)
def no_outside_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("QINGQUN_") and not name.startswith("QINGQUN_TEST_"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def one_rulebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped rulebook is read once for all tests; one with additions is read each time."""
    monkeypatch.setattr("bot.app.load_rulebook", lambda extra=(): load_rulebook(extra=extra) if extra else shipped())


@cache
def shipped() -> Rulebook:
    """With the dictionary loaded; both are frozen, or each test's garbage collection would walk through them."""
    book = load_rulebook()
    tokens.warm()
    gc.freeze()
    return book


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async for one in make(tmp_path):
        yield one


async def make(data: Path, **flags: Any) -> AsyncIterator[House]:
    settings = load_settings(flags={"data": data, **flags}, environ={})
    store = SqliteStore(data / "qingqun.db")
    await store.open()
    house = make_house(settings, store, now=lambda: MONDAY)
    await house.bus.open(house.dispatch)
    yield house
    await store.close()


class Town:
    """A group of people and short ways to let something happen in it; time is minutes after MONDAY."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.number = 0

    def at(self, minutes: float) -> str:
        return (MONDAY + timedelta(minutes=minutes)).isoformat()

    async def tell(self, **data: Any) -> None:
        from bot import wire

        self.number += 1
        await self.house.tell(wire.parse({"id": f"e{self.number}", "channel": "playground", **data}))

    async def roster(
        self, people: int = 5, group: str = "g1", minutes: float = 0, owner: str | None = "boss", **facts: Any
    ) -> None:
        members = [{"id": "boss", "name": "老周", "role": "admin"}]
        members += [{"id": f"p{n}", "name": f"干部{n}"} for n in range(1, people + 1)]
        await self.tell(
            type="roster",
            at=self.at(minutes),
            group={"id": group, "name": f"{group}工作群", **facts},
            owner=owner,
            members=members,
        )

    async def says(
        self, who: str, text: str, minutes: float = 1, group: str | None = "g1", **more: Any
    ) -> None:
        where = {"id": group, "name": f"{group}工作群"} if group else None
        name = "老周" if who == "boss" else f"干部{who[1:]}"
        await self.tell(
            **{"type": "message", "at": self.at(minutes), "group": where, "kind": "text", "mentions": [],
               "sender": {"id": who, "name": name}, "text": text, **more}
        )

    async def clicks(self, who: str, message: str, minutes: float = 2, action: str = "ack", **more: Any) -> None:
        await self.tell(
            **{"type": "click", "at": self.at(minutes), "group": "g1", "person": who, "notice": {"message": message},
               "action": action, **more}
        )

    async def passes(self, minutes: float) -> None:
        """Let the time go by: every wake up to then happens."""
        from bot import timer
        from storage import clockwork

        until = MONDAY + timedelta(minutes=minutes)
        while (row := await self.read(clockwork.next_wake)) and row.at <= until:
            await self.house.store.write(lambda db, r=row: clockwork.take_wake(db, r.kind, r.subject, r.at))
            await self.house.tell(timer.woke(row.kind, row.subject, row.at))

    async def read(self, work: Callable[[Connection], Any]) -> Any:
        return await self.house.store.read(work)

    async def said(self, kind: str | None = None, to: str | None = None) -> list[Any]:
        """The outbox rows, as (kind, target, key, card) objects."""
        import json
        from types import SimpleNamespace

        from sqlalchemy import select

        from storage.outbox import OUTBOX

        rows = await self.read(lambda db: db.execute(select(OUTBOX).order_by(OUTBOX.c.id)).all())
        return [
            SimpleNamespace(kind=r.kind, target=r.target.split(":", 1)[1], key=r.key, state=r.state,
                            not_before=r.not_before, card=json.loads(r.payload or "{}"))
            for r in rows
            if (kind is None or r.kind == kind) and (to is None or r.target == f"playground:{to}")
        ]

    async def the_notice(self) -> Any:
        from storage import notices

        return (await self.read(lambda db: notices.listed(db, None)))[0]


@pytest.fixture
def town(house: House) -> Town:
    return Town(house)

"""Short ways to let groups be found, asked about, decided on and closed; days count from the end of 2026-W47."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection, select

from bot.house import House
from handlers.events import (
    CleanupDecided,
    CleanupDeclared,
    CleanupReviewed,
    CleanupWithdrawn,
    DayEnded,
    Event,
    WeekEnded,
)
from handlers.rules.cleanup import Standing, Step, standing
from handlers.rules.week import week_before
from storage import cleanups, outbox
from tests.handlers.test_inventory import END, City

OFFICE = "office:机制办"
KEEP: dict[str, Any] = {"reason": "防汛备用", "ends": date(2027, 6, 30)}
on_both = pytest.mark.parametrize(
    "city", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


def on(days: float) -> datetime:
    """So many days after the end of 2026-W47, at 8:30."""
    return END + timedelta(days=days, hours=8.5)


class Cleaning(City):
    """A city whose weeks end; `who` is a person of the playground or the office."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.told = 0

    async def silent(self, group: str = "g1", quiet: float = 100, **roster: Any) -> None:
        """A group that was made long ago and fell silent."""
        await self.roster(group, quiet + 5, **roster)
        await self.says(group, quiet)

    async def happens(self, event: Event) -> None:
        await self.house.dispatch(event)

    async def week(self, weeks: int = 0) -> None:
        """The week ends: 0 is 2026-W47. What waited to be said has been said by then."""
        at = on(7 * weeks)
        await self.deliver()
        await self.happens(WeekEnded(id=f"week:{weeks}", at=at, week=week_before(at)))

    async def day(self, days: float, delivered: bool = True) -> None:
        at = on(days)
        if delivered:
            await self.deliver()
        await self.happens(DayEnded(id=f"day:{days}", at=at, day=(at - timedelta(days=1)).date()))

    async def deliver(self) -> None:
        """Their words stay, so that the test can read them."""
        rows = outbox.OUTBOX
        said = rows.update().where(rows.c.state == "waiting").values(state="sent")
        await self.write(lambda db: db.execute(said))

    def _next(self) -> str:
        self.told += 1
        return f"told{self.told}"

    async def decides(self, who: str, choice: Any, *groups: str, days: float = 1, **more: Any) -> None:
        items = tuple([(await self.item(group)).id for group in groups or ("g1",)])
        who = who if who == OFFICE else f"playground:{who}"
        await self.happens(CleanupDecided(id=self._next(), at=on(days), items=items, who=who, choice=choice, **more))

    async def reviews(self, decision: Any, *groups: str, days: float = 2, reason: str = "", who: str = OFFICE) -> None:
        items = tuple([(await self.item(group)).id for group in groups or ("g1",)])
        told = CleanupReviewed(id=self._next(), at=on(days), items=items, who=who, decision=decision, reason=reason)
        await self.happens(told)

    async def declares(self, who: str, group: str = "g1", days: float = 3) -> None:
        who = who if who == OFFICE else f"playground:{who}"
        await self.happens(CleanupDeclared(id=self._next(), at=on(days), items=((await self.item(group)).id,), who=who))

    async def withdraws(self, who: str, group: str = "g1", days: float = 4) -> None:
        who = f"playground:{who}"
        await self.happens(
            CleanupWithdrawn(id=self._next(), at=on(days), items=((await self.item(group)).id,), who=who)
        )

    async def read(self, work: Callable[[Connection], Any]) -> Any:
        return await self.house.store.read(work)

    async def items(self) -> list[Any]:
        query = select(cleanups.ITEMS).order_by(cleanups.ITEMS.c.subject, cleanups.ITEMS.c.round)
        return await self.read(lambda db: db.execute(query).all())  # type: ignore[no-any-return]

    async def item(self, subject: str = "g1") -> Any:
        """The latest round of a group (or of an app, by its id)."""
        names = (subject, f"playground:{subject}", f"wechat:{subject}")
        return [one for one in await self.items() if one.subject in names][-1]

    async def state(self, subject: str = "g1") -> str:
        return str((await self.item(subject)).state)

    async def steps(self, subject: str = "g1") -> list[Any]:
        item = (await self.item(subject)).id
        return (await self.read(lambda db: cleanups.steps_of(db, [item])))[item]  # type: ignore[no-any-return]

    async def told_steps(self, subject: str = "g1") -> list[str]:
        return [one.step for one in await self.steps(subject)]

    async def said(self, who: str | None = None) -> list[Any]:
        """What was whispered of the cleaning up."""
        query = select(outbox.OUTBOX).where(outbox.OUTBOX.c.key.startswith("cleanup:")).order_by(outbox.OUTBOX.c.id)
        rows = await self.read(lambda db: db.execute(query).all())
        return [
            SimpleNamespace(key=row.key, kind=row.kind, target=row.target, not_before=row.not_before,
                            card=SimpleNamespace(**json.loads(row.payload or "{}")))
            for row in rows if who is None or row.target == f"playground:{who}"
        ]  # fmt: skip

    async def weekly(self, who: str | None = None) -> list[Any]:
        """The weekly messages; not the answers to what somebody pressed."""
        return [one for one in await self.said(who) if one.key.startswith("cleanup:2")]

    async def settled(self, state: str) -> None:
        """What became of everything that waits in the outbox."""
        await self.write(lambda db: outbox.settle_all(db, state, on(0)))

    async def check(self) -> None:
        """Every round stands where its steps lead to."""
        fields = Standing.__dataclass_fields__
        for one in await self.items():
            rows = (await self.read(partial(cleanups.steps_of, items=[one.id])))[one.id]
            assert [row.number for row in rows] == list(range(1, len(rows) + 1))
            derived = standing([as_step(row) for row in rows], self.house.settings.cleanup)
            assert derived == Standing(**{name: getattr(one, name) for name in fields}), one.name


def as_step(row: Any) -> Step:
    return Step(**{name: getattr(row, name) for name in Step.__dataclass_fields__})

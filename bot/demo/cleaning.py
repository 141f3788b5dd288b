"""What the demonstration's people said to the groups that were to be cleaned up: something in every state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, update

from bot.channels.playground import Playground
from bot.demo.city import BY_NAME
from bot.house import House
from handlers.events import CleanupDecided, CleanupReviewed, Event, WeekEnded
from handlers.rules.cleanup import OFFICE, UNDECIDED
from handlers.rules.week import local_day
from storage import cleanups
from storage.outbox import OUTBOX

REVIEWER = OFFICE + "演示·县机制办"
KEEP_DAYS = 200
# Weeks before the last one → group, who decides and what, and what the office says to it ("" nothing yet).
SCRIPT: Mapping[int, tuple[tuple[str, str, str, str, str], ...]] = {
    9: (("g35", "小张", "dissolve", "", "confirm"),),
    4: (("g36", "小陈", "dissolve", "", "confirm"),),
    2: (("g09", "小王", "merge", "g01", "confirm"),),
    1: (
        ("g01", "小李", "keep", "全镇日常工作主群，与新群合并后继续使用", ""),
        ("g11", "小陈", "keep", "秸秆禁烧备用", "请写明下一次启用的时间；季节性工作可以并入农业农村工作群"),
        ("g13", "小孙", "dissolve", "", "confirm"),
        ("g14", "小张", "keep", "年底招商对接会备用", ""),
    ),
}


def after_week(db: Connection, house: House, event: Event, left: int) -> None:
    """A day later the people in charge, two days later the office."""
    for group, name, choice, words, review in SCRIPT.get(left, ()):
        subject = f"{Playground.name}:{group}"
        for row in cleanups.hold_of(db, "group", [subject], UNDECIDED):
            at = event.at + timedelta(days=1)
            house.dispatch.decide(db, _decided(row.id, at, name, choice, words))
            if review:
                house.dispatch.decide(db, _reviewed(row.id, at + timedelta(days=1), review))


def _decided(item: str, at: datetime, name: str, choice: Any, words: str) -> Event:
    merged = choice == "merge"
    return CleanupDecided(
        id=f"demo:{item}", at=at, items=(item,), who=f"{Playground.name}:{BY_NAME[name]}", choice=choice,
        reason="" if merged else words, target=f"{Playground.name}:{words}" if merged else "", ends=_ends(at),
        via="link",
    )  # fmt: skip


def _ends(at: datetime) -> date:
    return local_day(at) + timedelta(days=KEEP_DAYS)


def _reviewed(item: str, at: datetime, review: str) -> Event:
    decision: Any = "confirm" if review == "confirm" else "return"
    reason = "" if review == "confirm" else review
    told = {"id": f"demo:{item}:{decision}", "at": at, "items": (item,), "who": REVIEWER}
    return CleanupReviewed(**told, decision=decision, reason=reason)  # type: ignore[arg-type]


async def end_week(house: House, event: WeekEnded) -> None:
    """The last week ends now, so that its messages are there to be answered, whatever the hour."""
    await house.tell(replace(event, id=f"demo:{event.id}", at=house.now()))
    said = update(OUTBOX).where(OUTBOX.c.key.startswith("cleanup:"), OUTBOX.c.state == "waiting")
    await house.store.write(lambda db: db.execute(said.values(not_before=house.now())))

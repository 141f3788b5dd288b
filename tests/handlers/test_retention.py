"""What has been kept long enough is forgotten, by a moved clock."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from handlers.events import DayEnded
from storage.database import table
from storage.tables import Activity, Audience, Claim, Flag, Group, Member, Notice, Press, Receipt
from tests.conftest import MONDAY, Town


async def number(town: Town, model: type) -> int:
    return int(await town.read(lambda db: db.execute(select(func.count()).select_from(table(model))).scalar_one()))


async def after(town: Town, days: int) -> None:
    at = MONDAY + timedelta(days=days)
    await town.house.tell(DayEnded(id=f"day{days}", at=at, day=at.date()))


async def test_notices_flags_and_traces_go_when_their_time_is_over(town: Town) -> None:
    await town.roster()
    await town.says("boss", "请各村网格员今天都把截图发到群里，收到请回复。", id="m1")
    await town.clicks("p1", "m1")
    await after(town, 29)
    flag = await town.read(lambda db: db.execute(select(table(Flag))).first())
    assert flag.span
    await after(town, 31)
    flag = await town.read(lambda db: db.execute(select(table(Flag))).first())
    assert (flag.span, flag.person, flag.digest) == ("", "", "")
    assert flag.category
    assert await number(town, Notice) == 1
    await after(town, 181)
    for model in (Notice, Audience, Press, Receipt):
        assert await number(town, model) == 0
    assert await number(town, Activity) == 1
    await after(town, 401)
    # What is left are the claims of the days themselves.
    assert await number(town, Claim) == 4
    await after(town, 801)
    assert await number(town, Activity) == 0
    assert await number(town, Group) == 1
    assert await number(town, Member) == 6

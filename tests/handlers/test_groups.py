"""What keeps a group alive: work, not 收到, not words to the bot about a device."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from storage.activity import ACTIVITY
from tests.conftest import Town


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("三组的排查表我放桌上了", (1, 0, 0)),
        ("收到", (0, 1, 0)),
        ("绑定 483920", (0, 0, 1)),
        ("@轻群 解绑", (0, 0, 1)),
        ("绑定 483920 这个码是谁的", (1, 0, 0)),
    ],
)
async def test_what_is_work(town: Town, text: str, counted: tuple[int, int, int]) -> None:
    await town.says("p1", text)
    query = select(ACTIVITY.c.work, ACTIVITY.c.rollcall, ACTIVITY.c.other)
    assert tuple(await town.read(lambda db: db.execute(query).one())) == counted

"""我的事项 asks whether groups and apps are of use, where that is switched on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.house import House
from storage import ratings, register
from tests.conftest import MONDAY, Town, make
from tests.web.conftest import Client, client

__all__ = ["client"]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async for one in make(tmp_path, **{"ratings.enabled": True}):
        yield one


async def ballots(house: House) -> int:
    return await house.store.read(lambda db: db.execute(select(func.count()).select_from(ratings.BALLOTS)).scalar_one())


async def test_one_tap_answers_and_another_changes_it(house: House, town: Town, client: Client) -> None:
    await town.roster(people=5)
    await town.roster(people=2, group="g2")
    apps = [{"id": "app:1", "name": "掌上办", "kind": "APP"}]
    await house.store.write(lambda db: register.save(db, "apps", apps, MONDAY))
    visitor, page = client(), house.links.mine_url("playground:p1").removeprefix(house.links.base_url)
    told = (await visitor.get(page)).text
    assert "这些群和应用有用吗" in told
    assert "g1工作群" in told
    assert "掌上办" in told
    assert "g2工作群" not in told, "of three members nothing could ever be shown"
    assert 'aria-pressed="true"' not in told
    for answer in ("useful", "useless"):
        answered = await visitor.post(page, data={"rate": "group:playground:g1", "answer": answer})
        assert answered.status_code == 303
        assert answered.headers["location"].endswith("#ratings")
    assert await ballots(house) == 1
    assert '<button name="answer" value="useless" class="primary" aria-pressed="true">' in (await visitor.get(page)).text
    other = house.links.mine_url("playground:p2").removeprefix(house.links.base_url)
    assert 'aria-pressed="true"' not in (await visitor.get(other)).text


@pytest.mark.parametrize(
    "form", [{"rate": "group:playground:g1", "answer": "?"}, {"rate": "group:playground:nowhere", "answer": "useful"}]
)
async def test_what_is_not_offered_cannot_be_rated(house: House, town: Town, client: Client, form: dict[str, str]) -> None:
    await town.roster(people=5)
    page = house.links.mine_url("playground:p1").removeprefix(house.links.base_url)
    refused = await client().post(page, data=form)
    assert (refused.status_code, "请返回重试" in refused.text) == (422, True)
    assert await ballots(house) == 0


async def test_a_stranger_to_the_group_cannot_rate_it(house: House, town: Town, client: Client) -> None:
    await town.roster(people=5)
    page = house.links.mine_url("playground:stranger").removeprefix(house.links.base_url)
    assert (await client().post(page, data={"rate": "group:playground:g1", "answer": "useful"})).status_code == 422

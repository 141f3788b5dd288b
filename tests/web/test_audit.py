"""The log of who read whose data: written before anything is shown, seen by the office, never changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.house import House
from handlers.events import DayEnded, NoticeIssued, PersonalDataRead
from storage import audit
from storage.audit import Asked
from storage.database import StoreError
from tests.conftest import make
from tests.handlers.cleaning import Cleaning, on
from tests.web.towns import OWN, UNITS, bearer, enter, two_towns


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async for one in make(tmp_path, **{"office.units": UNITS}):
        yield one


@pytest.fixture
async def towns(house: House) -> Cleaning:
    return await two_towns(house)


async def log(house: House, **asked: Any) -> list[Any]:
    return list(await house.store.read(lambda db: audit.listed(db, Asked(**asked), 1000)))


async def test_the_appeals_on_the_dashboard_are_a_read_and_the_figures_are_none(house: House, towns: Cleaning) -> None:
    await (await enter(house, "town")).get("/office")
    (row,) = await log(house)
    assert (row.who, row.name, row.what, row.scope) == ("account:town1", "town的人", "appeals", OWN)
    assert set(row.subject.split()) == {"fg1", "fg3"}
    assert row.at == on(1)
    visitor = await enter(house, "town")
    for flag in ("fg1", "fg3"):
        await visitor.post(f"/office/appeals/{flag}", data={"decision": "uphold"})
    await visitor.get("/office")
    await visitor.get("/office/rows?what=groups")
    await visitor.get("/office/inventory")
    assert len(await log(house)) == 1


async def test_names_of_who_has_not_answered_are_a_read_of_their_own(house: House, towns: Cleaning) -> None:
    event = NoticeIssued(
        id="nx", at=on(1), groups=("playground:g1",), text="河水上涨，请到岗。", sender="account:town1", sender_name="x",
        emergency=True, reason="防汛",
    )  # fmt: skip
    await house.tell(event)
    page = await (await enter(house, "town")).get("/office/notices/nx")
    assert "未确认名单" in page.text
    assert (await log(house))[0].what == "pending"
    await (await enter(house, "office")).get("/office/notices/nx")
    assert (await log(house))[0].what == "notice"


async def test_what_cannot_be_written_down_is_not_shown(
    house: House, towns: Cleaning, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor, api = await enter(house, "office"), bearer(house, "office")
    dispatch = house.dispatch

    async def fail(event: Any) -> Any:
        if isinstance(event, PersonalDataRead):
            raise StoreError("磁盘已满，数据没有写入。请清理磁盘后重试。")
        return await dispatch(event)

    monkeypatch.setattr(house, "dispatch", fail)
    pages = ("/office/accounts", "/office/register", "/office/register/groups/playground:g1", "/office/import/i1")
    own = [await visitor.get(page) for page in pages]
    taken = await visitor.post("/office/data/export", data={"format": "csv"})
    for answer in (*own, taken, await api.get("/api/v1/notices/ng1/links"), await api.get("/api/v1/register/groups")):
        assert answer.status_code == 503
        assert "干部" not in answer.text
        assert "town的人" not in answer.text


async def test_the_office_reads_the_log_by_day_and_person(house: House, towns: Cleaning) -> None:
    whole = await enter(house, "office")
    await (await enter(house, "unit")).get("/office/notices")
    house.now = lambda: on(2)
    whole = await enter(house, "office")
    await (await enter(house, "group")).get("/office/notices/ng1")
    page = (await whole.get("/office/audit")).text
    for words in ("unit的人", "group的人", "通知列表及发起人", "ng1", "playground:g1"):
        assert words in page
    day = f"{on(1):%Y-%m-%d}"
    assert "ng1" not in (await whole.get(f"/office/audit?day={day}")).text
    assert "通知列表及发起人" in (await whole.get(f"/office/audit?day={day}")).text
    only = (await whole.get("/office/audit?person=account:group1")).text
    assert "ng1" in only
    assert "通知列表及发起人" not in only
    assert "这样筛选没有记录" in (await whole.get("/office/audit?day=2020-01-01")).text
    for query in ("day=昨天", "page=0", "page=x"):
        answer = await whole.get(f"/office/audit?{query}")
        assert answer.status_code == 422
    # Looking into the log is itself in it.
    assert (await log(house, who="account:office1"))[-1].what == "audit"


async def test_a_towns_office_sees_the_reads_of_its_own_people(house: House, towns: Cleaning) -> None:
    for role in ("office", "unit", "far"):
        await (await enter(house, role)).get("/office/notices")
    page = (await (await enter(house, "town")).get("/office/audit")).text
    assert "unit的人" in page
    assert "office的人" not in page
    assert "白沙的人" not in page
    rows = (await bearer(house, "town").get("/api/v1/audit")).json()
    assert {row["scope"] for row in rows} == {OWN}


async def test_the_log_is_paged_and_in_the_api(house: House, towns: Cleaning) -> None:
    for number in range(120):
        at = on(0) + timedelta(minutes=number)
        await house.tell(
            PersonalDataRead(id=f"r{number}", at=at, who="token:1", name="机制办", what="notice", subject=f"s{number}.")
        )
    whole = await enter(house, "office")
    page = (await whole.get("/office/audit?person=token:1&page=3")).text
    assert "第 3 页，共 3 页" in page
    assert "s0." in page
    assert "s119." not in page
    rows = (await bearer(house, "office").get("/api/v1/audit?person=token:1")).json()
    assert [row["subject"] for row in rows] == [f"s{number}." for number in reversed(range(120))]
    assert rows[0]["at"].endswith("+08:00")
    assert (await bearer(house, "office").get("/api/v1/audit?page=2&person=token:1")).json() == []


async def test_rows_stay_for_half_a_year_and_more(house: House, towns: Cleaning) -> None:
    await (await enter(house, "office")).get("/office/notices")
    for days, left in ((185, 1), (187, 0)):
        at = on(1) + timedelta(days=days)
        await house.dispatch(DayEnded(id=f"d{days}", at=at, day=at.date()))
        assert len(await log(house)) == left


def test_nothing_in_the_store_changes_a_row() -> None:
    source = Path(audit.__file__).read_text(encoding="utf-8")
    assert "update(" not in source
    assert source.count("delete(") == 1, "only retention"

"""Nothing is kept longer than /privacy says: every table is filled, the clock is moved past each limit, on both engines."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Connection, Date, Integer, Table, func, insert, select
from sqlmodel import SQLModel

from bot.app import make_house
from bot.house import House
from bot.web.pages import kept
from config.settings import known_keys, load_settings
from handlers.events import DayEnded
from storage import tables
from storage.database import table
from storage.postgresql import PostgresStore
from storage.tables import Instant
from tests.conftest import MONDAY, make
from tests.storage.places import clear

# Setting → what goes after so many days.
KEPT: dict[str, tuple[type[SQLModel], ...]] = {
    "retention.notice_days": (
        tables.Notice, tables.NoticeGroup, tables.Audience, tables.RosterChange, tables.Press, tables.Receipt,
        tables.Reminder, tables.Digest,
    ),
    "retention.activity_days": (tables.Activity,),
    "retention.claim_days": (tables.Trouble,),
    "retention.audit_days": (tables.AuditRow,),
}  # fmt: skip
# Days of our own, without a setting: tries, codes, what is over, what was said.
FIXED: dict[type[SQLModel], int] = {
    tables.BindCode: 1, tables.BindTry: 1, tables.SessionRow: 1, tables.SigninTry: 1, tables.Invitation: 1, tables.Outgoing: 30,
    # An import that nobody confirmed; what was taken in is told for 185 days (storage/retention.py).
    tables.RegisterPart: 7, tables.RegisterImport: 7,
}  # fmt: skip
# The settings of this kind that are kept elsewhere, and the test that looks.
ELSEWHERE = {
    "flags.keep_days": "below: the row stays without the person and the words",
    "retention.log_days": "loguru deletes its own files",
    "channels.playground.keep_days": "tests/channels/test_playground.py",
    "cleanup.keep_days": "the longest time of an exemption, not of a row",
}
# Ends with its quarter.
QUARTER = (tables.Ballot, tables.RatingInvite)
# As long as the group, the account, the register or the ledger is there; /privacy says so.
STAYS = (
    tables.Group, tables.GroupVersion, tables.PersonRow, tables.Member, tables.WakeRow, tables.Slot, tables.Snapshot, tables.RegisterGroup,
    tables.App, tables.AppUpdate, tables.Gap, tables.Exemption, tables.Meta, tables.Binding, tables.Case, tables.Cleanup,
    tables.CleanupStep, tables.Account, tables.Rating, tables.RegisterChange, tables.Erasure, tables.SnapshotRow, tables.Taking,
)  # fmt: skip
WORDS = "槐花沟王桂兰"


def every() -> dict[type[SQLModel], Table]:
    return {one: table(one) for one in vars(tables).values() if isinstance(one, type) and hasattr(one, "__table__")}


def test_every_table_and_every_setting_of_days_is_in_this_test() -> None:
    """A new table has to say here how long it keeps what it holds."""
    named = {one for kinds in KEPT.values() for one in kinds} | {*FIXED, *QUARTER, *STAYS, tables.Flag, tables.Claim}
    assert {one.__name__ for one in every()} == {one.__name__ for one in named}
    days = {key for key in known_keys() if key.startswith("retention.") or key.endswith("keep_days")}
    assert days == {*KEPT, *ELSEWHERE}


def row(of: Table, at: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for column in of.columns:
        if isinstance(column.type, Instant):
            values[column.name] = at
        elif isinstance(column.type, Date):
            values[column.name] = at.date()
        elif isinstance(column.type, Boolean):
            values[column.name] = False
        elif isinstance(column.type, Integer):
            if not (column.primary_key and of.name in ("outbox", "troubles", "audit", "register_changes")):
                values[column.name] = 1
        else:
            values[column.name] = "x"
    special = {"outbox": {"state": "sent"}, "cleanups": {"state": "closed", "facts": "{}"}, "groups": {"dissolved_at": at},
               "accounts": {"groups": "[]"}, "snapshots": {"week": "2026-W40", "body": "{}"},
               "register_imports": {"taken_at": None}}  # fmt: skip
    values |= {name: value for name, value in special.get(of.name, {}).items() if name in values}
    if of.name == table(tables.Flag).name:
        values |= {"person": "playground:p1", "span": WORDS, "text": WORDS, "digest": WORDS, "state": "appealed", "category": "ranking"}
    if of.name in (table(one).name for one in QUARTER):
        values["round"] = "2026-Q4"
    if "week" in values:
        values["week"] = "2026-W40"
    return values


async def numbers(house: House) -> dict[str, int]:
    def read(db: Connection) -> dict[str, int]:
        return {one.name: db.execute(select(func.count()).select_from(one)).scalar_one() for one in every().values()}

    return await house.store.read(read)


async def until(house: House, days: float) -> dict[str, int]:
    at = MONDAY + timedelta(days=days)
    await house.tell(DayEnded(id=f"day{days}", at=at, day=at.date()))
    return await numbers(house)


@pytest.fixture
async def filled(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    if request.param == "sqlite":
        made = make(tmp_path)
        house = await anext(made)
    else:
        store = PostgresStore(os.environ["QINGQUN_TEST_POSTGRESQL"])
        await store.write(clear)
        await store.open()
        house = make_house(load_settings(flags={"data": tmp_path}, environ={}), store, now=lambda: MONDAY)
        await house.bus.open(house.dispatch)

    def fill(db: Connection) -> None:
        for one in every().values():
            if one.name != table(tables.Meta).name:
                db.execute(insert(one).values(row(one, MONDAY)))

    await house.store.write(fill)
    yield house
    await house.store.close()


@pytest.mark.parametrize("filled", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
async def test_what_is_over_goes_and_the_rest_stays(filled: House) -> None:
    house = filled
    limits = dict(FIXED)
    for key, kinds in KEPT.items():
        section, name = key.split(".")
        limits |= dict.fromkeys(kinds, getattr(getattr(house.settings, section), name))
    limits |= dict.fromkeys(QUARTER, (date(2027, 1, 4) - MONDAY.date()).days)
    first = await until(house, 0)
    assert all(first[table(one).name] == 1 for one in limits)
    for days in sorted(set(limits.values())):
        before = await until(house, days - 1) if days > 1 else first
        after = await until(house, days + 1.1)
        for one, limit in limits.items():
            name = table(one).name
            assert before[name] == (1 if limit > days - 1 else 0) or limit == days, (days, name)
            if limit == days:
                assert before[name] == 1, f"{name} went too early"
                assert after[name] == 0, f"{name} is still there after {days} days"
    last = await until(house, 4000)
    for one in STAYS:
        if one is not tables.Meta:
            assert last[table(one).name] >= 1, f"{one.__name__} went"


@pytest.mark.parametrize("filled", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
async def test_of_a_flag_only_category_unit_and_day_stay(filled: House) -> None:
    days = filled.settings.flags.keep_days
    for later, there in ((days - 1, True), (days + 1, False)):
        await until(filled, later)
        flag = await filled.store.read(lambda db: db.execute(select(table(tables.Flag))).one())
        assert (WORDS in str(tuple(flag))) is there
        assert bool(flag.person) is there
    assert flag.category == "ranking"


@pytest.mark.parametrize("filled", ["sqlite"], indirect=True)
async def test_claims_go_too(filled: House) -> None:
    days = filled.settings.retention.claim_days
    claims = table(tables.Claim)
    await until(filled, days + 2)
    found = await filled.store.read(lambda db: db.execute(select(claims.c.key)).scalars().all())
    assert "x" not in found


def test_the_privacy_page_says_every_number_of_the_settings() -> None:
    settings = load_settings(
        flags={"retention": {"notice_days": 181, "activity_days": 802, "claim_days": 403, "audit_days": 184, "log_days": 186},
               "flags": {"keep_days": 37}, "channels": {"playground": {"keep_days": 188}}, "link_days": 89},
        environ={},
    )  # fmt: skip
    said = " ".join(" ".join(line) for line in kept(settings))
    for number in (181, 802, 403, 184, 186, 37, 188, 89):
        assert f"{number} 天" in said, number


async def test_a_cadre_opens_the_page_from_their_own(tmp_path: Path) -> None:
    from tests.web.towns import stranger

    async for house in make(tmp_path):
        nobody, links = stranger(house), house.links
        mine = await nobody.get(links.mine_url("playground:p1").removeprefix(links.base_url))
        assert 'href="/privacy"' in mine.text
        page = await nobody.get("/privacy")
        assert page.status_code == 200
        assert "谁看过我的信息" in page.text
        assert f"记录保存 {house.settings.retention.audit_days} 天" in page.text

"""What the dashboard asks the store for, on both engines."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from config.settings import TIMEZONE
from storage import clockwork, flags, groups, notices, weekly
from storage.database import Store, insert
from storage.postgresql import PostgresStore
from storage.sqlite import SqliteStore
from storage.tables import Cleanup
from tests.storage.places import clear

MONDAY = datetime(2026, 11, 16, tzinfo=TIMEZONE)
DAY = timedelta(days=1)
WEEK = 7 * DAY
MOMENT = timedelta(milliseconds=1)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store = SqliteStore(tmp_path / "t.db")
    if request.param == "postgresql":
        made = PostgresStore(os.environ["QINGQUN_TEST_POSTGRESQL"])
        await made.write(clear)
    await made.open()
    yield made
    await made.close()


def flag(name: str, at: datetime, unit: str = "镇", category: str = "ranking", state: str = "open") -> dict[str, Any]:
    return {
        "id": name, "group": "g", "unit": unit, "person": "p", "message": name, "at": at, "category": category,
        "rule": "r", "digest": "d", "state": state,
    }  # fmt: skip


def notice(db: Connection, name: str, at: datetime, people: str, receipts: dict[str, tuple[str, datetime]]) -> None:
    values = {"id": name, "title": name, "text": "", "sender": "s", "sender_name": "机制办", "at": at}
    notices.open_notice(db, values)
    notices.freeze(db, name, "g", [(one, one) for one in people])
    for person, (via, when) in receipts.items():
        notices.save_receipt(db, name, person, {"acked": True, "first_at": when, "acked_at": when, "via": via})


async def test_a_week_lasts_from_monday_to_the_moment_before_the_next(store: Store) -> None:
    def write(db: Connection) -> None:
        for number, at in enumerate([MONDAY - MOMENT, MONDAY, MONDAY + WEEK - MOMENT, MONDAY + WEEK]):
            flags.add(db, flag(f"f{number}", at))
            notice(db, f"n{number}", at, "abc", {"a": ("card", at), "b": ("link", at), "c": ("typed", at)})

    await store.write(write)
    counted = await store.read(lambda db: weekly.flags_by_week(db, MONDAY - WEEK, MONDAY + 2 * WEEK))
    assert counted == {(0, "ranking"): 1, (1, "ranking"): 2, (2, "ranking"): 1}
    assert await store.read(lambda db: weekly.counts(db, MONDAY, MONDAY + WEEK)) == (2, 6, 4)
    issued = await store.read(lambda db: weekly.issued(db, MONDAY, MONDAY + WEEK))
    assert [(row.id, row.people) for row in issued] == [("n1", 3), ("n2", 3)]
    saved = await store.read(lambda db: weekly.saved(db, MONDAY, MONDAY + WEEK))
    assert [(row.id, row.card, row.link, row.number) for row in saved] == [("n1", 1, 1, 2), ("n2", 1, 1, 2)]


async def test_an_acknowledgement_counts_in_the_week_in_which_it_was_given(store: Store) -> None:
    await store.write(lambda db: notice(db, "n", MONDAY - DAY, "a", {"a": ("button", MONDAY)}))
    assert await store.read(lambda db: weekly.counts(db, MONDAY - WEEK, MONDAY)) == (1, 1, 0)
    assert await store.read(lambda db: weekly.counts(db, MONDAY, MONDAY + WEEK)) == (0, 0, 1)
    [row] = await store.read(lambda db: weekly.saved(db, MONDAY, MONDAY + WEEK))
    assert (row.id, row.number) == ("n", 1)


async def test_flags_that_were_taken_back_do_not_count(store: Store) -> None:
    states = ("open", "withdrawn", "understood", "appealed", "upheld", "dismissed", "cleared")
    await store.write(lambda db: [flags.add(db, flag(one, MONDAY, state=one)) for one in states])
    assert await store.read(lambda db: weekly.flags_by_week(db, MONDAY, MONDAY + WEEK)) == {(0, "ranking"): 5}
    number, rows = await store.read(lambda db: weekly.flags_listed(db, MONDAY, MONDAY + WEEK, "", None, 0, 100))
    assert (number, len(rows)) == (5, 5)


async def test_flags_are_listed_by_category_and_unit_a_page_at_a_time(store: Store) -> None:
    def write(db: Connection) -> None:
        for number in range(5):
            flags.add(db, flag(f"a{number}", MONDAY + number * DAY, "镇", "ranking"))
        flags.add(db, flag("b", MONDAY, "村", "ranking"))
        flags.add(db, flag("c", MONDAY, "镇", "checkin"))

    await store.write(write)
    number, rows = await store.read(lambda db: weekly.flags_listed(db, MONDAY, MONDAY + WEEK, "ranking", {"镇"}, 2, 2))
    assert (number, [row.at for row in rows]) == (5, [MONDAY + 2 * DAY, MONDAY + 3 * DAY])
    assert await store.read(lambda db: weekly.flags_listed(db, MONDAY, MONDAY + WEEK, "", set(), 0, 9)) == (0, [])


async def test_a_unit_is_told_from_so_many_people_on(store: Store) -> None:
    people = [
        {"id": f"p{n}", "name": "某", "unit": "镇" if n < 5 else "村" if n < 9 else "", "role": ""} for n in range(20)
    ]
    await store.write(lambda db: groups.note_people(db, "playground", people))
    assert await store.read(lambda db: weekly.units_of(db, {"镇", "村", ""}, 5)) == {"镇"}
    assert await store.read(lambda db: weekly.units_of(db, set(), 5)) == set()


async def test_what_is_open_is_counted_and_listed_by_the_week_it_was_found_in(store: Store) -> None:
    def write(db: Connection) -> None:
        for number, (week, state) in enumerate([("2026-W46", "doing"), ("2026-W47", "doing"), ("2026-W47", "closed")]):
            values = {
                "id": f"c{number}",
                "subject": f"g{number}",
                "week": week,
                "state": state,
                "unit_place": 9 - number,
            }
            db.execute(insert(db, Cleanup).values(**values, kind="group", name="某群", verdict="watch", at=MONDAY))

    await store.write(write)
    counted = await store.read(lambda db: weekly.items_by_week(db, ["doing", "office"]))
    assert {(row.state, row.week): row.number for row in counted} == {
        ("doing", "2026-W46"): 1,
        ("doing", "2026-W47"): 1,
    }
    number, rows = await store.read(lambda db: weekly.items_listed(db, ["doing"], "", "9", 0, 9))
    assert (number, [row.id for row in rows]) == (2, ["c1", "c0"])
    number, _ = await store.read(lambda db: weekly.items_listed(db, ["doing"], "2026-W45", "2026-W46", 0, 9))
    assert number == 1


async def test_gaps_of_groups_are_those_of_known_groups_within_the_time(store: Store) -> None:
    def write(db: Connection) -> None:
        groups.note_group(db, "playground:g1", "playground", "甲群", MONDAY - WEEK)
        for channel in ("playground:g1", "playground", "playground:unknown"):
            clockwork.note_gap(db, channel, MONDAY, MONDAY + DAY)
        clockwork.note_gap(db, "playground:g1", MONDAY - 9 * DAY, MONDAY - 8 * DAY)

    await store.write(write)
    [row] = await store.read(lambda db: weekly.group_gaps(db, MONDAY - WEEK, MONDAY + WEEK))
    assert (row.name, row.since, row.until) == ("甲群", MONDAY, MONDAY + DAY)

"""The days of an account's own record, on either engine."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from storage import feeds
from storage.database import Store
from tests.storage.places import Place, clear


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    place = Place(tmp_path / "t.db", os.environ["QINGQUN_TEST_POSTGRESQL"] if request.param == "postgresql" else "")
    await place.run(clear)
    made = place.store()
    await made.open()
    yield made
    await made.close()


async def test_the_last_day_until_a_moment_is_told_with_its_file(store: Store) -> None:
    days = [date(2026, 11, 2), date(2026, 11, 20)]
    await store.write(lambda db: feeds.replace(db, "app:1", days, "甲.xml"))
    await store.write(lambda db: feeds.replace(db, "app:2", days[:1], "乙.csv"))
    for until, expected in ((date(2026, 11, 19), 2), (date(2026, 11, 20), 20)):
        found = await store.read(lambda db, until=until: feeds.updates(db, until))
        assert (found["app:1"].day.day, found["app:1"].file, found["app:2"].day.day) == (expected, "甲.xml", 2)
    assert await store.read(lambda db: feeds.updates(db, date(2026, 11, 1))) == {}


async def test_a_newer_file_stands_in_place_of_an_older_one(store: Store) -> None:
    await store.write(lambda db: feeds.replace(db, "app:1", [date(2026, 11, 20)], "旧.xml"))
    await store.write(lambda db: feeds.replace(db, "app:1", [date(2026, 11, 2)], "新.xml"))
    found = await store.read(lambda db: feeds.updates(db, date(2026, 12, 1)))
    assert (found["app:1"].day, found["app:1"].file) == (date(2026, 11, 2), "新.xml")
    await store.write(lambda db: feeds.replace(db, "app:1", [], "空.xml"))
    assert await store.read(lambda db: feeds.updates(db, date(2026, 12, 1))) == {}

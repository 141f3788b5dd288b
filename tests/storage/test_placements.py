"""Notices that stood in several groups, on both engines."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from config.settings import TIMEZONE
from storage import notices, placements
from storage.database import Store
from storage.postgresql import PostgresStore
from storage.sqlite import SqliteStore
from tests.storage.places import clear

MONDAY = datetime(2026, 11, 16, tzinfo=TIMEZONE)
WEEK = timedelta(weeks=1)
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


async def test_only_copies_between_the_moments_count(store: Store) -> None:
    told = [
        ("twice", "a", MONDAY), ("twice", "b", MONDAY + WEEK - MOMENT), ("thrice", "a", MONDAY),
        ("thrice", "b", MONDAY), ("thrice", "c", MONDAY), ("once", "a", MONDAY), ("early", "a", MONDAY - MOMENT),
        ("early", "b", MONDAY), ("late", "a", MONDAY), ("late", "c", MONDAY + WEEK),
    ]  # fmt: skip

    def write(db: Connection) -> None:
        for notice, group, at in told:
            notices.place(db, notice, group, None, at)

    await store.write(write)
    assert await store.read(lambda db: placements.copied(db, MONDAY, MONDAY + WEEK)) == {
        "a": {"twice", "thrice"},
        "b": {"twice", "thrice"},
        "c": {"thrice"},
    }

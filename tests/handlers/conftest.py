"""A city to clean up, on either engine."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app import make_house
from config.settings import load_settings
from storage.postgresql import PostgresStore
from tests.conftest import make
from tests.handlers.cleaning import Cleaning
from tests.storage.places import clear


@pytest.fixture
async def city(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Cleaning]:
    """On PostgreSQL where a test asks for both; whatever happened, rounds stand where their steps lead to."""
    if getattr(request, "param", "sqlite") == "sqlite":
        async for house in make(tmp_path):
            made = Cleaning(house)
            yield made
            await made.check()
        return
    store = PostgresStore(os.environ["QINGQUN_TEST_POSTGRESQL"])
    await store.write(clear)
    await store.open()
    house = make_house(load_settings(flags={"data": tmp_path}, environ={}), store)
    made = Cleaning(house)
    yield made
    await made.check()
    await store.close()

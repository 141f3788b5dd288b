"""What became of the register is kept, on both engines: who, when, which cell, by which way."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from storage import register, registerimports, registerpages
from storage.database import Store
from storage.postgresql import PostgresStore
from storage.register import By
from storage.registerpages import Wanted
from storage.sqlite import SqliteStore
from tests.storage.places import clear

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
DRAFT = {"id": "i1", "book": "groups", "file": "台账.xlsx", "sha256": "ab", "who": "office:甲", "at": NOW, "parts": 2}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store = SqliteStore(tmp_path / "t.db")
    if request.param == "postgresql":
        made = PostgresStore(os.environ["QINGQUN_TEST_POSTGRESQL"])
        await made.write(clear)
    await made.open()
    yield made
    await made.close()


def row(name: str, **told: Any) -> dict[str, Any]:
    return {"id": f"wechat:{name}", "channel": "wechat", "name": name, "position": 1, **told}


async def saved(store: Store, *rows: dict[str, Any], by: By | None = None) -> None:
    await store.write(lambda db: register.save(db, "groups", rows, NOW, by))


async def test_every_changed_cell_has_its_line_and_a_new_row_one(store: Store) -> None:
    await saved(store, row("甲群", members=5), by=By(who="command", via="import", file="一.csv", sha256="ff", act="i0"))
    await saved(store, row("甲群", members=6, created=date(2026, 1, 5)), by=By(who="office:甲", via="page", act="e1"))
    await saved(store, row("甲群", members=6), by=By(act="nothing"))
    history = await store.read(lambda db: registerpages.history(db, "groups", "wechat:甲群"))
    assert [(one.field, one.before, one.after, one.who, one.via, one.file) for one in history] == [
        ("created", "", "2026-01-05", "office:甲", "page", ""),
        ("members", "5", "6", "office:甲", "page", ""),
        ("", "", "", "command", "import", "一.csv"),
    ]
    assert await store.read(lambda db: registerpages.was_done(db, "e1"))
    assert not await store.read(lambda db: registerpages.was_done(db, "nothing"))


async def test_it_is_searched_by_words_and_unit_in_its_own_order(store: Store) -> None:
    await saved(store, row("乙群", position=1, unit="水利局", owner="老沈_1"), row("甲群", position=2, unit="城关镇"),
                row("丙群", position=3, unit="水利局", closed=date(2026, 1, 1)))  # fmt: skip

    async def found(**wanted: Any) -> list[str]:
        rows = await store.read(lambda db: registerpages.listed(db, "groups", Wanted(**wanted), 10, 0))
        assert len(rows) == await store.read(lambda db: registerpages.count(db, "groups", Wanted(**wanted)))
        return [one.name for one in rows]

    assert await found() == ["乙群", "甲群", "丙群"]
    assert await found(unit="水利局") == ["乙群", "丙群"]
    assert await found(unit="水利局", open=True) == ["乙群"]
    assert await found(words="群 老沈_") == ["乙群"]
    assert await found(words="%") == []
    assert await store.read(lambda db: registerpages.units(db, "groups")) == [("水利局", 2), ("城关镇", 1)]


async def test_a_file_is_whole_only_with_all_its_parts_and_is_taken_as_it_was_shown(store: Store) -> None:
    def body(number: int, name: str) -> str:
        told = {"id": f"wechat:{name}", "name": name, "created": "2026-01-05"}
        return json.dumps([{"number": number, "name": name, "told": told, "skipped": "", "problems": [], "note": ""}])

    await store.write(lambda db: registerimports.keep(db, DRAFT, 1, body(3, "乙群")))
    draft: Any = await store.read(lambda db: registerimports.get(db, "i1"))
    assert await store.read(lambda db: registerimports.rows_of(db, draft)) is None
    for _ in range(2):
        await store.write(lambda db: registerimports.keep(db, DRAFT, 0, body(2, "甲群")))
    rows: Any = await store.read(lambda db: registerimports.rows_of(db, draft))
    assert [one["name"] for one in rows] == ["甲群", "乙群"]
    told = registerimports.told("groups", rows)
    seen = await store.read(lambda db: registerimports.difference(db, "groups", told))
    await saved(store, row("甲群", created=date(2026, 1, 5)))
    now = await store.read(lambda db: registerimports.difference(db, "groups", told))
    assert seen.digest != now.digest
    assert [one.outcome for one in now.rows] == ["same", "new"]
    await store.write(lambda db: registerimports.take(db, draft, rows, now, NOW, "office:甲"))
    taken: Any = await store.read(lambda db: registerimports.get(db, "i1"))
    assert (taken.taken_by, await store.read(lambda db: registerimports.rows_of(db, taken))) == ("office:甲", None)
    assert {one.name for one in await store.read(register.group_rows)} == {"甲群", "乙群"}

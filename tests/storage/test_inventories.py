"""A saved snapshot is read by index, a part at a time, and says what was saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from storage import inventories, migrate
from storage.sqlite import SqliteStore
from tests.conftest import MONDAY
from tests.reports.conftest import merging, troubled

WEEK = "2026-W46"


def body() -> dict[str, Any]:
    found: dict[str, Any] = {**troubled(), **merging()}
    for one in found["groups"]:
        one["people"] = one["members"]
    return found


@pytest.fixture
async def store(tmp_path: Path) -> Any:
    store = SqliteStore(tmp_path / "t.db")
    await store.open()
    await store.write(lambda db: inventories.save(db, WEEK, MONDAY, body()))
    yield store
    await store.close()


async def test_it_says_what_was_saved(store: SqliteStore) -> None:
    assert await store.read(lambda db: inventories.saved(db, WEEK)) == body()
    assert await store.read(lambda db: inventories.saved(db, "2026-W01")) is None


async def test_a_list_is_cut_and_gone_through_without_being_held(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventories, "BATCH", 2)

    def look(db: Connection) -> None:
        groups, rows = inventories.listed(db, WEEK, "groups"), body()["groups"]
        assert groups is not None
        assert (len(groups), list(groups), groups[1:3], groups[0]) == (len(rows), rows, rows[1:3], rows[0])
        assert [one for _, one in groups.marked()] == rows
        assert (groups.loaded, groups.worth) == (
            sum(bool(one["people"]) for one in rows),
            sum(one["messages_30d"] * one["people"] for one in rows),
        )
        with pytest.raises(IndexError):
            groups[len(rows)]

    await store.read(look)


async def test_rows_are_found_by_verdict_unit_and_key(store: SqliteStore) -> None:
    def look(db: Connection) -> None:
        groups, rows = inventories.listed(db, WEEK, "groups"), body()["groups"]
        assert groups is not None
        for judged in {one["verdict"] for one in rows}:
            wanted = [(place, one) for place, one in enumerate(rows) if one["verdict"] == judged]
            found = groups.marked([judged])
            assert (found.number(), found.cut(0, 99), found.cut(1, 1)) == (len(wanted), wanted, wanted[1:2])
        for unit in {one["unit"] for one in rows}:
            assert [one for _, one in groups.marked(unit=unit)] == [one for one in rows if one["unit"] == unit]
        keys = [f"{one['channel']}:{one['id']}" for one in rows]
        assert groups.of([*keys[:2], "nobody:knows"]) == rows[:2]
        assert list(groups.units()) == list(dict.fromkeys(one["unit"] for one in rows))

    await store.read(look)


async def test_a_list_that_was_not_kept_is_not_there(store: SqliteStore) -> None:
    await store.write(lambda db: inventories.save(db, "2026-W40", MONDAY, {"week": "2026-W40", "groups": []}))
    assert await store.read(lambda db: inventories.listed(db, "2026-W40", "changes")) is None
    assert await store.read(lambda db: inventories.listed(db, "2026-W41", "groups")) is None
    assert await store.read(lambda db: inventories.saved(db, "2026-W40")) == {"week": "2026-W40", "groups": []}


async def test_every_page_is_answered_by_an_index(store: SqliteStore) -> None:
    def plans(db: Connection) -> list[str]:
        where = "taking = '2026-W46' AND list = 'groups'"
        asked = [
            f"SELECT body FROM snapshot_rows WHERE {where} AND position >= 5 AND position < 9 ORDER BY position",
            f"SELECT position FROM snapshot_rows WHERE {where} AND mark IN ('watch') ORDER BY position LIMIT 9 OFFSET 9",
            f"SELECT position FROM snapshot_rows WHERE {where} AND unit = 'x' ORDER BY position LIMIT 9 OFFSET 9",
            f"SELECT body FROM snapshot_rows WHERE {where} AND key IN ('x')",
            f"SELECT position FROM snapshot_rows WHERE {where} AND worth IS NULL ORDER BY position",
        ]
        return [" ".join(row[3] for row in db.execute(text(f"EXPLAIN QUERY PLAN {one}"))) for one in asked]

    for plan in await store.read(plans):
        assert "SEARCH" in plan
        assert "TEMP B-TREE" not in plan


async def test_snapshots_of_before_are_split_into_rows_and_say_the_same(tmp_path: Path) -> None:
    """As revision 0004 left them: one of now, one of before units and changes were kept, one that is no JSON."""
    import json

    store = SqliteStore(tmp_path / "old.db")
    await store.open()
    old = {name: value for name, value in body().items() if name not in ("units", "changes", "app_changes", "merges")}
    for one in old["groups"]:
        del one["people"]
    bodies = {"2026-W44": json.dumps(old), "2026-W46": json.dumps(body(), ensure_ascii=False), "2026-W47": "?"}

    def back(db: Connection) -> None:
        db.exec_driver_sql("DROP TABLE snapshot_rows")
        db.exec_driver_sql("DROP TABLE takings")
        for newer in ("register_changes", "register_imports", "register_parts", "erasures"):
            db.exec_driver_sql(f"DROP TABLE {newer}")
        db.exec_driver_sql("DROP INDEX ix_persons_unit")
        db.exec_driver_sql("DROP TABLE snapshots")
        db.exec_driver_sql("CREATE TABLE snapshots (week VARCHAR NOT NULL, at BIGINT NOT NULL, body TEXT NOT NULL, "
                           "CONSTRAINT pk_snapshots PRIMARY KEY (week))")  # fmt: skip
        for week, told in bodies.items():
            db.execute(text("INSERT INTO snapshots VALUES (:week, 1, :body)"), {"week": week, "body": told})
        db.exec_driver_sql("UPDATE alembic_version SET version_num = '0006'")

    await store.write(back)
    await store.close()
    store = SqliteStore(tmp_path / "old.db")
    await store.open()
    assert await store.read(migrate.revision) == migrate.HEAD
    assert await store.read(lambda db: inventories.saved(db, "2026-W46")) == body()
    assert await store.read(lambda db: inventories.saved(db, "2026-W44")) == old

    def look(db: Connection) -> tuple[Any, Any]:
        kinds = [inventories.listed(db, week, "groups") for week in ("2026-W44", "2026-W46")]
        return tuple(one.loaded if one else "" for one in kinds)

    assert await store.read(look) == (None, sum(bool(one["people"]) for one in body()["groups"]))
    await store.close()

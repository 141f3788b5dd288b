"""Register rows are kept by key: new, changed or the same; and matched to the groups that are there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from storage import register
from storage.database import Store
from storage.register import Live, pair
from storage.sqlite import SqliteStore

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = SqliteStore(tmp_path / "t.db")
    await made.open()
    yield made
    await made.close()


def row(name: str, **told: Any) -> dict[str, Any]:
    return {"id": f"wechat:{name}", "channel": "wechat", "name": name, "position": 1, **told}


async def test_a_row_is_new_then_the_same_then_changed(store: Store) -> None:
    async def save(at: datetime = NOW, **told: Any) -> list[str]:
        return list(await store.write(lambda db: register.save(db, "groups", [row("防汛群", **told)], at)))

    assert await save(unit="城关镇", members=5) == ["new"]
    assert await save(unit="城关镇", members=5, position=9) == ["same"]
    assert await save(NOW + timedelta(days=1), unit="城关镇", members=6) == ["changed"]
    [kept] = await store.read(register.group_rows)
    assert (kept.unit, kept.members, kept.imported_at) == ("城关镇", 6, NOW)


async def test_what_a_file_does_not_mention_stays_and_an_empty_cell_empties(store: Store) -> None:
    async def save(**told: Any) -> Any:
        await store.write(lambda db: register.save(db, "groups", [row("防汛群", **told)], NOW))
        return (await store.read(register.group_rows))[0]

    await save(phone="13900000000", created=date(2026, 1, 1), extra='{"片区": "东"}')
    kept = await save(members=3)
    assert (kept.phone, kept.created, kept.extra) == ("13900000000", date(2026, 1, 1), '{"片区": "东"}')
    emptied = await save(phone=None, created=None)
    assert (emptied.phone, emptied.created, emptied.members) == ("", None, 3)


async def test_comparing_writes_nothing(store: Store) -> None:
    assert await store.read(lambda db: register.compare(db, "groups", [row("防汛群")])) == ["new"]
    assert await store.read(register.group_rows) == []


async def test_more_rows_than_one_batch_are_saved(store: Store) -> None:
    rows = [row(f"群{n}", position=n) for n in range(register.BATCH * 2 + 1)]
    await store.write(lambda db: register.save(db, "groups", rows, NOW))
    assert [one.name for one in await store.read(register.group_rows)] == [one["name"] for one in rows]


def asked(**told: Any) -> Any:
    return SimpleNamespace(**{"id": "wechat:r1", "group": None, "name": "防汛群", "unit": "城关镇", **told})


def live(key: str, **told: Any) -> Live:
    return Live(**{"id": key, "name": "防汛群", "unit": "城关镇", **told})


@pytest.mark.parametrize(
    ("wanted", "groups", "found"),
    [
        (asked(), [live("p:1")], "p:1"),
        (asked(name="防 汛群 "), [live("p:1", name="防汛群")], "p:1"),
        (asked(), [live("p:1", unit="")], "p:1"),
        (asked(unit=""), [live("p:1")], "p:1"),
        (asked(), [live("p:1", unit="河西镇")], None),
        (asked(), [live("p:1", unit="河西镇"), live("p:2")], "p:2"),
        (asked(), [live("p:1"), live("p:2")], None),
        (asked(), [live("p:1", living=False), live("p:2")], "p:2"),
        (asked(), [live("p:1", living=False)], "p:1"),
        (asked(group="p:9"), [live("p:1"), live("p:9", name="别的名字")], "p:9"),
        (asked(id="p:9"), [live("p:9", name="别的名字")], "p:9"),
        (asked(group="p:8"), [live("p:9", name="别的名字")], None),
    ],
    ids=["name and unit", "blanks", "unit unknown", "unit not told", "other unit", "one of two", "two of a name",
         "living first", "dissolved", "by id", "own id", "unknown id"],
)  # fmt: skip
def test_a_row_is_matched_to_the_only_group_it_can_mean(wanted: Any, groups: list[Live], found: str | None) -> None:
    assert pair([wanted], groups) == ({wanted.id: found} if found else {})


def test_a_group_is_taken_once() -> None:
    rows = [asked(id="wechat:r1"), asked(id="qq:r2"), asked(id="wechat:r3", group="p:1", name="x")]
    assert pair(rows, [live("p:1")]) == {"wechat:r3": "p:1"}
    assert pair(rows[:2], [live("p:1")]) == {"wechat:r1": "p:1"}

"""Whether a week is saved or only computed, the same rows stand behind its figures, on the same pages."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from bot.house import House
from handlers import figurerows
from handlers.inventory import only_groups
from storage import inventories
from tests.handlers.test_inventory import END, City
from tests.web.dashboards import BIG, SMALL, WEEKS, furnished


@pytest.mark.parametrize("length", [1, 2, 100])
async def test_saved_rows_are_those_of_the_computed_snapshot(house: House, length: int) -> None:
    await furnished(house)

    def compare(db: object) -> None:
        for week in WEEKS:
            saved, whole = inventories.opened(db, week), inventories.saved(db, week)  # type: ignore[arg-type]
            assert saved is not None
            assert whole is not None
            for what in figurerows.BEHIND:
                for unit in (None, BIG, SMALL, "没有这个单位"):
                    for start in (0, 1, 3, 90):
                        found = figurerows.behind(saved, what, unit, start, length)
                        assert found == figurerows.behind(whole, what, unit, start, length), (week, what, unit, start)
                    assert figurerows.figure(saved, what, unit) == figurerows.figure(whole, what, unit)

    await house.store.read(compare)


async def test_a_group_that_went_on_under_another_number_is_still_one_of_the_baseline(city: City) -> None:
    await city.roster("keep", 60, people="678")
    await city.roster("old", 60, people="12345", name="防汛群", unit="城关镇", created="2026-01-05")
    await city.roster("new", 12, people="1234x", name="抗旱群", unit="城关镇")
    await city.dissolved("old", 10)
    whole = await city.snapshot(reduction={"baseline": "2026-10-01"})

    def compare(db: Connection) -> None:
        inventories.save(db, "2026-W47", END, whole)
        saved = inventories.opened(db, "2026-W47")
        assert saved is not None
        assert [one["id"] for _, one in saved["groups"].marked(parts=inventories.GOES_ON)] == ["new"]
        found = figurerows.behind(saved, "baseline", "城关镇", 0, 10)
        assert found is not None
        assert [one["id"] for one in found.rows] == ["new"]
        assert found == figurerows.behind(whole, "baseline", "城关镇", 0, 10)

    await city.write(compare)


async def test_pages_put_together_are_all_rows_in_their_order(house: House) -> None:
    await furnished(house)

    def pages(db: object) -> None:
        saved = inventories.opened(db, WEEKS[-1])  # type: ignore[arg-type]
        assert saved is not None
        for what in figurerows.BEHIND:
            whole = figurerows.behind(saved, what, None, 0, 1000)
            assert whole is not None
            parts = [figurerows.behind(saved, what, None, start, 2) for start in range(0, whole.number, 2)]
            assert [row for part in parts if part for row in part.rows] == whole.rows
            assert len(whole.rows) == whole.number

    await house.store.read(pages)


async def test_a_part_of_a_saved_week_is_that_part_of_the_computed_one(house: House) -> None:
    await furnished(house)

    def compare(db: object) -> None:
        saved, whole = inventories.opened(db, WEEKS[0]), inventories.saved(db, WEEKS[0])  # type: ignore[arg-type]
        assert saved is not None
        assert whole is not None
        keys = [f"{one['channel']}:{one['id']}" for one in whole["groups"]][::2]
        assert only_groups(saved, keys) == only_groups(whole, keys)
        assert saved["groups"][-1] == whole["groups"][-1]
        assert list(saved["groups"]) == whole["groups"]

    await house.store.read(compare)

"""Whether a week is saved or only computed, the same rows stand behind its figures, on the same pages."""

from __future__ import annotations

import pytest

from bot.house import House
from handlers import figurerows
from handlers.inventory import only_groups
from storage import inventories
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

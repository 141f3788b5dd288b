"""A unit's limit by its name or its level, and the newest of its groups beyond it."""

from __future__ import annotations

from datetime import date

import pytest

from config.settings import SettingsError, load_settings
from handlers.rules.limit import Excess, beyond, limit_of

LIMITS = {"村": 2, "街道": 5, "柳湾村": 1, "机关事务中心": 0}


@pytest.mark.parametrize(
    ("unit", "limit"),
    [("上河村", 2), ("柳湾村", 1), ("城东街道", 5), ("机关事务中心", 0), ("水利局", 3), ("村镇办", 3)],
    ids=["level", "own name before the level", "another level", "no limit", "default", "a level is an ending"],
)
def test_a_unit_has_the_limit_of_its_name_or_of_its_level(unit: str, limit: int) -> None:
    assert limit_of(unit, LIMITS, 3) == limit


def test_the_newest_groups_are_the_ones_too_many() -> None:
    groups = [
        ("new", "上河村", date(2026, 5, 1)),
        ("old", "上河村", date(2020, 1, 1)),
        ("mid", "上河村", date(2024, 1, 1)),
    ]
    assert beyond(groups, LIMITS, 3) == {"new": Excess(3, 2, 3)}


def test_groups_of_one_day_are_told_apart_by_their_keys() -> None:
    assert set(beyond([(key, "柳湾村", date(2026, 1, 1)) for key in "cab"], LIMITS, 3)) == {"b", "c"}


def test_without_a_limit_or_a_unit_nothing_is_too_many() -> None:
    day = date(2026, 1, 1)
    assert beyond([(f"g{n}", unit, day) for n, unit in enumerate(("", "机关事务中心") * 9)], LIMITS, 1) == {}
    assert beyond([(f"g{n}", "水利局", day) for n in range(9)], {}, 0) == {}


def test_limits_are_a_table_of_settings_and_never_negative() -> None:
    name = "QINGQUN_INVENTORY__UNIT_LIMITS"
    assert load_settings(environ={name: '{ "村" = 2, "街道" = 0 }'}).inventory.unit_limits == {"村": 2, "街道": 0}
    with pytest.raises(SettingsError, match=r"inventory\.unit_limits\.村"):
        load_settings(environ={name: '{ "村" = -1 }'})

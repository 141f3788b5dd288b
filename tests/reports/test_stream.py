"""JSON written piece by piece is the JSON of the whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.reports.stream import written
from tests.reports.conftest import merging, troubled


@pytest.mark.parametrize(
    "snapshot",
    [{"week": "2026-W47"}, {"groups": [], "apps": [{"名": '引"号\n'}]}, {**troubled(), **merging()}],
    ids=["figures only", "an empty list", "a week with troubles"],
)
def test_it_reads_as_the_whole(snapshot: dict[str, Any]) -> None:
    text = "".join(written(snapshot))
    assert json.loads(text) == json.loads(json.dumps(snapshot))
    assert list(json.loads(text)) == list(snapshot)
    assert text.endswith("}\n")

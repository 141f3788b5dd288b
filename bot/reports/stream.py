"""A snapshot as JSON, piece by piece: the figures first, then the lists, one row a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from storage.inventories import LISTS, encoded


def written(snapshot: Mapping[str, Any]) -> Iterator[str]:
    """The same object as `json.dumps` of the whole would give; a list is gone through once."""
    yield "{"
    for place, (name, value) in enumerate(snapshot.items()):
        yield ("," if place else "") + f"\n  {json.dumps(name)}: "
        if name in LISTS and isinstance(value, Sequence):
            yield from _rows(value)
        else:
            yield json.dumps(value, ensure_ascii=False, indent=2).replace("\n", "\n  ")
    yield "\n}\n"


def _rows(rows: Sequence[Any]) -> Iterator[str]:
    yield "["
    for place, one in enumerate(rows):
        yield ("," if place else "") + "\n    " + encoded(one)
    yield "\n  ]" if len(rows) else "]"

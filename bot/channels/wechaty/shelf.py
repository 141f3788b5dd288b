"""A dict that forgets what was used least recently, so that no cache grows with the city."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Shelf(Generic[Key, Value]):
    def __init__(self, size: int) -> None:
        self._size = size
        self._rows: OrderedDict[Key, Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: Key) -> Value | None:
        value = self._rows.get(key)
        if value is not None:
            self._rows.move_to_end(key)
        return value

    def put(self, key: Key, value: Value) -> None:
        self._rows[key] = value
        self._rows.move_to_end(key)
        if len(self._rows) > self._size:
            self._rows.popitem(last=False)

    def pop(self, key: Key) -> None:
        self._rows.pop(key, None)

    def clear(self) -> None:
        self._rows.clear()

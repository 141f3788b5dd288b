"""Which row of the register a row of a file is about, where the file gives no number: by its names, or by what stayed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.register import What, folded

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """The row's id; `formerly` is the name or the unit that it had, when it goes by another one now."""

    id: str
    formerly: str = ""


def located(what: What, rows: Sequence[Row], known: Sequence[Any]) -> list[Place]:
    """Of each row, in order. A row of the register is found once, by its id before its names before anything else."""
    found: dict[int, Place] = {}
    present = {row.id for row in known}
    taken = {row["id"] for row in rows if row["id"] in present}
    for number, row in enumerate(rows):
        if row["id"] in present:
            found[number] = Place(row["id"])
    by_name = _only({row.id: _names(what, row._mapping) for row in known if row.id not in taken})
    for number, row in enumerate(rows):
        home = by_name.get(_names(what, row)) if number not in found else None
        if home is not None and home not in taken:
            found[number] = Place(home)
            taken.add(home)
    for of in _stays(what):
        _follow(rows, [row for row in known if row.id not in taken], of, found, taken)
    return [found.get(number, Place(row["id"])) for number, row in enumerate(rows)]


def _follow(
    rows: Sequence[Row], left: Sequence[Any], of: Callable[[Row], Hashable], found: dict[int, Place], taken: set[str]
) -> None:
    """A new row and a row that the file has no more, alike in everything that stays: one that goes by another name."""
    old = _only({row.id: key for row in left if (key := of(row._mapping)) is not None})
    new = _only({number: key for number, row in enumerate(rows) if number not in found and (key := of(row)) is not None})
    known = {row.id: row for row in left}
    for key, number in new.items():
        home = old.get(key)
        if home is not None and home not in taken:
            was = known[home]
            renamed = folded(was.name) != folded(rows[number]["name"])
            found[number] = Place(home, was.name if renamed else was.unit)
            taken.add(home)


def _only(keys: Mapping[Any, Hashable]) -> dict[Hashable, Any]:
    """Those keys that one alone has."""
    number = Counter(keys.values())
    return {key: one for one, key in keys.items() if number[key] == 1}


def _names(what: What, row: Row) -> Hashable:
    head = row.get("channel") or "" if what == "groups" else row.get("kind") or ""
    return head, folded(row.get("unit") or ""), folded(row["name"])


def _stays(what: What) -> tuple[Callable[[Row], Hashable], ...]:
    """What a group keeps when it is renamed, and when it goes to another unit; an app its filing number."""
    if what == "apps":
        return (lambda row: folded(row.get("filing") or "") or None,)
    return (_same_unit, _same_name)


def _same_unit(row: Row) -> Hashable:
    began = _began(row)
    return None if began is None or not row.get("unit") else ("unit", began, folded(row["unit"]))


def _same_name(row: Row) -> Hashable:
    began = _began(row)
    return None if began is None else ("name", began, folded(row["name"]))


def _began(row: Row) -> Hashable:
    """The day on which it was made and who leads it: both must be told."""
    created, owner = row.get("created"), folded(row.get("owner") or "")
    return (created, owner) if created and owner else None

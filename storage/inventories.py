"""Weekly snapshots: the figures of a week and its rows, which are read by index, a part at a time.

A snapshot is taken in pieces: rows are added under the name of a taking, its figures are the last piece, and only the
line in `snapshots` makes it the week's. Whatever is not sealed is seen by nobody and goes when its week is sealed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, overload

from sqlalchemy import Connection, Row, delete, func, or_, select, update

from storage.database import insert, table
from storage.tables import Claim, Group, Member, Snapshot, SnapshotRow, Taking

SNAPSHOTS, ROWS, TAKINGS = table(Snapshot), table(SnapshotRow), table(Taking)
MEMBERS = table(Member)
CLAIMS, GROUPS = table(Claim), table(Group)
# What of a snapshot is kept row by row, in the order of its end.
LISTS = ("units", "groups", "apps", "changes", "app_changes", "merges")
# Of what came since the baseline; the others of the groups were there.
CAME = ("added", "rebound")
# Parts of the groups in a snapshot: those of the baseline; those that an ended group goes on in, whatever else they are.
KEPT = ("kept", "kept:moved")
GOES_ON = ("rebound", ":moved", "added:moved", "kept:moved")
# The last piece of a taking: its figures, and how many rows there are.
HEAD = "head"
BATCH, FEW = 1_000, 500
UNBEGUN = {"whole": False, "body": "", "lists": "{}"}
encoded = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode


class Dropped(Exception):
    """The taking is no more: its week has its snapshot already, or somebody was erased who may stand in it."""


class Piece(NamedTuple):
    """A row as it is kept; see SnapshotRow."""

    list: str
    position: int
    key: str
    unit: str
    mark: str
    part: str
    worth: int | None
    body: str


def begin(db: Connection, week: str, taking: str) -> None:
    """Before the facts are read: what is told of afterwards may drop it."""
    db.execute(insert(db, Taking).values(taking=taking, week=week, **UNBEGUN).on_conflict_do_nothing())


def drop_unsealed(db: Connection) -> None:
    """Whoever takes one now goes no further."""
    for taking in db.execute(select(TAKINGS.c.taking)).scalars().all():
        db.execute(delete(ROWS).where(ROWS.c.taking == taking))
    db.execute(delete(TAKINGS))


def add(db: Connection, taking: str, pieces: Sequence[Piece]) -> None:
    """Pieces of a taking that was begun; those of different takings do not meet. Dropped when it is no more."""
    if db.execute(select(TAKINGS.c.week).where(TAKINGS.c.taking == taking)).first() is None:
        raise Dropped(taking)
    rows = [(taking, *one) for one in pieces if one.list != HEAD]
    if rows:
        # Bound by the driver itself: there may be a million.
        db.exec_driver_sql(_adding(db.dialect.name), rows)
    for one in pieces:
        if one.list == HEAD:
            done = update(TAKINGS).where(TAKINGS.c.taking == taking)
            db.execute(done.values(whole=True, body=one.body, lists=one.mark))


@cache
def _adding(dialect: str) -> str:
    names = ("taking", *Piece._fields)
    marks = ("?" if dialect == "sqlite" else f"${number}" for number in range(1, len(names) + 1))
    return f"INSERT INTO snapshot_rows ({', '.join(names)}) VALUES ({', '.join(marks)})"  # noqa: S608


def group_part(part: str, back: bool, moved: bool) -> str:
    """What a group of the snapshot is in the reduction, and whether it is one that came back or went on."""
    return "rebound" if back else f"{part}:moved" if moved else part


def pieces_of(name: str, rows: Iterable[Mapping[str, Any]], came: Collection[str] = ()) -> Iterator[Piece]:
    """A list that is known as a whole; `came` are the groups that came since the baseline."""
    for position, one in enumerate(rows):
        key, mark, part, worth = one.get("id", ""), one.get("verdict", ""), "", None
        match name:
            case "groups":
                key = f"{one['channel']}:{key}"
                codes = {reason["code"] for reason in one["reasons"]}
                part = group_part("added" if key in came else "kept", "rebound" in codes, "moved" in codes)
                worth = one["messages_30d"] * one["people"] if one.get("people") else None
            case "changes":
                key, mark = f"{one['channel']}:{key}", one["part"]
            case "merges":
                key = one["groups"][0]
            case "units":
                key, worth = one["unit"], one["baseline_groups"]
        yield Piece(name, position, key, one.get("unit", ""), mark, part, worth, encoded(one))


def last_piece(figures: Mapping[str, Any], lists: Mapping[str, Any]) -> Piece:
    """From this one on a taking is whole."""
    return Piece(HEAD, 0, "", "", encoded(lists), "", None, encoded(figures))


def ready(db: Connection, week: str) -> str | None:
    """A whole taking of the week, the first by name."""
    query = select(TAKINGS.c.taking).where(TAKINGS.c.week == week, TAKINGS.c.whole).order_by(TAKINGS.c.taking)
    found: str | None = db.execute(query.limit(1)).scalar_one_or_none()
    return found


def amend(db: Connection, taking: str, told: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
    """What became known between taking and sealing: by (list, key), more of a row."""
    for (name, key), more in told.items():
        which = (ROWS.c.taking == taking, ROWS.c.list == name, ROWS.c.key == key)
        for row in db.execute(select(ROWS.c.position, ROWS.c.body).where(*which)).all():
            body = encoded(json.loads(row.body) | dict(more))
            db.execute(update(ROWS).where(*which, ROWS.c.position == row.position).values(body=body))


def seal(db: Connection, week: str, at: datetime, taking: str) -> bool:
    """True for the first who seals this week; a saved snapshot stays as it is. Other takings of the week go."""
    head = db.execute(select(TAKINGS.c.body, TAKINGS.c.lists).where(TAKINGS.c.taking == taking)).one()
    values = {"week": week, "at": at, "body": head.body, "taking": taking, "lists": head.lists}
    won = bool(db.execute(insert(db, Snapshot).values(**values).on_conflict_do_nothing()).rowcount)
    kept = db.execute(select(SNAPSHOTS.c.taking).where(SNAPSHOTS.c.week == week)).scalar_one()
    for other in db.execute(select(TAKINGS.c.taking).where(TAKINGS.c.week == week)).scalars().all():
        if other != kept:
            db.execute(delete(ROWS).where(ROWS.c.taking == other))
    db.execute(delete(TAKINGS).where(TAKINGS.c.week == week))
    return won


def save(db: Connection, week: str, at: datetime, body: Mapping[str, Any]) -> bool:
    """A snapshot that is known as a whole. True for the first who saves this week; a saved snapshot stays as it is."""
    if is_saved(db, week):
        return False
    lists = {name: body[name] for name in LISTS if isinstance(body.get(name), list)}
    came = {f"{one['channel']}:{one['id']}" for one in lists.get("changes", ()) if one["part"] in CAME}
    db.execute(delete(ROWS).where(ROWS.c.taking == week))
    begin(db, week, week)
    numbers: dict[str, dict[str, int]] = {}
    for name, rows in lists.items():
        pieces = list(pieces_of(name, rows, came))
        add(db, week, pieces)
        numbers[name] = {"rows": len(rows)}
        if name == "groups" and all("people" in one for one in rows):
            worth = [one.worth for one in pieces if one.worth is not None]
            numbers[name] |= {"loaded": len(worth), "worth": sum(worth)}
    figures = {name: value for name, value in body.items() if name not in lists}
    add(db, week, [last_piece(figures, numbers)])
    return seal(db, week, at, week)


def whole(pieces: Iterable[Piece]) -> dict[str, Any]:
    """What the pieces of a taking tell together."""
    lists: dict[str, list[Piece]] = {name: [] for name in (HEAD, *LISTS)}
    for one in pieces:
        lists[one.list].append(one)
    [figures] = lists.pop(HEAD)
    told = json.loads(figures.mark)
    rows = {name: [json.loads(one.body) for one in sorted(lists[name], key=lambda one: one.position)] for name in told}
    return {**json.loads(figures.body), **rows}


def is_saved(db: Connection, week: str) -> bool:
    return db.execute(select(SNAPSHOTS.c.week).where(SNAPSHOTS.c.week == week)).first() is not None


def head(db: Connection, week: str) -> dict[str, Any] | None:
    """The figures of a saved snapshot without its rows."""
    body = db.execute(select(SNAPSHOTS.c.body).where(SNAPSHOTS.c.week == week)).scalar_one_or_none()
    return None if body is None else dict(json.loads(body))


def saved(db: Connection, week: str) -> dict[str, Any] | None:
    """The whole of a saved snapshot: for what is small, or read once."""
    found = opened(db, week)
    return (
        None if found is None else {name: list(one) if isinstance(one, Listed) else one for name, one in found.items()}
    )


def opened(db: Connection, week: str) -> dict[str, Any] | None:
    """A saved snapshot whose lists read their rows when they are asked for them, as long as the connection is open."""
    query = select(SNAPSHOTS.c.body, SNAPSHOTS.c.taking, SNAPSHOTS.c.lists).where(SNAPSHOTS.c.week == week)
    row = db.execute(query).one_or_none()
    if row is None:
        return None
    lists = {name: Listed(db, row.taking, name, told) for name, told in json.loads(row.lists).items()}
    return {**json.loads(row.body), **lists}


def listed(db: Connection, week: str, name: str) -> Listed | None:
    """One list of a saved snapshot; None where it was not kept."""
    row = db.execute(select(SNAPSHOTS.c.taking, SNAPSHOTS.c.lists).where(SNAPSHOTS.c.week == week)).one_or_none()
    told = json.loads(row.lists).get(name) if row else None
    return Listed(db, row.taking, name, told) if row and told else None


class Listed(Sequence[dict[str, Any]]):
    """A list of a saved snapshot: iterated in pieces, cut and searched by index."""

    def __init__(self, db: Connection, taking: str, name: str, told: Mapping[str, Any]) -> None:
        self._db, self._told = db, told
        self._tell: Callable[[dict[str, Any]], dict[str, Any]] | None = None
        self._which = (ROWS.c.taking == taking, ROWS.c.list == name)

    def __len__(self) -> int:
        return int(self._told["rows"])

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for start in range(0, len(self), BATCH):
            yield from self[start : start + BATCH]

    @overload
    def __getitem__(self, place: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, place: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, place: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(place, int):
            return self[range(len(self))[place] :][0] if place < 0 else self[place : place + 1][0]
        start, stop, step = place.indices(len(self))
        assert step == 1
        return self._read(ROWS.c.position >= start, ROWS.c.position < stop)

    def read_by(self, tell: Callable[[dict[str, Any]], dict[str, Any]]) -> Listed:
        """The same list, of which every row is told so."""
        same = copy(self)
        same._tell = tell
        return same

    def row(self, body: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(body)
        return self._tell(found) if self._tell else found

    @property
    def loaded(self) -> int | None:
        """How many of the groups have a worth; None when the snapshot did not keep it."""
        return self._told.get("loaded")

    @property
    def worth(self) -> int:
        return int(self._told.get("worth") or 0)

    def of(self, keys: Collection[str]) -> list[dict[str, Any]]:
        """Those with these keys, in their order."""
        listed = sorted(set(keys))
        found = [
            row
            for start in range(0, len(listed), FEW)
            for row in self._rows(ROWS.c.key.in_(listed[start : start + FEW]))
        ]
        return [self.row(row.body) for row in sorted(found, key=lambda row: row.position)]

    def placed(self, keys: Collection[str]) -> Iterator[tuple[int, dict[str, Any]]]:
        """The same with their places."""
        listed = sorted(set(keys))
        for start in range(0, len(listed), FEW):
            for row in self._rows(ROWS.c.key.in_(listed[start : start + FEW])):
                yield row.position, self.row(row.body)

    def marked(self, marks: Collection[str] | None = None, unit: str | None = None, **more: Any) -> Filtered:
        """Those with one of these marks, of a unit, with one of `parts`, with a worth (`loaded`)."""
        return Filtered(self, self._db, self._conditions(marks, unit, **more))

    def cut_loaded(self, start: int, length: int) -> list[tuple[int, dict[str, Any]]]:
        """Of those with a worth; the few without one tell where a page begins, so that none before it is counted."""
        without = select(ROWS.c.position).where(*self._which, ROWS.c.worth.is_(None)).order_by(ROWS.c.position)
        place = start
        for lacking in self._db.execute(without).scalars():
            if lacking > place:
                break
            place += 1
        query = select(ROWS.c.position, ROWS.c.body).where(*self._which, ROWS.c.worth.is_not(None))
        query = query.where(ROWS.c.position >= place).order_by(ROWS.c.position).limit(length)
        return [(row.position, self.row(row.body)) for row in self._db.execute(query)]

    def worths(self) -> list[int]:
        """The worth of every row, in order; an index alone tells it."""
        query = select(ROWS.c.worth).where(*self._which).order_by(ROWS.c.position)
        return [worth or 0 for worth in self._db.execute(query).scalars()]

    def units(self) -> dict[str, int]:
        """Each unit, and the place of its first row; in the order of the list."""
        first = func.min(ROWS.c.position)
        query = select(ROWS.c.unit, first).where(*self._which).group_by(ROWS.c.unit).order_by(first)
        return {row[0]: row[1] for row in self._db.execute(query)}

    def _conditions(
        self,
        marks: Collection[str] | None,
        unit: str | None,
        units: Collection[str] | None = None,
        parts: Collection[str] | None = None,
        loaded: bool = False,
    ) -> list[Any]:
        return [
            *self._which,
            *([] if marks is None else [ROWS.c.mark.in_(sorted(marks))]),
            *([] if unit is None else [ROWS.c.unit == unit]),
            *([] if units is None else [ROWS.c.unit.in_(sorted(units))]),
            *([] if parts is None else [ROWS.c.part.in_(sorted(parts))]),
            *([ROWS.c.worth.is_not(None)] if loaded else []),
        ]

    def _rows(self, *which: Any) -> Sequence[Row[Any]]:
        query = select(ROWS.c.position, ROWS.c.body).where(*self._which, *which).order_by(ROWS.c.position)
        return self._db.execute(query).all()

    def _read(self, *which: Any) -> list[dict[str, Any]]:
        return [self.row(row.body) for row in self._rows(*which)]


class Filtered:
    """Some rows of a list: how many, what they are worth together, and a cut of them with their places."""

    def __init__(self, listed: Listed, db: Connection, which: list[Any]) -> None:
        self._listed, self._db, self._which = listed, db, which

    def number(self) -> int:
        query = select(func.count()).select_from(ROWS).where(*self._which)
        return int(self._db.execute(query).scalar_one())

    def worth(self) -> int:
        found = self._db.execute(select(func.sum(ROWS.c.worth)).where(*self._which)).scalar_one()
        return int(found or 0)

    def cut(self, start: int, length: int) -> list[tuple[int, dict[str, Any]]]:
        """The places come from an index alone, then so many rows are read."""
        query = select(ROWS.c.position).where(*self._which).order_by(ROWS.c.position).limit(length).offset(start)
        places = list(self._db.execute(query).scalars())
        return [(row.position, self._listed.row(row.body)) for row in self._listed._rows(ROWS.c.position.in_(places))]

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """All of them with their places, in pieces."""
        after = -1
        while True:
            query = select(ROWS.c.position, ROWS.c.body).where(*self._which, ROWS.c.position > after)
            rows = self._db.execute(query.order_by(ROWS.c.position).limit(BATCH)).all()
            for row in rows:
                yield row.position, self._listed.row(row.body)
            if len(rows) < BATCH:
                return
            after = rows[-1].position


def rows_about(db: Connection, groups: Collection[str]) -> Iterator[Row[Any]]:
    """The rows of these groups (`channel:id`) in every saved week."""
    listed = sorted(groups)
    # Asking the rows themselves which takings there are would walk through all of them.
    for taking in db.execute(select(SNAPSHOTS.c.taking)).scalars().all():
        which = (ROWS.c.taking == taking, ROWS.c.list == "groups")
        for start in range(0, len(listed), FEW):
            yield from db.execute(select(ROWS).where(*which, ROWS.c.key.in_(listed[start : start + FEW]))).all()


def moments(db: Connection) -> dict[str, tuple[str, datetime]]:
    """By taking of a saved week, the week and when it was saved."""
    query = select(SNAPSHOTS.c.taking, SNAPSHOTS.c.week, SNAPSHOTS.c.at)
    return {row.taking: (row.week, row.at) for row in db.execute(query)}


def weeks(db: Connection) -> list[str]:
    """The saved weeks, the newest first."""
    return list(db.execute(select(SNAPSHOTS.c.week).order_by(SNAPSHOTS.c.week.desc())).scalars())


def newest_event(db: Connection) -> datetime | None:
    """The latest time of any event that had its effect; a replay may be ahead of the wall clock."""
    found: datetime | None = db.execute(select(func.max(CLAIMS.c.at))).scalar_one()
    return found


def first_seen(db: Connection) -> datetime | None:
    """When the first group of all was first heard of."""
    found: datetime | None = db.execute(select(func.min(GROUPS.c.first_seen))).scalar_one()
    return found


def people_of(db: Connection, groups: Sequence[str], moment: datetime) -> set[str]:
    """Everybody who was in one of these groups at the moment."""
    stayed = or_(MEMBERS.c.left_at.is_(None), MEMBERS.c.left_at >= moment)
    found: set[str] = set()
    for start in range(0, len(groups), FEW):
        some = MEMBERS.c.group.in_(groups[start : start + FEW])
        query = select(MEMBERS.c.person).where(some, MEMBERS.c.joined_at < moment, stayed)
        found.update(db.execute(query).scalars())
    return found

"""The rows behind every figure of the dashboard, a hundred a page, in the register's order or that of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.house import House
from bot.links import Bearer
from bot.reports.columns import platform
from bot.web.dashboard import (
    AGES,
    STAGES,
    Units,
    address,
    days,
    flags_of_units,
    found_between,
    group_gaps,
    last_day,
    within,
)
from bot.web.noting import note_read
from bot.web.office import office_only, page, signed_in
from handlers import figurerows
from handlers.inventory import WeekError, opened_for
from handlers.rules.week import end_of, first_day, midnight, week_before, week_of
from handlers.unitfigures import FEWEST
from storage import inventories
from storage import weekly as weeks

PAGE = 100
# What is asked for → how its rows look; those of a snapshot, then those that are asked of the store.
SNAPSHOT: Mapping[str, str] = {
    "groups": "group",
    "zombies": "group",
    "baseline": "change",
    "reduced": "change",
    "closed": "change",
    "seen": "change",
    "declared": "change",
    "imported": "change",
    "added": "change",
    "rebounds": "change",
    "load": "load",
    "apps": "app",
    "zombie_apps": "app",
    "app_baseline": "app",
    "app_closed": "app",
}
STORE: Mapping[str, str] = {
    "notices": "notice",
    "saved": "saved",
    "flags": "flag",
    "gaps": "gap",
    "group_gaps": "gap",
    "open": "item",
}
# What happened in a week, the present one too; all else is how things stood at the end of one.
DATED = ("notices", "saved", "flags")
Query = Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Listing:
    """Some of the rows, how many there are of them, and what they add up to; `figure` is what the dashboard says."""

    rows: Sequence[Any]
    number: int
    total: float
    figure: float | None
    more: dict[str, Any] = field(default_factory=dict)


def routes(house: House) -> list[BaseRoute]:
    return [Route("/office/rows", signed_in(house, show), methods=["GET"])]


async def show(house: House, visitor: Bearer, request: Request) -> Response:
    office_only(visitor)
    query = request.query_params
    what = query.get("what", "")
    week = query.get("week") or (week_of if what in DATED else week_before)(house.now())
    if what not in SNAPSHOT and what not in STORE:
        raise HTTPException(404, "没有这一项数字。请从看板上的数字点进来。")
    asked = query.get("page", "")
    number = max(int(asked), 1) if asked.isdecimal() and len(asked) < 7 else 1
    try:
        begins = midnight(first_day(week))
    except ValueError:
        raise HTTPException(404, "没有这一周。请从看板上的数字点进来。") from None
    list_them = _of_snapshot if what in SNAPSHOT else _of_store
    try:
        found = await house.store.read(partial(list_them, house, visitor.units, what, week, query, (number - 1) * PAGE))
    except WeekError as error:
        raise HTTPException(404, str(error)) from None
    if what in ("notices", "saved"):
        await note_read(house, visitor, "notices", f"{what} {week}")
    kept = {name: value for name, value in query.items() if name not in ("what", "week", "page")}
    return page(
        "rows.html", house, visitor, request, what=what, shape=SNAPSHOT.get(what) or STORE[what], week=week,
        begins=begins, ends=last_day(end_of(week).isoformat()), query=query, listing=found, number=number,
        first=(number - 1) * PAGE, pages=max(1, -(-found.number // PAGE)), fewest=FEWEST,
        turn=lambda to: address(week, what, **kept, page=str(to)), platform=partial(platform, say=house.wording),
        titles={one.id: one.title for one in house.rulebook.categories.values()}, dated=what in DATED,
    )  # fmt: skip


def _of_snapshot(
    house: House, units: Units, what: str, week: str, query: Query, start: int, db: Connection
) -> Listing:
    snapshot = within(db, opened_for(db, house.settings, week, house.now()), units)
    unit = query.get("unit")
    found = figurerows.behind(snapshot, what, unit, start, PAGE)
    figure = figurerows.figure(snapshot, what, unit)
    if found is None:
        return Listing(rows=(), number=0, total=0, figure=figure, more={"unsaved": True})
    more = {"worth": partial(figurerows.worth, what), "snapshot": snapshot["week"]}
    if what == "load":
        more |= _load(figurerows.scope(snapshot, unit), found.total, figure)
    return Listing(rows=found.rows, number=found.number, total=found.total, figure=figure, more=more)


def _load(scope: Mapping[str, Any] | None, total: int, figure: float | None) -> dict[str, Any]:
    """How the products lead to the figure; nothing where so few people are meant that nothing is said of them."""
    people = (scope or {}).get("people")
    if not people or figure is None:
        return {"people": None}
    return {"people": people, "daily": figurerows.load_of(total, people), "weekly": figurerows.weekly(figure)}


def _of_store(house: House, scope: Units, what: str, week: str, query: Query, start: int, db: Connection) -> Listing:
    since, until = midnight(first_day(week)), end_of(week)
    match what:
        case "notices":
            rows = weeks.issued(db, since, until, scope)
            people = sum(row.people for row in rows)
            return _listing(rows, start, people, _flow(db, week, "copies", scope))
        case "saved":
            rows = weeks.saved(db, since, until, scope)
            return _listing(rows, start, sum(row.number for row in rows), _flow(db, week, "saved", scope))
        case "flags":
            return _flags(db, since, until, query, start, scope)
        case "gaps":
            return _channel_gaps(house, db, week, query, start)
        case "group_gaps":
            rows = group_gaps(db, until, scope)
            return _listing(rows, start, len({row.id for row in rows}), None)
    stage, age = query.get("stage", ""), query.get("age", "")
    if stage not in STAGES or age not in map(str, range(len(AGES))):
        raise HTTPException(404, "没有这一项数字。请从看板上的数字点进来。")
    after, last = found_between(week, int(age))
    number, rows = weeks.items_listed(db, STAGES[stage], after, last, start, PAGE, scope)
    return Listing(rows=rows, number=number, total=number, figure=None)


def _listing(rows: Sequence[Any], start: int, total: float, figure: float | None) -> Listing:
    return Listing(rows=rows[start : start + PAGE], number=len(rows), total=total, figure=figure)


def _flow(db: Connection, week: str, name: str, scope: Units) -> float | None:
    """The figure of a saved week, which is the whole city's; None while it is still going on."""
    if scope is not None:
        return None
    told: float | None = (inventories.head(db, week) or {}).get("flow", {}).get(name)
    return told


def _flags(db: Connection, since: datetime, until: datetime, query: Query, start: int, scope: Units) -> Listing:
    """`unit` is a unit, or empty for all that are too small to be told; a row never tells such a unit."""
    flagged = flags_of_units(db, since, until, scope)
    told = weeks.units_of(db, flagged, FEWEST)
    unit = query.get("unit")
    units = None if unit is None else {unit} & told if unit else {*flagged} - told
    units = {*flagged} if units is None and scope is not None else units
    number, rows = weeks.flags_listed(db, since, until, query.get("category", ""), units, start, PAGE)
    return Listing(rows=rows, number=number, total=number, figure=None, more={"told": told})


def _channel_gaps(house: House, db: Connection, week: str, query: Query, start: int) -> Listing:
    snapshot = inventories.head(db, week) or opened_for(db, house.settings, week, house.now())
    channel = query.get("channel")
    rows = [
        {**one, "since": datetime.fromisoformat(one["since"]), "until": datetime.fromisoformat(one["until"])}
        for one in snapshot["sources"]["gaps"]
        if channel is None or one["channel"] == channel
    ]
    return _listing(rows, start, days(sum((one["until"] - one["since"] for one in rows), timedelta())), None)

"""The office's dashboard: what the saved weeks tell, what this week has brought so far, what waits for the office."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.house import House
from bot.links import Bearer
from bot.reports.columns import platform
from bot.web.noting import note_read
from bot.web.office import overview, page, signed_in
from handlers.figurerows import weekly
from handlers.figures import GAP_DAYS
from handlers.inventory import opened_for
from handlers.listing import of_units
from handlers.rules.cleanup import UNDECIDED
from handlers.rules.week import end_of, first_day, midnight, week_before, week_of
from handlers.unitfigures import FEWEST
from handlers.within import only_figures, only_units
from storage import flags, inventories
from storage import weekly as weeks

MOST_WEEKS, FLAG_WEEKS = 52, 6
# A county's units stand on one page, a province's on many.
UNITS_PAGE = 200
DAYS = timedelta(days=1)
# Where what is being cleaned up stands, as /office/cleanup names it.
STAGES: Mapping[str, tuple[str, ...]] = {
    "owner": tuple(one for one in UNDECIDED if one != "office"),
    "confirm": ("proposed",),
    "office": ("office",),
    "doing": ("doing",),
    "cooling": ("cooling",),
}
# An age is so many whole weeks or more, and fewer than the next one.
AGES = (0, 2, 4, 8)
# What of a snapshot a line of the history needs.
LINE = ("totals", "reduction", "load", "flow")
Facts = dict[str, Any]
# The units that a visitor is limited to; None: all there are.
Units = frozenset[str] | None


class Heads:
    """The figures of saved weeks, without their units, each read once: a saved snapshot never changes."""

    def __init__(self) -> None:
        self._present: tuple[str, Facts | None] = ("", None)
        self._past: dict[tuple[str, Units], Facts] = {}

    def present(self, db: Connection, week: str) -> Facts | None:
        """All of them, of one week at a time."""
        known, head = self._present
        if known != week or head is None:
            head = inventories.head(db, week)
            self._present = (week, head)
        return head

    def past(self, db: Connection, week: str, units: Units = None) -> Facts:
        """As many as its line of the history needs; the load and the flow are known of the whole city only."""
        if (week, units) not in self._past:
            head = inventories.head(db, week) or {}
            if units is not None:
                listed = inventories.listed(db, week, "units")
                head = only_figures({**head, "units": listed}, units) if listed is not None else {}
            self._past[week, units] = {name: head[name] for name in LINE if name in head}
        return self._past[week, units]


def routes(house: House) -> list[BaseRoute]:
    return [Route("/office", signed_in(house, partial(show, Heads())), methods=["GET"])]


async def show(heads: Heads, house: House, visitor: Bearer, request: Request) -> Response:
    if visitor.role != "office":
        return await overview(house, visitor, request)
    asked = request.query_params.get("units", "")
    number = max(int(asked), 1) if asked.isdecimal() and len(asked) < 7 else 1
    facts = await house.store.read(partial(read, house, heads, visitor.units, number))
    if facts["appeals"]:
        await note_read(house, visitor, "appeals", " ".join(one.id for one in facts["appeals"]))
    return page("dashboard.html", house, visitor, request, weekly=weekly, fewest=FEWEST, **facts)


def read(house: House, heads: Heads, units: Units, page_number: int, db: Connection) -> Facts:
    now = max(house.now(), inventories.newest_event(db) or house.now())
    ended = week_before(now)
    head = heads.present(db, ended) if units is None else None
    head = head or within(db, opened_for(db, house.settings, ended, now), units)
    listed = head.get("units")
    if units is None and inventories.is_saved(db, ended):
        listed = inventories.listed(db, ended, "units")
    saved = [one for one in inventories.weeks(db) if one <= ended][:MOST_WEEKS]
    known = {week: heads.past(db, week, units) for week in saved if week != ended} | {ended: head}
    monday = midnight(first_day(min(known)))
    counted = weeks.flags_by_week(db, monday, now, units)
    history = [_week(week, known.get(week), counted, place) for place, week in enumerate(_from(monday, ended))]
    if units is not None:
        _count_saved(history, weeks.saved_by_week(db, monday, now, units), now, house.settings.retention.notice_days)
    _mark_rebounds(history)
    this_week = midnight(first_day(week_of(now)))
    _, _, fresh = weeks.counts(db, this_week, now, units)
    return {
        "head": head,
        "last": last_day(head["at"]),
        "baseline": last_day(head["reduction"]["baseline_at"]) if "reduction" in head else None,
        "history": history,
        "charts": _charts(history),
        "this_week": {"week": week_of(now), "since": this_week, "saved": fresh},
        "saved_ever": sum(one["saved"] or 0 for one in history) + fresh,
        "categories": _categories(house, counted, history),
        "shown_weeks": history[-FLAG_WEEKS:],
        "flag_units": _flag_units(db, listed or (), this_week, now, units),
        **_units(listed, page_number),
        "open_items": _open_items(db, ended, units),
        "gaps": _gaps(house, head),
        "deaf_groups": len({row.id for row in group_gaps(db, datetime.fromisoformat(head["at"]), units)}),
        "appeals": flags.appealed(db, units),
        "titles": {one.id: one.title for one in house.rulebook.categories.values()},
        "rows": partial(address, head["week"]),
    }


def within(db: Connection, snapshot: Facts, units: Units) -> Facts:
    """What of a snapshot whoever is limited to some units may see."""
    return snapshot if units is None else only_units(db, snapshot, units)


def _count_saved(history: Sequence[Facts], counted: Mapping[int, int], now: datetime, days: int) -> None:
    """A saved week tells it of the whole city only; of some units it is counted as long as receipts are kept."""
    kept = (now - days * DAYS).date()
    for place, one in enumerate(history):
        one["saved"] = counted.get(place, 0) if one["last"] - 6 * DAYS >= kept else None


def address(present: str, what: str, week: str = "", **more: str) -> str:
    """Where the rows behind a figure are; of the present week when none is named."""
    return "/office/rows?" + urlencode({"what": what, "week": week or present, **more})


def last_day(end: str | None) -> date | None:
    """The last day before a snapshot's moment."""
    return (datetime.fromisoformat(end) - DAYS).date() if end else None


def _from(monday: datetime, last: str) -> list[str]:
    """Every week since then, also those of which nothing is saved."""
    number = (end_of(last) - monday) // (7 * DAYS)
    return [week_of(monday + 7 * DAYS * place) for place in range(number)]


def _week(week: str, head: Facts | None, counted: Mapping[tuple[int, str], int], place: int) -> Facts:
    """A line of the history; None where nothing tells the figure."""
    found: Facts = head or {}
    totals, load, flow = (found.get(name, {}) for name in ("totals", "load", "flow"))
    people = bool(load.get("people"))
    return {
        "week": week,
        "last": first_day(week) + 6 * DAYS,
        "known": head is not None,
        "groups": totals.get("groups"),
        "zombies": totals.get("zombie_groups"),
        "rebounds": found.get("reduction", {}).get("rebounds"),
        "work": weekly(load["work_per_person_daily"]) if people else None,
        "all": weekly(load["all_per_person_daily"]) if people else None,
        "notices": flow.get("notices_per_person") if people else None,
        "saved": flow.get("saved"),
        "flags": sum(number for (at, _), number in counted.items() if at == place),
    }


def _mark_rebounds(history: Sequence[Facts]) -> None:
    """`back`: how many more groups had come back than in the week before of which that is known."""
    before: int | None = None
    for one in history:
        now = one["rebounds"]
        one["back"] = max(now - before, 0) if now is not None and before is not None else 0
        before = before if now is None else now


def _charts(history: Sequence[Facts]) -> Facts:
    """What the curves are drawn from: the tables under them say the same."""
    lines = ("groups", "zombies", "work", "all", "notices", "saved", "flags", "back")
    return {
        "weeks": [one["week"] for one in history],
        "days": [f"{one['last'].month}-{one['last'].day:02d}" for one in history],
        **{name: [one[name] for one in history] for name in lines},
    }


def _categories(house: House, counted: Mapping[tuple[int, str], int], history: Sequence[Facts]) -> list[Facts]:
    """The categories that were flagged in the weeks shown, in the rulebook's order; `now` is this week so far."""
    ends = len(history)
    places = range(max(0, ends - FLAG_WEEKS), ends)
    found: list[Facts] = [
        {"id": one, "weeks": [counted.get((at, one), 0) for at in places], "now": counted.get((ends, one), 0)}
        for one in (category.id for category in house.rulebook.categories.values())
    ]
    return [one for one in found if one["now"] or sum(one["weeks"])]


def _units(units: Sequence[Any] | None, number: int) -> Facts:
    """A page of the units; none where the snapshot did not keep them."""
    if units is None:
        return {"units": None, "units_page": 1, "units_pages": 1}
    pages = max(1, -(-len(units) // UNITS_PAGE))
    number = min(number, pages)
    start = (number - 1) * UNITS_PAGE
    return {"units": units[start : start + UNITS_PAGE], "units_page": number, "units_pages": pages}


def _flag_units(db: Connection, listed: Sequence[Any], since: datetime, now: datetime, units: Units) -> list[Facts]:
    """Last week's and this week's by unit, in the register's order; units too small to tell are one line, the last."""
    before, present = flags_of_units(db, since - 7 * DAYS, since, units), flags_of_units(db, since, now, units)
    told = weeks.units_of(db, {*before, *present}, FEWEST)
    order = [one["unit"] for one in of_units(listed, told)]
    known = order + sorted(told - {*order})
    rows = [{"unit": one, "before": before[one], "now": present[one]} for one in known]
    small = [sum(number for unit, number in each.items() if unit not in told) for each in (before, present)]
    return [*rows, *([{"unit": None, "before": small[0], "now": small[1]}] if any(small) else [])]


def flags_of_units(db: Connection, since: datetime, until: datetime, units: Units = None) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in flags.tally(db, since, until):
        if units is None or row.unit in units:
            found[row.unit] += row.number
    return found


def _open_items(db: Connection, ended: str, units: Units) -> list[Facts]:
    """By stage, how many wait since when: a number for each of AGES."""
    bounds = [found_between(ended, age) for age in range(len(AGES))]
    counted = weeks.items_by_week(db, [state for states in STAGES.values() for state in states], units)
    return [
        {"stage": stage, "ages": [_waiting(counted, states, *between) for between in bounds]}
        for stage, states in STAGES.items()
    ]


def _waiting(counted: Sequence[Any], states: Collection[str], after: str, last: str) -> int:
    return sum(row.number for row in counted if row.state in states and after < row.week <= last)


def found_between(ended: str, age: int) -> tuple[str, str]:
    """What has that age was found after the first of these weeks and not after the second."""
    last = _before(ended, AGES[age]) if age else "9"
    return _before(ended, AGES[age + 1]) if age + 1 < len(AGES) else "", last


def _before(week: str, number: int) -> str:
    return week_of(midnight(first_day(week)) - 7 * DAYS * number)


def _gaps(house: House, head: Facts) -> list[Facts]:
    """By channel, how long and how often it was not heard."""
    found: dict[str, Facts] = {}
    for gap in head.get("sources", {}).get("gaps", ()):
        since, until = datetime.fromisoformat(gap["since"]), datetime.fromisoformat(gap["until"])
        one = found.setdefault(gap["channel"], {"number": 0, "time": timedelta()})
        one |= {"number": one["number"] + 1, "time": one["time"] + (until - since), "last": until}
    return [
        {**one, "channel": channel, "name": platform(channel, house.wording), "days": days(one["time"])}
        for channel, one in found.items()
    ]


def days(time: timedelta) -> float:
    return round(time / DAYS, 1)


def group_gaps(db: Connection, end: datetime, units: Units = None) -> Sequence[Any]:
    """When groups were not heard by themselves, as far back as the channels' gaps are told."""
    return weeks.group_gaps(db, end - GAP_DAYS * DAYS, end, units)

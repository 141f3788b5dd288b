"""The office's list of what is being cleaned up: confirm or return many at once, and one round with all its steps."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.house import House
from bot.links import Bearer
from bot.web.auth import keys_of, may_run
from bot.web.cleanup import targets, tell
from bot.web.cleanupview import asked_for, history, picked, shown, words
from bot.web.forms import Form, form_of
from bot.web.noting import note_read
from bot.web.office import NO_STORE, office_only, page, signed_in
from config.settings import TIMEZONE
from handlers.events import CleanupDecided, CleanupDeclared, CleanupReviewed
from handlers.rules.cleanup import OFFICE
from storage import cleanup_pages, cleanups
from storage.cleanup_pages import Wanted

PAGE = 50
# In the order in which things go.
TABS: Mapping[str, tuple[str, Wanted]] = {
    "confirm": ("待确认", Wanted(states=("proposed",))),
    "office": ("由机制办决定", Wanted(states=("office",))),
    "owner": ("待群主决定", Wanted(states=("found", "asked", "returned"))),
    "doing": ("执行中", Wanted(states=("doing",))),
    "cooling": ("冷静期", Wanted(states=("cooling",))),
    "closed": ("已销号", Wanted(states=("closed",))),
    "back": ("回头看", Wanted(looked=True)),
    # No 销号: what was wrong went away before anybody had to do something.
    "lapsed": ("问题已消失", Wanted(states=("lapsed",))),
}
LATE = ("owner", "doing")


def routes(house: House) -> list[BaseRoute]:
    return [
        Route("/office/cleanup", signed_in(house, listed), methods=["GET"]),
        Route("/office/cleanup", signed_in(house, press), methods=["POST"]),
        Route("/office/cleanup/{item}", signed_in(house, one_round), methods=["GET"]),
    ]


async def listed(house: House, visitor: Bearer, request: Request) -> Response:
    return await _list(house, visitor, request, request.query_params)


async def _list(
    house: House, visitor: Bearer, request: Request, asked: Mapping[str, str], problem: str = "",
    form: Form | None = None,
) -> Response:  # fmt: skip
    office_only(visitor)
    tab = asked.get("tab", "") if asked.get("tab") in TABS else "confirm"
    page_asked = asked.get("page", "")
    number = int(page_asked) if page_asked.isdecimal() and len(page_asked) < 6 else 1
    late, unit = tab in LATE and asked.get("late") == "1", asked.get("unit") or None
    tabs = {name: replace(one, within=visitor.units) for name, (_, one) in TABS.items()}
    base = tabs[tab]
    wanted = replace(base, unit=unit, late=late)

    def read(db: Connection) -> dict[str, Any]:
        counts = {name: cleanup_pages.count(db, one) for name, one in tabs.items()}
        total = cleanup_pages.count(db, wanted)
        pages = max(1, -(-total // PAGE))
        current = min(max(number, 1), pages)
        rows = cleanup_pages.listed(db, wanted, PAGE, (current - 1) * PAGE)
        return {
            "items": shown(db, house.wording, rows),
            "counts": counts,
            "late_count": cleanup_pages.count(db, replace(base, late=True)) if tab in LATE else 0,
            "units": cleanup_pages.units(db, base),
            "total": total,
            "pages": pages,
            "number": current,
        }

    facts = await house.store.read(read)
    done = asked.get("done", "")
    return page(
        "office_cleanup.html", house, visitor, request, 422 if problem else 200,
        tab=tab, tabs={name: title for name, (title, _) in TABS.items()}, unit=unit, late=late, problem=problem,
        form=form or Form([]), done=int(done) if done.isdecimal() else 0, query=_query, days=_days(house),
        **facts,
    )  # fmt: skip


def _query(**wanted: Any) -> str:
    return "/office/cleanup?" + urlencode({name: value for name, value in wanted.items() if value})


def _days(house: House) -> dict[str, Any]:
    today = house.now().astimezone(TIMEZONE).date()
    return {"tomorrow": today + timedelta(days=1), "latest": today + timedelta(days=house.settings.cleanup.keep_days)}


async def press(house: House, visitor: Bearer, request: Request) -> Response:
    """`back` is the round whose page it came from; without it, it came from the list."""
    office_only(visitor)
    form = await form_of(request)
    back = form.get("back")
    asked = {name: form.get(name) for name in ("tab", "unit", "late", "page")}
    event, problem = await _event(house, visitor, form)
    moved = 0 if problem else await tell(house, event)
    problem = problem or ("" if moved else house.wording("cleanup.unchanged"))
    if problem and back:
        return await _round(house, visitor, request, back, problem, form)
    if problem:
        return await _list(house, visitor, request, asked, problem, form)
    where = f"/office/cleanup/{back}?done=1" if back.isalnum() else _query(**asked, done=moved)
    return RedirectResponse(where, 303, headers=NO_STORE)


async def _own(house: House, visitor: Bearer, items: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the rounds that the visitor may decide on."""
    units = visitor.units
    if units is None:
        return items
    own = await house.store.read(lambda db: cleanup_pages.within(db, items, units))
    return tuple(item for item in items if item in own)


async def _event(house: House, visitor: Bearer, form: Form) -> tuple[Any, str]:
    """The event that the form asks for, or what is missing in a sentence."""
    items, act = await _own(house, visitor, picked(form)), form.get("act")
    if not items:
        return None, house.wording("cleanup.nothing_chosen")
    told: dict[str, Any] = {
        "id": f"cleanup:{uuid.uuid4().hex}",
        "at": house.now(),
        "items": items,
        "who": OFFICE + visitor.name,
    }
    if act == "confirm":
        return CleanupReviewed(**told, decision="confirm"), ""
    if act == "return":
        note = words(form, "note")
        missing = "" if note else house.wording("cleanup.problem.note")
        return CleanupReviewed(**told, decision="return", reason=note), missing
    if act == "declare":
        return CleanupDeclared(**told), ""
    decision, problem = asked_for(house, form)
    target = decision.get("target")
    if target and not problem and not await house.store.read(lambda db: may_run(db, visitor, [target])):
        problem = house.wording("cleanup.problem.target", days=house.settings.cleanup.keep_days)
    return (None, problem) if problem else (CleanupDecided(**told, **decision), "")


async def one_round(house: House, visitor: Bearer, request: Request) -> Response:
    return await _round(house, visitor, request, request.path_params["item"])


async def _round(
    house: House, visitor: Bearer, request: Request, item: str, problem: str = "", form: Form | None = None
) -> Response:
    office_only(visitor)

    def read(db: Connection) -> dict[str, Any] | None:
        row = cleanups.get(db, item)
        if row is None or (visitor.units is not None and row.unit not in visitor.units):
            return None
        one = shown(db, house.wording, [row])[0]
        if visitor.units is not None:
            own = keys_of(db, visitor)
            alike = one["facts"].get("similar") or ()
            one["facts"] |= {"similar": [each for each in alike if f"{each['channel']}:{each['id']}" in own]}
        others = cleanup_pages.neighbours(db, row.kind, row.unit)
        later = cleanup_pages.follower(db, item)
        before = cleanups.get(db, row.previous) if row.previous else None
        return {
            "one": {**one, "targets": targets(one, row.subject, others)},
            "steps": history(db, house.wording, item),
            "before": before,
            "later": later,
        }

    facts = await house.store.read(read)
    if facts is None:
        raise HTTPException(404, "没有这一项清理事项，或不在您的单位范围内。")
    await note_read(house, visitor, "cleanup", item)
    return page(
        "office_cleanup_item.html", house, visitor, request, 422 if problem else 200, problem=problem,
        form=form or Form([]), done=request.query_params.get("done") == "1", days=_days(house), **facts,
    )  # fmt: skip

"""The page of whoever is in charge of groups: what asks for a decision, one at a time or many at once."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.house import House
from bot.links import LinkError
from bot.web.auth import same_site
from bot.web.cleanupview import asked_for, picked, shown
from bot.web.forms import Form, form_of
from bot.web.templates import FORMS, render
from config.settings import TIMEZONE
from handlers.events import CleanupDecided, CleanupDeclared, CleanupWithdrawn
from handlers.rules.cleanup import UNDECIDED, UNDER_WAY
from storage import cleanup_pages

# A link is a key: no cache keeps it, no search engine lists it.
PRIVATE = {**FORMS, "x-robots-tag": "noindex"}
OVER_DAYS = 60


def routes(house: House) -> list[BaseRoute]:
    async def show(request: Request) -> Response:
        done = request.query_params.get("done", "")
        return await _page(house, request, _read(house, request), done=int(done) if done.isdecimal() else 0)

    async def press(request: Request) -> Response:
        same_site(request)
        person = _read(house, request)
        return await _press(house, request, person, await form_of(request))

    return [Route("/cleanup/{token}", show, methods=["GET"]), Route("/cleanup/{token}", press, methods=["POST"])]


def _read(house: House, request: Request) -> str:
    try:
        return house.links.read_cleanup(request.path_params["token"])
    except LinkError as error:
        raise HTTPException(404, str(error)) from None


async def _press(house: House, request: Request, person: str, form: Form) -> Response:
    """Answered after the effect; what changed nothing says so and is not answered as if it had."""
    items = picked(form)
    if not items:
        return await _page(house, request, person, form=form, problem=house.wording("cleanup.nothing_chosen"))
    event: Any
    told: dict[str, Any] = {"id": f"cleanup:{uuid.uuid4().hex}", "at": house.now(), "items": items, "who": person}
    match form.get("act"):
        case "declare":
            event = CleanupDeclared(**told)
        case "withdraw":
            event = CleanupWithdrawn(**told)
        case _:
            decision, problem = asked_for(house, form)
            if problem:
                return await _page(house, request, person, form=form, problem=problem)
            event = CleanupDecided(**told, **decision, via="link")
    moved = await tell(house, event)
    if not moved:
        return await _page(house, request, person, form=form, problem=house.wording("cleanup.unchanged"))
    return RedirectResponse(f"/cleanup/{request.path_params['token']}?done={moved}", 303, headers=PRIVATE)


async def tell(house: House, event: Any) -> int:
    """Tell it and give the number of rounds in which it had an effect."""
    before = await house.store.read(lambda db: cleanup_pages.steps_count(db, event.items))
    await house.tell(event)
    now = await house.store.read(lambda db: cleanup_pages.steps_count(db, event.items))
    return sum(before[item] != steps for item, steps in now.items())


async def _page(
    house: House, request: Request, person: str, *, form: Form | None = None, problem: str = "", done: int = 0
) -> Response:
    since = house.now() - timedelta(days=OVER_DAYS)

    def read(db: Connection) -> dict[str, Any]:
        rows = cleanup_pages.of_person(db, person, UNDER_WAY, since)
        items = shown(db, house.wording, rows)
        return {
            "items": items,
            "groups": cleanup_pages.led(db, person),
            "subjects": {row.id: row.subject for row in rows},
        }

    facts = await house.store.read(read)
    items = facts["items"]
    for one in items:
        one["targets"] = targets(one, facts["subjects"][one["id"]], facts["groups"])
    today = house.now().astimezone(TIMEZONE).date()
    page = render(
        "cleanup.html",
        request,
        house=house,
        waiting=[one for one in items if one["state"] in UNDECIDED],
        proposed=[one for one in items if one["state"] == "proposed"],
        doing=[one for one in items if one["state"] == "doing"],
        over=[one for one in items if one["state"] in ("cooling", "closed", "lapsed", "reopened")],
        groups=facts["groups"],
        form=form or Form([]),
        problem=problem,
        done=done,
        tomorrow=today + timedelta(days=1),
        latest=today + timedelta(days=house.settings.cleanup.keep_days),
    )
    return HTMLResponse(page, status_code=422 if problem else 200, headers=PRIVATE)


def targets(one: dict[str, Any], subject: str, others: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """(key, name) of the groups that this one may be merged into: first those with the same people in them."""
    alike = [(f"{other['channel']}:{other['id']}", other["name"]) for other in one["facts"].get("similar") or ()]
    return [(key, name) for key, name in dict([*alike, *others]).items() if key != subject]

"""The acknowledge page: opening it changes nothing, one press of its button does, and works without JavaScript."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, Literal

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.house import House
from bot.links import LinkError
from bot.web.templates import render
from config.settings import TIMEZONE
from handlers.events import ButtonClicked
from storage import notices, pages
from storage.pages import Standing

# A link is a key: it is neither kept by caches nor told to other sites.
PRIVATE = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-robots-tag": "noindex"}
GONE = "这条通知已过保留期，不用再确认。"
REFUSALS = {"cancelled": 409, "not_needed": 409, "sender": 403, "outside": 403}


def routes(house: House) -> list[BaseRoute]:
    async def show(request: Request) -> Response:
        standing = await _standing(house, *_read(house, request))
        return await answer(house, request, standing)

    async def acknowledge(request: Request) -> Response:
        return await press(house, request, *_read(house, request), "ack")

    async def undo(request: Request) -> Response:
        return await press(house, request, *_read(house, request), "undo")

    return [
        Route("/n/{token}", show, methods=["GET"]),
        Route("/n/{token}", acknowledge, methods=["POST"]),
        Route("/n/{token}/undo", undo, methods=["POST"]),
    ]


def _read(house: House, request: Request) -> tuple[str, str]:
    try:
        return house.links.read_notice(request.path_params["token"])
    except LinkError as error:
        raise HTTPException(404, str(error)) from None


async def _standing(house: House, notice: str, person: str) -> Standing:
    return _there(await house.store.read(lambda db: pages.standing(db, notice, person)))


def _there(standing: Standing | None) -> Standing:
    if standing is None:
        raise HTTPException(404, GONE)
    return standing


async def press(house: House, request: Request, notice: str, person: str, action: Literal["ack", "undo"]) -> Response:
    """Answered after the commit only; a failing store or bus answers 503 with its own sentence."""
    pressed = clicked(house, notice, person, action)
    standing = _there(await house.tell_and_read(pressed, lambda db: pages.standing(db, notice, person)))
    late = action == "undo" and standing.state == "acknowledged"
    if wants_json(request):
        return _json(standing, action, late)
    if late or standing.state in REFUSALS:
        return await answer(house, request, standing, late, 409 if late else REFUSALS[standing.state])
    return RedirectResponse(f"/n/{request.path_params['token']}", 303, headers=PRIVATE)


def clicked(house: House, notice: str, person: str, action: Literal["ack", "undo"]) -> ButtonClicked:
    """A press of the link's own button; every request is a press of its own."""
    channel = person.split(":", 1)[0]
    return ButtonClicked(
        id=f"link:{uuid.uuid4().hex}", at=house.now(), channel=channel, group=None, person=person, notice=notice,
        action=action, via="link",
    )  # fmt: skip


def wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _json(standing: Standing, action: str, late: bool) -> Response:
    state = "undone" if action == "undo" and standing.state == "open" else standing.state
    body = {
        "state": state,
        "notice": standing.notice.id,
        "at": standing.at.astimezone(TIMEZONE).isoformat() if standing.at else None,
    }
    return JSONResponse(body, status_code=409 if late else REFUSALS.get(standing.state, 200), headers=PRIVATE)


async def answer(
    house: House, request: Request, standing: Standing, late: bool = False, status: int = 200
) -> Response:
    def read(db: Any) -> tuple[list[str], tuple[int, int]]:
        return pages.group_names(db, standing.notice.id), notices.counts(db, standing.notice.id)

    groups, (done, everybody) = await house.store.read(read)
    page = render(
        "acknowledge.html",
        request,
        house=house,
        standing=standing,
        notice=standing.notice,
        groups=groups,
        done=done,
        everybody=everybody,
        late=late,
        undo_until=undo_until(house, standing),
        address=f"/n/{request.path_params['token']}",
    )
    return HTMLResponse(page, status_code=status, headers=PRIVATE)


def undo_until(house: House, standing: Standing) -> datetime | None:
    """Until when the acknowledgement may be taken back; None when it is too late or there is none."""
    if standing.at is None:
        return None
    until = standing.at + timedelta(minutes=house.settings.acknowledge.undo_minutes)
    return until if house.now() <= until else None

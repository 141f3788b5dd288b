"""我的待确认: everything one person has still open, each acknowledged with one tap."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.house import House
from bot.links import LinkError
from bot.web.acknowledge import PRIVATE, clicked
from bot.web.forms import form_of
from bot.web.templates import render
from storage import notices, pages

SHOWN = 100


def routes(house: House) -> list[BaseRoute]:
    async def show(request: Request) -> Response:
        person = _read(house, request)
        undo_from = house.now() - timedelta(minutes=house.settings.acknowledge.undo_minutes)

        def read(db: Connection) -> tuple[Any, Any, dict[str, list[str]]]:
            waiting = notices.open_for(db, person)[:SHOWN]
            done = pages.acknowledged_since(db, person, undo_from)
            return waiting, done, {row.id: pages.group_names(db, row.id) for row in waiting}

        waiting, done, groups = await house.store.read(read)
        page = render("mine.html", request, house=house, waiting=waiting, done=done, groups=groups)
        return HTMLResponse(page, headers=PRIVATE)

    async def press(request: Request) -> Response:
        person = _read(house, request)
        form = await form_of(request)
        notice, action = form.get("notice", ""), form.get("action", "ack")
        if not notice or action not in ("ack", "undo"):
            raise HTTPException(422, "没有说明要确认哪一条，请返回重试。")
        await house.tell(clicked(house, notice, person, "undo" if action == "undo" else "ack"))
        return RedirectResponse(f"/mine/{request.path_params['token']}", 303, headers=PRIVATE)

    return [Route("/mine/{token}", show, methods=["GET"]), Route("/mine/{token}", press, methods=["POST"])]


def _read(house: House, request: Request) -> str:
    try:
        return house.links.read_mine(request.path_params["token"])
    except LinkError as error:
        raise HTTPException(404, str(error)) from None

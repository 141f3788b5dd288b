"""The office's front room: who may come in, an admin's overview of the week, appeals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.house import House
from bot.links import Bearer
from bot.web.auth import keys_of, own_form, same_site, visitor_of
from bot.web.forms import form_of
from bot.web.templates import FORMS, render
from config.settings import TIMEZONE
from handlers.events import AppealDecided
from handlers.inventory import only_groups, opened_for
from storage import flags, pages

NO_STORE = FORMS

Answer = Callable[[House, Bearer, Request], Awaitable[Response]]


def signed_in(house: House, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """For whoever has a session; others sign in first and come back. A POST must come from a form of this session."""

    async def endpoint(request: Request) -> Response:
        if request.method == "POST":
            same_site(request)
        visitor = await visitor_of(house, request)
        if visitor is None:
            return RedirectResponse(f"/office/signin?back={quote(request.url.path)}", 303, headers=NO_STORE)
        if request.method == "POST":
            await own_form(request)
        return await answer(house, visitor, request)

    return endpoint


def office_only(visitor: Bearer) -> None:
    if visitor.role != "office":
        raise HTTPException(403, "这一页由机制办使用。管理员请看“通知”和“清单”。")


def whole_office_only(visitor: Bearer) -> None:
    """What concerns every unit is not for an office that is limited to one."""
    office_only(visitor)
    if not visitor.everything:
        raise HTTPException(403, "这一页涉及全部单位，由上级机制办使用；您的账号只看本单位和下级单位。")


def page(name: str, house: House, visitor: Bearer, request: Request, status: int = 200, **context: Any) -> Response:
    body = render(name, request, house=house, visitor=visitor, **context)
    return HTMLResponse(body, status_code=status, headers=NO_STORE)


def routes(house: House) -> list[BaseRoute]:
    return [Route("/office/appeals/{flag}", signed_in(house, decide), methods=["POST"])]


def week_start(now: datetime) -> datetime:
    """Monday 0:00 in Shanghai."""
    local = now.astimezone(TIMEZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    return local - timedelta(days=local.weekday())


async def overview(house: House, visitor: Bearer, request: Request) -> Response:
    """An admin's: their own groups and what was flagged in them this week."""
    now = house.now()
    since = week_start(now)

    def read(db: Connection) -> dict[str, Any]:
        keys = keys_of(db, visitor)
        return {
            "snapshot": only_groups(opened_for(db, house.settings, None, now), keys),
            "flags": pages.flags_of_week(db, since, now, keys),
        }

    facts = await house.store.read(read)
    titles = {one.id: one.title for one in house.rulebook.categories.values()}
    return page("office.html", house, visitor, request, since=since, titles=titles, **facts)


async def decide(house: House, visitor: Bearer, request: Request) -> Response:
    office_only(visitor)
    flag = request.path_params["flag"]
    row = await house.store.read(lambda db: flags.get(db, flag))
    if visitor.units is not None and (row is None or row.unit not in visitor.units):
        raise HTTPException(404, "没有这件申诉，或不在您的单位范围内。")
    decision = (await form_of(request)).get("decision")
    if decision not in ("uphold", "dismiss"):
        raise HTTPException(422, "请选择“维持提示”或“撤销提示”。")
    await house.tell(
        AppealDecided(
            id=f"appeal:{flag}:{decision}",
            at=house.now(),
            flag=flag,
            by=visitor.id,
            decision="uphold" if decision == "uphold" else "dismiss",
        )
    )
    return RedirectResponse("/office#appeals", 303, headers=NO_STORE)

"""The office's front room: signing in, an admin's overview of the week, appeals."""

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
from bot.links import Bearer, LinkError
from bot.web.auth import COOKIE, keys_of, same_site, visitor_of
from bot.web.forms import form_of
from bot.web.templates import FORMS, render
from config.settings import TIMEZONE
from handlers.events import AppealDecided
from handlers.inventory import only_groups, opened_for
from storage import pages

DEMO_OFFICE = "演示·县机制办"
NO_STORE = FORMS

Answer = Callable[[House, Bearer, Request], Awaitable[Response]]


def signed_in(house: House, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """For whoever has a session; others sign in first and come back. A POST must come from our own pages."""

    async def endpoint(request: Request) -> Response:
        if request.method == "POST":
            same_site(request)
        visitor = visitor_of(house, request)
        if visitor is None:
            return RedirectResponse(f"/office/signin?back={quote(request.url.path)}", 303, headers=NO_STORE)
        return await answer(house, visitor, request)

    return endpoint


def office_only(visitor: Bearer) -> None:
    if visitor.role != "office":
        raise HTTPException(403, "这一页由机制办使用。群管理员请看“通知”和“清单”。")


def page(name: str, house: House, visitor: Bearer, request: Request, status: int = 200, **context: Any) -> Response:
    body = render(name, request, house=house, visitor=visitor, **context)
    return HTMLResponse(body, status_code=status, headers=NO_STORE)


def routes(house: House) -> list[BaseRoute]:
    async def show_door(request: Request) -> Response:
        return _door(house, request, _back(request.query_params.get("back", "")))

    async def enter(request: Request) -> Response:
        same_site(request)
        return await _enter(house, request)

    async def leave(request: Request) -> Response:
        same_site(request)
        answer = RedirectResponse("/office/signin", 303, headers=NO_STORE)
        answer.delete_cookie(COOKIE, path="/office")
        return answer

    return [
        Route("/office/signin", show_door, methods=["GET"]),
        Route("/office/signin", enter, methods=["POST"]),
        Route("/office/signout", leave, methods=["POST"]),
        Route("/office/appeals/{flag}", signed_in(house, decide), methods=["POST"]),
    ]


def _back(given: str) -> str:
    """Only ever to a page of the office: an address from outside leads nowhere else."""
    return given if given.startswith("/office/") and not given.startswith("/office/sign") else "/office"


def _door(house: House, request: Request, back: str, problem: str = "", status: int = 200) -> Response:
    body = render("signin.html", request, house=house, back=back, problem=problem)
    return HTMLResponse(body, status_code=status, headers=NO_STORE)


async def _enter(house: House, request: Request) -> Response:
    form = await form_of(request)
    back, token = _back(form.get("back")), form.get("token").strip()
    if house.demo and form.get("demo"):
        token = house.links.bearer("office", DEMO_OFFICE, ())
    try:
        house.links.read_bearer(token)
    except LinkError as error:
        return _door(house, request, back, str(error) if token else "请粘贴访问令牌。", 401)
    answer = RedirectResponse(back, 303, headers=NO_STORE)
    secure = house.links.base_url.startswith("https://")
    days = house.settings.token_days * 86_400
    session = house.links.session("office", token)
    answer.set_cookie(COOKIE, session, max_age=days, path="/office", httponly=True, samesite="strict", secure=secure)
    return answer


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

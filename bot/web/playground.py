"""The playground's page: a persona in the demonstration, a signed-in person otherwise; live over one WebSocket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from bot.channels.playground import Refused
from bot.channels.playground.people import Someone
from bot.demo.city import BY_NAME, SUGGESTED
from bot.house import House
from bot.web.auth import same_site
from bot.web.playground_api import COOKIE, Page, api_routes
from bot.web.playground_live import follow
from bot.web.templates import FORMS, render


def routes(house: House) -> list[BaseRoute]:
    page = Page(house)

    def html_of(answer: Callable[[Page, Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await answer(page, request)

        return endpoint

    async def live(socket: WebSocket) -> None:
        await follow(page, socket)

    return [
        *api_routes(page),
        Route("/playground", html_of(show)),
        Route("/playground/join/{token}", html_of(show_invitation)),
        Route("/playground/join/{token}", html_of(accept_invitation), methods=["POST"]),
        Route("/playground/leave", html_of(sign_out), methods=["POST"]),
        Route("/playground/files/{id:int}", html_of(file)),
        WebSocketRoute("/playground/live", live),
    ]


async def show(page: Page, request: Request) -> Response:
    """The conversation, or first the choice of a persona (demonstration) or a word about invitations."""
    reader = page.reader(request)
    people = await page.playground.rooms.everybody()
    me = next((one for one in people if one.id == reader), None)
    if me is None:
        name = "playground_people.html" if page.house.demo else "playground_door.html"
        first = suggested(page.house, people)
        return HTMLResponse(render(name, request, house=page.house, people=people, suggested=first), headers=FORMS)
    return HTMLResponse(render("playground.html", request, house=page.house, me=me, people=people), headers=FORMS)


async def show_invitation(page: Page, request: Request) -> Response:
    """Shows a button only: a link preview must not use the invitation up."""
    return HTMLResponse(render("playground_join.html", request, house=page.house, failed=False), headers=FORMS)


async def accept_invitation(page: Page, request: Request) -> Response:
    same_site(request)
    person = await page.playground.rooms.accept(request.path_params["token"])
    if person is None:
        used = render("playground_join.html", request, house=page.house, failed=True)
        return HTMLResponse(used, status_code=410, headers=FORMS)
    answer = RedirectResponse("/playground", 303)
    session = page.house.links.session("playground", person)
    days = page.house.settings.token_days * 86_400
    answer.set_cookie(
        COOKIE, session, max_age=days, path="/playground", httponly=True, samesite="strict", secure=page.secure()
    )
    return answer


async def sign_out(_page: Page, request: Request) -> Response:
    same_site(request)
    answer = RedirectResponse("/playground", 303)
    answer.delete_cookie(COOKIE, path="/playground")
    return answer


async def file(page: Page, request: Request) -> Response:
    try:
        name, content = await page.playground.desk.file(page.reader(request), request.path_params["id"])
    except Refused as refusal:
        raise HTTPException(refusal.status, str(refusal)) from None
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}", "cache-control": "no-store"}
    return Response(content, media_type="application/octet-stream", headers=headers)


def suggested(house: House, everybody: list[Someone]) -> list[tuple[Someone, str]]:
    """In the demonstration: whom to be first, and why."""
    if not house.demo:
        return []
    reasons = {BY_NAME[name]: reason for name, reason in SUGGESTED}
    known = {one.id: one for one in everybody}
    return [(known[who], reason) for who, reason in reasons.items() if who in known]

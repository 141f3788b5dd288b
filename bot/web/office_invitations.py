"""Invitations to the playground where it is an office's real channel: one link a person, shown once."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.channels.playground import Playground, Refused
from bot.house import House
from bot.links import Bearer
from bot.web.forms import form_of
from bot.web.noting import note_read
from bot.web.office import page, signed_in, whole_office_only
from bot.web.playground_api import away


def routes(house: House) -> list[BaseRoute]:
    return [
        Route("/office/invitations", signed_in(house, show), methods=["GET"]),
        Route("/office/invitations", signed_in(house, invite), methods=["POST"]),
    ]


async def show(house: House, visitor: Bearer, request: Request) -> Response:
    return await _page(house, visitor, request)


async def invite(house: House, visitor: Bearer, request: Request) -> Response:
    whole_office_only(visitor)
    form = await form_of(request)
    rooms, again = _playground(house).rooms, form.get("person")
    try:
        if again:
            token = await rooms.invite_again(again)
        else:
            token = await rooms.invite(form.get("name"), form.get("unit"), form.get("role"), form.all("group"))
    except Refused as refusal:
        return await _page(house, visitor, request, problem=str(refusal), status=refusal.status)
    return await _page(house, visitor, request, link=f"{house.links.base_url}/playground/join/{token}")


async def _page(
    house: House, visitor: Bearer, request: Request, link: str = "", problem: str = "", status: int = 200
) -> Response:
    whole_office_only(visitor)
    rooms = _playground(house).rooms
    people, groups = await rooms.everybody(), await rooms.listed()
    await note_read(house, visitor, "people", f"{len(people)} 人")
    return page(
        "invitations.html", house, visitor, request, status, link=link, problem=problem, people=people, groups=groups
    )


def _playground(house: House) -> Playground:
    channel = house.channels.get(Playground.name)
    if not isinstance(channel, Playground):
        raise HTTPException(404, away(house))
    return channel

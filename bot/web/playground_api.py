"""What the playground's page asks and does, as JSON; the house answers before the page is told that it is done."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.channels.playground import Playground, Refused, shown
from bot.house import House
from bot.links import LinkError
from bot.web.auth import same_site
from storage import flags, pages

COOKIE = "qingqun_playground"
MAX_BODY = 64 * 1024

Answer = Callable[["Page", str, Request], Awaitable[Any]]


def away(house: House) -> str:
    """Why the playground's pages are not here."""
    if house.role != "all" and house.settings.channels.playground.enabled:
        return (
            "试用台由 channels 进程提供，请把 /playground、/office/invitations、/office/data、/office/erase "
            "转到那个进程（见 docs/scale.md）。"
        )
    return "试用台没有开通（设置 channels.playground.enabled）。"


class Page:
    """What the routes share."""

    def __init__(self, house: House) -> None:
        self.house = house

    @property
    def playground(self) -> Playground:
        channel = self.house.channels.get("playground")
        if not isinstance(channel, Playground):
            raise HTTPException(404, away(self.house))
        return channel

    def reader(self, connection: HTTPConnection) -> str:
        """The person this page speaks for; in the demonstration one may be anybody, for nobody there is real."""
        if self.house.demo:
            return connection.query_params.get("as", "")
        try:
            return self.house.links.read_session(connection.cookies.get(COOKIE, ""), "playground")
        except LinkError:
            return ""

    def secure(self) -> bool:
        return self.house.links.base_url.startswith("https://")


def api_routes(page: Page) -> list[BaseRoute]:
    def json_of(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            if request.method == "POST":
                same_site(request)
            try:
                told = await answer(page, page.reader(request), request)
                return JSONResponse(told, headers={"cache-control": "no-store"})
            except Refused as refusal:
                return JSONResponse({"error": str(refusal)}, status_code=refusal.status)

        return endpoint

    api = "/playground/api"
    return [
        Route(f"{api}/overview", json_of(overview)),
        Route(f"{api}/rooms/{{room}}", json_of(conversation)),
        Route(f"{api}/rooms/{{room}}/messages", json_of(say), methods=["POST"]),
        Route(f"{api}/rooms/{{room}}/seen", json_of(seen), methods=["POST"]),
        Route(f"{api}/rooms/{{room}}/members", json_of(change_members), methods=["POST"]),
        Route(f"{api}/messages/{{id:int}}/recall", json_of(recall), methods=["POST"]),
        Route(f"{api}/messages/{{id:int}}/press", json_of(press), methods=["POST"]),
        Route(f"{api}/groups", json_of(found), methods=["POST"]),
    ]


async def overview(page: Page, reader: str, _request: Request) -> Any:
    everybody = [shown.person(one) for one in await page.playground.rooms.everybody()]
    return {**await page.playground.desk.overview(reader), "people": everybody}


async def conversation(page: Page, reader: str, request: Request) -> Any:
    before = request.query_params.get("before", "")
    number = int(before) if before.isdecimal() and len(before) < 16 else None
    talk = await page.playground.desk.conversation(reader, request.path_params["room"], number)
    return {**talk, "messages": await with_receipts(page, reader, talk["messages"])}


async def with_receipts(page: Page, reader: str, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cards also say how their notices stand for the reader: what is acknowledged need not be pressed again."""
    subjects = {one["id"]: _notices_of(one) for one in messages}
    wanted = sorted({subject for found in subjects.values() for subject in found})
    if not wanted:
        return messages
    person = f"{Playground.name}:{reader}"
    known = await page.house.store.read(lambda db: pages.standings(db, wanted, person))
    within = timedelta(minutes=page.house.settings.acknowledge.undo_minutes)
    told = {notice: _receipt(standing, within) for notice, standing in known.items()}
    return [{**one, "receipts": {s: told[s] for s in subjects[one["id"]] if s in told}} for one in messages]


def _notices_of(message: dict[str, Any]) -> list[str]:
    buttons = (message["card"] or {}).get("buttons", ())
    return [button["subject"] for button in buttons if button["action"] == "ack"]


def _receipt(standing: pages.Standing, within: timedelta) -> dict[str, Any]:
    at = standing.at
    return {
        "state": standing.state,
        "at": at.isoformat() if at else None,
        "undo_until": (at + within).isoformat() if at else None,
    }


async def say(page: Page, reader: str, request: Request) -> Any:
    body = await _body(request)
    quotes = body.get("quotes")
    return await page.playground.desk.say(
        reader,
        request.path_params["room"],
        _word(body, "text"),
        kind=_word(body, "kind") or "text",
        quotes=quotes if isinstance(quotes, int) and not isinstance(quotes, bool) and 0 < quotes < 1 << 60 else None,
        said_as=_word(body, "said_as"),
    )


async def seen(page: Page, reader: str, request: Request) -> Any:
    body = await _body(request)
    if isinstance(body.get("message"), int) and 0 < body["message"] < 1 << 60:
        await page.playground.desk.seen(reader, request.path_params["room"], body["message"])
    return {}


async def recall(page: Page, reader: str, request: Request) -> Any:
    _, text = await page.playground.desk.recall(reader, request.path_params["id"])
    return {"text": text}


async def press(page: Page, reader: str, request: Request) -> Any:
    """Answers after the effect; `share` adds one's own message to an appeal, 撤回并改写 takes it back."""
    body = await _body(request)
    action, subject = _word(body, "action"), _word(body, "subject")
    desk = page.playground.desk
    original = await _flagged(page, reader, subject) if action in ("withdraw", "misjudged") else 0
    share = await desk.text_of(reader, original) if action == "misjudged" and body.get("share") is True else ""
    key = await desk.press(
        reader, request.path_params["id"], action, subject, _word(body, "press")[:64], _word(body, "stands_for"), share
    )
    await page.house.effect(key)
    if action == "withdraw" and original:
        room, text = await desk.recall(reader, original)
        return {"room": room, "text": text}
    return {}


async def _flagged(page: Page, reader: str, flag: str) -> int:
    """The number of the reader's own flagged message in the playground; 0 when there is none."""
    row = await page.house.store.read(lambda db: flags.get(db, flag))
    channel, _, number = row.message.partition(":") if row else ("", "", "")
    owned = row is not None and row.person == f"{Playground.name}:{reader}"
    return int(number) if owned and channel == Playground.name and number.isdecimal() else 0


async def found(page: Page, reader: str, request: Request) -> Any:
    body = await _body(request)
    members = [one for one in body.get("members") or [] if isinstance(one, str)]
    room = await page.playground.rooms.found(reader, _word(body, "name"), members, _word(body, "kind"))
    return {"room": room}


async def change_members(page: Page, reader: str, request: Request) -> Any:
    """join, leave, owner or dissolve."""
    body = await _body(request)
    room, person, rooms = request.path_params["room"], _word(body, "person"), page.playground.rooms
    match _word(body, "change"):
        case "join":
            await rooms.join(reader, room, person)
        case "leave":
            await rooms.leave(reader, room, person or reader)
        case "owner":
            await rooms.hand_over(reader, room, person)
        case "dissolve":
            await rooms.dissolve(reader, room)
        case _:
            raise Refused("没有这种操作。", 422)
    return {}


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if len(raw) > MAX_BODY:
        raise Refused("内容太长，请分几条发送。", 413)
    try:
        data = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise Refused("请求内容读不懂，请刷新页面后再试。", 400)
    return data


def _word(body: dict[str, Any], name: str) -> str:
    value = body.get(name, "")
    return value if isinstance(value, str) else ""

"""The page behind a group's card, one address for everybody: who reads it is known by the device, bound once.

Opening it writes nothing (link previews open it too). The open page itself asks for a code and acknowledges what only
has to be read, by posting its own forms.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.house import House
from bot.web.acknowledge import GONE, PRIVATE, clicked, undo_until
from bot.web.forms import form_of
from bot.web.templates import render
from handlers.events import CodeShown, DeviceAnswered
from storage import bindings, groups, notices, pages

COOKIE = "qingqun_device"
COOKIE_DAYS = 400
LONGEST_COOKIE = 100
ATTEMPTS = 5
NO_COOKIE = "浏览器没有保存记号，不能绑定。请允许本站的 Cookie，或直接在群里回复“收到”，同样有效。"
BUSY = "现在绑定的人太多，请过几分钟再试，或直接在群里回复“收到”，同样有效。"


@dataclass(frozen=True, slots=True)
class Reader:
    """Whoever has the page open: nobody yet, somebody whose code was sent, or a bound person."""

    device: str
    person: str = ""
    name: str = ""
    code: str = ""
    claimed_by: str = ""

    @property
    def state(self) -> str:
        return "bound" if self.person else "claimed" if self.claimed_by else "waiting" if self.code else "new"


def routes(house: House) -> list[BaseRoute]:
    async def show(request: Request) -> Response:
        return await _page(house, request)

    async def state(request: Request) -> Response:
        reader = await _reader(house, _device(request))
        return JSONResponse({"state": reader.state}, headers=PRIVATE)

    async def code(request: Request) -> Response:
        await _show_code(house, _bound_to_browser(request))
        return _back(request)

    async def answer(request: Request) -> Response:
        return await _answer(house, request)

    async def acknowledge(request: Request) -> Response:
        return await _press(house, request, "ack")

    async def undo(request: Request) -> Response:
        return await _press(house, request, "undo")

    return [
        Route("/c/{notice}", show, methods=["GET"]),
        Route("/c/{notice}", acknowledge, methods=["POST"]),
        Route("/c/{notice}/undo", undo, methods=["POST"]),
        Route("/c/{notice}/state", state, methods=["GET"]),
        Route("/c/{notice}/code", code, methods=["POST"]),
        Route("/c/{notice}/device", answer, methods=["POST"]),
    ]


def _device(request: Request) -> str:
    """A hash of the browser's cookie; empty when it has none."""
    cookie = request.cookies.get(COOKIE, "")
    return hashlib.sha256(cookie.encode()).hexdigest() if 20 <= len(cookie) <= LONGEST_COOKIE else ""


def _bound_to_browser(request: Request) -> str:
    device = _device(request)
    if not device:
        raise HTTPException(400, NO_COOKIE)
    return device


async def _reader(house: House, device: str) -> Reader:
    now = house.now()

    def read(db: Connection) -> Reader:
        owner = bindings.owner(db, device) if device else None
        if owner is not None:
            known = groups.person(db, owner.person)
            return Reader(device, owner.person, known.name if known else "")
        code = bindings.code_of(db, device, now) if device else None
        if code is None:
            return Reader(device)
        sender = groups.person(db, code.person) if code.state == "claimed" else None
        return Reader(device, code=code.code, claimed_by=sender.name if sender else "")

    return await house.store.read(read)


async def _page(house: House, request: Request) -> Response:
    notice_id = request.path_params["notice"]
    reader = await _reader(house, _device(request))

    def read(db: Connection) -> tuple[Any, list[str], tuple[int, int], bool]:
        standing = pages.standing(db, notice_id, reader.person)
        # Who has taken an acknowledgement back does not give it by opening the page again.
        touched = notices.receipt(db, notice_id, reader.person) is not None
        return standing, pages.group_names(db, notice_id), notices.counts(db, notice_id), touched

    standing, names, (done, everybody), touched = await house.store.read(read)
    if standing is None:
        raise HTTPException(404, GONE)
    notice, fresh = standing.notice, standing.state == "open" and not touched
    page = render(
        "bind_bound.html" if reader.person else "bind.html",
        request,
        house=house,
        reader=reader,
        standing=standing,
        notice=notice,
        groups=names,
        done=done,
        everybody=everybody,
        late=request.query_params.get("late") == "1",
        undo_until=undo_until(house, standing),
        address=f"/c/{notice_id}",
        mine=house.links.mine_url(reader.person) if reader.person else "",
        by_itself=fresh and notice.kind == "read" and notice.state == "open",
    )
    return _remembered(house, request, HTMLResponse(page, headers=PRIVATE))


def _remembered(house: House, request: Request, response: Response) -> Response:
    if not _device(request):
        response.set_cookie(
            COOKIE,
            secrets.token_urlsafe(32),
            max_age=COOKIE_DAYS * 86_400,
            path="/c/",
            httponly=True,
            samesite="lax",
            secure=house.links.base_url.startswith("https:"),
        )
    return response


async def _answer(house: House, request: Request) -> Response:
    """Is it you who sent the code? Only this browser can say so."""
    given = (await form_of(request)).get("answer", "")
    if given not in ("me", "stranger", "forget"):
        raise HTTPException(422, "没有说明是不是您本人，请返回重试。")
    await house.tell(_told(DeviceAnswered, house, device=_bound_to_browser(request), answer=given))
    return _back(request)


async def _show_code(house: House, device: str) -> None:
    """A fresh code replaces the device's old one; one that another device holds is drawn again."""
    for _ in range(ATTEMPTS):
        code = f"{secrets.randbelow(1_000_000):06d}"
        await house.tell(_told(CodeShown, house, device=device, code=code))
        if (await _reader(house, device)).code == code:
            return
    raise HTTPException(503, BUSY)


async def _press(house: House, request: Request, action: Literal["ack", "undo"]) -> Response:
    """One tap of a bound device; answered after the commit."""
    reader = await _reader(house, _bound_to_browser(request))
    if not reader.person:
        return _back(request)
    notice = request.path_params["notice"]
    if await house.store.read(lambda db: notices.get(db, notice)) is None:
        raise HTTPException(404, GONE)
    await house.tell(clicked(house, notice, reader.person, action))
    after = await house.store.read(lambda db: pages.standing(db, notice, reader.person))
    return _back(request, late=action == "undo" and after is not None and after.state == "acknowledged")


def _told(kind: Any, house: House, **values: str) -> Any:
    return kind(id=f"page:{uuid.uuid4().hex}", at=house.now(), **values)


def _back(request: Request, late: bool = False) -> Response:
    """To the page; `late`: which says that this could not be undone any more."""
    address = f"/c/{quote(request.path_params['notice'])}"
    return RedirectResponse(address + ("?late=1" if late else ""), 303, headers=PRIVATE)

"""The page behind an invitation link: choose a login and a password, once."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Connection, Row
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.house import House
from bot.invitations import ROLES, hash_of
from bot.passwords import hashed
from bot.web.auth import same_site
from bot.web.forms import Form, form_of
from bot.web.signin import password_problem
from bot.web.templates import FORMS, render
from bot.wire import MAX_NAME, clean
from handlers.events import InvitationAccepted
from handlers.rules.signin import folded_login, is_login
from storage import accounts

PRIVATE = {**FORMS, "x-robots-tag": "noindex"}
OVER = "这条邀请链接已经用过、过期或被收回，请让机制办重新发一条。"


def routes(house: House) -> list[BaseRoute]:
    async def show(request: Request) -> Response:
        return _page(house, request, await _open(house, request))

    async def press(request: Request) -> Response:
        same_site(request)
        found = await _open(house, request)
        return await _accept(house, request, found, await form_of(request))

    return [Route("/office/invite/{token}", show, methods=["GET"]), Route("/office/invite/{token}", press, methods=["POST"])]


async def _open(house: House, request: Request) -> tuple[Row[Any], Row[Any] | None]:
    """The invitation, and the account whose password it sets; 404 when there is none, 410 when it is over."""
    link, now = hash_of(request.path_params["token"]), house.now()

    def read(db: Connection) -> tuple[Row[Any] | None, Row[Any] | None]:
        row = accounts.invitation(db, link)
        return row, accounts.get(db, row.account) if row is not None and row.account else None

    row, account = await house.store.read(read)
    if row is None:
        raise HTTPException(404, "邀请链接无效或不完整，请核对后重新打开，或让机制办重新发一条。")
    if row.used_at is not None or row.until <= now:
        raise HTTPException(410, OVER)
    return row, account


def _page(
    house: House, request: Request, found: tuple[Row[Any], Row[Any] | None], problem: str = "",
    form: Form | None = None, status: int = 200,
) -> Response:  # fmt: skip
    row, account = found
    body = render(
        "invite.html", request, house=house, invitation=row, account=account, role=ROLES[row.role], problem=problem,
        form=form or Form([]), shortest=house.settings.signin.password_min,
    )  # fmt: skip
    return HTMLResponse(body, status_code=status, headers=PRIVATE)


async def _accept(house: House, request: Request, found: tuple[Row[Any], Row[Any] | None], form: Form) -> Response:
    row, account = found
    login = account.login if account else folded_login(form.get("login"))
    if not is_login(login):
        return _page(house, request, found, "登录名请用 2 到 64 个字：汉字、字母、数字和 . _ - @，中间不留空格。", form, 422)
    if problem := password_problem(house, form, login):
        return _page(house, request, found, problem, form, 422)
    name = clean(form.get("name"), keep_lines=False).strip()[:MAX_NAME]
    event = InvitationAccepted(
        id=uuid.uuid4().hex, at=house.now(), link=row.id, account=account.id if account else uuid.uuid4().hex,
        login=login, password=await hashed(form.get("password")), name=name,
    )  # fmt: skip
    await house.tell(event)
    made = await house.store.read(lambda db: accounts.get(db, event.account))
    if made is None:
        await _open(house, request)
        return _page(house, request, found, "这个登录名已经有人用，请换一个。", form, 409)
    if made.password != event.password:
        raise HTTPException(410, OVER)
    return RedirectResponse("/office/signin?done=invited", 303, headers=PRIVATE)

"""Signing in with the single sign-on of the settings: away to it, back from it, in as what its claims say."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from loguru import logger
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.house import House
from bot.invitations import problem_of
from bot.links import LinkError
from bot.signon import SignOnError, claim, words
from bot.web.auth import open_session
from bot.web.office import NO_STORE
from bot.web.signin import back_of, door
from bot.web.templates import render
from bot.wire import MAX_NAME, clean
from handlers.events import AccountIntroduced
from storage import accounts, groups

FLOW_COOKIE, FLOW_PATH, FLOW_SECONDS = "qingqun_oidc", "/office/oidc", 600


def routes(house: House) -> list[BaseRoute]:
    async def away(request: Request) -> Response:
        return await _away(house, request)

    async def back(request: Request) -> Response:
        return await _back(house, request)

    return [Route(FLOW_PATH, away, methods=["GET"]), Route(f"{FLOW_PATH}/callback", back, methods=["GET"])]


def _client(house: House) -> Any:
    if not house.settings.office.oidc.issuer:
        raise HTTPException(404, "没有启用统一身份认证（设置 office.oidc）。")
    from bot.oidc import SingleSignOn

    return SingleSignOn(house.settings.office.oidc, f"{house.links.base_url}{FLOW_PATH}/callback")


async def _away(house: House, request: Request) -> Response:
    client = _client(house)
    try:
        started = await asyncio.to_thread(client.start)
    except SignOnError as error:
        logger.warning("统一身份认证不可用：{}（{}）", error, error.__cause__)
        return door(house, request, "/office", str(error), 503)
    kept = house.links.flow(started.state, started.nonce, started.verifier, back_of(request.query_params.get("back", "")))
    answer = RedirectResponse(started.url, 303, headers=NO_STORE)
    secure = house.links.base_url.startswith("https://")
    # Lax: the way back leads from the other site to here, and a strict cookie would stay behind.
    answer.set_cookie(
        FLOW_COOKIE, kept, max_age=FLOW_SECONDS, path=FLOW_PATH, httponly=True, samesite="lax", secure=secure
    )
    return answer


async def _back(house: House, request: Request) -> Response:
    client = _client(house)
    try:
        state, nonce, verifier, where = house.links.read_flow(request.cookies.get(FLOW_COOKIE, ""), FLOW_SECONDS)
        address = f"{house.links.base_url}{FLOW_PATH}/callback?{request.url.query}"
        claims = await asyncio.to_thread(client.finish, address, state, nonce, verifier, house.now())
        account = await _introduced(house, claims)
    except (LinkError, SignOnError) as error:
        logger.warning("统一身份认证登录失败：{}（{}）", error, type(error.__cause__).__name__)
        answer: Response = door(house, request, "/office", str(error), 401)
    else:
        # A page, not a redirect: only what starts from our own page carries the strict cookie.
        answer = HTMLResponse(render("oidc.html", request, house=house, where=where), headers=NO_STORE)
        await open_session(house, request, answer, account=account)
    answer.delete_cookie(FLOW_COOKIE, path=FLOW_PATH)
    return answer


async def _introduced(house: House, claims: Mapping[str, Any]) -> str:
    """The account of these claims, made or brought up to date; SignOnError when they allow nothing here."""
    oidc = house.settings.office.oidc
    told = set(words(claim(claims, oidc.role_claim)))
    role = next((role for value, role in oidc.roles.items() if value in told), None)
    if role is None:
        raise SignOnError("您的身份没有开通本系统，请联系机制办。")
    unit = next(iter(words(claim(claims, oidc.unit_claim))), "") if role != "group" else ""
    given = words(claim(claims, oidc.groups_claim)) if role == "group" else []

    def resolve(db: Connection) -> list[str]:
        return [key for one in given if (key := groups.resolve(db, one))]

    keys = tuple(await house.store.read(resolve))
    if problem_of(role, unit, keys):
        raise SignOnError("统一身份认证没有给出您的单位或群，不能登录，请联系机制办。")
    account = hashlib.sha256(f"{claims['iss']}\n{claims['sub']}".encode()).hexdigest()[:32]
    name = clean(str(claim(claims, oidc.name_claim) or ""), keep_lines=False).strip()[:MAX_NAME]
    event = AccountIntroduced(
        id=uuid.uuid4().hex, at=house.now(), account=account, login=f"oidc:{account}", name=name or "（未给出姓名）",
        role=role, unit=unit[:MAX_NAME], groups=keys,
    )  # fmt: skip
    await house.tell(event)
    row = await house.store.read(lambda db: accounts.get(db, account))
    if row is None or row.disabled_at is not None:
        raise SignOnError("您的账号已停用，请联系机制办。")
    return account

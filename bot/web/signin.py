"""Signing in with a login and a password or with a token, signing out, changing one's password."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from loguru import logger
from sqlalchemy import Connection, Row
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.house import House
from bot.links import Bearer, LinkError
from bot.passwords import hashed, verified
from bot.web.auth import as_json, close_session, open_session, same_site
from bot.web.forms import Form, form_of
from bot.web.office import NO_STORE, page, signed_in
from bot.web.templates import render
from config.passwords import common_passwords
from config.settings import TIMEZONE
from handlers.events import PasswordChanged, SigninTried
from handlers.rules.signin import LONGEST_PASSWORD, folded_login, weakness
from storage import accounts, sessions

DEMO_OFFICE = "演示·县机制办"
WRONG = "登录名或密码不对。忘了密码，请让机制办重新发一条邀请链接。"


def routes(house: House) -> list[BaseRoute]:
    async def show_door(request: Request) -> Response:
        return door(house, request, back_of(request.query_params.get("back", "")))

    async def enter(request: Request) -> Response:
        same_site(request)
        return await _enter(house, request)

    async def leave(request: Request) -> Response:
        same_site(request)
        answer = RedirectResponse("/office/signin", 303, headers=NO_STORE)
        await close_session(house, request, answer)
        return answer

    return [
        Route("/office/signin", show_door, methods=["GET"]),
        Route("/office/signin", enter, methods=["POST"]),
        Route("/office/signout", leave, methods=["POST"]),
        Route("/office/password", signed_in(house, show_password), methods=["GET"]),
        Route("/office/password", signed_in(house, change_password), methods=["POST"]),
    ]


def back_of(given: str) -> str:
    """Only ever to a page of the office: an address from outside leads nowhere else."""
    return given if given.startswith("/office/") and not given.startswith("/office/sign") else "/office"


def door(house: House, request: Request, back: str, problem: str = "", status: int = 200, **more: Any) -> Response:
    oidc = house.settings.office.oidc
    known = {"login": "", "by_token": False, "done": request.query_params.get("done", ""), **more}
    body = render(
        "signin.html", request, house=house, back=back, problem=problem, sso=oidc.label if oidc.issuer else "", **known
    )
    return HTMLResponse(body, status_code=status, headers=NO_STORE)


async def _enter(house: House, request: Request) -> Response:
    form = await form_of(request)
    back, token = back_of(form.get("back")), form.get("token").strip()
    if house.demo and form.get("demo"):
        token = house.links.bearer("office", DEMO_OFFICE, ())
    if form.get("login") or form.get("password"):
        return await _with_password(house, request, form, back)
    try:
        bearer = house.links.read_bearer(token)
    except LinkError as error:
        said = str(error) if token else "请填写登录名和密码，或粘贴访问令牌。"
        return door(house, request, back, said, 401, by_token=bool(token))
    answer = RedirectResponse(back, 303, headers=NO_STORE)
    await open_session(house, request, answer, bearer=as_json(bearer))
    return answer


async def _with_password(house: House, request: Request, form: Form, back: str) -> Response:
    """The try is written down before the password is looked at; too early, it is not looked at."""
    login, password = folded_login(form.get("login")), form.get("password")[: LONGEST_PASSWORD + 1]
    name = house.links.blind(f"login:{login}")
    attempt = await _tried(house, request, name)
    if attempt.until is not None:
        logger.warning("登录被推迟到 {}：输错次数太多", clock(attempt.until))
        seconds = max(1, round((attempt.until - house.now()).total_seconds()))
        answer = door(house, request, back, _wait(attempt.until), 429, login=form.get("login"))
        answer.headers["retry-after"] = str(seconds)
        return answer
    account = await house.store.read(lambda db: accounts.by_login(db, login))
    usable = account is not None and account.disabled_at is None
    if not await verified(password, account.password if account is not None and usable else None) or account is None:
        await _log_failure(house, name, account)
        return door(house, request, back, WRONG, 401, login=form.get("login"))
    answer = RedirectResponse(back, 303, headers=NO_STORE)
    await open_session(house, request, answer, account=account.id, login=name)
    return answer


async def _tried(house: House, request: Request, name: str) -> Row[Any]:
    """What became of this try; its `until` is when the next one is looked at, None: this one is."""
    address = house.links.blind(f"address:{request.client.host if request.client else ''}")
    event = SigninTried(id=uuid.uuid4().hex, at=house.now(), login=name, address=address)
    await house.tell(event)
    row = await house.store.read(lambda db: sessions.get_try(db, event.id))
    if row is None:
        raise HTTPException(503)
    return row


async def _log_failure(house: House, name: str, account: Row[Any] | None) -> None:
    """How often, for which account; neither what was typed as a login (a slip may put a password there) nor the password."""
    since = house.now().replace(hour=0, minute=0, second=0, microsecond=0)
    number, _ = await house.store.read(lambda db: sessions.failures(db, "login", name, since))
    logger.warning("登录失败：账号 {}，今天第 {} 次", account.id if account else "（没有这个登录名）", number)


def _wait(until: datetime) -> str:
    return f"输错的次数太多，请在 {clock(until)} 以后再试。{WRONG.split('。')[1]}。"


def clock(at: datetime) -> str:
    return f"{at.astimezone(TIMEZONE):%H:%M:%S}"


async def show_password(house: House, visitor: Bearer, request: Request) -> Response:
    return await _password_page(house, visitor, request)


async def _password_page(
    house: House, visitor: Bearer, request: Request, problem: str = "", done: bool = False
) -> Response:
    await _own(house, request)
    return page(
        "password.html", house, visitor, request, 422 if problem else 200,
        problem=problem, done=done, shortest=house.settings.signin.password_min,
    )  # fmt: skip


async def _own(house: House, request: Request) -> Row[Any]:
    """The account of this session; 403 for a token or a single sign-on, whose password is not kept here."""

    def read(db: Connection) -> Row[Any] | None:
        return accounts.get(db, request.state.account) if request.state.account else None

    account = await house.store.read(read)
    if account is None or not account.password:
        raise HTTPException(403, "这次登录没有用本系统的密码，不能在这里改密码。")
    return account


async def change_password(house: House, visitor: Bearer, request: Request) -> Response:
    account = await _own(house, request)
    form = await form_of(request)
    name = house.links.blind(f"login:{account.login}")
    attempt = await _tried(house, request, name)
    if attempt.until is not None:
        return await _password_page(house, visitor, request, _wait(attempt.until))
    if not await verified(form.get("old")[: LONGEST_PASSWORD + 1], account.password):
        return await _password_page(house, visitor, request, "现在的密码不对。")
    problem = password_problem(house, form, account.login)
    if problem:
        return await _password_page(house, visitor, request, problem)
    new = await hashed(form.get("password"))
    event = PasswordChanged(
        id=uuid.uuid4().hex, at=house.now(), account=account.id, password=new, session=request.state.session, login=name
    )
    await house.tell(event)
    return await _password_page(house, visitor, request, done=True)


def password_problem(house: House, form: Form, login: str) -> str:
    """What is wrong with a new password, in a sentence."""
    password, shortest = form.get("password"), house.settings.signin.password_min
    weak = weakness(password, login, shortest, common_passwords())
    if weak:
        return house.wording(f"signin.weak.{weak}", shortest=shortest, longest=LONGEST_PASSWORD)
    return "" if password == form.get("again") else "两次输入的密码不一样，请重新输入。"

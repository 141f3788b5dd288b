"""Who asks: a bearer token in the header, or the office's session cookie; never anything in a URL."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.house import House
from bot.invitations import hash_of
from bot.links import Bearer, LinkError
from bot.web.forms import form_of
from handlers.events import SessionClosed, SessionOpened, SessionUsed
from storage import accounts, groups, sessions

COOKIE = "qingqun_office"
CSRF_FIELD, CSRF_HEADER = "csrf", "x-csrf-token"
# A session is noted as used when so much of its idle time is gone.
NOTED = 10
BEARER_ROLES = {"office": "office", "unit": "unit", "group": "admin"}


def bearer_of(house: House, request: Request) -> Bearer:
    """The bearer of this API request; 401 with a sentence otherwise."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise HTTPException(401, "请在请求头里带上访问令牌：Authorization: Bearer …", {"www-authenticate": "Bearer"})
    return _read(house, token.strip())


def _read(house: House, token: str) -> Bearer:
    try:
        return house.links.read_bearer(token)
    except LinkError as error:
        raise HTTPException(401, str(error), {"www-authenticate": "Bearer"}) from None


async def visitor_of(house: House, request: Request) -> Bearer | None:
    """Whoever is signed in with this browser; None when nobody is, or not any more.

    The request's state tells `session`, `account` (empty for a token) and `csrf` from now on.
    """
    cookie = request.cookies.get(COOKIE, "")
    if not cookie:
        return None
    now, idle = house.now(), timedelta(minutes=house.settings.signin.idle_minutes)

    def read(db: Connection) -> tuple[Row[Any], Row[Any] | None] | None:
        row = sessions.living(db, hash_of(cookie), now, now - idle)
        return None if row is None else (row, accounts.get(db, row.account) if row.account else None)

    found = await house.store.read(read)
    visitor = _holder(house, *found) if found else None
    if found is None or visitor is None:
        return None
    session = found[0]
    if now - session.seen >= idle / NOTED:
        await house.tell(SessionUsed(id=f"{session.id}:{now.timestamp():.0f}", at=now, session=session.id))
    request.state.session, request.state.account = session.id, session.account
    request.state.csrf = house.links.csrf(cookie)
    return visitor


def _holder(house: House, session: Row[Any], account: Row[Any] | None) -> Bearer | None:
    if not session.account:
        told = json.loads(session.bearer)
        return house.links.holder(told["role"], told["name"], tuple(told["groups"]), told["id"], told["unit"])
    if account is None or account.disabled_at is not None:
        return None
    role, keys = BEARER_ROLES[account.role], accounts.groups_of(account)
    return house.links.holder(role, account.name, keys, f"account:{account.id}", account.unit)


async def open_session(house: House, request: Request, answer: Response, **whose: str) -> None:
    """A new session under a new name, whatever the browser came with; what it came with ends."""
    cookie, now = secrets.token_urlsafe(32), house.now()
    until = now + timedelta(hours=house.settings.signin.hours)
    before = request.cookies.get(COOKIE, "")
    event = SessionOpened(
        id=f"session:{hash_of(cookie)}", at=now, session=hash_of(cookie), until=until,
        replaces=hash_of(before) if before else "", **whose,
    )  # fmt: skip
    await house.tell(event)
    secure = house.links.base_url.startswith("https://")
    age = house.settings.signin.hours * 3600
    answer.set_cookie(COOKIE, cookie, max_age=age, path="/office", httponly=True, samesite="strict", secure=secure)


def as_json(bearer: Bearer) -> str:
    """A token's bearer as a session keeps them: not the token."""
    told = {"role": bearer.role, "name": bearer.name, "groups": bearer.groups, "id": bearer.id, "unit": bearer.unit}
    return json.dumps(told, ensure_ascii=False)


async def close_session(house: House, request: Request, answer: Response) -> None:
    """It ends here, not only in the browser."""
    cookie = request.cookies.get(COOKIE, "")
    if cookie:
        session = hash_of(cookie)
        await house.tell(SessionClosed(id=f"close:{session}", at=house.now(), session=session))
    answer.delete_cookie(COOKIE, path="/office")


def same_site(request: Request) -> None:
    """A POST that carries a cookie must come from our own page; 403 otherwise."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        # The browser's own word; under no-referrer it hides the origin, not this.
        if site not in ("same-origin", "none"):
            raise HTTPException(403, "请从轻群自己的页面操作。")
        return
    origin = request.headers.get("origin")
    if origin is not None and origin.split("://", 1)[-1] != request.headers.get("host"):
        raise HTTPException(403, "请从轻群自己的页面操作。")


async def own_form(request: Request) -> None:
    """A form of this very session: it carries the session's own word; 403 otherwise."""
    given = request.headers.get(CSRF_HEADER) or await _field(request)
    if not hmac.compare_digest(given.encode(), request.state.csrf.encode()):
        raise HTTPException(403, "页面已过期，请返回刷新后再操作一次；您填的内容没有提交。")


async def _field(request: Request) -> str:
    if request.headers.get("content-type", "").startswith("multipart/"):
        # Kept, so that the page reads it once more.
        await request.body()
        return str((await request.form()).get(CSRF_FIELD, ""))
    return (await form_of(request)).get(CSRF_FIELD)


def keys_of(db: Connection, bearer: Bearer) -> set[str]:
    """The keys of the groups of an admin, of a unit's admin, or of an office that is limited to a unit."""
    keys = {key for given in bearer.groups if (key := groups.resolve(db, given))}
    return keys if bearer.units is None else keys | accounts.keys_within(db, bearer.units)


def may_see(db: Connection, bearer: Bearer, wanted: Sequence[Any]) -> bool:
    """The office sees all; others what is in one of their groups."""
    return bearer.everything or bool(keys_of(db, bearer) & set(wanted))


def may_run(db: Connection, bearer: Bearer, wanted: Sequence[str]) -> bool:
    """Whoever does not see everything may act only where every group is theirs."""
    return bearer.everything or set(wanted) <= keys_of(db, bearer)

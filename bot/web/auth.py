"""Who asks: a bearer token in the header, or the office's session cookie; never anything in a URL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request

from bot.house import House
from bot.links import Bearer, LinkError
from storage import groups

COOKIE = "qingqun_office"


def bearer_of(house: House, request: Request) -> Bearer:
    """The bearer of this API request; 401 with a sentence otherwise."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise HTTPException(401, "请在请求头里带上访问令牌：Authorization: Bearer …", {"www-authenticate": "Bearer"})
    return _read(house, token.strip())


def visitor_of(house: House, request: Request) -> Bearer | None:
    """The bearer behind a page's session cookie; None when nobody is signed in."""
    value = request.cookies.get(COOKIE)
    if not value:
        return None
    try:
        return house.links.read_bearer(house.links.read_session(value, "office"))
    except LinkError:
        return None


def _read(house: House, token: str) -> Bearer:
    try:
        return house.links.read_bearer(token)
    except LinkError as error:
        raise HTTPException(401, str(error), {"www-authenticate": "Bearer"}) from None


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


def keys_of(db: Connection, bearer: Bearer) -> set[str]:
    """The keys of an admin's groups."""
    return {key for given in bearer.groups if (key := groups.resolve(db, given))}


def may_see(db: Connection, bearer: Bearer, wanted: Sequence[Any]) -> bool:
    """The office sees all; an admin what is in one of their groups."""
    return bearer.role == "office" or bool(keys_of(db, bearer) & set(wanted))


def may_run(db: Connection, bearer: Bearer, wanted: Sequence[str]) -> bool:
    """An admin may act only where every group is theirs."""
    return bearer.role == "office" or set(wanted) <= keys_of(db, bearer)

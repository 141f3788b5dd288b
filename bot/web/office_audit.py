"""Who read personal data: a page and `GET /api/v1/audit`, both for the office."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection, Row
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.house import House
from bot.links import Bearer
from bot.web.noting import KINDS, note_read
from bot.web.office import office_only, page, signed_in
from config.settings import TIMEZONE
from handlers.rules.week import midnight
from storage import audit
from storage.audit import Asked

PAGE, API_PAGE = 50, 500


def routes(house: House) -> list[BaseRoute]:
    return [Route("/office/audit", signed_in(house, show), methods=["GET"])]


def _asked(visitor: Bearer, request: Request) -> tuple[Asked, int]:
    """What the address asks for (`day`, `person`, `page`), within what the visitor may see; 422 with a sentence."""
    query = request.query_params
    given, number = query.get("day", ""), query.get("page", "") or "1"
    try:
        day = date.fromisoformat(given) if given else None
    except ValueError:
        raise HTTPException(422, "day 应是日期，例如 2026-11-23。") from None
    if not (number.isdecimal() and len(number) < 7 and int(number)):
        raise HTTPException(422, "page 应是从 1 起的页码。")
    since = midnight(day) if day else None
    until = midnight(day + timedelta(days=1)) if day and day < date.max else None
    return Asked(since=since, until=until, who=query.get("person", ""), units=visitor.units), int(number)


async def show(house: House, visitor: Bearer, request: Request) -> Response:
    office_only(visitor)
    asked, number = _asked(visitor, request)
    kept = {name: request.query_params.get(name, "") for name in ("day", "person")}
    await note_read(house, visitor, "audit", " ".join(filter(None, kept.values())))

    def read(db: Connection) -> dict[str, Any]:
        total = audit.count(db, asked)
        pages = max(1, -(-total // PAGE))
        current = min(number, pages)
        rows = audit.listed(db, asked, PAGE, (current - 1) * PAGE)
        return {
            "rows": rows, "total": total, "pages": pages, "number": current, "readers": audit.readers(db, visitor.units)
        }  # fmt: skip

    facts = await house.store.read(read)
    return page(
        "audit.html", house, visitor, request, kinds=KINDS, days=house.settings.retention.audit_days, asked=kept,
        turn=lambda to: "/office/audit?" + urlencode({**{n: v for n, v in kept.items() if v}, "page": to}), **facts,
    )  # fmt: skip


async def list_audit(house: House, bearer: Bearer, request: Request) -> Response:
    """The newest first, 500 a page; `day`, `person` and `page` narrow them down."""
    if bearer.role != "office":
        raise HTTPException(403, "查阅记录由机制办查看。")
    asked, number = _asked(bearer, request)
    await note_read(house, bearer, "audit", asked.who)
    rows = await house.store.read(lambda db: audit.listed(db, asked, API_PAGE, (number - 1) * API_PAGE))
    return JSONResponse([_as_json(row) for row in rows])


def _as_json(row: Row[Any]) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in ("id", "who", "name", "what", "subject", "scope")}
    return {**told, "at": row.at.astimezone(TIMEZONE).isoformat()}

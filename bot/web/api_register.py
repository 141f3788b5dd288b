"""`GET /api/v1/register/groups|apps`: the register in its own order, a page at a time, for the office."""

from __future__ import annotations

import json
from typing import Any, Literal, cast

from sqlalchemy import Connection, Row
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.house import House
from bot.links import Bearer
from bot.web.noting import note_read
from bot.web.office_register import BOOKS, page_of, told_of, wanted_of
from config.settings import TIMEZONE
from storage import registerpages

MAX_ROWS = 500


async def list_register(house: House, bearer: Bearer, request: Request) -> Response:
    """`q`, `unit` (`-`: without one), `open=1` and `page` narrow it down."""
    if bearer.role != "office":
        raise HTTPException(403, "台账由机制办查看。")
    given, query = request.path_params["book"], request.query_params
    if given not in BOOKS:
        raise HTTPException(404, "台账有两本：register/groups 和 register/apps。")
    asked = query.get("page", "")
    if asked and not (asked.isdecimal() and len(asked) < 7 and int(asked)):
        raise HTTPException(422, "page 应是从 1 起的页码。")
    book = cast("Literal['groups', 'apps']", given)
    wanted, number = wanted_of(query, bearer), page_of(query)

    def read(db: Connection) -> dict[str, Any]:
        total = registerpages.count(db, book, wanted)
        rows = registerpages.listed(db, book, wanted, MAX_ROWS, (number - 1) * MAX_ROWS)
        pages = max(1, -(-total // MAX_ROWS))
        return {"total": total, "page": number, "pages": pages, "rows": [as_json(row) for row in rows]}

    found = await house.store.read(read)
    await note_read(house, bearer, "register", told_of(book, query))
    return JSONResponse(found)


def as_json(row: Row[Any]) -> dict[str, Any]:
    """A row as it stands; the columns that nobody knows are in `extra`."""
    told = dict(row._mapping)
    told["imported_at"] = row.imported_at.astimezone(TIMEZONE).isoformat()
    told["extra"] = json.loads(row.extra or "{}")
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in told.items()}

"""The week's inventory as a page and as files: all render the same snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.channels import CHANNELS
from bot.house import House
from bot.links import Bearer
from bot.render import render_file
from bot.reports import columns
from bot.reports.formats import MEDIA
from bot.reports.paper import FontError
from bot.web.auth import keys_of
from bot.web.noting import note_read
from bot.web.office import NO_STORE, page, signed_in
from handlers import grounds
from handlers.inventory import WeekError, only_groups, opened_for, week_for
from handlers.listing import part
from handlers.within import only_units
from storage import pages

# All of them are in the workbook.
MERGES_SHOWN, APPS_SHOWN = 50, 200
PAGE = 100
# In the order of how serious they are; a filter, never a ranking.
VERDICTS = ("empty", "dissolve", "overdue", "duplicate", "suspected", "watch", "insufficient", "exempt", "alive")


def routes(house: House) -> list[BaseRoute]:
    return [
        Route("/office/inventory", signed_in(house, show), methods=["GET"]),
        *(
            Route(f"/office/inventory/{{week}}.{kind}", signed_in(house, partial(give_file, kind)), methods=["GET"])
            for kind in MEDIA
        ),
        Route("/office/inventory/{week}", signed_in(house, show), methods=["GET"]),
    ]


def allowed(db: Connection, visitor: Bearer, snapshot: dict[str, Any]) -> dict[str, Any]:
    """What of a snapshot this reader may see."""
    if visitor.role != "office":
        return only_groups(snapshot, keys_of(db, visitor), others=visitor.units is None)
    return snapshot if visitor.units is None else only_units(db, snapshot, visitor.units)


async def file_of(house: House, visitor: Bearer, week: str, kind: str) -> bytes:
    """The file of what they may see; noted first, for it names owners, admins and their telephones."""
    await note_read(house, visitor, "export", f"{week}.{kind}")
    what = f"inventory/{week}.{kind}"
    if visitor.role != "office":
        keys = await house.store.read(lambda db: sorted(keys_of(db, visitor)))
        what += "?groups=" + quote(",".join(keys)) + ("" if visitor.units is None else "&others=no")
    elif visitor.units is not None:
        what += "?" + urlencode([("unit", unit) for unit in sorted(visitor.units)])
    return await render_file(house, what)


async def _read(house: House, visitor: Bearer, week: str | None, only: str, number: int) -> dict[str, Any]:
    """The page of the week, of what this reader may see; 404 with a sentence for a bad week."""

    def read(db: Connection) -> dict[str, Any]:
        snapshot = allowed(db, visitor, opened_for(db, house.settings, week, house.now()))
        return {**_shown(snapshot, only, number), "weeks": pages.weeks(db)}

    try:
        return await house.store.read(read)
    except WeekError as error:
        raise HTTPException(404, str(error)) from None


def _shown(snapshot: Mapping[str, Any], only: str, number: int) -> dict[str, Any]:
    """The figures, and so much of the lists as a page shows."""
    shown = part(snapshot["groups"], [only] if only else None)
    rows, apps, merges = shown.number(), snapshot["apps"], snapshot.get("merges", ())
    last = max(1, -(-rows // PAGE))
    start = (min(number, last) - 1) * PAGE
    lists = {"apps": apps[:APPS_SHOWN]} | ({"merges": merges[:MERGES_SHOWN]} if "merges" in snapshot else {})
    return {
        "snapshot": {**{name: one for name, one in snapshot.items() if name != "groups"}, **lists},
        "shown": [(place + 1, one) for place, one in shown.cut(start, PAGE)],
        "groups": len(snapshot["groups"]),
        "number": min(number, last),
        "pages": last,
        "merges_number": len(merges),
        "apps_number": len(apps),
    }


async def show(house: House, visitor: Bearer, request: Request) -> Response:
    only, asked = request.query_params.get("only", ""), request.query_params.get("page", "")
    number = max(int(asked), 1) if asked.isdecimal() and len(asked) < 7 else 1
    facts = await _read(house, visitor, request.path_params.get("week"), only, number)
    snapshot = facts["snapshot"]
    address = f"/office/inventory/{snapshot['week']}"
    return page(
        "inventory.html",
        house,
        visitor,
        request,
        only=only,
        turn=lambda to: f"{address}?{urlencode({**({'only': only} if only else {}), 'page': to})}",
        grounds=grounds.told,
        platform=partial(columns.platform, say=house.wording),
        verdicts=[one for one in VERDICTS if snapshot["verdicts"].get(one)],
        channels={kind: label.split("（")[0] for kind, (label, _) in CHANNELS.items()},
        **facts,
    )


async def give_file(kind: str, house: House, visitor: Bearer, request: Request) -> Response:
    try:
        week = await house.store.read(lambda db: week_for(db, request.path_params["week"], house.now()))
    except WeekError as error:
        raise HTTPException(404, str(error)) from None
    try:
        content = await file_of(house, visitor, week, kind)
    except FontError as error:
        raise HTTPException(503, str(error)) from None
    bulletin = "bulletin.file" if visitor.everything else "bulletin.file_own"
    name = quote(house.wording("inventory.report_file" if kind == "xlsx" else bulletin, week=week, kind=kind))
    disposition = f"attachment; filename=\"inventory-{week}.{kind}\"; filename*=UTF-8''{name}"
    return Response(content, media_type=MEDIA[kind], headers={**NO_STORE, "content-disposition": disposition})

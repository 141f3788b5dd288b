"""The register of groups and of apps: to be looked through, edited row by row, with the history of every cell."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal
from urllib.parse import quote, urlencode

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.house import House
from bot.links import Bearer
from bot.reports.columns import platform
from bot.reports.register_rows import HEADERS, UNKNOWN_CHANNEL, key_of
from bot.web import registerform
from bot.web.forms import Form, form_of
from bot.web.noting import note_read
from bot.web.office import NO_STORE, office_only, page, signed_in
from handlers.events import RegisterEdited
from handlers.rules.cleanup import OFFICE
from storage import register, registerimports, registerpages
from storage.registerpages import Wanted

PAGE = 100
NO_ROW = "台账里没有这一行，或不在您的单位范围内。它也可能已经改了编号，请回到台账查找。"
Book = Literal["groups", "apps"]
BOOKS: Mapping[Book, str] = {"groups": "工作群", "apps": "政务应用"}


def routes(house: House) -> list[BaseRoute]:
    found: list[BaseRoute] = [Route("/office/register", signed_in(house, listed), methods=["GET"])]
    for book in BOOKS:
        path = f"/office/register/{book}/{{key:path}}"
        found.append(Route(path, signed_in(house, partial(show, book)), methods=["GET"]))
        found.append(Route(path, signed_in(house, partial(edit, book)), methods=["POST"]))
        found.append(Route(f"/office/register/new/{book}", signed_in(house, partial(empty, book)), methods=["GET"]))
        found.append(Route(f"/office/register/new/{book}", signed_in(house, partial(add, book)), methods=["POST"]))
    return found


def wanted_of(query: Mapping[str, str], visitor: Bearer) -> Wanted:
    """`unit` is a unit, or `-` for the rows without one; nothing beyond what the visitor may see."""
    unit = query.get("unit") or None
    return Wanted(
        words=query.get("q", "").strip()[:100], unit="" if unit == "-" else unit, open=query.get("open") == "1",
        within=visitor.units,
    )  # fmt: skip


def page_of(query: Mapping[str, str]) -> int:
    asked = query.get("page", "")
    return max(int(asked), 1) if asked.isdecimal() and len(asked) < 7 else 1


async def listed(house: House, visitor: Bearer, request: Request) -> Response:
    office_only(visitor)
    query = request.query_params
    book: Book = "apps" if query.get("book") == "apps" else "groups"
    wanted, number = wanted_of(query, visitor), page_of(query)

    def read(db: Connection) -> dict[str, Any]:
        total = registerpages.count(db, book, wanted)
        pages = max(1, -(-total // PAGE))
        current = min(number, pages)
        return {
            "rows": registerpages.listed(db, book, wanted, PAGE, (current - 1) * PAGE),
            "units": registerpages.units(db, book, visitor.units),
            "all": {name: registerpages.count(db, name, Wanted(within=visitor.units)) for name in BOOKS},
            "total": total,
            "pages": pages,
            "number": current,
        }

    facts = await house.store.read(read)
    await note_read(house, visitor, "register", told_of(book, query))
    asked = {name: query.get(name, "") for name in ("q", "unit", "open")}

    def link(**changed: Any) -> str:
        told = {"book": book, **asked, **changed}
        return "/office/register?" + urlencode({name: value for name, value in told.items() if value})

    return page(
        "register.html", house, visitor, request, book=book, books=BOOKS, wanted=wanted, asked=asked, link=link,
        first=(facts["number"] - 1) * PAGE, address=address, platform=partial(platform, say=house.wording), **facts,
    )  # fmt: skip


def told_of(book: str, query: Mapping[str, str]) -> str:
    """Which part of the register was read; not the words that were looked for, which may be a name."""
    return " ".join(filter(None, (book, query.get("unit", ""), query.get("page", ""))))


def address(book: str, key: str) -> str:
    return f"/office/register/{book}/{quote(key, safe=':/')}"


async def show(book: Book, house: House, visitor: Bearer, request: Request) -> Response:
    return await _row(book, house, visitor, request)


async def edit(book: Book, house: House, visitor: Bearer, request: Request) -> Response:
    """Written when the row is still as it was seen; otherwise both versions are shown and nothing is lost."""
    office_only(visitor)
    form, key = await form_of(request), request.path_params["key"]
    await _own(book, house, visitor, key)
    values, problems = registerform.typed(book, form, house.wording)
    problems |= _far(house, visitor, values)
    if problems:
        return await _row(book, house, visitor, request, form, problems, status=422)
    if not values:
        return RedirectResponse(address(book, key) + "?done=0", 303, headers=NO_STORE)
    event = RegisterEdited(
        id=f"register:{uuid.uuid4().hex}", at=house.now(), book=book, row=key, who=OFFICE + visitor.name,
        version=form.get("version"), fields=tuple(values), values=tuple(values.values()),
    )  # fmt: skip
    await house.tell(event)
    if not await house.store.read(lambda db: registerpages.was_done(db, event.id)):
        return await _row(book, house, visitor, request, form, status=409)
    return RedirectResponse(f"{address(book, key)}?done={len(values)}", 303, headers=NO_STORE)


async def empty(book: Book, house: House, visitor: Bearer, request: Request) -> Response:
    office_only(visitor)
    return _new(book, house, visitor, request, {"unit": visitor.unit if visitor.units is not None else ""})


async def add(book: Book, house: House, visitor: Bearer, request: Request) -> Response:
    """One row more, under the key that a file with this row would give it; one that is there already stays as it is."""
    office_only(visitor)
    form = await form_of(request)
    values, problems = registerform.typed(book, form, house.wording)
    if not values.get("name"):
        problems["name"] = house.wording("register.no_name")
    problems |= _far(house, visitor, {"unit": "", **values})
    told = {name: form.get(name) for name in registerform.FIELDS[book]}
    if problems:
        return _new(book, house, visitor, request, told, problems, 422)
    if book == "groups":
        values.setdefault("channel", UNKNOWN_CHANNEL)
    key = key_of(book, values)
    event = RegisterEdited(
        id=f"register:{uuid.uuid4().hex}", at=house.now(), book=book, row=key, who=OFFICE + visitor.name,
        version="", fields=tuple(values), values=tuple(values.values()),
    )  # fmt: skip
    await house.tell(event)
    if not await house.store.read(lambda db: registerpages.was_done(db, event.id)):
        return _new(book, house, visitor, request, told, {}, 409, key)
    return RedirectResponse(f"{address(book, key)}?done={len(values)}", 303, headers=NO_STORE)


def _new(
    book: Book, house: House, visitor: Bearer, request: Request, told: Mapping[str, str],
    problems: Mapping[str, str] | None = None, status: int = 200, there: str = "",
) -> Response:  # fmt: skip
    """`there` is the row that is in the register already."""
    boxes = registerform.blank(book, told, problems or {})
    return page(
        "register_new.html", house, visitor, request, status, book=book, books=BOOKS, boxes=boxes, problems=problems or {},
        there=address(book, there) if there else "",
    )  # fmt: skip


def _far(house: House, visitor: Bearer, values: Mapping[str, str]) -> dict[str, str]:
    """A unit that is not the visitor's to write about."""
    if visitor.units is None or values.get("unit", visitor.unit) in visitor.units:
        return {}
    return {"unit": house.wording("register.far_unit", units="、".join(sorted(visitor.units)))}


async def _own(book: Book, house: House, visitor: Bearer, key: str) -> None:
    """404 for a row of another unit, as for one that is not there."""
    row = await house.store.read(lambda db: register.row(db, book, key))
    if row is None or not _sees(visitor, row.unit):
        raise HTTPException(404, NO_ROW)


def _sees(visitor: Bearer, unit: str) -> bool:
    return visitor.units is None or unit in visitor.units


async def _row(
    book: Book, house: House, visitor: Bearer, request: Request, form: Form | None = None,
    problems: Mapping[str, str] | None = None, status: int = 200,
) -> Response:  # fmt: skip
    office_only(visitor)
    key, say = request.path_params["key"], house.wording

    def read(db: Connection) -> dict[str, Any] | None:
        row = register.row(db, book, key)
        if row is None or not _sees(visitor, row.unit):
            return None
        group = registerpages.group_of(db, row) if book == "groups" else None
        # A namesake in another unit is nobody's business.
        group = group if group is not None and _sees(visitor, group.unit) else None
        return {
            "row": row,
            "version": register.version(row),
            "history": registerpages.history(db, book, key),
            "formerly": registerimports.former_names(db, book, key).get(key, []),
            "group": group,
            "seen": seen(registerpages.versions(db, group.id)) if group else [],
        }

    facts = await house.store.read(read)
    if facts is None:
        raise HTTPException(404, NO_ROW)
    await note_read(house, visitor, "register", f"{book} {key}")
    row = facts["row"]
    boxes = registerform.merged(book, row, form, problems or {}, say) if form else registerform.boxes(book, row, say)
    done = request.query_params.get("done", "")
    return page(
        "register_row.html", house, visitor, request, status, book=book, books=BOOKS, boxes=boxes, headers=HEADERS[book],
        conflict=status == 409 or bool(form and form.get("version") != facts["version"]), problems=problems or {},
        done=int(done) if done.isdecimal() and len(done) < 4 else None, shown=partial(_shown, book, say),
        platform=partial(platform, say=say), **facts,
    )  # fmt: skip


def _shown(book: str, say: Any, field: str, text: str) -> str:
    return registerform.shown(book, field, text, say)


SEEN = ("name", "unit", "purpose", "kind", "created", "ends", "owner_name")


def seen(versions: Any) -> list[dict[str, Any]]:
    """What the bot saw change of a group, the newest first."""
    changes, before = [], None
    for one in versions:
        for name in SEEN:
            old: Any = getattr(before, name) if before else None
            new = getattr(one, name)
            if before is not None and (old or "") != (new or ""):
                changes.append({"at": one.at, "field": name, "before": str(old or ""), "after": str(new or "")})
        before = one
    return changes[::-1]

"""The unit's data as a whole: take all of it with you, or let one person's go, with a receipt."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot import exporting
from bot.channels import native
from bot.channels.playground import Playground, leaving
from bot.exporting import Refused
from bot.house import House
from bot.links import Bearer
from bot.people import one_person
from bot.reports import receipt
from bot.web.forms import form_of
from bot.web.noting import note_read
from bot.web.office import NO_STORE, page, signed_in, whole_office_only
from bot.web.playground_api import away
from config.settings import TIMEZONE
from config.wording import load_wording
from handlers.events import PersonErased
from handlers.rules.cleanup import OFFICE
from storage import dump, erasure, personal

RECEIPTS = 50


def routes(house: House) -> list[BaseRoute]:
    return [
        Route("/office/data", signed_in(house, show), methods=["GET"]),
        Route("/office/data/export", signed_in(house, export), methods=["POST"]),
        Route("/office/erase", signed_in(house, show), methods=["GET"]),
        Route("/office/erase", signed_in(house, erase), methods=["POST"]),
        *(
            Route(f"/office/erase/{{number}}{ending}", signed_in(house, partial(give, ending)), methods=["GET"])
            for ending in receipt.RENDERERS
        ),
        Route("/office/erase/{number}", signed_in(house, read_receipt), methods=["GET"]),
    ]


async def show(house: House, visitor: Bearer, request: Request) -> Response:
    return await _page(house, visitor, request)


async def _page(house: House, visitor: Bearer, request: Request, status: int = 200, **told: Any) -> Response:
    whole_office_only(visitor)
    receipts = await house.store.read(lambda db: erasure.receipts(db, RECEIPTS))
    facts = {"problem": "", "given": "", "person": "", "foreseen": None, "talks": 0, "receipts": receipts, **told}
    return page("data.html", house, visitor, request, status, formats=exporting.FORMATS, **facts)


async def export(house: House, visitor: Bearer, request: Request) -> Response:
    whole_office_only(visitor)
    asked = (await form_of(request)).get("format")
    kind: exporting.Format = "csv" if asked == "csv" else "jsonl"
    folder = tempfile.TemporaryDirectory(prefix="qingqun-export-")
    target = Path(folder.name) / "all.zip"
    now = house.now()
    try:
        beside = await _beside(house)
        await house.store.snapshot(lambda db: exporting.write(db, target, now, kind, extra=beside))
        await note_read(house, visitor, "everything", kind)
    except BaseException:
        folder.cleanup()
        raise
    name = house.wording("export.file", day=f"{now.astimezone(TIMEZONE):%Y%m%d}")
    return FileResponse(
        target, filename=name, media_type="application/zip", headers=NO_STORE, background=BackgroundTask(folder.cleanup)
    )


def _playground(house: House) -> Playground | None:
    """Where it is open elsewhere, nothing is taken or erased by halves: the page is that process's."""
    channel = house.channels.get(Playground.name)
    if isinstance(channel, Playground):
        return channel
    if house.role != "all" and house.settings.channels.playground.enabled:
        raise HTTPException(404, away(house))
    return None


async def _beside(house: House) -> Any:
    channel = _playground(house)
    if channel is None:
        return []
    found = await channel.book(lambda db: {name: list(leaving.rows(db, name)) for name in leaving.TABLES})
    return [(f"playground_{name}", leaving.TABLES[name], rows) for name, rows in found.items()]


async def erase(house: House, visitor: Bearer, request: Request) -> Response:
    """First what would go; then, confirmed for the same person, it goes."""
    whole_office_only(visitor)
    form = await form_of(request)
    given, confirmed = form.get("given").strip(), form.get("person")
    say = house.wording
    if not given:
        return await _page(house, visitor, request, 422, problem=say("erase.whom"))
    # Not who: the log must not keep what is to be erased.
    await note_read(house, visitor, "erase")
    try:
        person = await house.store.read(partial(one_person, given=given))
        foreseen = await house.store.read(partial(_foresee, person=person))
    except Refused as refused:
        return await _page(house, visitor, request, 422, problem=str(refused), given=given)
    talks = await _talks(house, person, gone=False)
    if not foreseen and not talks:
        return await _page(house, visitor, request, 422, problem=say("erase.nothing", given=given), given=given)
    if confirmed != person or not form.get("sure"):
        problem = say("erase.sure") if confirmed else ""
        return await _page(
            house, visitor, request, 422 if problem else 200, given=given, person=person, foreseen=foreseen, talks=talks,
            problem=problem,
        )  # fmt: skip
    number = receipt.new_number(house.now())
    await note_read(house, visitor, "erased", number)
    gone = await _talks(house, person, gone=True)
    await house.tell(
        PersonErased(id=number, at=house.now(), person=person, request=number, who=OFFICE + visitor.name, talks=gone)
    )
    return RedirectResponse(f"/office/erase/{number}", 303, headers=NO_STORE)


def _foresee(db: Connection, person: str) -> dict[str, int]:
    """By table, in how many rows the person stands."""
    say = load_wording()
    parts = dump.about(db, personal.subject(db, person), "")
    counts = {say(f"export.table.{part.name}"): sum(1 for _ in part.rows) for part in parts}
    return {title: number for title, number in counts.items() if number}


async def _talks(house: House, person: str, gone: bool) -> int:
    channel = _playground(house)
    if channel is None or not person.startswith(f"{Playground.name}:"):
        return 0
    if gone:
        instead = house.wording("erase.someone")
        return await channel.book(partial(leaving.erase, person=native(person), instead=instead))
    return await channel.book(partial(leaving.count, person=native(person)))


async def read_receipt(house: House, visitor: Bearer, request: Request) -> Response:
    whole_office_only(visitor)
    found = await _receipt(house, request)
    return page("receipt.html", house, visitor, request, receipt=found, endings=tuple(receipt.RENDERERS))


async def give(ending: str, house: House, visitor: Bearer, request: Request) -> Response:
    whole_office_only(visitor)
    found = await _receipt(house, request)
    name = quote(house.wording("erase.file", number=found["receipt"], ending=ending))
    disposition = f"attachment; filename=\"receipt{ending}\"; filename*=UTF-8''{name}"
    content = receipt.render(ending, found)
    return Response(content, media_type=receipt.MEDIA[ending], headers={**NO_STORE, "content-disposition": disposition})


async def _receipt(house: House, request: Request) -> dict[str, Any]:
    found = await house.store.read(lambda db: erasure.receipt(db, request.path_params["number"]))
    if found is None:
        raise HTTPException(404, "没有这个编号的回执。请核对编号，或在“数据”页里查找。")
    return found

"""A file into the register: first what it would change, then exactly that, then what became of every row."""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal
from urllib.parse import quote

from sqlalchemy import Connection
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.bus import BusError
from bot.house import House
from bot.links import Bearer
from bot.reports import register_account
from bot.reports.register_import import Register, read_register
from bot.reports.register_rows import HEADERS, prepared
from bot.reports.spreadsheet import MB, ImportRefused
from bot.web.forms import form_of
from bot.web.noting import note_read
from bot.web.office import NO_STORE, page, signed_in, whole_office_only
from bot.web.office_register import BOOKS, address
from bot.web.registerform import shown
from bot.wire import clean
from handlers.events import RegisterImportConfirmed, RegisterPartReceived
from handlers.rules.cleanup import OFFICE
from storage import register, registerimports
from storage.registerimports import Difference

# A message of a broker holds a megabyte; a page this many rows of each kind, the account holds all.
PART = 300_000
SHOWN = 200
RECENT = 20
Book = Literal["groups", "apps"]
KINDS = ("changed", "new", "skipped", "problems", "same")


def routes(house: House) -> list[BaseRoute]:
    return [
        Route("/office/import", signed_in(house, door), methods=["GET"]),
        Route("/office/import", signed_in(house, upload), methods=["POST"]),
        *(
            Route(f"/office/import/{{draft}}/account{ending}", signed_in(house, partial(give, ending)), methods=["GET"])
            for ending in register_account.MEDIA
        ),
        Route("/office/import/{draft}", signed_in(house, show), methods=["GET"]),
        Route("/office/import/{draft}", signed_in(house, confirm), methods=["POST"]),
    ]


async def door(house: House, visitor: Bearer, request: Request) -> Response:
    return await _door(house, visitor, request)


async def _door(house: House, visitor: Bearer, request: Request, problem: str = "", book: str = "groups") -> Response:
    whole_office_only(visitor)
    recent = await house.store.read(lambda db: registerimports.recent(db, RECENT))
    return page(
        "import.html", house, visitor, request, 422 if problem else 200, problem=problem, recent=recent, books=BOOKS,
        book=book, limit=house.settings.upload_mb,
    )  # fmt: skip


async def upload(house: House, visitor: Bearer, request: Request) -> Response:
    """Read and kept aside; the register does not change."""
    whole_office_only(visitor)
    async with request.form(max_files=1, max_fields=5) as form:
        file, given = form.get("file"), form.get("book")
        book: Book = "apps" if given == "apps" else "groups"
        if not isinstance(file, UploadFile) or not file.filename:
            return await _door(house, visitor, request, house.wording("register.no_file"), book)
        content, name = await file.read(), clean(file.filename, keep_lines=False)[-200:]
    try:
        if not content.strip():
            raise ImportRefused("empty")
        if len(content) > house.settings.upload_mb * MB:
            raise ImportRefused("too_big", size=f"{len(content) / MB:.0f}", limit=house.settings.upload_mb)
        read = await asyncio.to_thread(read_register, content, book)
    except ImportRefused as refused:
        return await _door(house, visitor, request, refused.said(name), book)
    draft = f"i{uuid.uuid4().hex[:16]}"
    for event in await _parts(house, visitor, draft, book, name, hashlib.sha256(content).hexdigest(), read):
        await house.tell(event)
    return RedirectResponse(f"/office/import/{draft}", 303, headers=NO_STORE)


async def _parts(
    house: House, visitor: Bearer, draft: str, book: Book, file: str, sha256: str, read: Register
) -> list[RegisterPartReceived]:
    live = await house.store.read(register.live_groups) if book == "groups" else []
    bodies = await asyncio.to_thread(lambda: list(_bodies(prepared(read, book, live))))
    told: dict[str, Any] = {"draft": draft, "book": book, "file": file, "sha256": sha256, "who": OFFICE + visitor.name}
    return [
        RegisterPartReceived(
            id=f"{draft}:{number}", at=house.now(), number=number, parts=len(bodies), body=body, **told
        )
        for number, body in enumerate(bodies)
    ]


def _bodies(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    lines: list[str] = []
    size = 0
    for row in rows:
        line = json.dumps(row, ensure_ascii=False)
        if lines and size + len(line.encode()) > PART:
            yield f"[{','.join(lines)}]"
            lines, size = [], 0
        lines.append(line)
        size += len(line.encode())
    yield f"[{','.join(lines)}]"


async def show(house: House, visitor: Bearer, request: Request) -> Response:
    return await _show(house, visitor, request)


async def _show(house: House, visitor: Bearer, request: Request, changed: bool = False) -> Response:
    """The difference as it is now; of a file that was taken in, the account."""
    whole_office_only(visitor)
    draft = await _draft(house, request)
    await note_read(house, visitor, "import", draft.id)
    if draft.taken_at is not None:
        return _account(house, visitor, request, draft)
    found = await house.store.read(lambda db: _compared(db, draft))
    if found is None:
        raise HTTPException(404, "这个文件的内容已经不在了（没有确认的只保留七天，或已应本人要求删除）。请重新上传。")
    account, difference = found
    counts = _counts(account)
    headers, say = HEADERS[draft.book], house.wording
    weighed = iter(difference.rows)
    lines = [(line, next(weighed) if line["outcome"] != "skipped" else None) for line in account]
    parts = {kind: [each for each in lines if _is(kind, each[0])][:SHOWN] for kind in KINDS}
    return page(
        "import_diff.html", house, visitor, request, 409 if changed else 200, draft=draft, counts=counts, parts=parts,
        most=SHOWN, missing=difference.missing[:SHOWN], missing_count=len(difference.missing), changed=changed,
        digest=difference.digest, headers=headers, address=address, books=BOOKS, known=set(headers),
        cell=lambda field, text: shown(draft.book, field, text, say),
    )  # fmt: skip


def _compared(db: Connection, draft: Any) -> tuple[list[dict[str, Any]], Difference] | None:
    rows = registerimports.rows_of(db, draft)
    if rows is None:
        return None
    found = registerimports.difference(db, draft.book, registerimports.told(draft.book, rows))
    return registerimports.accounted(rows, found), found


def _is(kind: str, line: Mapping[str, Any]) -> bool:
    return bool(line["problems"]) if kind == "problems" else line["outcome"] == kind


def _counts(account: Sequence[Mapping[str, Any]]) -> Counter[str]:
    counts: Counter[str] = Counter(line["outcome"] for line in account)
    counts["rows"] = len(account)
    counts["problems"] = sum(bool(line["problems"]) for line in account)
    return counts


async def confirm(house: House, visitor: Bearer, request: Request) -> Response:
    """Writes what was shown; when the register has changed since, shows what it would be now."""
    whole_office_only(visitor)
    draft, form = await _draft(house, request), await form_of(request)
    event = RegisterImportConfirmed(
        id=f"take:{uuid.uuid4().hex}", at=house.now(), draft=draft.id, shown=form.get("shown"), who=OFFICE + visitor.name
    )
    try:
        await house.tell(event)
    except BusError:
        # A large file takes longer than anybody waits: its page tells when it is in.
        return RedirectResponse(f"/office/import/{draft.id}", 303, headers=NO_STORE)
    if (await _draft(house, request)).taken_at is None:
        return await _show(house, visitor, request, changed=True)
    return RedirectResponse(f"/office/import/{draft.id}", 303, headers=NO_STORE)


def _account(house: House, visitor: Bearer, request: Request, draft: Any) -> Response:
    account = json.loads(draft.account)
    kinds = {kind: [line for line in account if _is(kind, line)][:SHOWN] for kind in ("skipped", "problems", "changed")}
    return page(
        "import_account.html", house, visitor, request, draft=draft, counts=_counts(account), kinds=kinds, most=SHOWN,
        headers=HEADERS[draft.book], explained=partial(register_account.explained, draft.book), address=address,
        books=BOOKS,
    )  # fmt: skip


async def give(ending: str, house: House, visitor: Bearer, request: Request) -> Response:
    """The account as a file; of a file that waits, what would become of every row."""
    whole_office_only(visitor)
    draft = await _draft(house, request)
    await note_read(house, visitor, "import", f"{draft.id}{ending}")
    if draft.taken_at is not None:
        account = json.loads(draft.account)
    else:
        found = await house.store.read(lambda db: _compared(db, draft))
        account = found[0] if found else []
    content = await asyncio.to_thread(register_account.render, ending, draft.book, account)
    name = quote(house.wording("register.account_file", draft=draft.id, ending=ending))
    disposition = f"attachment; filename=\"import-{draft.id}{ending}\"; filename*=UTF-8''{name}"
    media = register_account.MEDIA[ending]
    return Response(content, media_type=media, headers={**NO_STORE, "content-disposition": disposition})


async def _draft(house: House, request: Request) -> Any:
    draft = await house.store.read(lambda db: registerimports.get(db, request.path_params["draft"]))
    if draft is None:
        raise HTTPException(404, "没有这次导入。请从“台账—导入”里查找，或重新上传文件。")
    return draft

"""Notices from the office's page: checked before they are sent, and then counts, never names."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot import wire
from bot.house import House
from bot.links import Bearer
from bot.web.auth import keys_of, may_run, may_see
from bot.web.forms import Form, form_of
from bot.web.noting import note_read
from bot.web.office import NO_STORE, page, signed_in
from config.settings import TIMEZONE
from handlers.events import NoticeCancelled, NoticeIssued
from handlers.rules import demand
from handlers.rules.demand import Finding
from handlers.rules.secrecy import is_marked
from storage import notices, pages

MAX_TEXT = 5000
SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A notice as it was typed; `deadline` is the form's own words."""

    title: str = ""
    text: str = ""
    groups: tuple[str, ...] = ()
    kind: str = "read"
    deadline: str = ""
    emergency: bool = False
    reason: str = ""


def routes(house: House) -> list[BaseRoute]:
    return [
        Route("/office/notices", signed_in(house, listed), methods=["GET"]),
        Route("/office/notices/new", signed_in(house, blank), methods=["GET"]),
        Route("/office/notices/new", signed_in(house, send), methods=["POST"]),
        Route("/office/notices/{notice}", signed_in(house, show), methods=["GET"]),
        Route("/office/notices/{notice}/cancel", signed_in(house, cancel), methods=["POST"]),
    ]


async def listed(house: House, visitor: Bearer, request: Request) -> Response:
    def read(db: Connection) -> dict[str, Any]:
        rows = notices.listed(db, None, SHOWN)
        places = pages.places_of(db, [row.id for row in rows])
        seen = [row for row in rows if may_see(db, visitor, [place.group for place in places.get(row.id, ())])]
        shown = {row.id: own_places(db, visitor, places.get(row.id, ())) for row in seen}
        return {"rows": seen, "places": shown, "counts": {row.id: notices.counts(db, row.id) for row in seen}}

    facts = await house.store.read(read)
    if facts["rows"]:
        await note_read(house, visitor, "notices", f"{len(facts['rows'])} 条")
    return page("notices.html", house, visitor, request, **facts)


def own_places(db: Connection, visitor: Bearer, places: Sequence[Any]) -> Sequence[Any]:
    """Of the groups in which a notice stands, those that the visitor may know of."""
    if visitor.everything:
        return places
    keys = keys_of(db, visitor)
    return [place for place in places if place.group in keys]


async def blank(house: House, visitor: Bearer, request: Request) -> Response:
    return await _form(house, visitor, request, Draft())


async def send(house: House, visitor: Bearer, request: Request) -> Response:
    """First press: the draft is checked. What the check finds is shown, and can be sent as it is or rewritten."""
    form = await form_of(request)
    draft = _draft(form)
    problem = await _problem(house, visitor, draft)
    if problem:
        return await _form(house, visitor, request, draft, problem=problem, status=422)
    findings = await _judge(house, draft)
    if findings and form.get("checked") != draft.text:
        return await _form(house, visitor, request, draft, findings=findings)
    event = NoticeIssued(
        id=_notice_id(form),
        at=house.now(),
        groups=draft.groups,
        text=draft.text,
        title=draft.title,
        sender=visitor.id,
        sender_name=visitor.name,
        deadline=_deadline(draft.deadline),
        kind="act" if draft.kind == "act" else "read",
        emergency=draft.emergency,
        reason=draft.reason,
    )
    await house.tell(event)
    return RedirectResponse(f"/office/notices/{event.id}", 303, headers=NO_STORE)


def _notice_id(form: Form) -> str:
    """The form's own number, so that pressing 发送 twice sends one notice."""
    given = form.get("once")
    return "n" + (given if len(given) == 16 and given.isalnum() and given.isascii() else uuid.uuid4().hex[:16])


def _draft(form: Form) -> Draft:
    return Draft(
        title=wire.clean(form.get("title"), keep_lines=False).strip()[: wire.MAX_NAME],
        text=wire.clean(form.get("text")).replace("\r\n", "\n").strip(),
        groups=tuple(dict.fromkeys(form.all("group"))),
        kind=form.get("kind", "read"),
        deadline=form.get("deadline").strip(),
        emergency=form.get("emergency") == "yes",
        reason=wire.clean(form.get("reason"), keep_lines=False).strip()[: wire.MAX_NAME],
    )


def _deadline(given: str) -> datetime | None:
    """The form's local time, which is Shanghai's."""
    return datetime.fromisoformat(given).replace(tzinfo=TIMEZONE) if given else None


async def _problem(house: House, visitor: Bearer, draft: Draft) -> str:
    """What keeps the draft from being sent, in a sentence."""
    if not draft.text or len(draft.text) > MAX_TEXT:
        return f"请写通知内容，不超过 {MAX_TEXT} 字。"
    if is_marked(draft.text) or is_marked(draft.title):
        return house.wording("secrecy.text")
    try:
        deadline = _deadline(draft.deadline)
    except ValueError:
        return "截止时间读不懂，请重新选择。"
    if deadline and deadline <= house.now():
        return "截止时间已经过去，请改成将来的时间。"
    if draft.emergency and not draft.reason:
        return "应急通知要写明原因。"
    living = {row.id for row in await house.store.read(pages.living_groups)}
    allowed = await house.store.read(lambda db: may_run(db, visitor, draft.groups))
    if not draft.groups or not living.issuperset(draft.groups) or not allowed:
        return "请至少选一个您可以发通知的群。"
    return ""


async def _judge(house: House, draft: Draft) -> Sequence[Finding]:
    judged = await asyncio.to_thread(
        demand.judge,
        draft.text,
        at=house.now(),
        rulebook=house.rulebook,
        calendar=house.calendar,
        informational=True,
    )
    return judged.findings


async def _form(
    house: House,
    visitor: Bearer,
    request: Request,
    draft: Draft,
    *,
    problem: str = "",
    findings: Sequence[Finding] = (),
    status: int = 200,
) -> Response:
    def read(db: Connection) -> list[Any]:
        rows = pages.living_groups(db)
        keys = None if visitor.everything else keys_of(db, visitor)
        return [row for row in rows if keys is None or row.id in keys]

    groups = await house.store.read(read)
    once = uuid.uuid4().hex[:16]
    titles = {one.id: one.title for one in house.rulebook.categories.values()}
    earliest = house.now().astimezone(TIMEZONE).strftime("%Y-%m-%dT%H:%M")
    return page(
        "notice_new.html", house, visitor, request, status, draft=draft, groups=groups, problem=problem,
        findings=findings, once=once, titles=titles, earliest=earliest,
    )  # fmt: skip


async def show(house: House, visitor: Bearer, request: Request) -> Response:
    """Counts; names only of an emergency notice that is not over, and only to its own sender."""
    notice_id = request.path_params["notice"]

    def read(db: Connection) -> dict[str, Any] | None:
        row, places = notices.get(db, notice_id), pages.places_of(db, [notice_id]).get(notice_id, [])
        if row is None or not may_see(db, visitor, [place.group for place in places]):
            return None
        named = _may_see_names(house, visitor, row)
        return {
            "notice": row,
            "places": own_places(db, visitor, places),
            "counts": notices.counts(db, notice_id),
            "ways": notices.ways(db, notice_id),
            "pending": notices.pending(db, notice_id) if named else None,
            "may_cancel": row.sender == visitor.id or may_run(db, visitor, [place.group for place in places]),
        }

    facts = await house.store.read(read)
    if facts is None:
        raise HTTPException(404, "没有这条通知，或您无权查看。")
    await note_read(house, visitor, "notice" if facts["pending"] is None else "pending", notice_id)
    return page("notice.html", house, visitor, request, **facts)


def _may_see_names(house: House, visitor: Bearer, row: Any) -> bool:
    if not row.emergency or house.settings.acknowledge.pending_names == "never" or row.sender != visitor.id:
        return False
    return row.emergency_until is not None and house.now() <= row.emergency_until


async def cancel(house: House, visitor: Bearer, request: Request) -> Response:
    notice_id = request.path_params["notice"]

    def allowed(db: Connection) -> bool:
        row = notices.get(db, notice_id)
        keys = [place.group for place in notices.places(db, notice_id)]
        return row is not None and (row.sender == visitor.id or may_run(db, visitor, keys))

    if not await house.store.read(allowed):
        raise HTTPException(403, "只有发起人、这些群的管理员或机制办可以取消通知。")
    await house.tell(
        NoticeCancelled(id=f"cancel:{notice_id}", at=house.now(), notice=notice_id, by=visitor.id)
    )
    return RedirectResponse(f"/office/notices/{notice_id}", 303, headers=NO_STORE)

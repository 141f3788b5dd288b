"""The JSON API under /api/v1: bearer tokens, Chinese errors, writes only by telling an event."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO, Any

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from bot import wire
from bot.house import House
from bot.links import Bearer
from bot.reports.stream import written
from bot.web.api_cleanup import list_cleanups
from bot.web.api_register import list_register
from bot.web.api_rules import decide_appeal, list_appeals, shadow_rules, test_rules
from bot.web.auth import bearer_of, keys_of, may_run, may_see
from bot.web.bodies import object_of, string_in
from bot.web.noting import note_read
from bot.web.office_audit import list_audit
from bot.web.office_inventory import allowed, file_of
from bot.web.openapi import document
from config.settings import TIMEZONE
from handlers.events import NoticeCancelled, NoticeIssued
from handlers.inventory import WeekError, opened_for, week_for
from handlers.rules import demand
from handlers.rules.secrecy import is_marked
from storage import groups, notices
from storage.inventories import LISTS

MAX_NOTICE = 5_000
MAX_EVENTS = 5_000
STREAMED = 262_144
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Answer = Callable[[House, Bearer, Request], Awaitable[Response]]


def routes(house: House) -> list[BaseRoute]:
    def guarded(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await answer(house, bearer_of(house, request), request)

        return endpoint

    async def openapi(request: Request) -> Response:
        return JSONResponse(document())

    table: list[tuple[str, str, Answer]] = [
        ("POST", "/notices", post_notice),
        ("GET", "/notices", list_notices),
        ("GET", "/notices/{id}", get_notice),
        ("GET", "/notices/{id}/pending", get_pending),
        ("POST", "/notices/{id}/cancel", cancel_notice),
        ("GET", "/notices/{id}/links", get_links),
        ("POST", "/check", post_check),
        ("GET", "/inventories/{week}.xlsx", get_inventory_file),
        ("GET", "/inventories/{week}", get_inventory),
        ("GET", "/reduction", get_reduction),
        ("GET", "/cleanup", list_cleanups),
        ("GET", "/appeals", list_appeals),
        ("POST", "/appeals/{id}", decide_appeal),
        ("POST", "/rules/test", test_rules),
        ("POST", "/rules/shadow", shadow_rules),
        ("GET", "/audit", list_audit),
        ("GET", "/register/{book}", list_register),
        ("POST", "/events", post_events),
    ]
    return [
        Route("/api/openapi.json", openapi),
        *(Route(f"/api/v1{path}", guarded(answer), methods=[method]) for method, path, answer in table),
    ]


async def post_notice(house: House, bearer: Bearer, request: Request) -> Response:
    body = await object_of(request)
    asked = await read_notice(house, bearer, body)
    event = NoticeIssued(id=f"n{uuid.uuid4().hex[:16]}", at=house.now(), **asked)
    await house.tell(event)
    _, everybody = await house.store.read(lambda db: notices.counts(db, event.id))
    url = f"{house.links.base_url}/office/notices/{event.id}"
    return JSONResponse({"id": event.id, "url": url, "audience": everybody}, status_code=201)


async def read_notice(house: House, bearer: Bearer, body: dict[str, Any]) -> dict[str, Any]:
    """The fields of a notice to be issued, checked; 403 or 422 with a sentence otherwise."""
    text = wire.clean(string_in(body, "text")).strip()
    title = wire.clean(string_in(body, "title", required=False), keep_lines=False).strip()
    if not text or len(text) > MAX_NOTICE or len(title) > wire.MAX_NAME:
        raise HTTPException(422, f"text 要写通知内容，不超过 {MAX_NOTICE} 字；title 不超过 {wire.MAX_NAME} 字。")
    if is_marked(text) or is_marked(title):
        raise HTTPException(422, house.wording("secrecy.text"))
    kind = body.get("kind", "read")
    if kind not in ("read", "act"):
        raise HTTPException(422, "kind 应是 read（看过即可）或 act（需要办理）。")
    emergency = body.get("emergency", False)
    if not isinstance(emergency, bool):
        raise HTTPException(422, "emergency 应是 true 或 false。")
    return {
        "groups": await _groups(house, bearer, body),
        "text": text,
        "title": title,
        "sender": bearer.id,
        "sender_name": bearer.name,
        "kind": kind,
        "deadline": _deadline(house, body),
        "emergency": emergency,
        "reason": wire.clean(string_in(body, "reason", required=False), keep_lines=False)[: wire.MAX_NAME],
    }


async def _groups(house: House, bearer: Bearer, body: dict[str, Any]) -> tuple[str, ...]:
    given = body.get("groups")
    if not isinstance(given, list) or not given or not all(isinstance(one, str) for one in given):
        raise HTTPException(422, "groups 应是群编号的数组，至少一个。")

    def read(db: Connection) -> tuple[list[str], list[str], bool]:
        keys = {one: groups.resolve(db, one) for one in given}
        missing = [one for one, key in keys.items() if key is None or _is_gone(db, key)]
        found = [key for key in keys.values() if key is not None]
        return found, missing, may_run(db, bearer, found)

    found, missing, allowed = await house.store.read(read)
    if missing and bearer.everything:
        raise HTTPException(422, f"没有这个群，或已解散：{'、'.join(one[:60] for one in missing[:5])}。请核对群编号。")
    if missing or not allowed:
        raise HTTPException(403, "令牌只能向自己管理的群发通知，请核对群编号。")
    return tuple(found)


def _is_gone(db: Connection, key: str) -> bool:
    row = groups.get(db, key)
    return row is None or row.dissolved_at is not None


def _deadline(house: House, body: dict[str, Any]) -> datetime | None:
    if body.get("deadline") is None:
        return None
    try:
        at = wire.instant(body["deadline"], "deadline")
    except wire.WireError as error:
        raise HTTPException(422, str(error)) from None
    if at <= house.now():
        raise HTTPException(422, "deadline 已经过去，请写一个将来的时间。")
    return at


async def list_notices(house: House, bearer: Bearer, request: Request) -> Response:
    given = request.query_params.get("group")

    def read(db: Connection) -> list[dict[str, Any]] | None:
        key = groups.resolve(db, given) if given else None
        if given and key is None:
            return [] if bearer.everything else None
        if key and not may_see(db, bearer, [key]):
            return None
        rows = notices.listed(db, key)
        shown = [row for row in rows if may_see(db, bearer, _keys(db, row.id))]
        own = None if bearer.everything else keys_of(db, bearer)
        return [_listed(db, row, own) for row in shown]

    found = await house.store.read(read)
    if found is None:
        raise HTTPException(403, "令牌只能查看自己管理的群。")
    return JSONResponse(found)


def _keys(db: Connection, notice: str) -> list[str]:
    return [place.group for place in notices.places(db, notice)]


def _listed(db: Connection, row: Any, own: set[str] | None) -> dict[str, Any]:
    done, everybody = notices.counts(db, row.id)
    return {
        "id": row.id,
        "title": row.title,
        "text": row.text,
        "groups": [key.split(":", 1)[1] for key in _keys(db, row.id) if own is None or key in own],
        "at": local(row.at),
        "acknowledged": done,
        "pending": everybody - done,
        "state": row.state,
    }


def local(at: datetime) -> str:
    """ISO 8601 with the offset of Shanghai."""
    return at.astimezone(TIMEZONE).isoformat()


async def _notice(house: House, bearer: Bearer, request: Request) -> Any:
    """The notice of this path that the bearer may see; what they may not see does not exist for them."""
    notice = request.path_params["id"]

    def read(db: Connection) -> Any:
        row = notices.get(db, notice)
        return row if row and may_see(db, bearer, _keys(db, notice)) else None

    row = await house.store.read(read)
    if row is None:
        raise HTTPException(404, "没有这条通知，或令牌无权查看。")
    return row


async def get_notice(house: House, bearer: Bearer, request: Request) -> Response:
    row = await _notice(house, bearer, request)

    def read(db: Connection) -> dict[str, Any]:
        done, everybody = notices.counts(db, row.id)
        return {
            "id": row.id,
            "audience": everybody,
            "acknowledged": done,
            "pending": everybody - done,
            "via": notices.ways(db, row.id),
            "state": row.state,
        }

    return JSONResponse(await house.store.read(read))


async def get_pending(house: House, bearer: Bearer, request: Request) -> Response:
    """Names only of an emergency notice that is not over, and only for its own sender."""
    row = await _notice(house, bearer, request)
    if not row.emergency or house.settings.acknowledge.pending_names == "never":
        raise HTTPException(403, "只有应急、安保通知才能查看未确认名单；其他通知只看人数，不点名、不催办。")
    if row.sender != bearer.id:
        raise HTTPException(403, "未确认名单只给通知的发起人本人查看。")
    if row.emergency_until is None or house.now() > row.emergency_until:
        raise HTTPException(403, "应急通知已到期自动结束，不再显示名单。")
    pending = await house.store.read(lambda db: notices.pending(db, row.id))
    await note_read(house, bearer, "pending", row.id)
    return JSONResponse({"id": row.id, "pending": [one.name for one in pending]})


async def cancel_notice(house: House, bearer: Bearer, request: Request) -> Response:
    row = await _notice(house, bearer, request)
    if not (row.sender == bearer.id or await house.store.read(lambda db: may_run(db, bearer, _keys(db, row.id)))):
        raise HTTPException(403, "只有发起人、这些群的管理员或机制办可以取消通知。")
    await house.tell(NoticeCancelled(id=f"cancel:{row.id}", at=house.now(), notice=row.id, by=bearer.id))
    return await get_notice(house, bearer, request)


async def get_links(house: House, bearer: Bearer, request: Request) -> Response:
    row = await _notice(house, bearer, request)
    if bearer.role != "office" and row.sender != bearer.id:
        raise HTTPException(403, "确认链接只给通知的发起人和机制办。")

    def read(db: Connection) -> list[Any]:
        own = None if bearer.everything else keys_of(db, bearer)
        return [one for one in notices.audience(db, row.id) if own is None or one.group in own]

    people = await house.store.read(read)
    await note_read(house, bearer, "links", row.id)
    links = [
        {"person": one.person.split(":", 1)[1], "name": one.name, "url": house.links.notice_url(row.id, one.person)}
        for one in people
    ]
    return JSONResponse({"links": links})


async def post_check(house: House, bearer: Bearer, request: Request) -> Response:
    body = await object_of(request)
    text = string_in(body, "text")
    kind = body.get("kind") or "text"
    if kind not in ("text", "image", "file", "link"):
        raise HTTPException(422, "kind 应是 text、image、file、link 之一。")
    at = _at(body)
    judged = await asyncio.to_thread(
        demand.judge,
        text,
        at=at,
        kind=kind,
        rulebook=house.rulebook,
        calendar=house.calendar,
        informational=True,
    )
    return JSONResponse({"id": body.get("id"), "flags": [asdict(one) for one in judged.findings]})


def _at(body: dict[str, Any]) -> datetime | None:
    try:
        return wire.instant(body["at"], "at") if body.get("at") is not None else None
    except wire.WireError as error:
        raise HTTPException(422, str(error)) from None


async def _own(house: House, bearer: Bearer, week: str) -> tuple[str, dict[str, Any] | None]:
    """The week, checked, and what of it a bearer may see who does not see everything."""

    def read(db: Connection) -> tuple[str, dict[str, Any] | None]:
        asked = week_for(db, week, house.now())
        if bearer.everything:
            return asked, None
        return asked, allowed(db, bearer, opened_for(db, house.settings, asked, house.now()))

    try:
        return await house.store.read(read)
    except WeekError as error:
        raise HTTPException(422, str(error)) from None


async def get_inventory(house: House, bearer: Bearer, request: Request) -> Response:
    """Its rows name owners and admins: noted."""
    week, own = await _own(house, bearer, request.path_params["week"])
    await note_read(house, bearer, "inventory", week)
    if own is not None:
        return JSONResponse(own)
    file = TemporaryFile("w+", encoding="utf-8", dir=house.data)  # noqa: SIM115 - closed when it has been told

    def write(db: Connection) -> None:
        file.writelines(written(opened_for(db, house.settings, week, house.now())))

    try:
        # Before the answer begins: a database that is away is then still told as an error.
        await house.store.study(write)
    except BaseException:
        file.close()
        raise
    return StreamingResponse(_streamed(file), media_type="application/json")


async def _streamed(file: IO[str]) -> AsyncIterator[str]:
    """From a file on disk: who reads slowly holds neither a connection nor a province's rows in memory."""
    with file:
        file.seek(0)
        while some := await asyncio.to_thread(file.read, STREAMED):
            yield some


async def get_inventory_file(house: House, bearer: Bearer, request: Request) -> Response:
    try:
        week = await house.store.read(lambda db: week_for(db, request.path_params["week"], house.now()))
    except WeekError as error:
        raise HTTPException(422, str(error)) from None
    content = await file_of(house, bearer, week, "xlsx")
    return Response(
        content, media_type=XLSX, headers={"content-disposition": f'attachment; filename="inventory-{week}.xlsx"'}
    )


async def get_reduction(house: House, bearer: Bearer, request: Request) -> Response:
    """The figures of the last ended week: the reduction beside the load per person."""
    if bearer.role != "office":
        raise HTTPException(403, "精简情况由机制办查看。")

    def read(db: Connection) -> dict[str, Any]:
        snapshot = allowed(db, bearer, opened_for(db, house.settings, None, house.now()))
        listed = {name: list(rows) for name, rows in snapshot.items() if name in LISTS and name not in ("groups", "apps")}
        return {name: value for name, value in snapshot.items() if name not in LISTS} | listed

    return JSONResponse(await house.store.read(read))


async def post_events(house: House, bearer: Bearer, request: Request) -> Response:
    """An authorised archive's events: an object, an array, or JSON lines. 200 only after the commit, or when the broker has it.

    All are read before the first is told: a bad one refuses the whole delivery, naming its line; nothing is half done.
    """
    if not bearer.everything:
        raise HTTPException(403, "只有机制办授权的、不限单位的令牌可以送入事件。")
    raw = await request.body()
    events = []
    for number, data in enumerate(_objects(raw), start=1):
        try:
            events.append(wire.parse(data))
        except wire.WireError as error:
            raise HTTPException(422, f"第 {number} 个事件：{error}") from None
    if len(events) > MAX_EVENTS:
        raise HTTPException(413, f"一次最多 {MAX_EVENTS} 个事件，请分批送入。")
    await house.hand_over(events)
    return JSONResponse({"accepted": len(events)})


def _objects(raw: bytes) -> list[Any]:
    try:
        text = raw.decode("utf-8")
        try:
            data = json.loads(text)
        except ValueError:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        raise HTTPException(400, "请求体应是 JSON：一个事件、事件数组，或每行一个事件。") from None
    if isinstance(data, dict) and isinstance(data.get("events"), list):
        return list(data["events"])
    return data if isinstance(data, list) else [data]

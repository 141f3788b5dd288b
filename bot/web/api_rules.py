"""Appeals and trial runs of the rules over the API: `/api/v1/appeals`, `/api/v1/rules/test`, `/api/v1/rules/shadow`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot import trial
from bot.house import House
from bot.links import Bearer
from bot.web.bodies import object_of, string_in
from config.settings import TIMEZONE
from handlers.events import AppealDecided
from storage import flags

MAX_RULEBOOK = 200_000


def _office_only(bearer: Bearer) -> None:
    if bearer.role != "office":
        raise HTTPException(403, "申诉和规则试判由机制办使用。")


async def list_appeals(house: House, bearer: Bearer, request: Request) -> Response:
    """What waits for the office's word, oldest first; `text` is there only where its author shared it."""
    _office_only(bearer)
    return JSONResponse([_as_json(row) for row in await house.store.read(flags.appealed)])


def _as_json(row: Row[Any]) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in ("id", "group", "category", "rule", "span", "clause", "why", "suggestion")}
    return {**told, "at": row.at.astimezone(TIMEZONE).isoformat(), "text": row.text or None}


async def decide_appeal(house: House, bearer: Bearer, request: Request) -> Response:
    """`decision` upholds the flag or dismisses it; 409 when it is not, or no longer, appealed."""
    _office_only(bearer)
    flag = request.path_params["id"]
    decision = string_in(await object_of(request), "decision")
    if decision not in ("uphold", "dismiss"):
        raise HTTPException(422, "decision 应是 uphold（维持提示）或 dismiss（撤销提示）。")
    found = await house.store.read(lambda db: flags.get(db, flag))
    if found is None:
        raise HTTPException(404, "没有这条提示。")
    if found.state != "appealed":
        raise HTTPException(409, "这条提示没有在等待裁定：本人没有申诉，或者已经裁定过。")
    event = AppealDecided(
        id=f"appeal:{flag}:{decision}",
        at=house.now(),
        flag=flag,
        by=bearer.id,
        decision="uphold" if decision == "uphold" else "dismiss",
    )
    await house.tell(event)
    decided = await house.store.read(lambda db: flags.get(db, flag))
    return JSONResponse({"id": flag, "state": decided.state if decided else None})


async def test_rules(house: House, bearer: Bearer, request: Request) -> Response:
    _office_only(bearer)
    return await _tried(house, "")


async def shadow_rules(house: House, bearer: Bearer, request: Request) -> Response:
    """`rulebook` is TOML: a whole rulebook, or a file that adds to the present one. Nothing is changed by it."""
    _office_only(bearer)
    rulebook = string_in(await object_of(request), "rulebook")
    if not rulebook.strip() or len(rulebook) > MAX_RULEBOOK:
        raise HTTPException(422, f"rulebook 要写规则手册的内容（TOML），不超过 {MAX_RULEBOOK // 10_000} 万字。")
    return await _tried(house, rulebook)


async def _tried(house: House, rulebook: str) -> Response:
    stored = await house.store.read(trial.stored)
    try:
        return JSONResponse(await trial.try_apart(house.settings, stored, rulebook))
    except trial.TrialError as error:
        raise HTTPException(422, str(error)) from None

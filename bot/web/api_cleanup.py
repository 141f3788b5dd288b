"""`GET /api/v1/cleanup`: rounds from finding to closing with all their steps, for the office."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.house import House
from bot.links import Bearer
from bot.web.noting import note_read
from config.settings import TIMEZONE
from handlers.rules.cleanup import STATES
from storage import cleanup_pages, cleanups
from storage.cleanup_pages import Wanted

MAX_ITEMS = 500


async def list_cleanups(house: House, bearer: Bearer, request: Request) -> Response:
    """In the order of the register; `state`, `unit` and `page` narrow them down."""
    if bearer.role != "office":
        raise HTTPException(403, "清理事项由机制办查看。")
    state, unit, number = (request.query_params.get(name, "") for name in ("state", "unit", "page"))
    if state and state not in STATES:
        raise HTTPException(422, f"state 应是 {'、'.join(STATES)} 之一。")
    if number and not (number.isdecimal() and len(number) < 7 and int(number)):
        raise HTTPException(422, "page 应是从 1 起的页码。")
    wanted = Wanted(states=(state,) if state else (), unit=unit or None, within=bearer.units)
    before = (int(number or 1) - 1) * MAX_ITEMS

    def read(db: Connection) -> list[dict[str, Any]]:
        rows = cleanup_pages.listed(db, wanted, MAX_ITEMS, before)
        steps = cleanups.steps_of(db, [row.id for row in rows])
        return [as_json(row, steps.get(row.id, [])) for row in rows]

    found = await house.store.read(read)
    await note_read(house, bearer, "cleanup", " ".join(filter(None, (state, unit, number))))
    return JSONResponse(found)


def as_json(row: Row[Any], steps: Sequence[Row[Any]]) -> dict[str, Any]:
    """As the API tells it; people are keys, evidence classes are seen, declared, imported and exemption."""
    facts = json.loads(row.facts)
    return {
        "id": row.id,
        "kind": row.kind,
        "subject": row.subject,
        "name": row.name,
        "unit": row.unit,
        "round": row.round,
        "previous": row.previous or None,
        "week": row.week,
        "verdict": row.verdict,
        "reasons": facts["reasons"],
        "suggestion": row.suggestion,
        "state": row.state,
        "choice": row.choice,
        "reason": row.reason,
        "target": row.target,
        "until": row.ends.isoformat() if row.ends else None,
        "evidence": row.evidence,
        "verified": row.verified.isoformat() if row.verified else None,
        "due": _local(row.due),
        "escalated_at": _local(row.late_at),
        "steps": [_step(step) for step in steps],
    }


def _step(row: Row[Any]) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in ("step", "who", "whom", "evidence", "choice", "target", "note")}
    return {"number": row.number, "at": _local(row.at), **told, "until": row.ends.isoformat() if row.ends else None}


def _local(at: datetime | None) -> str | None:
    return at.astimezone(TIMEZONE).isoformat() if at else None

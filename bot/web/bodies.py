"""JSON bodies of requests, read with care: an object, its strings; 400, 413 or 422 with a sentence otherwise."""

from __future__ import annotations

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

MAX_JSON = 2_000_000


async def object_of(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if len(raw) > MAX_JSON:
        raise HTTPException(413, "请求内容太大，请缩短后再试。")
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        raise HTTPException(400, "请求体不是正确的 JSON。") from None
    if not isinstance(data, dict):
        raise HTTPException(422, "请求体应是一个 JSON 对象。")
    return data


def string_in(body: dict[str, Any], name: str, required: bool = True) -> str:
    value = body.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        raise HTTPException(422, f"{name} 应是文字。")
    return value

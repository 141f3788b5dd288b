"""Plain HTML forms, read with care: text fields only, bounded, several values under one name kept in order."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

MAX_FORM = 256 * 1024
MAX_FIELDS = 5000


class Form:
    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    def get(self, name: str, default: str = "") -> str:
        """The first value under this name."""
        return next((value for key, value in self._pairs if key == name), default)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]


async def form_of(request: Request) -> Form:
    raw = await request.body()
    if len(raw) > MAX_FORM:
        raise HTTPException(413, "内容太长，请缩短后再试。")
    try:
        text = raw.decode("ascii")
        return Form(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="replace"))
    except ValueError:
        raise HTTPException(400, "表单内容读不懂，请刷新页面后再试。") from None

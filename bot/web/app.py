"""The web server's one application: routes, security headers, designed errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from loguru import logger
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot import roles
from bot.bus import BusError
from bot.house import House
from bot.web import api, bind, health, pages, playground
from bot.web.templates import render
from storage.database import StoreError

STATIC = Path(__file__).parent / "static"
HEADERS = (
    (b"content-security-policy", b"default-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:; "
     b"frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)
BODY_SLACK = 1024 * 1024
SENTENCES = {
    401: "请先登录，或带上访问令牌。",
    403: "您没有这项权限。",
    404: "没有找到您要的页面。",
    405: "这个地址不支持这种操作。",
    413: "内容太大，请缩小后再试。",
    503: "系统暂时忙不过来，请稍后再试；您的操作没有丢。",
}

Handler = Callable[[Request, Exception], Awaitable[Response]]


def create_app(house: House) -> Starlette:
    # A process without pages still says how it is.
    parts: tuple[Any, ...] = (health,)
    if roles.WEB in roles.ROLES[house.role]:
        parts = (api, health, bind, pages, playground)
    app = Starlette(
        routes=[
            *(route for part in parts for route in part.routes(house)),
            Mount("/static", StaticFiles(directory=STATIC), name="static"),
        ],
        middleware=[Middleware(Guard, limit=house.settings.upload_mb * 1024 * 1024 + BODY_SLACK)],
        exception_handlers={
            HTTPException: _http_error,
            StoreError: _outage,
            BusError: _outage,
            Exception: _crash,
        },
    )
    # Error pages read the 演示数据 mark and the office's name from it.
    app.state.house = house
    return app


class Guard:
    """Adds the security headers to every answer and refuses bodies over the limit, declared or not."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > self.limit:
            await _too_large(scope)(scope, receive, _with_headers(send))
            return
        await self.app(scope, _bounded(receive, self.limit), _with_headers(send))


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(pair for pair in HEADERS if pair[0] not in present)]
        await send(message)

    return sending


def _bounded(receive: Receive, limit: int) -> Receive:
    taken = 0

    async def receiving() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise HTTPException(413)
        return message

    return receiving


def _too_large(scope: Scope) -> Response:
    return JSONResponse({"error": SENTENCES[413]}, status_code=413)


def _wants_json(request: Request) -> bool:
    return request.url.path.startswith("/api/") or "application/json" in request.headers.get("accept", "")


def _answer(request: Request, status: int, sentence: str, headers: dict[str, str] | None = None) -> Response:
    if _wants_json(request):
        return JSONResponse({"error": sentence}, status_code=status, headers=headers)
    page = render("error.html", request, status=status, sentence=sentence)
    return HTMLResponse(page, status_code=status, headers=headers)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    written = any("\u4e00" <= char <= "\u9fff" for char in error.detail)
    sentence = error.detail if written else SENTENCES.get(error.status_code, "请求没有成功。")
    return _answer(request, error.status_code, sentence, dict(error.headers or {}))


async def _outage(request: Request, error: Exception) -> Response:
    """The database or the broker did not take it: never a false 200."""
    logger.warning("暂时不可用：{}", error)
    return _answer(request, 503, str(error), {"retry-after": "5"})


async def _crash(request: Request, error: Exception) -> Response:
    return _answer(request, 500, "程序出错了，已记入日志。请稍后再试。")

"""A house with its pages, and clients of every role."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from bot.house import House
from bot.web.app import create_app

Client = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def client(house: House) -> AsyncIterator[Client]:
    """`client("office")`, `client("admin", "g1")` or `client(None)` for nobody in particular."""
    app = create_app(house)
    opened: list[httpx.AsyncClient] = []

    def make(role: str | None = "office", *groups: str, name: str = "机制办") -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {house.links.bearer(role, name, groups)}"} if role else {}
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        opened.append(httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers))
        return opened[-1]

    yield make
    for one in opened:
        await one.aclose()

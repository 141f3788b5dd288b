"""`/healthz` and `/metrics`: how the bot is, for machines."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bot.house import House
from storage import clockwork, outbox
from storage.database import StoreError


def routes(house: House) -> list[BaseRoute]:
    async def healthz(request: Request) -> Response:
        """200 when the database answers; a deaf channel is said, but does not make the bot unhealthy."""
        try:
            facts = await house.store.read(lambda db: _facts(db, house.now()))
        except StoreError as error:
            return JSONResponse({"status": "down", "error": str(error)}, status_code=503)
        heard = {name: _channel(channel) for name, channel in house.channels.items()}
        state = "ok" if all(one["state"] == "ok" for one in heard.values()) else "degraded"
        return JSONResponse({"status": state, "channels": heard, **facts})

    async def metrics(request: Request) -> Response:
        facts = await house.store.read(lambda db: _facts(db, house.now()))
        lines = [f'qingqun_outbox{{state="{state}"}} {count}' for state, count in sorted(facts["outbox"].items())]
        lines.append(f"qingqun_outbox_oldest_seconds {facts['outbox_oldest_seconds']}")
        lines.append(f"qingqun_troubles {facts['troubles']}")
        lines += [
            f'qingqun_channel_up{{channel="{name}"}} {int(channel.health().state == "ok")}'
            for name, channel in house.channels.items()
        ]
        return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")

    return [Route("/healthz", healthz), Route("/metrics", metrics)]


def _facts(db: Connection, now: datetime) -> dict[str, Any]:
    oldest = outbox.oldest_waiting(db)
    return {
        "outbox": outbox.depths(db),
        "outbox_oldest_seconds": max(0, int((now - oldest).total_seconds())) if oldest else 0,
        "troubles": clockwork.troubles(db),
    }


def _channel(channel: Any) -> dict[str, Any]:
    health = channel.health()
    return {
        "state": health.state,
        "cause": health.cause,
        "since": health.since.isoformat() if health.since else None,
    }

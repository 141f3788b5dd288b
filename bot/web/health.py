"""`/healthz` and `/metrics`: how this process and what it shares with the others are, for machines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bot import roles
from bot.bus import Backlog, BusError
from bot.bus.jetstream import PARTITIONS
from bot.channels import Health
from bot.house import House
from storage import clockwork, outbox
from storage.database import StoreError


def routes(house: House) -> list[BaseRoute]:
    async def healthz(request: Request) -> Response:
        """200 when the database answers; a deaf channel or a silent broker is said, but does not make it unhealthy."""
        try:
            facts = await house.store.read(lambda db: _facts(db, house.now()))
        except StoreError as error:
            return JSONResponse({"status": "down", "error": str(error)}, status_code=503)
        heard = {name: _channel(channel.health()) for name, channel in house.channels.items()}
        try:
            backlog: Backlog | None = await house.bus.backlog()
        except BusError:
            backlog = None
        good = backlog is not None and all(one["state"] == "ok" for one in heard.values())
        facts.pop("late")
        told = {"status": "ok" if good else "degraded", "channels": heard, **facts, "role": house.role}
        told["bus"] = {"depth": backlog.depth} if backlog else {"error": "NATS 没有应答"}
        return JSONResponse(told)

    async def metrics(request: Request) -> Response:
        """Also without a database or a broker: what cannot be asked is left out, and `qingqun_up` says so."""
        lines = [f'qingqun_info{{role="{house.role}",version="{version("qingqun")}"}} 1']
        lines += await _of_database(house)
        lines += await _of_bus(house)
        lines += _of_channels(house)
        lines += house.dispatch.latency.lines()
        lines += [f'qingqun_held{{what="{what}"}} {len(names)}' for what, names in sorted(house.held.items())]
        return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")

    return [Route("/healthz", healthz), Route("/metrics", metrics)]


async def _of_database(house: House) -> Iterator[str]:
    try:
        facts = await house.store.read(lambda db: _facts(db, house.now()))
    except StoreError:
        return iter(('qingqun_up{what="database"} 0',))
    depths = {"failed": 0, "sent": 0, "waiting": 0, **facts["outbox"]}
    return iter(
        (
            'qingqun_up{what="database"} 1',
            *(f'qingqun_outbox{{state="{state}"}} {count}' for state, count in sorted(depths.items())),
            f"qingqun_outbox_oldest_seconds {facts['outbox_oldest_seconds']}",
            f"qingqun_outbox_overdue_seconds {facts['late']['outbox']}",
            f'qingqun_lag_seconds{{of="timer"}} {facts["late"]["timer"]}',
            f"qingqun_troubles {facts['troubles']}",
        )
    )


async def _of_bus(house: House) -> Iterator[str]:
    try:
        backlog = await house.bus.backlog()
    except BusError:
        return iter(('qingqun_up{what="bus"} 0',))
    return iter(
        (
            'qingqun_up{what="bus"} 1',
            f"qingqun_queue_depth {backlog.depth}",
            f'qingqun_lag_seconds{{of="bus"}} {_seconds(backlog.since, house.now())}',
            f"qingqun_unreadable_events {backlog.aside}",
            f"qingqun_partitions {PARTITIONS}",
        )
    )


def _of_channels(house: House) -> Iterator[str]:
    """A channel that another process holds is not ours to judge: it is told as standing by."""
    for name, channel in house.channels.items():
        health = channel.health()
        yield f'qingqun_channel_up{{channel="{name}"}} {int(health.state == "ok")}'
        yield f'qingqun_channel_deaf_seconds{{channel="{name}"}} {_deaf(health, house.now())}'
    if roles.CHANNELS in roles.ROLES[house.role]:
        for name in roles.enabled(house.settings):
            yield f'qingqun_channel_held{{channel="{name}"}} {int(name in house.channels)}'


def _deaf(health: Health, now: datetime) -> int:
    return _seconds(health.since, now) if health.state != "ok" else 0


def _facts(db: Connection, now: datetime) -> dict[str, Any]:
    wake = clockwork.next_wake(db)
    return {
        "outbox": outbox.depths(db),
        "outbox_oldest_seconds": _seconds(outbox.oldest_waiting(db), now),
        "troubles": clockwork.troubles(db),
        "late": {"outbox": _seconds(outbox.overdue_since(db, now), now), "timer": _seconds(wake.at if wake else None, now)},
    }


def _seconds(since: datetime | None, now: datetime) -> int:
    """How long ago; 0 for what is still to come, or never was."""
    return max(0, int((now - since).total_seconds())) if since else 0


def _channel(health: Health) -> dict[str, Any]:
    return {
        "state": health.state,
        "cause": health.cause,
        "since": health.since.isoformat() if health.since else None,
    }

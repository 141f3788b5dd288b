"""The roles of a process: which parts it runs, and what it needs for that."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping

from config.settings import Settings, SettingsError

CHANNELS, WORKER, WEB, TIMER = "channels", "worker", "web", "timer"
# role → parts. A channels process also says what is to be said, and serves the pages that belong to its channels.
ROLES: Mapping[str, frozenset[str]] = {
    "all": frozenset({CHANNELS, WORKER, WEB, TIMER}),
    CHANNELS: frozenset({CHANNELS, WEB}),
    WORKER: frozenset({WORKER}),
    WEB: frozenset({WEB}),
    TIMER: frozenset({TIMER}),
}


def check(settings: Settings, role: str, demo: bool = False) -> None:
    """SettingsError when these settings cannot be shared by several processes."""
    if role == "all":
        return
    if demo:
        raise SettingsError("演示数据只能用 --role all 启动（也就是不写 --role）。")
    missing = [
        f"{key} 设为 {example}"
        for key, given, example in (
            ("database", settings.database, "postgresql+asyncpg://…"),
            ("bus", settings.bus.removeprefix("memory"), "nats://…"),
        )
        if not given
    ]
    if missing:
        raise SettingsError(
            f"--role {role} 是多进程运行的一部分：请先把 {'、'.join(missing)}（见 docs/scale.md）；单机运行不用写 --role。"
        )


def shared(settings: Settings) -> bool:
    """True when other processes may work on the same database."""
    return bool(settings.database)


def name_of(settings: Settings) -> str:
    """How this process is called among others; the only owner of an SQLite file needs no name."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}" if shared(settings) else ""


def enabled(settings: Settings) -> list[str]:
    """The kinds of channels that the settings switch on."""
    wanted = {
        "playground": settings.channels.playground.enabled,
        "wechaty": bool(settings.channels.wechaty.endpoint),
    }
    return [kind for kind, on in wanted.items() if on]

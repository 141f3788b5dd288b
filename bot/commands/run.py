"""`qingqun run`: the bot, or one role of it, until it is stopped."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import IO, Any

import uvloop

from bot import roles
from bot.app import one_of_many, serve, sole_owner
from bot.house import House
from config.logging import set_up_logging
from config.settings import Settings

NEEDS_STORE = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--demo", action="store_true", help="带演示数据启动")
    parser.add_argument("--port", type=int, metavar="N", help="监听端口，0 为任选")
    parser.add_argument(
        "--role", choices=tuple(roles.ROLES), default="all", metavar="|".join(roles.ROLES),
        help="多进程运行时本进程的角色，默认 all（一个进程做全部）；见 docs/scale.md",
    )  # fmt: skip


def run(args: argparse.Namespace, settings: Settings) -> int:
    role = args.role
    roles.check(settings, role, args.demo)
    if role == "all":
        with sole_owner(settings.data):
            return _run(serve(settings, demo=args.demo, ready=_say_addresses), settings, role)
    with one_of_many(settings.data):
        name, place = _place(settings.data, role)
        set_up_logging(settings.data, settings.retention.log_days, "INFO", name)
        with place:
            return _run(serve(settings, demo=False, role=role, ready=_say_ready), settings, role)


def _run(serving: Coroutine[Any, Any, int], settings: Settings, role: str) -> int:
    with asyncio.Runner(loop_factory=loop_of(settings, role)) as runner:
        return runner.run(serving)


def loop_of(settings: Settings, role: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop is a fifth quicker; but the WeChat gateway's TLS (grpclib) does not run on it."""
    if roles.CHANNELS in roles.ROLES[role] and "wechaty" in roles.enabled(settings):
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def _place(data: Path, role: str) -> tuple[str, IO[str]]:
    """The first free name of this role on this machine, for its log file; free again when the process ends."""
    number = 0
    while True:
        number += 1
        name = f"qingqun-{role}" + (f"-{number}" if number > 1 else "")
        handle = (data / f"lock-{name}").open("a+")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
        else:
            return name, handle


async def _say_addresses(house: House) -> None:
    base = house.links.base_url
    mark = "（演示数据）" if house.demo else ""
    print(f"轻群已启动{mark}：{base}/", flush=True)
    if "playground" in house.channels:
        print(f"  试用台    {base}/playground", flush=True)
    print(f"  机制办    {base}/office", flush=True)
    print(f"  接口文档  {base}/api/openapi.json", flush=True)
    print("  按 Ctrl-C 停止。", flush=True)


async def _say_ready(house: House) -> None:
    """Where this process listens, whatever the address of the pages is."""
    print(f"轻群已启动（{house.role}）：http://{house.settings.host}:{house.settings.port}/", flush=True)

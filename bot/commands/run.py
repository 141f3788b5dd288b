"""`qingqun run`: the bot, until it is stopped."""

from __future__ import annotations

import argparse
import asyncio

from bot.app import serve, sole_owner
from bot.house import House
from config.settings import Settings

NEEDS_STORE = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--demo", action="store_true", help="带演示数据启动")
    parser.add_argument("--port", type=int, metavar="N", help="监听端口，0 为任选")


def run(args: argparse.Namespace, settings: Settings) -> int:
    with sole_owner(settings.data):
        return asyncio.run(serve(settings, demo=args.demo, ready=_say_addresses))


async def _say_addresses(house: House) -> None:
    base = house.links.base_url
    mark = "（演示数据）" if house.demo else ""
    print(f"轻群已启动{mark}：{base}/", flush=True)
    if "playground" in house.channels:
        print(f"  试用台    {base}/playground", flush=True)
    print(f"  机制办    {base}/office", flush=True)
    print(f"  接口文档  {base}/api/openapi.json", flush=True)
    print("  按 Ctrl-C 停止。", flush=True)

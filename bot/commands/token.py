"""`qingqun token`: print one bearer token and nothing else."""

from __future__ import annotations

import argparse
import sys

from bot.links import Links, secret_of
from config.settings import Settings

NEEDS_STORE = False
NAMES = {"office": "机制办", "unit": "单位管理员", "admin": "群管理员"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--role", required=True, choices=tuple(NAMES), help="office 机制办，unit 单位管理员，admin 群管理员")
    parser.add_argument("--group", action="append", default=[], metavar="ID", help="管理员的群编号，可重复")
    parser.add_argument("--unit", default="", metavar="单位", help="只看这个单位和它的下级（office、unit 用）")
    parser.add_argument("--name", metavar="WHO", help="持有人，显示为通知的发起人")


def run(args: argparse.Namespace, settings: Settings) -> int:
    if args.role == "admin" and not args.group:
        print("管理员令牌要用 --group 写明管理哪些群（可重复）。", file=sys.stderr)
        return 2
    if args.role == "unit" and not args.unit:
        print("单位管理员令牌要用 --unit 写明是哪个单位。", file=sys.stderr)
        return 2
    if args.role == "admin" and args.unit:
        print("群管理员令牌用 --group 写明管理哪些群；限于一个单位的请用 --role unit --unit 单位。", file=sys.stderr)
        return 2
    links = Links(secret_of(settings, settings.data), "", settings.token_days)
    print(links.bearer(args.role, args.name or NAMES[args.role], tuple(args.group), args.unit))
    return 0

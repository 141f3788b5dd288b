"""`qingqun invite`: print one link with which somebody makes their account; it counts once and ends after some days."""

from __future__ import annotations

import argparse
import sys

from sqlalchemy import Connection

from bot.app import make_house
from bot.invitations import ROLES, invitation, problem_of
from bot.wire import MAX_NAME, clean
from config.settings import Settings
from storage import groups
from storage.database import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--role", required=True, choices=tuple(ROLES), help="office 机制办，unit 单位管理员，group 群管理员")
    parser.add_argument("--unit", default="", metavar="单位", help="只看这个单位和它的下级（office 可不写，看全部）")
    parser.add_argument("--group", action="append", default=[], metavar="群编号", help="群管理员的群，可重复")
    parser.add_argument("--name", default="", metavar="姓名", help="账号的姓名，显示为通知的发起人")


async def run(args: argparse.Namespace, settings: Settings, store: Store) -> int:
    unit, name = args.unit.strip(), clean(args.name, keep_lines=False).strip()[:MAX_NAME]
    problem = problem_of(args.role, unit, tuple(args.group))
    if problem:
        print(problem, file=sys.stderr)
        return 2

    def resolve(db: Connection) -> dict[str, str | None]:
        return {given: groups.resolve(db, given) for given in args.group}

    found = await store.read(resolve)
    if missing := [given for given, key in found.items() if key is None]:
        print(f"没有这个群：{'、'.join(missing)}。请核对群编号（群要先进过轻群，或导入过台账并对上）。", file=sys.stderr)
        return 2
    house = make_house(settings, store)
    keys = tuple(key for key in found.values() if key)
    token, event = invitation(
        "cli", house.now(), settings.signin.invite_days, role=args.role, unit=unit, groups=keys, name=name or ROLES[args.role]
    )  # fmt: skip
    await house.dispatch(event)
    print(f"{house.links.base_url}/office/invite/{token}")
    return 0

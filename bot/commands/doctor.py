"""`qingqun doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date

from bot.bus.jetstream import JetStreamBus
from bot.links import secret_of
from config.calendar import Calendar
from config.rulebook import load_rulebook
from config.settings import Settings
from storage import clockwork, outbox
from storage.database import Store

ENOUGH_DISK = 500 * 1024 * 1024
NEEDS_STORE = True


@dataclass(frozen=True, slots=True)
class Found:
    """`advice` is empty when all is well."""

    what: str
    advice: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


async def run(args: argparse.Namespace, settings: Settings, store: Store) -> int:
    found = [await check(settings, store) for check in CHECKS]
    for one in found:
        print(f"{'✗' if one.advice else '✓'} {one.what}" + (f"\n    怎么办：{one.advice}" if one.advice else ""))
    wrong = sum(bool(one.advice) for one in found)
    print(f"体检完成：{wrong} 处需要处理。" if wrong else "体检完成：一切正常。")
    return 1 if wrong else 0


async def _python(settings: Settings, store: Store) -> Found:
    version = ".".join(map(str, sys.version_info[:3]))
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Found(f"Python {version}", "" if good else "请使用 Python 3.11 至 3.13。")


async def _data(settings: Settings, store: Store) -> Found:
    free = shutil.disk_usage(settings.data).free
    if not os.access(settings.data, os.W_OK):
        return Found(f"数据目录 {settings.data} 不可写", "请检查目录的属主和权限。")
    what = f"数据目录 {settings.data}，剩余 {free // 1024**2} MB"
    return Found(what, "" if free > ENOUGH_DISK else "磁盘快满了，请清理或换到更大的磁盘。")


async def _database(settings: Settings, store: Store) -> Found:
    kind = "PostgreSQL" if settings.database else "SQLite"
    if not settings.database:
        damage = await store.study(lambda db: db.exec_driver_sql("PRAGMA quick_check(1)").scalar_one())
        if damage != "ok":
            return Found(
                f"数据库文件有损坏：{damage}",
                "请停掉轻群，把数据目录另存一份，再用最近的备份恢复：qingqun restore FILE.zip --force。",
            )
    failures = await store.read(clockwork.troubles)
    advice = f"有 {failures} 个事件处理出错，请查看 logs 目录里的日志。" if failures else ""
    return Found(f"数据库 {kind} 可以读写", advice)


async def _waiting(settings: Settings, store: Store) -> Found:
    depths = await store.read(outbox.depths)
    failed = depths.get("failed", 0)
    twice = await store.read(outbox.repeated)
    what = f"发送队列：等待 {depths.get('waiting', 0)} 条，失败 {failed} 条，重试后发出（对方可能收到两次）{twice} 条"
    return Found(what, "请查看日志里的失败原因，多为渠道未开通或对方不是好友。" if failed else "")


async def _secret(settings: Settings, store: Store) -> Found:
    secret_of(settings, settings.data)
    file = settings.data / "secret"
    exposed = file.exists() and file.stat().st_mode & 0o077
    return Found("签名密钥", f"{file} 其他人可读，请执行 chmod 600 {file}。" if exposed else "")


async def _rules(settings: Settings, store: Store) -> Found:
    load_rulebook(extra=settings.flags.rulebooks)
    return Found("规则库可以读取")


async def _calendar(settings: Settings, store: Store) -> Found:
    year = date.today().year  # noqa: DTZ011 - a year is near enough for this question
    known = Calendar(settings.work.days).knows(date(year, 7, 1))
    advice = f"内置日历没有 {year} 年的调休安排，请升级 chinesecalendar，或在 [work] days 里写明。"
    return Found(f"{year} 年工作日历", "" if known else advice)


async def _bus(settings: Settings, store: Store) -> Found:
    if settings.bus == "memory":
        return Found("事件通道：单机")
    from bot.bus import BusError

    bus = JetStreamBus(settings.bus)
    try:
        await bus.connect()
        await bus.close()
    except BusError as error:
        return Found("事件通道 NATS 连不上", str(error))
    return Found("事件通道 NATS 正常")


async def _processes(settings: Settings, store: Store) -> Found:
    """Which roles run on this database, wherever they run."""
    if not settings.database:
        return Found("单机运行，一个进程")
    running, workers, timers = [await store.holders(group) for group in ("process", "worker", "timer")]
    what = f"运行中的进程：{running} 个，其中处理事件的 {workers} 个，定时器{'在' if timers else '不在'}"
    if not running or settings.bus == "memory":
        return Found(what)
    lacking = [role for role, number in (("worker", workers), ("timer", timers)) if not number]
    advice = f"缺少 {'、'.join(lacking)}：事件会积在 NATS 里不处理，或到点不提醒。请启动 qingqun run --role …（见 docs/scale.md）。"
    return Found(what, advice if lacking else "")


async def _channels(settings: Settings, store: Store) -> Found:
    on = [
        label
        for label, switched in (
            ("网页试用台", settings.channels.playground.enabled),
            ("微信（Wechaty）", bool(settings.channels.wechaty.endpoint)),
        )
        if switched
    ]
    return Found(f"渠道：{'、'.join(on) or '无'}", "" if on else "没有开通任何渠道，请在 [channels] 里至少开通一个。")


CHECKS: tuple[Callable[[Settings, Store], Awaitable[Found]], ...] = (
    _python,
    _data,
    _database,
    _waiting,
    _secret,
    _rules,
    _calendar,
    _bus,
    _processes,
    _channels,
)

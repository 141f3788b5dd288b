"""The registers of the invented county: its groups and apps as an office keeps them, one group forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from bot.demo import city
from bot.demo.history import History
from bot.house import House
from storage import clockwork, feeds, pages, register

# In use and not in the register; a unit's own note for one that must stay silent.
FORGOTTEN = ("g09",)
SILENT, WHY = "g02", "应急值守，平时静默属正常"
# The bot was not in this group for so many days, until so many days ago.
UNHEARD, SINCE, UNTIL = "g25", 75, 21


def fill(db: Connection, house: House, history: History) -> None:
    now = house.now()
    register.save(db, "groups", [*_seen(history), *_told(history)], now)
    register.save(db, "apps", _apps(history), now)
    for name, ago in city.FEEDS.items():
        days = [history.today - timedelta(days=ago + 3 * number) for number in range(40)]
        feeds.replace(db, f"demo:{name}", days, f"{name}.xml")
    pages.exempt(db, f"playground:{SILENT}", WHY, "演示·县机制办")
    clockwork.note_gap(db, f"playground:{UNHEARD}", history.moment(SINCE, 9), history.moment(UNTIL, 9))


def _seen(history: History) -> list[dict[str, Any]]:
    listed = [one for one in city.GROUPS if not one.dissolved and one.id not in FORGOTTEN]
    return [
        {"id": f"demo:{one.id}", "group": f"{one.channel}:{one.id}", "position": place, "channel": one.channel,
         "name": one.name, "unit": one.unit, "kind": one.kind, "created": history.founded(one).date(), "matter": ""}
        for place, one in enumerate(listed, start=1)
    ]  # fmt: skip


def _told(history: History) -> list[dict[str, Any]]:
    """Groups that only the register knows; a last day of None is one that nobody filled in."""
    rows = []
    for place, (name, unit, kind, matter, last) in enumerate(city.REGISTERED, start=len(city.GROUPS) + 1):
        day = None if last is None else history.today - timedelta(days=last)
        rows.append(
            {"id": f"demo:r{place}", "group": None, "position": place, "channel": "wechat", "name": name, "unit": unit,
             "kind": kind, "created": history.founded(city.GROUPS[0]).date(), "matter": matter, "last_work_day": day}
        )  # fmt: skip
    return rows


def _apps(history: History) -> list[dict[str, Any]]:
    return [
        {"id": f"demo:{one.name}", "position": place, "name": one.name, "unit": one.unit, "kind": one.kind,
         "functions": one.functions, "monthly_active": one.active, "filing": one.filing,
         "updated": None if one.updated is None else history.today - timedelta(days=one.updated)}
        for place, one in enumerate(city.APPS)
    ]  # fmt: skip

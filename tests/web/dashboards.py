"""A small county with everything in it that the dashboard counts, and ways to read the page."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from bot.house import House
from bot.web.auth import COOKIE, CSRF_HEADER
from handlers.events import WeekEnded
from handlers.inventory import snapshot_for
from handlers.rules.week import end_of
from storage import clockwork, flags, inventories, notices, register
from storage.database import insert
from storage.tables import Cleanup
from tests.handlers.test_inventory import END, City
from tests.web.conftest import Client

DAY = timedelta(days=1)
WEEKS = ("2026-W45", "2026-W46", "2026-W47")
NOW = END + 2 * DAY
BIG, SMALL = "白沙镇", "渡口村"
FIG = re.compile(r'<a class="fig" href="(?P<href>[^"]+)">(?P<text>[^<]*)</a>')


async def furnished(house: House) -> City:
    """Five groups before, three of them closed, one back and one new; apps; notices; flags; gaps; three saved weeks."""
    city = City(house)
    await city.roster("g1", 100, people="123456", unit=BIG, created="2026-01-05")
    await city.roster("g2", 100, people="789", owner="p7", unit=SMALL, created="2026-01-05")
    await city.roster("g3", 99, people="12345", unit=BIG, created="2026-01-05")
    await city.roster("g6", 99, people="6789", unit=SMALL, created="2026-01-05")
    await city.dissolved("g6", 15)
    await city.roster("g4", 20, people="12345", unit=BIG)
    await city.roster("g5", 12, people="79", owner="p7", unit=SMALL)
    await city.write(lambda db: register.save(db, "groups", [_row("旧群", BIG)], END - 100 * DAY))
    for days in range(1, 40):
        await city.says("g1", days)
    await city.says("g2", 95)
    await city.dissolved("g3", 30)
    await city.register(id="wechat:旧群", name="旧群", unit=BIG, closed=(END - 25 * DAY).date())
    apps = [
        {"id": "a1", "position": 1, "name": "掌上办", "unit": BIG, "kind": "APP", "updated": (END - 200 * DAY).date()},
        {
            "id": "a2",
            "position": 2,
            "name": "随手拍",
            "unit": SMALL,
            "kind": "小程序",
            "closed": (END - 9 * DAY).date(),
        },
    ]
    await city.write(lambda db: [register.save(db, "apps", [one], END - 100 * DAY) for one in apps])
    await city.write(_weeks)
    for week in WEEKS:
        await house.dispatch(WeekEnded(id=week, at=end_of(week) + timedelta(hours=8), week=week))
    await city.write(_open_items)
    house.now = lambda: NOW
    return city


def _row(name: str, unit: str) -> dict[str, Any]:
    return {"id": f"wechat:{name}", "name": name, "channel": "wechat", "unit": unit, "position": 1}


def _weeks(db: Any) -> None:
    """In each week, the present one too: a notice to three, of whom one typed; a flag of a large and of a small unit."""
    people = [(f"playground:p{one}", BIG) for one in "123456"] + [("playground:p7", SMALL)]
    for person, unit in people:
        db.exec_driver_sql(f"UPDATE persons SET unit = '{unit}' WHERE id = '{person}'")
    for place, days in enumerate((17, 10, 3, -1)):
        at = END - days * DAY
        notice = f"n{place}"
        notices.open_notice(
            db,
            {"id": notice, "title": "开会", "text": "明天开会", "sender": "token:1", "sender_name": "机制办", "at": at},
        )
        notices.place(db, notice, "playground:g1", None, at)
        notices.freeze(db, notice, "playground:g1", [(f"playground:p{one}", f"干部{one}") for one in "123"])
        for person, via in zip("123", ("card", "link", "typed"), strict=True):
            values = {"acked": True, "first_at": at, "acked_at": at + timedelta(hours=1), "via": via}
            notices.save_receipt(db, notice, f"playground:p{person}", values)
        for number, (unit, category, state) in enumerate(
            [(BIG, "ranking", "open"), (SMALL, "checkin", "understood"), (BIG, "ranking", "dismissed")]
        ):
            flags.add(db, flag_of(f"f{place}-{number}", at, unit, category, state))
    # Before the last message of g2, so that its silence was heard.
    clockwork.note_gap(db, "playground", END - 99 * DAY, END - 97 * DAY)
    clockwork.note_gap(db, "playground:g2", END - 97 * DAY, END - 96 * DAY)


def flag_of(flag: str, at: Any, unit: str, category: str, state: str = "open") -> dict[str, Any]:
    return {
        "id": flag, "group": "playground:g1", "unit": unit, "person": "playground:p1", "message": flag, "at": at,
        "category": category, "rule": "x", "span": "按进度排名", "digest": "d", "state": state,
    }  # fmt: skip


def _open_items(db: Any) -> None:
    """One waits since last week, two for ten weeks."""
    for number, (week, state) in enumerate([("2026-W47", "proposed"), ("2026-W37", "doing"), ("2026-W37", "doing")]):
        values = {"id": f"c{number}", "kind": "group", "subject": f"x{number}", "name": f"事项{number}", "week": week}
        db.execute(insert(db, Cleanup).values(**values, verdict="watch", state=state, at=END))


async def snapshot(house: House, week: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = await house.store.read(lambda db: snapshot_for(db, house.settings, week, NOW))
    return found


async def keep(house: House, week: str, body: dict[str, Any]) -> None:
    await house.store.write(lambda db: inventories.save(db, week, end_of(week), body))


async def office(house: House, client: Client, role: str = "office", *groups: str) -> httpx.AsyncClient:
    visitor = client(None)
    token = house.links.bearer(role, "机制办", groups)
    await visitor.post("/office/signin", data={"token": token})
    visitor.headers[CSRF_HEADER] = house.links.csrf(visitor.cookies[COOKIE])
    return visitor


def figures(page: str) -> list[tuple[dict[str, str], str, str]]:
    """Every figure that opens: what its address asks for, the address, what it says."""
    found = [(html.unescape(one["href"]), one["text"]) for one in FIG.finditer(page)]
    return [({name: value[0] for name, value in _query(href).items()}, href, text) for href, text in found]


def _query(href: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(href).query, keep_blank_values=True)


def said(page: str, what: str, **more: str) -> set[str]:
    """What the page says wherever it tells this figure."""
    return {text for query, _, text in figures(page) if query["what"] == what and _is(query, more)}


def _is(query: dict[str, str], more: dict[str, str]) -> bool:
    return all(query.get(name) == value for name, value in more.items()) and ("unit" in query) == ("unit" in more)


def bare(page: str) -> str:
    return re.sub(r"\s", "", html.unescape(re.sub(r"<[^>]+>", "", page)))

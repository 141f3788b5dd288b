"""Two towns that must not see each other, an office above them, and ways to be each of the roles."""

from __future__ import annotations

import secrets
from datetime import timedelta
from functools import cache
from typing import Any

import httpx

from bot.house import House
from bot.invitations import hash_of
from bot.passwords import HASHER
from bot.web.app import create_app
from bot.web.auth import COOKIE, CSRF_HEADER
from config.wording import load_wording
from handlers.erase import receipt_for
from storage import accounts, erasure, flags, notices, register, registerimports, sessions
from storage.erasure import Erased
from tests.handlers.cleaning import END, Cleaning, on

OWN, VILLAGE, OTHER = "柳湾镇", "柳湾村", "白沙镇"
UNITS = {OWN: [VILLAGE], VILLAGE: ["一组"]}
PASSWORD = "槐花 开在 五月里 了"
# role → (role of the account, unit, groups)
ROLES: dict[str, tuple[str, str, str]] = {
    "office": ("office", "", "[]"),
    "town": ("office", OWN, "[]"),
    "unit": ("unit", OWN, "[]"),
    "group": ("group", "", '["playground:g1"]'),
}
DAY = timedelta(days=1)


async def two_towns(house: House) -> Cleaning:
    """g1 is of the town, g3 of its village, g2 (and g4) of the other town: each with a round, a notice, an appeal, an app."""
    city = Cleaning(house)
    await city.silent("g1", people="123456", unit=OWN)
    await city.silent("g3", people="2345678", unit=VILLAGE)
    await city.silent("g2", people="abcdefg", owner="pa", unit=OTHER)
    # The other town has a group with the people of g1, whose name is nobody's business.
    await city.silent("g4", people="123456", unit=OTHER)
    apps = [{"id": f"a{n}", "position": n, "name": f"{unit}掌上办", "unit": unit, "kind": "APP"} for n, unit in ((1, OWN), (2, OTHER))]
    await city.write(lambda db: [register.save(db, "apps", [one], END - 99 * DAY) for one in apps])
    await city.write(_notices_and_flags)
    await city.week()
    await city.write(_accounts)
    await city.write(_register)
    house.now = lambda: on(1)
    return city


def _notices_and_flags(db: Any) -> None:
    for group, unit, person in (("g1", OWN, "1"), ("g2", OTHER, "a"), ("g3", VILLAGE, "2")):
        values = {"id": f"n{group}", "title": f"{unit}开会", "text": "开会", "sender": "token:1", "sender_name": f"{unit}老周"}
        notices.open_notice(db, {**values, "at": END - DAY})
        notices.place(db, f"n{group}", f"playground:{group}", None, END - DAY)
        notices.freeze(db, f"n{group}", f"playground:{group}", [(f"playground:p{person}", f"干部{person}")])
        receipt = {"acked": True, "first_at": END - DAY, "acked_at": END - DAY, "via": "card"}
        notices.save_receipt(db, f"n{group}", f"playground:p{person}", receipt)
        flag = {"id": f"f{group}", "group": f"playground:{group}", "unit": unit, "message": f"m{group}"}
        flag |= {"person": f"playground:p{person}", "at": END - DAY, "category": "ranking", "rule": "x", "digest": "d"}
        flags.add(db, {**flag, "span": f"{unit}排名", "state": "appealed", "text": f"{unit}按进度排名通报"})


def _register(db: Any) -> None:
    """Every group has its row; a file waits to be confirmed; somebody was erased."""
    rows = [
        {"id": f"playground:{group}", "position": n, "channel": "playground", "name": f"{group}群", "unit": unit, "owner": f"{unit}老周"}
        for n, (group, unit) in enumerate((("g1", OWN), ("g2", OTHER), ("g3", VILLAGE), ("g4", OTHER)))
    ]
    register.save(db, "groups", rows, END)
    draft = {"id": "i1", "book": "groups", "file": "台账.csv", "sha256": "0", "who": "office:x", "at": END, "parts": 1}
    registerimports.keep(db, draft, 0, "[]")
    erasure.keep_receipt(db, "r1", END, "office:x", receipt())


@cache
def receipt() -> dict[str, Any]:
    return receipt_for("playground:gone", Erased(), END, "r1", 0, load_wording())


def _accounts(db: Any) -> None:
    for role, (kind, unit, groups) in ROLES.items():
        row = {"id": f"{role}1", "name": f"{role}的人", "login": role, "password": known(), "role": kind, "unit": unit}
        accounts.add(db, {**row, "groups": groups, "at": END})
    row = {"id": "far1", "name": "白沙的人", "login": "far", "password": known(), "role": "unit", "unit": OTHER}
    accounts.add(db, {**row, "groups": "[]", "at": END})


@cache
def known() -> str:
    return HASHER.hash(PASSWORD)


def stranger(house: House) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=create_app(house), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def enter(house: House, role: str) -> httpx.AsyncClient:
    """Signed in, without the time that a password takes; every form carries the session's word."""
    visitor = stranger(house)
    cookie = secrets.token_urlsafe(16)
    row = {"id": hash_of(cookie), "account": f"{role}1", "bearer": "", "at": house.now(), "seen": house.now()}
    await house.store.write(lambda db: sessions.start(db, {**row, "until": house.now() + DAY}))
    visitor.cookies.set(COOKIE, cookie, path="/office")
    visitor.headers[CSRF_HEADER] = house.links.csrf(cookie)
    return visitor


def bearer(house: House, role: str) -> httpx.AsyncClient:
    """The same role with a token, for the API."""
    kind, unit, _ = ROLES[role]
    groups = ("playground:g1",) if kind == "group" else ()
    token = house.links.bearer("admin" if kind == "group" else kind, f"{role}的人", groups, unit)
    visitor = stranger(house)
    visitor.headers["authorization"] = f"Bearer {token}"
    return visitor

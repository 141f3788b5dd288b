"""Accounts: one link makes one, a password opens it, guessing takes ever longer, leaving ends it here and not only there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.house import House
from bot.invitations import hash_of
from bot.web.auth import COOKIE, CSRF_HEADER
from config.passwords import common_passwords
from config.settings import SettingsError, load_settings
from handlers.events import DayEnded
from handlers.rules.signin import waiting_seconds, weakness
from handlers.rules.units import subtree
from storage import accounts, sessions
from tests.conftest import make
from tests.handlers.cleaning import Cleaning, on
from tests.web.test_roles import READ
from tests.web.towns import OTHER, OWN, PASSWORD, UNITS, VILLAGE, enter, stranger, two_towns

NEW = "三月的风 吹过晒谷场"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async for one in make(tmp_path, **{"office.units": UNITS, "signin.free_tries": 2, "signin.address_tries": 8}):
        yield one


@pytest.fixture
async def towns(house: House) -> Cleaning:
    return await two_towns(house)


async def signin(visitor: httpx.AsyncClient, login: str = "town", password: str = PASSWORD) -> httpx.Response:
    return await visitor.post("/office/signin", data={"login": login, "password": password})


def link_in(page: str) -> str:
    found = re.search(r'<code id="link">[^<]*(/office/invite/[^<]+)</code>', page)
    assert found, page
    return found[1]


async def invited(house: House, **form: Any) -> str:
    whole = await enter(house, "office")
    answer = await whole.post("/office/accounts", data={"name": "小秦", "role": "unit", "unit": OWN, **form})
    return link_in(answer.text)


async def accept(visitor: httpx.AsyncClient, link: str, login: str = "xiaoqin", password: str = NEW, **form: Any) -> httpx.Response:
    return await visitor.post(link, data={"login": login, "password": password, "again": password, **form})


async def test_a_link_makes_an_account_that_signs_in(house: House, towns: Cleaning) -> None:
    link, visitor = await invited(house), stranger(house)
    page = await visitor.get(link)
    assert page.status_code == 200
    assert "小秦" in page.text
    made = await accept(visitor, link, " ＸiaoQin ")
    assert (made.status_code, made.headers["location"]) == (303, "/office/signin?done=invited")
    entered = await signin(visitor, "xiaoqin", NEW)
    assert (entered.status_code, entered.headers["location"]) == (303, "/office")
    cookie = entered.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/office"))
    assert "单位管理员·柳湾镇" in (await visitor.get("/office")).text
    row = await house.store.read(lambda db: accounts.by_login(db, "xiaoqin"))
    assert row.password.startswith("$argon2id$")


async def test_a_link_counts_once_and_not_for_ever(house: House, towns: Cleaning) -> None:
    link, late = await invited(house), await invited(house)
    assert (await accept(stranger(house), link)).status_code == 303
    for answer in (await stranger(house).get(link), await accept(stranger(house), link, "another")):
        assert answer.status_code == 410
        assert "已经用过、过期或被收回" in answer.text
    assert await house.store.read(lambda db: accounts.by_login(db, "another")) is None
    house.now = lambda: on(1) + timedelta(days=7)
    assert (await accept(stranger(house), late, "another")).status_code == 410
    assert (await stranger(house).get("/office/invite/made-up")).status_code == 404


async def test_two_who_use_one_link_at_once_make_one_account(house: House, towns: Cleaning) -> None:
    link = await invited(house)
    answers = await asyncio.gather(*(accept(stranger(house), link, f"login{n}") for n in range(4)))
    assert sorted(one.status_code for one in answers) == [303, 410, 410, 410]
    rows = await house.store.read(lambda db: accounts.listed(db, None))
    assert sum(row.login.startswith("login") for row in rows) == 1


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"password": "short", "again": "short"}, 422, "至少 10 个字"),
        ({"password": "1234567890", "again": "1234567890"}, 422, "太常见"),
        ({"password": "QWERTYUIOP", "again": "QWERTYUIOP"}, 422, "太常见"),
        ({"password": "xiaoqin-2026", "again": "xiaoqin-2026"}, 422, "不能和登录名一样或包含"),
        ({"password": "x" * 200, "again": "x" * 200}, 422, "不超过 128 个字"),
        ({"password": NEW, "again": NEW + "x"}, 422, "两次输入的密码不一样"),
        ({"login": "a"}, 422, "登录名请用 2 到 64 个字"),
        ({"login": "小 秦"}, 422, "登录名请用 2 到 64 个字"),
        ({"login": "oidc:0000"}, 422, "登录名请用 2 到 64 个字"),
        ({"login": "town"}, 409, "已经有人用"),
    ],
)
async def test_what_cannot_be_taken_says_why_and_leaves_the_link(
    house: House, towns: Cleaning, form: dict[str, str], status: int, said: str
) -> None:
    link, visitor = await invited(house), stranger(house)
    answer = await visitor.post(link, data={"login": "xiaoqin", "password": NEW, "again": NEW, **form})
    assert answer.status_code == status
    assert said in answer.text
    assert NEW not in answer.text
    assert (await accept(visitor, link)).status_code == 303


async def test_signing_in_gives_a_new_session_whatever_the_browser_brought(house: House, towns: Cleaning) -> None:
    visitor = stranger(house)
    visitor.cookies.set(COOKIE, "planted-by-somebody-else", path="/office")
    first = (await signin(visitor)).cookies[COOKIE]
    planted = stranger(house)
    planted.cookies.set(COOKIE, "planted-by-somebody-else", path="/office")
    assert (await planted.get("/office/notices")).status_code == 303
    visitor.cookies.clear()
    visitor.cookies.set(COOKIE, first, path="/office")
    second = (await signin(visitor)).cookies[COOKIE]
    assert second != first
    # What the browser had before is over.
    planted.cookies.clear()
    planted.cookies.set(COOKIE, first, path="/office")
    assert (await planted.get("/office/notices")).status_code == 303
    planted.cookies.clear()
    planted.cookies.set(COOKIE, second, path="/office")
    assert (await planted.get("/office/notices")).status_code == 200


async def test_leaving_ends_it_on_the_server(house: House, towns: Cleaning) -> None:
    visitor, thief = stranger(house), stranger(house)
    await signin(visitor)
    thief.cookies.set(COOKIE, visitor.cookies[COOKIE], path="/office")
    assert (await thief.get("/office/notices")).status_code == 200
    await visitor.post("/office/signout")
    assert (await thief.get("/office/notices")).status_code == 303


@pytest.mark.parametrize("by_token", [False, True])
async def test_a_session_ends_when_it_is_idle_or_old(house: House, towns: Cleaning, by_token: bool) -> None:
    visitor = stranger(house)
    token = house.links.bearer("office", "机制办", ())
    await (visitor.post("/office/signin", data={"token": token}) if by_token else signin(visitor))
    begun = on(1)
    for minutes in range(50, 12 * 60, 50):
        house.now = lambda at=begun + timedelta(minutes=minutes): at
        assert (await visitor.get("/office/notices/new")).status_code == 200, f"used after {minutes} minutes"
    house.now = lambda: begun + timedelta(hours=12)
    assert (await visitor.get("/office/notices/new")).status_code == 303, "twelve hours are the most"
    await (visitor.post("/office/signin", data={"token": token}) if by_token else signin(visitor))
    house.now = lambda: begun + timedelta(hours=13)
    assert (await visitor.get("/office/notices/new")).status_code == 303, "an hour without a word"


async def test_a_new_password_ends_the_other_sessions(house: House, towns: Cleaning) -> None:
    here, there = stranger(house), stranger(house)
    for one in (here, there):
        await signin(one)
    here.headers[CSRF_HEADER] = house.links.csrf(here.cookies[COOKIE])
    form = {"old": PASSWORD, "password": NEW, "again": NEW}
    assert "现在的密码不对" in (await here.post("/office/password", data={**form, "old": "x"})).text
    assert "密码已改" in (await here.post("/office/password", data=form)).text
    assert (await here.get("/office/notices")).status_code == 200
    assert (await there.get("/office/notices")).status_code == 303
    assert (await signin(there, password=PASSWORD)).status_code == 401
    assert (await signin(there, password=NEW)).status_code == 303


async def test_a_forgotten_password_is_set_anew_by_a_link(house: House, towns: Cleaning) -> None:
    whole, visitor = await enter(house, "office"), await enter(house, "town")
    old = link_in((await whole.post("/office/accounts/town1", data={"act": "reset"})).text)
    link = link_in((await whole.post("/office/accounts/town1", data={"act": "reset"})).text)
    assert (await stranger(house).get(old)).status_code == 410, "only the newest link counts"
    assert (await visitor.get("/office/notices")).status_code == 200, "until the new password is set"
    assert (await accept(stranger(house), link, "somebody-else")).status_code == 303
    assert (await visitor.get("/office/notices")).status_code == 303
    assert (await signin(stranger(house), "town", NEW)).status_code == 303
    assert await house.store.read(lambda db: accounts.by_login(db, "somebody-else")) is None


async def test_who_is_switched_off_is_out_at_once(house: House, towns: Cleaning) -> None:
    whole, visitor = await enter(house, "office"), await enter(house, "town")
    link = link_in((await whole.post("/office/accounts/town1", data={"act": "reset"})).text)
    assert (await whole.post("/office/accounts/town1", data={"act": "disable"})).status_code == 303
    assert (await visitor.get("/office/notices")).status_code == 303
    assert (await signin(stranger(house))).status_code == 401
    assert (await stranger(house).get(link)).status_code == 410
    assert "已停用" in (await whole.get("/office/accounts")).text
    await whole.post("/office/accounts/town1", data={"act": "enable"})
    assert (await signin(stranger(house))).status_code == 303
    own = await whole.post("/office/accounts/office1", data={"act": "disable"})
    assert own.status_code == 422
    assert "不能停用自己" in own.text


async def test_a_towns_office_gives_away_no_more_than_it_has(house: House, towns: Cleaning) -> None:
    town = await enter(house, "town")
    page = (await town.get("/office/accounts")).text
    assert "unit的人" in page
    assert "白沙的人" not in page
    for form in (
        {"role": "office"}, {"role": "office", "unit": OTHER}, {"role": "unit", "unit": OTHER},
        {"role": "group", "group": "playground:g2"}, {"role": "group"}, {"role": "unit"}, {"role": "king"},
        {"role": "group", "group": "playground:nowhere"}, {"role": "unit", "unit": OWN, "group": "playground:g1"},
    ):  # fmt: skip
        answer = await town.post("/office/accounts", data={"name": "小秦", **form})
        assert answer.status_code == 422, form
        assert "/office/invite/" not in answer.text
    for form in ({"role": "office", "unit": VILLAGE}, {"role": "group", "group": "playground:g3"}):
        assert link_in((await town.post("/office/accounts", data={"name": "小秦", **form})).text)


async def test_a_unit_that_has_no_group_is_pointed_out(house: House, towns: Cleaning) -> None:
    whole = await enter(house, "office")
    for unit, warned in (("柳弯镇", True), (OWN, False)):
        page = (await whole.post("/office/accounts", data={"name": "小秦", "role": "unit", "unit": unit})).text
        assert link_in(page)
        assert ("没有一个群" in page) is warned


async def test_guessing_takes_ever_longer_and_never_locks(house: House, towns: Cleaning) -> None:
    thief, begun = stranger(house), on(1)
    for _ in range(2):
        answer = await signin(thief, password="guessed-it-1")
        assert answer.status_code == 401
        assert "登录名或密码不对" in answer.text
        assert "guessed-it-1" not in answer.text
    for wait in (5, 10, 20):
        answer = await signin(thief)
        assert answer.status_code == 429, "even the right one is not looked at"
        assert answer.headers["retry-after"] == str(wait)
        begun += timedelta(seconds=wait)
        house.now = lambda at=begun: at
        assert f"请在 {begun.astimezone(on(1).tzinfo):%H:%M:%S} 以后再试" in answer.text
        assert (await signin(thief, password="guessed-it-1")).status_code == 401
    house.now = lambda at=begun + timedelta(seconds=40): at
    assert (await signin(stranger(house))).status_code == 303
    # The right password forgives what was wrong before it.
    assert (await signin(stranger(house), password="guessed-it-1")).status_code == 401
    assert (await signin(stranger(house))).status_code == 303


async def test_many_guesses_at_once_are_counted_before_they_are_looked_at(house: House, towns: Cleaning) -> None:
    thief = stranger(house)
    answers = await asyncio.gather(*(signin(thief, password=f"guess-number-{n}") for n in range(7)))
    assert sorted(one.status_code for one in answers) == [401, 401, 429, 429, 429, 429, 429]


async def test_one_address_that_tries_many_logins_waits_too(house: House, towns: Cleaning) -> None:
    thief = stranger(house)
    answers = [await signin(thief, f"nobody{n}") for n in range(10)]
    assert [one.status_code for one in answers] == [401] * 8 + [429] * 2


async def test_a_login_that_nobody_has_is_answered_alike(house: House, towns: Cleaning) -> None:
    pages = []
    for login in ("town", "nobody"):
        answer = await signin(stranger(house), login, "wrong-password")
        pages.append((answer.status_code, answer.text.replace(f'value="{login}"', "")))
    assert pages[0] == pages[1]


async def test_the_log_counts_and_holds_neither_login_nor_password(
    house: House, towns: Cleaning, capsys: pytest.CaptureFixture[str]
) -> None:
    from loguru import logger

    lines: list[str] = []
    sink = logger.add(lines.append, format="{message}")
    await signin(stranger(house), "a-password-in-the-wrong-field", "wrong-password")
    for _ in range(3):
        await signin(stranger(house), "town", "wrong-password")
    logger.remove(sink)
    text = "".join(lines)
    assert "账号 town1，今天第 2 次" in text
    assert "登录被推迟" in text
    assert "password" not in text
    kept = await house.store.read(lambda db: db.execute(sessions.TRIES.select()).all())
    assert kept
    assert "password" not in str(kept)
    assert "town" not in str(kept)


async def test_tries_sessions_and_links_are_forgotten(house: House, towns: Cleaning) -> None:
    await invited(house)
    await signin(stranger(house), "town", "wrong-password")
    at = on(1) + timedelta(days=8)
    await house.dispatch(DayEnded(id="d", at=at, day=at.date()))
    for table in (sessions.TRIES, sessions.SESSIONS, accounts.INVITATIONS):
        assert await house.store.read(lambda db, t=table: db.execute(t.select()).all()) == []


@pytest.mark.parametrize(
    "field", [{}, {"csrf": ""}, {"csrf": "x"}, {"csrf": "另一个"}], ids=["none", "empty", "wrong", "Chinese"]
)
async def test_a_form_without_the_sessions_word_is_refused(
    house: House, towns: Cleaning, field: dict[str, str]
) -> None:
    visitor, another = await enter(house, "office"), await enter(house, "office")
    del visitor.headers[CSRF_HEADER]
    form = {"name": "小秦", "role": "unit", "unit": OWN}
    for data in ({**form, **field}, {**form, "csrf": another.headers[CSRF_HEADER]}):
        answer = await visitor.post("/office/accounts", data=data)
        assert answer.status_code == 403
        assert "页面已过期" in answer.text
    own = house.links.csrf(visitor.cookies[COOKIE])
    assert (await visitor.post("/office/accounts", data={**form, "csrf": own})).status_code == 200
    parts = {name: (None, value) for name, value in {**form, "csrf": own}.items()}
    assert (await visitor.post("/office/accounts", files=parts)).status_code != 403, "an upload carries it, too"
    site = {"sec-fetch-site": "cross-site"}
    assert (await visitor.post("/office/accounts", data={**form, "csrf": own}, headers=site)).status_code == 403


class Forms(HTMLParser):
    """Posting forms, and whether each carries the word."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token, self.found, self.inside = token, [], False  # type: ignore[var-annotated]

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        if tag == "form":
            self.inside = given.get("method") == "post"
            self.found += [False] if self.inside else []
        elif tag == "input" and given.get("name") == "csrf" and self.inside:
            assert given["value"] == self.token
            self.found[-1] = True


async def test_every_form_of_every_page_carries_the_word(house: House, towns: Cleaning) -> None:
    visitor = await enter(house, "office")
    count = 0
    items = [one.id for one in await towns.items()]
    pages = (*READ, *(f"/office/cleanup/{one}" for one in items), "/office/notices/ng1", "/office/password")
    for address in pages:
        forms = Forms(visitor.headers[CSRF_HEADER])
        forms.feed((await visitor.get(address)).text)
        assert all(forms.found), address
        count += len(forms.found)
    assert count > len(pages)


def test_the_wait_doubles_up_to_the_most() -> None:
    assert [waiting_seconds(number, 3, 5, 900) for number in (0, 2, 3, 4, 5, 10, 11, 1000)] == [0, 0, 5, 10, 20, 640, 900, 900]


@pytest.mark.parametrize("password", ["1234567890", "Password123", "aaaaaaaaaaaa", "1212121212", "qingqun2026", "１２３４５６７８９０"])
def test_what_everybody_tries_first_is_refused(password: str) -> None:
    assert weakness(password, "somebody", 10, common_passwords()) == "common"


def test_any_long_password_will_do() -> None:
    for password in (NEW, PASSWORD, "correct horse battery", "zhuozishanyoubeishui"):
        assert weakness(password, "somebody", 9, common_passwords()) == ""


def test_a_unit_sees_itself_and_all_that_is_under_it() -> None:
    assert subtree(OWN, UNITS) == {OWN, VILLAGE, "一组"}
    assert subtree(OTHER, UNITS) == {OTHER}


@pytest.mark.parametrize(
    ("units", "said"),
    [
        ({"甲": ["乙"], "丙": ["乙"]}, "不止一次"),
        ({"甲": ["乙"], "乙": ["甲"]}, "自己的上级"),
        ({"甲": ["甲"]}, "自己的上级"),
    ],
)
def test_a_unit_has_one_parent_and_is_not_its_own(units: dict[str, list[str]], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_settings(flags={"office.units": units}, environ={})


async def test_a_cookie_is_kept_as_a_hash_only(house: House, towns: Cleaning) -> None:
    visitor = stranger(house)
    await signin(visitor)
    rows = await house.store.read(lambda db: db.execute(sessions.SESSIONS.select()).all())
    assert [row.id for row in rows] == [hash_of(visitor.cookies[COOKIE])]
    assert visitor.cookies[COOKIE] not in str(rows)

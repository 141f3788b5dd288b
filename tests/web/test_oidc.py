"""Signing in with a single sign-on: a real provider's protocol, and everything in it that could be forged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.house import House
from bot.web.app import create_app
from config.settings import SettingsError, load_settings
from storage import accounts
from tests.conftest import MONDAY, Town, make
from tests.web.provider import CLIENT, SECRET, Provider


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider(MONDAY.timestamp())
    yield made
    made.close()


@pytest.fixture
async def house(tmp_path: Path, provider: Provider) -> AsyncIterator[House]:
    oidc = {"issuer": provider.issuer, "client_id": CLIENT, "client_secret": SECRET, "role_claim": "roles",
            "roles": {"jzb": "office", "dw": "unit", "qz": "group"}, "unit_claim": "org.unit", "groups_claim": "rooms"}  # fmt: skip
    async for one in make(tmp_path, **{f"office.oidc.{name}": value for name, value in oidc.items()}):
        yield one


@pytest.fixture
async def browser(house: House) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(house), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=house.links.base_url) as made:
        yield made


async def away(browser: httpx.AsyncClient, back: str = "") -> str:
    """To the provider, which signs its reader in and gives the address of the way back."""
    sent = await browser.get(f"/office/oidc?back={back}")
    assert sent.status_code == 303, sent.text
    async with httpx.AsyncClient() as outside:
        returned = await outside.get(sent.headers["location"])
    return str(returned.headers["location"])


async def test_who_comes_back_is_signed_in_as_the_claims_say(house: House, browser: httpx.AsyncClient) -> None:
    answer = await browser.get(await away(browser, "/office/notices"))
    assert answer.status_code == 200
    assert 'content="0;url=/office/notices"' in answer.text
    page = await browser.get("/office/notices")
    assert page.status_code == 200
    assert "统一·小秦（机制办）" in page.text
    (account,) = await house.store.read(lambda db: accounts.listed(db, None))
    assert (account.role, account.password) == ("office", "")


async def test_a_unit_and_groups_come_from_their_claims(
    house: House, town: Town, browser: httpx.AsyncClient, provider: Provider
) -> None:
    await town.roster(unit="柳湾镇")
    provider.claims |= {"roles": "dw", "org": {"unit": "柳湾镇"}}
    await browser.get(await away(browser))
    assert "单位管理员·柳湾镇" in (await browser.get("/office/notices")).text
    # The next time the same person is something else: what the provider says counts.
    provider.claims |= {"roles": ["x", "qz"], "rooms": ["g1", "nowhere"]}
    await browser.get(await away(browser))
    (account,) = await house.store.read(lambda db: accounts.listed(db, None))
    assert (account.role, account.unit, accounts.groups_of(account)) == ("group", "", ("playground:g1",))


@pytest.mark.parametrize(
    ("spoil", "claims", "said"),
    [
        pytest.param({"claims": {"nonce": "another"}}, {}, "没有通过", id="replayed into another sign-in"),
        pytest.param({"claims": {"aud": "another"}}, {}, "没有通过", id="meant for another client"),
        pytest.param({"claims": {"iss": "http://127.0.0.1:1/realm"}}, {}, "没有通过", id="by another issuer"),
        pytest.param({"claims": {"exp": 1}}, {}, "没有通过", id="too old"),
        pytest.param({"key": True}, {}, "没有通过", id="signed by a stranger"),
        pytest.param({}, {"roles": ["nobody"]}, "没有开通", id="no role"),
        pytest.param({}, {"roles": []}, "没有开通", id="no roles at all"),
        pytest.param({}, {"roles": ["dw"]}, "没有给出您的单位", id="a unit's admin of no unit"),
        pytest.param({}, {"roles": ["qz"], "rooms": ["nowhere"]}, "没有给出您的单位或群", id="groups that are not there"),
    ],
)
async def test_a_forged_or_empty_word_opens_nothing(
    browser: httpx.AsyncClient, provider: Provider, spoil: dict[str, Any], claims: dict[str, Any], said: str
) -> None:
    provider.spoil, provider.claims = spoil, provider.claims | claims
    answer = await browser.get(await away(browser))
    assert answer.status_code == 401
    assert said in answer.text
    assert (await browser.get("/office/notices")).status_code == 303


async def test_somebody_elses_way_back_is_refused(house: House, browser: httpx.AsyncClient) -> None:
    theirs = await away(browser)
    browser.cookies.clear()
    assert (await browser.get(theirs)).status_code == 401
    own = await away(browser)
    forged = own.split("state=")[0] + "state=made-up"
    assert (await browser.get(forged)).status_code == 401
    assert (await browser.get(own)).status_code == 401, "one start, one way back"
    again = await away(browser)
    assert (await browser.get(again)).status_code == 200


async def test_an_account_that_was_switched_off_stays_off(house: House, browser: httpx.AsyncClient) -> None:
    await browser.get(await away(browser))
    (account,) = await house.store.read(lambda db: accounts.listed(db, None))
    await house.store.write(lambda db: accounts.change(db, account.id, disabled_at=MONDAY))
    assert (await browser.get("/office/notices")).status_code == 303
    answer = await browser.get(await away(browser))
    assert answer.status_code == 401
    assert "已停用" in answer.text


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri", "issuer"])
async def test_nothing_but_the_issuer_is_contacted(
    browser: httpx.AsyncClient, provider: Provider, name: str
) -> None:
    """Whatever the issuer's own description names on another host is refused, and that host hears nothing."""
    other = Provider(MONDAY.timestamp())
    try:
        url = await away(browser) if name in ("token_endpoint", "jwks_uri") else "/office/oidc"
        provider.spoil = {"facts": {name: f"{other.issuer}/x"}}
        answer = await browser.get(url)
        assert answer.status_code in (401, 503)
        assert "请联系管理员" in answer.text
        assert other.asked == []
    finally:
        other.close()


async def test_a_provider_that_is_not_there_leaves_the_password(browser: httpx.AsyncClient, provider: Provider) -> None:
    provider.close()
    answer = await browser.get("/office/oidc")
    assert answer.status_code == 503
    assert "用登录名和密码登录" in answer.text
    assert "统一身份认证登录" in (await browser.get("/office/signin")).text


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"issuer": "http://sso.example.gov.cn"}, "https://"),
        ({"issuer": "https://sso.example.gov.cn"}, "client_id"),
        ({"issuer": "https://sso.example.gov.cn", "client_id": "x", "role_claim": "r", "roles": {"a": "king"}}, "office"),
    ],
)
def test_half_a_setting_stops_the_start(flags: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_settings(flags={f"office.oidc.{name}": value for name, value in flags.items()}, environ={})

"""Pages as people and link previews meet them: nothing happens by looking, nothing is said that was not committed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from bot.house import House
from bot.web.auth import COOKIE, CSRF_HEADER
from handlers.events import FlagAnswered
from storage import flags, notices
from storage.database import StoreError
from tests.conftest import MONDAY, Town
from tests.web.conftest import Client

ACCEPT = {"accept": "application/json"}
HOSTILE = '\u202e<img src=x onerror="alert(1)">@所有人 =cmd()'


@pytest.fixture
async def town(house: House) -> Town:
    made = Town(house)
    await made.roster()
    return made


async def opened(house: House, town: Town, text: str = "明天上午九点开会，收到请回复。") -> str:
    """A notice in the town's group; gives its id."""
    await town.says("boss", text)
    row = (await house.store.read(lambda db: notices.listed(db, None)))[0]
    return str(row.id)


def link(house: House, notice: str, person: str) -> str:
    return f"/n/{house.links.notice_token(notice, f'playground:{person}')}"


async def test_looking_at_a_link_acknowledges_nothing(house: House, town: Town, client: Client) -> None:
    notice = await opened(house, town)
    for _ in range(3):
        page = await client(None).get(link(house, notice, "p1"))
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
    assert await house.store.read(lambda db: notices.counts(db, notice)) == (0, 5)


async def test_a_press_is_counted_before_it_is_answered(house: House, town: Town, client: Client) -> None:
    notice = await opened(house, town)
    answer = await client(None).post(link(house, notice, "p1"), headers=ACCEPT)
    assert (answer.status_code, answer.json()["state"]) == (200, "acknowledged")
    assert await house.store.read(lambda db: notices.counts(db, notice)) == (1, 5)


async def test_a_form_is_led_back_to_its_page(house: House, town: Town, client: Client) -> None:
    notice = await opened(house, town)
    answer = await client(None).post(link(house, notice, "p1"))
    assert answer.status_code == 303
    assert "您已于" in (await client(None).get(answer.headers["location"])).text


async def test_an_undo_within_five_minutes_counts(house: House, town: Town, client: Client) -> None:
    notice = await opened(house, town)
    await client(None).post(link(house, notice, "p1"), headers=ACCEPT)
    house.now = lambda: MONDAY + timedelta(minutes=4)
    answer = await client(None).post(link(house, notice, "p1") + "/undo", headers=ACCEPT)
    assert (answer.status_code, answer.json()["state"]) == (200, "undone")


async def test_an_undo_after_five_minutes_is_refused(house: House, town: Town, client: Client) -> None:
    notice = await opened(house, town)
    await client(None).post(link(house, notice, "p1"), headers=ACCEPT)
    house.now = lambda: MONDAY + timedelta(minutes=6)
    answer = await client(None).post(link(house, notice, "p1") + "/undo")
    assert answer.status_code == 409
    assert "已超过可撤销的时间" in answer.text


async def test_somebody_outside_the_roster_is_refused_politely(house: House, town: Town, client: Client) -> None:
    notice = await opened(house, town)
    answer = await client(None).post(link(house, notice, "stranger"))
    assert answer.status_code == 403
    assert "名单里没有您" in answer.text


@pytest.mark.parametrize("path", ["/n/made-up", "/n/made-up/undo", "/mine/made-up"])
async def test_a_forged_link_is_a_page_in_chinese(client: Client, path: str) -> None:
    answer = await client(None).post(path)
    assert answer.status_code == 404
    assert "链接无效" in answer.text


async def test_an_outage_is_never_a_false_success(
    house: House, town: Town, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = await opened(house, town)

    async def fail(work: Any, key: str = "") -> None:
        raise StoreError("数据库没有应答，请稍后再试。")

    monkeypatch.setattr(house.store, "write", fail)
    answer = await client(None).post(link(house, notice, "p1"), headers=ACCEPT)
    assert answer.status_code == 503
    assert "稍后再试" in answer.json()["error"]


async def test_what_people_write_cannot_become_markup(house: House, town: Town, client: Client) -> None:
    notice = await opened(house, town, f"{HOSTILE} 明天开会，收到请回复。")
    for path in (link(house, notice, "p1"), house.links.mine_url("playground:p1").removeprefix(house.links.base_url)):
        page = (await client(None).get(path)).text
        assert "<img src=x" not in page
        assert "\u202e" not in page
        assert "&lt;img src=x" in page


async def test_my_page_lists_what_is_open_and_empties(house: House, town: Town, client: Client) -> None:
    notice = await opened(house, town)
    address = house.links.mine_url("playground:p1").removeprefix(house.links.base_url)
    assert "还有 1 条" in (await client(None).get(address)).text
    await client(None).post(address, data={"notice": notice})
    page = (await client(None).get(address)).text
    assert "没有待确认的通知" in page
    assert "刚刚确认" in page


async def signed_in(house: House, client: Client, role: str = "office", *groups: str) -> httpx.AsyncClient:
    visitor = client(None)
    token = house.links.bearer(role, "机制办", groups)
    answer = await visitor.post("/office/signin", data={"token": token, "back": "https://elsewhere.example/"})
    assert answer.headers["location"] == "/office"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    # The cookie belongs to /office; httpx keeps it with the client.
    # Every form carries the session's own word; here it goes along with whatever is sent.
    visitor.headers[CSRF_HEADER] = house.links.csrf(visitor.cookies[COOKIE])
    return visitor


@pytest.mark.parametrize("path", ["/office", "/office/notices", "/office/notices/new", "/office/inventory"])
async def test_the_office_is_closed_to_strangers(client: Client, path: str) -> None:
    answer = await client(None).get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/office/signin?back=/office")


async def test_a_post_from_another_site_is_refused(house: House, client: Client) -> None:
    visitor = await signed_in(house, client)
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://elsewhere.example"}):
        answer = await visitor.post("/office/notices/new", data={"text": "开会"}, headers=headers)
        assert answer.status_code == 403


async def test_an_admin_sees_their_own_groups_only(house: House, town: Town, client: Client) -> None:
    notice = await opened(house, town)
    visitor = await signed_in(house, client, "admin", "nowhere")
    assert notice not in (await visitor.get("/office/notices")).text
    assert (await visitor.get(f"/office/notices/{notice}")).status_code == 404
    assert (await visitor.post(f"/office/notices/{notice}/cancel")).status_code == 403
    assert (await visitor.get("/office/invitations")).status_code == 403


async def test_a_notice_page_counts_and_names_nobody(house: House, town: Town, client: Client) -> None:
    notice = await opened(house, town)
    await client(None).post(link(house, notice, "p1"))
    page = (await (await signed_in(house, client)).get(f"/office/notices/{notice}")).text
    names = [row.name for row in await house.store.read(lambda db: notices.audience(db, notice))]
    assert names
    assert not [name for name in names if name in page]


async def test_pressing_send_twice_sends_one_notice(house: House, town: Town, client: Client) -> None:
    visitor = await signed_in(house, client)
    form = {"text": "助学金政策解读已放在便民大厅。", "group": "playground:g1", "once": "a" * 16}
    first = await visitor.post("/office/notices/new", data=form)
    again = await visitor.post("/office/notices/new", data=form)
    assert first.headers["location"] == again.headers["location"] == "/office/notices/n" + "a" * 16


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("text", " ", "请写通知内容"),
        ("text", "绝密★ 名单", "涉密"),
        ("deadline", "yesterday", "截止时间读不懂"),
        ("deadline", "2020-01-01T09:00", "已经过去"),
        ("group", "playground:nowhere", "至少选一个"),
        ("emergency", "yes", "应急通知要写明原因"),
    ],
)
async def test_a_draft_that_cannot_be_sent_says_why(
    house: House, town: Town, client: Client, field: str, value: str, said: str
) -> None:
    visitor = await signed_in(house, client)
    form = {"text": "助学金政策解读已放在便民大厅。", "group": "playground:g1", field: value}
    answer = await visitor.post("/office/notices/new", data=form)
    assert answer.status_code == 422
    assert said in answer.text


async def test_an_appeal_is_decided_by_the_office(house: House, town: Town, client: Client) -> None:
    await town.says("p1", "各村每天报一次进度日报，按完成进度全镇排名通报。")
    (flag, *_) = await house.store.read(lambda db: db.execute(select(flags.FLAGS)).all())
    await house.tell(
        FlagAnswered(id="a1", at=MONDAY, flag=flag.id, person="playground:p1", answer="misjudged", share="")
    )
    visitor = await signed_in(house, client)
    page = (await visitor.get("/office")).text
    assert flag.span in page
    assert "干部1" not in page
    assert (await visitor.post(f"/office/appeals/{flag.id}", data={"decision": "maybe"})).status_code == 422
    assert (await visitor.post(f"/office/appeals/{flag.id}", data={"decision": "dismiss"})).status_code == 303
    decided = await house.store.read(lambda db: flags.get(db, flag.id))
    assert decided is not None
    assert decided.state == "dismissed"


@pytest.mark.parametrize("path", ["/", "/privacy", "/office/signin"])
async def test_public_pages_carry_the_strict_policy_and_no_inline_script(client: Client, path: str) -> None:
    page = await client(None).get(path)
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "style=" not in page.text
    assert "<script>" not in page.text


async def test_the_privacy_page_tells_the_days_of_the_settings(house: House, client: Client) -> None:
    page = (await client(None).get("/privacy")).text
    for days in (house.settings.retention.notice_days, house.settings.flags.keep_days):
        assert f"{days} 天" in page


async def test_my_page_answers_the_hints_that_only_i_may_see(house: House, town: Town, client: Client) -> None:
    demand = "请各村网格员今天都把学习强国截图发到群里，没发的通报。"
    await town.says("boss", demand)
    mine, other = (
        house.links.mine_url(f"playground:{who}").removeprefix(house.links.base_url) for who in ("boss", "p1")
    )
    page = (await client(None).get(mine)).text
    assert "可以这样说" in page
    assert "可以这样说" not in (await client(None).get(other)).text
    flag = (await house.store.read(lambda db: flags.open_of(db, "playground:boss")))[0][0]
    # Somebody else's answer to it has no effect.
    await client(None).post(other, data={"flag": flag.id, "answer": "misjudged"})
    assert (await house.store.read(lambda db: flags.get(db, flag.id))).state == "open"
    answer = await client(None).post(mine, data={"flag": flag.id, "answer": "misjudged", "share": f"{demand}\r\n"})
    assert answer.status_code == 303
    row = await house.store.read(lambda db: flags.get(db, flag.id))
    assert (row.state, row.text) == ("appealed", demand)
    assert "可以这样说" not in (await client(None).get(mine)).text
    assert (await client(None).post(mine, data={"flag": flag.id, "answer": "burn"})).status_code == 422

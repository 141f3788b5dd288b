"""One tap on WeChat: a device is bound once, to the one who reads the page and to nobody else."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import httpx
import pytest

from bot.house import House
from bot.web import bind
from bot.web.app import create_app
from storage import bindings, notices
from tests.conftest import MONDAY, Town

Browser = Callable[[], httpx.AsyncClient]
ROLL_CALL = "明天上午九点在三楼会议室开会，收到请回复"
ACTION = "请各村11月18日17:00前报送防汛值班表，收到请回复"


@pytest.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    """Every call is another browser, with cookies of its own."""
    app = create_app(house)
    app.router.routes[:0] = bind.routes(house)
    opened: list[httpx.AsyncClient] = []

    def make() -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        opened.append(httpx.AsyncClient(transport=transport, base_url="http://test", follow_redirects=True))
        return opened[-1]

    yield make
    for one in opened:
        await one.aclose()


async def notice_in(town: Town, text: str = ROLL_CALL) -> str:
    await town.roster(3)
    await town.says("boss", text)
    return str((await town.the_notice()).id)


async def code_on(page: httpx.AsyncClient, notice: str) -> str:
    await page.get(f"/c/{notice}")
    shown = (await page.post(f"/c/{notice}/code")).text
    found = re.search(r"绑定 (\d{6})</strong>", shown)
    assert found, shown
    return found[1]


async def bound(town: Town, page: httpx.AsyncClient, notice: str, who: str = "p1") -> None:
    await town.says(who, f"绑定 {await code_on(page, notice)}", 2, group=None)
    await page.post(f"/c/{notice}/device", data={"answer": "me"})


async def acked(town: Town, notice: str) -> set[str]:
    rows = await town.read(lambda db: notices.audience(db, notice))
    return {row.person.split(":")[1] for row in rows if row.acked}


async def test_opening_the_page_shows_the_notice_and_writes_nothing(town: Town, browser: Browser) -> None:
    notice = await notice_in(town)
    page = browser()
    for _ in range(2):
        shown = await page.get(f"/c/{notice}")
        assert "三楼会议室" in shown.text
        assert not re.search(r"绑定 \d{6}", shown.text)
    assert shown.headers["cache-control"] == "no-store"
    assert await acked(town, notice) == set()
    assert await town.read(lambda db: bindings.living(db, MONDAY)) == 0


async def test_a_code_sent_once_binds_the_device_and_then_one_tap_is_enough(town: Town, browser: Browser) -> None:
    first = await notice_in(town)
    page = browser()
    code = await code_on(page, first)
    assert (await page.get(f"/c/{first}/state")).json() == {"state": "waiting"}
    await town.says("p1", f"绑定 {code}", 2)
    assert (await page.get(f"/c/{first}/state")).json() == {"state": "claimed"}
    assert "您是“干部1”吗" in (await page.get(f"/c/{first}")).text
    assert await acked(town, first) == set()
    assert "这台设备已绑定：<strong>干部1" in (await page.post(f"/c/{first}/device", data={"answer": "me"})).text
    await page.post(f"/c/{first}")
    assert await acked(town, first) == {"p1"}
    await town.says("boss", ACTION, 3)
    second = (await town.the_notice()).id
    assert second != first
    assert "您已于" in (await page.post(f"/c/{second}")).text
    assert await acked(town, second) == {"p1"}


async def test_what_only_has_to_be_read_posts_itself_once_and_not_after_an_undo(town: Town, browser: Browser) -> None:
    notice = await notice_in(town)
    page = browser()
    await bound(town, page, notice)
    assert f'data-acknowledge="/c/{notice}"' in (await page.get(f"/c/{notice}")).text
    await page.post(f"/c/{notice}")
    undone = (await page.post(f"/c/{notice}/undo")).text
    assert "data-acknowledge" not in undone
    assert await acked(town, notice) == set()


async def test_what_has_to_be_done_needs_the_button(town: Town, browser: Browser) -> None:
    notice = await notice_in(town, ACTION)
    page = browser()
    await bound(town, page, notice)
    shown = (await page.get(f"/c/{notice}")).text
    assert "data-acknowledge" not in shown
    assert f'action="/c/{notice}"' in shown


async def test_a_code_counts_for_its_first_sender_only(town: Town, browser: Browser) -> None:
    notice = await notice_in(town)
    page = browser()
    code = await code_on(page, notice)
    await town.says("p1", f"绑定 {code}", 2)
    await town.says("p2", f"绑定 {code}", 2.1)
    await page.post(f"/c/{notice}/device", data={"answer": "me"})
    await page.post(f"/c/{notice}")
    assert await acked(town, notice) == {"p1"}
    told = {row.target: row.card["title"] for row in await town.said("whisper") if row.key.startswith("bind:")}
    assert "不对、已用过或已过期" in told["p2"]


async def test_a_member_who_is_quicker_binds_nothing_because_the_reader_says_no(town: Town, browser: Browser) -> None:
    notice = await notice_in(town)
    page = browser()
    code = await code_on(page, notice)
    await town.says("p2", f"绑定 {code}", 2)
    await page.post(f"/c/{notice}")
    assert await acked(town, notice) == set()
    assert "您是“干部2”吗" in (await page.get(f"/c/{notice}")).text
    await page.post(f"/c/{notice}/device", data={"answer": "stranger"})
    await page.post(f"/c/{notice}")
    assert await acked(town, notice) == set()
    await bound(town, page, notice, "p1")
    await page.post(f"/c/{notice}")
    assert await acked(town, notice) == {"p1"}


async def test_a_copied_link_and_another_browser_stand_for_nobody(town: Town, browser: Browser) -> None:
    notice = await notice_in(town)
    await bound(town, browser(), notice)
    other = browser()
    await other.get(f"/c/{notice}")
    for way in ("", "/undo", "/device"):
        await other.post(f"/c/{notice}{way}", data={"answer": "me"})
    assert await acked(town, notice) == set()
    refused = await browser().post(f"/c/{notice}")
    assert refused.status_code == 400
    assert "Cookie" in refused.text


async def test_a_code_expires_and_a_new_one_ends_the_old(town: Town, house: House, browser: Browser) -> None:
    notice = await notice_in(town)
    page = browser()
    old = await code_on(page, notice)
    new = await code_on(page, notice)
    await town.says("p1", f"绑定 {old}", 1)
    await town.says("p1", f"绑定 {new}", 10.1)
    house.now = lambda: MONDAY + timedelta(minutes=11)
    await page.post(f"/c/{notice}/device", data={"answer": "me"})
    assert (await page.get(f"/c/{notice}/state")).json() == {"state": "new"}


async def test_guessing_is_cut_off(town: Town, browser: Browser) -> None:
    notice = await notice_in(town)
    page = browser()
    code = await code_on(page, notice)
    guesses = [f"{number:06d}" for number in range(6) if f"{number:06d}" != code][:5]
    for number, guess in enumerate(guesses):
        await town.says("p3", f"绑定 {guess}", 2 + number / 100)
    await town.says("p3", f"绑定 {code}", 3)
    assert (await page.get(f"/c/{notice}/state")).json() == {"state": "waiting"}
    await town.says("p1", f"绑定 {code}", 3.1)
    assert (await page.get(f"/c/{notice}/state")).json() == {"state": "claimed"}


async def test_jiebang_frees_every_device_of_its_sender_and_no_other(town: Town, browser: Browser) -> None:
    notice = await notice_in(town)
    phone, desk, other = browser(), browser(), browser()
    await bound(town, phone, notice)
    await bound(town, desk, notice)
    await bound(town, other, notice, "p2")
    await town.says("p1", "解绑", 3, group=None)
    for page in (phone, desk, other):
        await page.post(f"/c/{notice}")
    assert await acked(town, notice) == {"p2"}
    await other.post(f"/c/{notice}/device", data={"answer": "forget"})
    assert (await other.get(f"/c/{notice}/state")).json() == {"state": "new"}


async def test_a_typed_receipt_needs_no_binding(town: Town, browser: Browser) -> None:
    notice = await notice_in(town)
    await town.says("p2", "收到", 2)
    assert await acked(town, notice) == {"p2"}
    assert (await browser().get("/c/nothing")).status_code == 404


async def test_an_undo_that_comes_too_late_says_so(town: Town, house: House, browser: Browser) -> None:
    notice = await notice_in(town)
    page = browser()
    await bound(town, page, notice)
    await page.post(f"/c/{notice}")
    house.now = lambda: MONDAY + timedelta(minutes=6)
    assert "已超过可撤销的时间" in (await page.post(f"/c/{notice}/undo")).text
    assert await acked(town, notice) == {"p1"}


async def test_a_browser_binds_once_for_all_notices_and_a_refused_press_is_explained(town: Town, browser: Browser) -> None:
    notice = await notice_in(town)
    page = browser()
    await bound(town, page, notice, "boss")
    assert "这是您发起的通知" in (await page.post(f"/c/{notice}")).text
    assert (await page.post(f"/c/{notice}/device", data={"answer": "maybe"})).status_code == 422
    assert (await page.post("/c/nothing")).status_code == 404

"""The whole conversation on WeChat: the running house, the real gateway, a clock that can be put forward."""

from __future__ import annotations

import asyncio
import base64
import io
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import openpyxl

from bot.app import make_house, make_store, open_house
from bot.house import House
from bot.web import bind
from bot.web.app import create_app
from storage import notices
from tests.channels.gateway import Gateway, running, settings_for
from tests.conftest import MONDAY

ROOM = "r1@chatroom"
NOTICE = "请各村在11月16日17:00前报送防汛值班安排，收到请回复"
DEMAND = "今晚12点前所有人必须把APP下载截图发群里，没完成的明天全镇通报排名"


class Clock:
    def __init__(self) -> None:
        self._begun, self._ahead = time.monotonic(), timedelta()

    def __call__(self) -> datetime:
        return MONDAY + self._ahead + timedelta(seconds=time.monotonic() - self._begun)

    def forward(self, **by: float) -> None:
        self._ahead += timedelta(**by)


class Street:
    """The gateway's people, and the house they talk to."""

    def __init__(self, gateway: Gateway, house: House, clock: Clock) -> None:
        self.gateway, self.house, self.clock = gateway, house, clock
        app = create_app(house)
        app.router.routes[:0] = bind.routes(house)
        transport = httpx.ASGITransport(app=app)
        self.phone = httpx.AsyncClient(transport=transport, base_url="http://test", follow_redirects=True)

    async def says(self, who: str, text: str, **more: Any) -> None:
        await self.gateway.hear(text, talkerId=who, timestamp=int(self.clock().timestamp() * 1000), **more)

    async def privately(self, who: str, text: str) -> None:
        await self.says(who, text, listenerId="bot")

    async def sent(self, what: str, to: str | None = None, seconds: float = 20) -> Any:
        """Wait until something with these words was sent."""
        for _ in range(int(seconds / 0.1)):
            for one in reversed(await self.gateway.sent()):
                words = f"{one.get('text', '')}{one.get('link', {}).get('title', '')}{one.get('name', '')}"
                if what in words and to in (None, one["conversationId"]):
                    return one
            await asyncio.sleep(0.1)
        raise AssertionError(f"{what} was not sent: {await self.gateway.sent()}")

    async def acked(self, notice: str) -> set[str]:
        rows = await self.house.store.read(lambda db: notices.audience(db, notice))
        return {row.person.split(":")[1] for row in rows if row.acked}

    async def until_acked(self, notice: str, wanted: set[str]) -> None:
        for _ in range(100):
            if await self.acked(notice) == wanted:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(await self.acked(notice))


@asynccontextmanager
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    async with running() as gateway:
        for number in range(1, 4):
            await gateway.tell("person", id=f"cadre{number}", name=f"干部{number}", friend=number == 3)
        await gateway.tell(
            "room", id=ROOM, topic="防汛工作群", owner="alice",
            members=["bot", "alice", "bob", "cadre1", "cadre2", "cadre3"],
        )  # fmt: skip
        clock = Clock()
        settings = settings_for(gateway, tmp_path, **{"acknowledge.revise_seconds": 0.1, "public_url": "http://test"})
        store = make_store(settings)
        await store.open()
        try:
            house = make_house(settings, store, now=clock)
            async with open_house(house):
                yield Street(gateway, house, clock)
        finally:
            await store.close()


async def healthy(house: House) -> None:
    channel = house.channels["wechaty"]
    for _ in range(200):
        known = await house.store.read(lambda db: [row.person for row in notices_groups(db)])
        if channel.health().state == "ok" and len(known) == 5:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(channel.health())


def notices_groups(db: Any) -> Any:
    from storage import groups

    return groups.members(db, f"wechaty:{ROOM}")


async def test_a_day_in_a_work_group_on_wechat(tmp_path: Path) -> None:
    async with street(tmp_path) as town:
        assert set(town.house.channels) == {"playground", "wechaty"}
        await healthy(town.house)
        notice = await a_notice_becomes_one_card(town)
        await somebody_binds_and_taps(town, notice)
        await somebody_types(town, notice)
        await the_last_one_is_reminded(town, notice)
        await a_demand_is_flagged_to_its_sender_alone(town)
        await the_report_comes_with_its_file(town)
        said_in_public = [one for one in await town.gateway.sent() if one["conversationId"] == ROOM]
        assert [one["kind"] for one in said_in_public] == ["url"]


async def a_notice_becomes_one_card(town: Street) -> str:
    await town.says("alice", NOTICE)
    card = await town.sent("防汛值班安排", ROOM)
    found = re.fullmatch(r"http://test/c/(n\w+)", card["link"]["url"])
    assert found
    return found[1]


async def somebody_binds_and_taps(town: Street, notice: str) -> None:
    await town.phone.get(f"/c/{notice}")
    page = (await town.phone.post(f"/c/{notice}/code")).text
    code = re.search(r"绑定 (\d{6})</strong>", page)
    assert code
    await town.says("cadre1", f"绑定 {code[1]}")
    for _ in range(100):
        if (await town.phone.get(f"/c/{notice}/state")).json()["state"] == "claimed":
            break
        await asyncio.sleep(0.05)
    assert "您是“干部1”吗" in (await town.phone.get(f"/c/{notice}")).text
    await town.phone.post(f"/c/{notice}/device", data={"answer": "me"})
    assert await town.acked(notice) == set()
    assert "您已于" in (await town.phone.post(f"/c/{notice}")).text
    assert await town.acked(notice) == {"cadre1"}


async def somebody_types(town: Street, notice: str) -> None:
    await town.says("cadre2", "收到")
    await town.says("bob", "[强]收到，马上办")
    await town.until_acked(notice, {"cadre1", "cadre2", "bob"})


async def the_last_one_is_reminded(town: Street, notice: str) -> None:
    """Privately, two hours before the deadline, with a link of their own that needs no binding."""
    town.clock.forward(hours=6, minutes=30)
    await town.says("bob", "我再问一下地点在哪")
    await town.says("cadre2", "收到")
    await town.privately("cadre3", "我的待确认")
    await town.sent("您有 1 条待确认", "cadre3")
    reminder = await town.sent("提醒", "cadre3", seconds=45)
    link = re.search(r"http://test(/n/\S+)", reminder["text"])
    assert link
    await town.phone.post(link[1])
    await town.until_acked(notice, {"cadre1", "cadre2", "cadre3", "bob"})
    await town.sent("全部确认", "alice")


async def a_demand_is_flagged_to_its_sender_alone(town: Street) -> None:
    await town.says("alice", DEMAND)
    flag = await town.sent("给基层添了负担", "alice")
    assert "/mine/" in flag["text"]


async def the_report_comes_with_its_file(town: Street) -> None:
    """A week later the group has been there for a whole week."""
    town.clock.forward(days=7)
    await town.privately("alice", "清理报告")
    await town.sent("2026-W47", "alice")
    file = await town.sent(".xlsx", "alice")
    sheet = openpyxl.load_workbook(io.BytesIO(base64.b64decode(file["base64"])))
    assert "防汛工作群" in str([list(page.values) for page in sheet.worksheets])

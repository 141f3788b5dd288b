"""The playground as an office's real channel: in by an invitation only, and every word under one's own name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from bot.app import make_channels
from bot.channels.playground import Playground, Refused
from bot.house import House
from bot.web.playground_live import _from_here
from config.settings import load_settings
from tests.web.conftest import Client


@pytest.fixture
async def playground(house: House, tmp_path: Path) -> AsyncIterator[Playground]:
    house.channels = make_channels(load_settings(flags={"data": tmp_path}, environ={}), house.now)
    channel = house.channels["playground"]
    assert isinstance(channel, Playground)
    await channel.open(house.bus.publish, lambda link, person: f"http://test/{link.page}")
    yield channel
    await channel.close()


async def joined(playground: Playground, client: Client, name: str = "王芳") -> httpx.AsyncClient:
    visitor = client(None)
    token = await playground.rooms.invite(name, "上河村")
    for _ in range(2):
        assert "进入" in (await visitor.get(f"/playground/join/{token}")).text
    answer = await visitor.post(f"/playground/join/{token}")
    assert answer.headers["location"] == "/playground"
    assert "samesite=strict" in answer.headers["set-cookie"].lower()
    return visitor


async def test_who_is_not_invited_stays_outside(playground: Playground, client: Client) -> None:
    visitor = client(None)
    assert "请用邀请链接进入" in (await visitor.get("/playground?as=u1")).text
    answer = await visitor.get("/playground/api/overview?as=u1")
    assert answer.status_code == 401
    assert (await visitor.get("/playground/files/1")).status_code == 404


async def test_an_invitation_opens_the_door_once(playground: Playground, client: Client) -> None:
    visitor = await joined(playground, client)
    overview = (await visitor.get("/playground/api/overview")).json()
    assert overview["me"]["name"] == "王芳"
    token = await playground.rooms.invite("李强", "上河村")
    await client(None).post(f"/playground/join/{token}")
    used = await client(None).post(f"/playground/join/{token}")
    assert used.status_code == 410
    assert "已用过或已过期" in used.text


async def test_a_new_device_gets_a_link_of_its_own(playground: Playground, client: Client) -> None:
    await joined(playground, client)
    (somebody,) = await playground.rooms.everybody()
    token = await playground.rooms.invite_again(somebody.id)
    assert await playground.rooms.accept(token) == somebody.id
    with pytest.raises(Refused, match="没有这个人"):
        await playground.rooms.invite_again("nobody")


async def test_a_cookie_speaks_for_its_owner_whatever_the_address_says(playground: Playground, client: Client) -> None:
    visitor = await joined(playground, client)
    other = (await playground.rooms.everybody())[0].id
    me = (await visitor.get(f"/playground/api/overview?as={other}x")).json()["me"]
    assert me["name"] == "王芳"


async def test_a_group_is_founded_talked_in_and_left(playground: Playground, client: Client) -> None:
    visitor = await joined(playground, client)
    room = (await visitor.post("/playground/api/groups", json={"name": "村委会群", "kind": "业务"})).json()["room"]
    sent: dict[str, Any] = {"text": "明天开会", "said_as": "a1"}
    said = (await visitor.post(f"/playground/api/rooms/{room}/messages", json=sent)).json()
    assert (said["text"], said["pending"]) == ("明天开会", False)
    assert (await visitor.post(f"/playground/api/messages/{said['id']}/recall", json={})).json() == {"text": "明天开会"}
    left = await visitor.post(f"/playground/api/rooms/{room}/members", json={"change": "leave", "person": ""})
    assert left.status_code == 200
    assert (await visitor.get(f"/playground/api/rooms/{room}")).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"not json", 400), (b"[1]", 400), (b'{"text": 5}', 422), (b'{"text": "x", "kind": "video"}', 422),
     (b'{"text": "' + b"x" * 70_000 + b'"}', 413)],
)  # fmt: skip
async def test_a_bad_request_is_answered_in_chinese(
    playground: Playground, client: Client, body: bytes, status: int
) -> None:
    visitor = await joined(playground, client)
    room = (await visitor.get("/playground/api/overview")).json()["private"]["id"]
    answer = await visitor.post(f"/playground/api/rooms/{room}/messages", content=body)
    assert answer.status_code == status
    assert any("\u4e00" <= char <= "\u9fff" for char in answer.json()["error"])


async def test_another_site_cannot_speak_for_somebody(playground: Playground, client: Client) -> None:
    visitor = await joined(playground, client)
    answer = await visitor.post("/playground/api/groups", json={"name": "x"}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


@pytest.mark.parametrize(("origin", "ours"), [("http://test", True), ("http://evil", False), ("", False)])
def test_only_our_own_pages_may_open_a_line(origin: str, ours: bool) -> None:
    socket: Any = SimpleNamespace(headers={"origin": origin, "host": "test"})
    assert _from_here(socket) is ours

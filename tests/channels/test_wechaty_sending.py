"""What the house says reaches WeChat, politely, and nothing private is ever said in public."""

from __future__ import annotations

import base64
from itertools import pairwise
from pathlib import Path

import pytest

from bot.channels import ChannelError
from bot.channels.wechaty.pace import Pace
from handlers.cards import Button, Card, Link
from handlers.events import RosterReceived
from tests.channels.gateway import Gateway, gateway, gateway_process, listening, until

__all__ = ["gateway", "gateway_process"]
GROUP = "wechaty:r1@chatroom"
NOTICE = Card(
    title="明天九点开会",
    text="明天九点开会，请带材料。",
    lines=("截止：11月23日 17:00",),
    note="点一下即可。",
    buttons=(Button(label="确认", action="ack", subject="n1"),),
    links=(Link(label="打开通知", page="notice", subject="n1"),),
)


async def test_a_notice_is_one_link_card_and_its_revision_is_silent(gateway: Gateway, tmp_path: Path) -> None:
    async with listening(gateway, tmp_path) as (channel, _):
        await until(lambda: channel.health().state == "ok")
        reference = await channel.post(GROUP, NOTICE, "notice:n1")
        assert await channel.post(GROUP, NOTICE, "notice:n1") == reference
        assert await channel.revise(GROUP, reference, NOTICE, "revise:1") == reference
        await channel.post(GROUP, Card(title="这条通知无需回复", note="看过即可。"), "plain")
    link, plain = await gateway.sent()
    assert link["link"] == {
        "title": "明天九点开会", "url": "http://house/notice/n1/all",
        "description": "截止：11月23日 17:00 点一下即可。",
    } | {key: link["link"][key] for key in link["link"] if key == "thumbnailUrl"}  # fmt: skip
    assert reference == f"wechaty:{link['id']}"
    assert (plain["kind"], plain["text"]) == ("text", "这条通知无需回复\n看过即可。")


async def test_a_friend_is_told_in_private_with_their_own_links(gateway: Gateway, tmp_path: Path) -> None:
    flag = Card(title="这条消息可能给基层添了负担", buttons=(Button(label="误判", action="misjudged", subject="f1"),))
    async with listening(gateway, tmp_path) as (channel, _):
        await until(lambda: channel.health().state == "ok")
        await channel.whisper("wechaty:alice", NOTICE, "w1")
        await channel.whisper("wechaty:alice", flag, "w2")
        await channel.send_file("wechaty:alice", "工作群清单.xlsx", b"PK\x03\x04", "f1")
    first, second, file = await gateway.sent()
    assert first["conversationId"] == "alice"
    assert first["text"].splitlines()[-1] == "打开通知：http://house/notice/n1/wechaty:alice"
    assert second["text"].splitlines()[-1] == "误判：http://house/mine//wechaty:alice"
    assert (file["name"], base64.b64decode(file["base64"])) == ("工作群清单.xlsx", b"PK\x03\x04")


async def test_who_is_no_friend_is_not_told_and_nobody_else_is_either(gateway: Gateway, tmp_path: Path) -> None:
    async with listening(gateway, tmp_path) as (channel, _):
        await until(lambda: channel.health().state == "ok")
        for attempt in (channel.whisper("wechaty:bob", NOTICE, "w"), channel.send_file("wechaty:bob", "a", b"", "f")):
            with pytest.raises(ChannelError, match="不是机器人的微信好友") as refused:
                await attempt
            assert refused.value.permanent
        assert await gateway.sent() == []
        await gateway.tell("befriend", id="bob", friend=True)
        await channel.whisper("wechaty:bob", NOTICE, "w")
    assert [one["conversationId"] for one in await gateway.sent()] == ["bob"]


async def test_a_file_that_is_too_large_is_refused_and_a_big_one_goes_through(gateway: Gateway, tmp_path: Path) -> None:
    async with listening(gateway, tmp_path) as (channel, _):
        await until(lambda: channel.health().state == "ok")
        with pytest.raises(ChannelError, match="超过 2 MB") as refused:
            await channel.send_file("wechaty:alice", "大.xlsx", b"x" * 3_000_000, "f1")
        assert refused.value.permanent
        await channel.send_file("wechaty:alice", "行.xlsx", b"x" * 2_800_000, "f2")
    assert [one["size"] for one in await gateway.sent("file")] == [2_800_000]


async def test_the_gateways_words_carry_mentions(gateway: Gateway, tmp_path: Path) -> None:
    async with listening(gateway, tmp_path) as (channel, _):
        await until(lambda: channel.health().state == "ok")
        await channel._gateway().say("r1@chatroom", "@张三 请看", ("alice",))
    assert [(one["text"], one["mentions"]) for one in await gateway.sent()] == [("@张三 请看", ["alice"])]


async def test_a_roster_that_is_asked_for_comes_as_an_event(gateway: Gateway, tmp_path: Path) -> None:
    async with listening(gateway, tmp_path) as (channel, ear):
        before = len(await until(lambda: ear.of(RosterReceived)))
        await channel.ask_roster(GROUP)
        await until(lambda: len(ear.of(RosterReceived)) > before)


async def test_too_much_for_one_room_waits_for_its_turn_and_other_rooms_do_not(
    gateway: Gateway, tmp_path: Path
) -> None:
    await gateway.tell("room", id="r2@chatroom", topic="二群", owner="bob", members=["bot", "bob"])
    async with listening(gateway, tmp_path, **{"channels.wechaty.room_sends_per_minute": 2}) as (channel, _):
        await until(lambda: channel.health().state == "ok")
        for number in range(2):
            await channel.post(GROUP, Card(title=f"第{number}条"), f"k{number}")
        for _ in range(2):
            with pytest.raises(ChannelError, match="频率") as told:
                await channel.post(GROUP, Card(title="第三条"), "k2")
            assert not told.value.permanent
            assert 50 < (told.value.retry_after or 0) <= 60
        await channel.post("wechaty:r2@chatroom", Card(title="别的群"), "k3")
    assert [one["text"] for one in await gateway.sent()] == ["第0条", "第1条", "别的群"]


def test_the_pace_never_exceeds_its_limits_and_keeps_the_order() -> None:
    clock = [0.0]
    pace = Pace(40, 8, lambda: clock[0])
    said: list[tuple[float, str]] = []
    waiting = {f"e{number}": f"room{number % 3}" for number in range(120)}
    while waiting:
        for key, room in list(waiting.items()):
            if pace.wait(room, key) == 0.0:
                said.append((clock[0], key))
                del waiting[key]
        clock[0] += 0.25
    times = [at for at, _ in said]
    assert max(sum(1 for at in times if start <= at < start + 60) for start in times) <= 40
    for room in range(3):
        numbers = [int(key[1:]) for _, key in said if int(key[1:]) % 3 == room]
        assert numbers == sorted(numbers)
        own = [at for at, key in said if int(key[1:]) % 3 == room]
        assert max(sum(1 for at in own if start <= at < start + 60) for start in own) <= 8
    assert all(later > earlier for earlier, later in pairwise(times))

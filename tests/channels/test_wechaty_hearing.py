"""What WeChat says reaches the house in the house's words, through the real gateway."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from handlers.events import ChannelDeaf, GroupDissolved, MessageReceived, RosterReceived
from tests.channels.gateway import Gateway, gateway, gateway_process, listening, until

__all__ = ["gateway", "gateway_process"]
ROOM = "r1@chatroom"
DASHES = "- - - - - - - - - - - - - - -"


@pytest.mark.parametrize(
    ("said", "kind", "text"),
    [
        ({"type": 7, "text": "请大家看一下"}, "text", "请大家看一下"),
        ({"type": 6, "text": "<msg><img/></msg>", "filename": "1.jpg"}, "image", "1.jpg"),
        ({"type": 1, "text": "<msg/>", "filename": "排名表.xlsx"}, "file", "排名表.xlsx"),
        ({"type": 2}, "file", ""),
        ({"type": 15}, "file", ""),
        ({"type": 5, "text": "<msg><emoji/></msg>"}, "sticker", ""),
        ({"type": 4, "text": "<msg><title>会议记录</title></msg>"}, "link", "会议记录"),
        ({"type": 10, "text": "#接龙\n1. 张三"}, "text", "#接龙\n1. 张三"),
        ({"type": 0, "text": '"Alice" 拍了拍 "Bob"'}, "system", '"Alice" 拍了拍 "Bob"'),
        ({"type": 11, "text": "<msg/>"}, "system", ""),
        ({"type": 99, "text": "新的消息种类"}, "system", "新的消息种类"),
    ],
)
async def test_every_kind_of_message_has_a_kind_here(
    gateway: Gateway, tmp_path: Path, said: dict[str, object], kind: str, text: str
) -> None:
    async with listening(gateway, tmp_path) as (channel, ear):
        await until(lambda: channel.health().state == "ok")
        given = await gateway.tell("hear", **said)
        event = (await until(lambda: ear.of(MessageReceived)))[0]
    assert (event.id, event.kind, event.text) == (f"wechaty:{given['id']}", kind, text)
    assert (event.group.id, event.group.name) == ("wechaty:r1@chatroom", "测试群")
    assert (event.sender.id, event.sender.name) == ("wechaty:alice", "张三")


async def test_links_recalls_mentions_and_quotations_keep_what_they_point_to(gateway: Gateway, tmp_path: Path) -> None:
    async with listening(gateway, tmp_path) as (channel, ear):
        await until(lambda: channel.health().state == "ok")
        await gateway.tell("link", title="点我投票", url="https://vote.example")
        first = await gateway.hear("@小助手\u2005通知 明天九点开会", mentionIdList=["bot", "bob"])
        await gateway.hear("@所有人 看一下")
        await gateway.hear(f"「张三：@小助手\u2005通知 明天九点开会」\n{DASHES}\n收到", talkerId="bob")
        await gateway.tell("hear", type=13, text=first)
        await until(lambda: len(ear.of(MessageReceived)) == 5)
        link, notice, everybody, answer, recall = ear.of(MessageReceived)
    assert link.kind == "link"
    assert link.text.startswith("点我投票")
    assert notice.text == "@轻群\u2005通知 明天九点开会"
    assert notice.mentions == ("wechaty:bot", "wechaty:bob")
    assert everybody.mentions == ("all",)
    assert (answer.text, answer.quotes, answer.sender.role) == ("收到", f"wechaty:{first}", "admin")
    assert (recall.kind, recall.quotes, recall.text) == ("recall", f"wechaty:{first}", "")


async def test_a_private_word_has_no_group_and_the_bots_own_words_are_not_heard(
    gateway: Gateway, tmp_path: Path
) -> None:
    async with listening(gateway, tmp_path) as (channel, ear):
        await until(lambda: channel.health().state == "ok")
        await gateway.hear("我自己说的", talkerId="bot")
        await gateway.hear("公众号推送", talkerId="bob", listenerId="bot")
        await gateway.hear("我的待确认", listenerId="bot")
        await until(lambda: len(ear.of(MessageReceived)) == 2)
    assert [event.text for event in ear.of(MessageReceived)] == ["公众号推送", "我的待确认"]
    assert ear.of(MessageReceived)[1].group is None


async def test_the_roster_names_owner_admins_and_aliases_and_leaves_the_bot_out(
    gateway: Gateway, tmp_path: Path
) -> None:
    async with listening(gateway, tmp_path) as (_, ear):
        roster = (await until(lambda: ear.of(RosterReceived)))[0]
        assert (roster.group.name, roster.owner) == ("测试群", "wechaty:alice")
        assert [(p.id, p.name, p.role) for p in roster.members] == [
            ("wechaty:alice", "张三", None), ("wechaty:bob", "Bob", "admin"),
        ]  # fmt: skip
        await gateway.tell("join", room=ROOM, ids=["carol"], by="alice")
        await until(lambda: len(ear.of(RosterReceived)[-1].members) == 3)
        await gateway.tell("alias", room=ROOM, id="carol", alias="李四-民政办")
        await until(lambda: "李四-民政办" in [p.name for p in ear.of(RosterReceived)[-1].members])
        await gateway.tell("leave", room=ROOM, ids=["bob"], by="alice")
        await until(lambda: len(ear.of(RosterReceived)[-1].members) == 2)
        await gateway.tell("topic", room=ROOM, topic="防汛工作群", by="alice")
        await until(lambda: ear.of(RosterReceived)[-1].group.name == "防汛工作群")
        await gateway.tell("owner", room=ROOM, owner="carol")
        await until(lambda: ear.of(RosterReceived)[-1].owner == "wechaty:carol")
        await gateway.hear("改名以后", talkerId="carol")
        heard = (await until(lambda: ear.of(MessageReceived)))[0]
        assert (heard.group.name, heard.sender.name) == ("防汛工作群", "李四-民政办")


async def test_an_invitation_is_accepted_a_removal_is_noted_and_a_return_is_seen(
    gateway: Gateway, tmp_path: Path
) -> None:
    await gateway.tell("room", id="r2@chatroom", topic="新群", owner="bob", members=["bob", "carol"])
    async with listening(gateway, tmp_path) as (_, ear):
        await until(lambda: ear.of(RosterReceived))
        await gateway.tell("invite", id="i1", room="r2@chatroom", by="bob")
        await until(lambda: any(event.group.name == "新群" for event in ear.of(RosterReceived)))
        await gateway.tell("leave", room="r2@chatroom", ids=["bot"], by="bob")
        gap = (await until(lambda: [event for event in ear.of(ChannelDeaf) if event.group]))[0]
        assert (gap.group, gap.until.year) == ("wechaty:r2@chatroom", 2100)
        before = len(ear.of(RosterReceived))
        await gateway.tell("join", room="r2@chatroom", ids=["bot"], by="bob")
        await until(lambda: len(ear.of(RosterReceived)) > before)
        assert not ear.of(GroupDissolved)


@pytest.mark.parametrize(
    ("text", "kind", "ends"),
    [
        ("群主已解散该群聊", 0, True),
        ('"张三"已解散该群聊', 0, True),
        ("群主已解散该群聊", 7, False),
        ("大家讨论一下要不要解散该群", 0, False),
    ],
)
async def test_only_a_system_line_dissolves_a_group(
    gateway: Gateway, tmp_path: Path, text: str, kind: int, ends: bool
) -> None:
    async with listening(gateway, tmp_path) as (channel, ear):
        await until(lambda: channel.health().state == "ok")
        await gateway.tell("hear", type=kind, text=text)
        await gateway.hear("后面一句")
        await until(lambda: len(ear.of(MessageReceived)) == 2)
    assert bool(ear.of(GroupDissolved)) is ends


async def test_who_asks_to_be_a_friend_becomes_one(gateway: Gateway, tmp_path: Path) -> None:
    async with listening(gateway, tmp_path) as (channel, _):
        await until(lambda: channel.health().state == "ok")
        await gateway.tell("friendship", id="f1", **{"from": "bob"})
        for _ in range(100):
            if await gateway.sent("friendshipAccept"):
                break
            await asyncio.sleep(0.05)
        assert [one["id"] for one in await gateway.sent("friendshipAccept")] == ["f1"]


async def test_nothing_however_made_stops_the_stream(gateway: Gateway, tmp_path: Path) -> None:
    async with listening(gateway, tmp_path) as (channel, ear):
        await until(lambda: channel.health().state == "ok")
        for name, payload in [
            ("message", {}),
            ("message", {"messageId": 7}),
            ("message", {"messageId": "不存在的"}),
            ("room-join", {"roomId": None}),
            ("room-leave", {"roomId": "x@chatroom", "removeeIdList": 5}),
            ("dirty", {"payloadType": 3, "payloadId": "没有这个群@chatroom"}),
            ("friendship", {"friendshipId": "没有"}),
            ("room-invite", {"roomInvitationId": "没有"}),
            ("room-topic", []),
            ("error", {"gerror": "不是 JSON"}),
        ]:
            await gateway.tell("emit", name=name, payload=payload)
        await gateway.tell("broken", id="坏的")
        await gateway.hear("长" * 1_000_000)
        await gateway.hear("控制字符\x00和\u202e方向", roomId="没有这个群@chatroom")
        await gateway.hear("还在")
        events = await until(lambda: len(ear.of(MessageReceived)) == 3 and ear.of(MessageReceived))
        assert len(events[0].text) == 20_000
        assert "\x00" not in events[1].text
        assert events[1].group.name == "没有这个群@chatroom"
        assert events[2].text == "还在"
        assert channel.health().state == "ok"


async def test_the_order_in_each_room_holds_and_a_repeated_id_stays_the_same_event(
    gateway: Gateway, tmp_path: Path
) -> None:
    rooms = ["r1@chatroom", "r2@chatroom", "r3@chatroom"]
    for room in rooms[1:]:
        await gateway.tell("room", id=room, topic=room, owner="bob", members=["bot", "alice", "bob"])
    async with listening(gateway, tmp_path) as (channel, ear):
        await until(lambda: channel.health().state == "ok")
        await gateway.tell("burst", n=600, rooms=rooms)
        await until(lambda: len(ear.of(MessageReceived)) == 600, 30)
        for room in rooms:
            numbers = [int(e.text.split()[1]) for e in ear.of(MessageReceived) if e.group.id == f"wechaty:{room}"]
            assert numbers == sorted(numbers)
        assert len(numbers) == 200
        first = ear.of(MessageReceived)[0]
        await gateway.tell("repeat", id=first.id.split(":", 1)[1])
        assert (await until(lambda: ear.of(MessageReceived)[600:]))[0].key == first.key


async def test_a_house_that_cannot_take_an_event_yet_gets_it_again(gateway: Gateway, tmp_path: Path) -> None:
    heard: list[str] = []
    refusals = iter([True, True])

    async def hear(event: object) -> None:
        if not isinstance(event, MessageReceived):
            return
        if next(refusals, False):
            raise RuntimeError("database is locked")
        heard.append(event.text)

    async with listening(gateway, tmp_path, hear=hear) as (channel, _):
        await until(lambda: channel.health().state == "ok")
        for text in ("一", "二", "三"):
            await gateway.hear(text)
        await until(lambda: len(heard) == 3)
    assert heard == ["一", "二", "三"]

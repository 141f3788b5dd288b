"""A notice is spotted from those who may, shown once in every group, and ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handlers.events import NoticeCancelled, NoticeIssued
from storage import notices
from tests.conftest import MONDAY, Town

ASK = "各位，明天上午九点在镇政府三楼开防火工作会，收到请回复。"


async def count(town: Town) -> int:
    return len(await town.read(lambda db: notices.listed(db, None)))


@pytest.mark.parametrize(
    ("who", "role", "opened"),
    [("boss", None, 1), ("p1", None, 0), ("p1", "admin", 1), ("p1", "office", 1), ("p1", "cadre", 0)],
    ids=["owner", "member", "admin", "office", "cadre"],
)
async def test_only_those_who_may_open_a_notice(town: Town, who: str, role: str | None, opened: int) -> None:
    await town.roster()
    await town.says(who, ASK, sender={"id": who, "name": "某", "role": role} if role else {"id": who, "name": "某"})
    assert await count(town) == opened


async def test_one_card_is_posted_with_a_count_and_no_names(town: Town) -> None:
    await town.roster(people=4)
    await town.says("boss", ASK)
    (post,) = await town.said("post")
    assert post.card["progress"] == [0, 4]
    assert [button["action"] for button in post.card["buttons"]] == ["ack", "undo"]
    assert "干部" not in str(post.card)


@pytest.mark.parametrize("text", ["今天食堂吃什么", "收到", "大家辛苦了", "@轻群 你好"])
async def test_ordinary_talk_opens_nothing(town: Town, text: str) -> None:
    await town.roster()
    await town.says("boss", text)
    assert await count(town) == 0


async def test_a_word_to_the_bot_opens_a_notice(town: Town) -> None:
    await town.roster()
    await town.says("boss", "@轻群 通知 周三下午食堂消毒，停供晚餐")
    notice = await town.the_notice()
    assert notice.text == "周三下午食堂消毒，停供晚餐"
    assert (notice.kind, notice.emergency) == ("read", False)


async def test_an_emergency_notice_needs_a_reason_and_ends_by_itself(town: Town) -> None:
    await town.roster(people=3)
    await town.says("boss", "@轻群 应急通知 原因：暴雨红色预警 请各村立即转移低洼地带群众", minutes=1, id="m1")
    notice = await town.the_notice()
    assert (notice.emergency, notice.reason) == (True, "暴雨红色预警")
    assert notice.emergency_until == notice.at + timedelta(hours=24)
    await town.clicks("p1", "m1")
    await town.passes(minutes=25 * 60)
    assert (await town.the_notice()).state == "closed"
    last = (await town.said("whisper", to="boss"))[-1]
    assert "干部2、干部3" in last.card["lines"][1]
    assert "请勿转发" in last.card["lines"][1]


async def test_an_emergency_without_a_reason_is_an_ordinary_notice(town: Town) -> None:
    await town.roster()
    await town.says("boss", "@轻群 应急通知 请各村立即上报库存物资数量")
    assert not (await town.the_notice()).emergency


async def test_the_same_words_in_two_groups_are_one_notice(town: Town) -> None:
    await town.roster(people=3, group="g1")
    await town.roster(people=4, group="g2", minutes=0.5)
    await town.says("boss", ASK, group="g1", id="m1")
    await town.says("boss", "【转发】" + ASK + " ", group="g2", minutes=2, id="m2")
    assert await count(town) == 1
    notice = await town.the_notice()
    assert await town.read(lambda db: notices.counts(db, notice.id)) == (0, 4)
    await town.clicks("p1", "m2", minutes=3, group="g2")
    await town.passes(minutes=4)
    revised = await town.said("revise")
    assert sorted(one.target for one in revised) == ["g1", "g2"]
    assert all(one.card["progress"] == [1, 4] for one in revised)


async def test_a_short_call_stands_for_something_else_each_time(town: Town) -> None:
    await town.roster()
    await town.says("boss", "收到请回复", minutes=1)
    await town.says("boss", "收到请回复", minutes=90)
    assert await count(town) == 2


async def test_the_same_words_after_a_day_are_a_new_notice(town: Town) -> None:
    await town.roster()
    await town.says("boss", ASK, minutes=1)
    await town.says("boss", ASK, minutes=25 * 60)
    assert await count(town) == 2


async def test_a_notice_that_needs_no_answer_says_so_and_asks_nobody(town: Town) -> None:
    await town.roster()
    await town.says("boss", "明天停水两小时，请大家提前接好水，不用回复。", id="m1")
    (post,) = await town.said("post")
    assert "无需回复" in post.card["note"]
    assert post.card["buttons"] == []
    await town.clicks("p1", "m1")
    (told,) = await town.said("whisper", to="p1")
    assert "不需要回复" in told.card["title"]
    assert await town.read(lambda db: notices.open_for(db, "playground:p1")) == []


async def test_a_recalled_notice_is_cancelled_and_refuses_clicks(town: Town) -> None:
    await town.roster()
    await town.says("boss", ASK, id="m1")
    await town.says("boss", "", kind="recall", quotes="m1", minutes=3)
    assert (await town.the_notice()).state == "cancelled"
    await town.clicks("p1", "m1", minutes=4)
    (told,) = await town.said("whisper", to="p1")
    assert "已取消" in told.card["title"]


async def test_a_recall_in_one_of_two_groups_leaves_the_notice_open(town: Town) -> None:
    for group in ("g1", "g2"):
        await town.roster(group=group)
        await town.says("boss", ASK, group=group, id=f"m-{group}")
    await town.says("boss", "", kind="recall", quotes="m-g1", minutes=3)
    assert (await town.the_notice()).state == "open"


async def test_an_action_notice_carries_its_deadline(town: Town) -> None:
    await town.roster()
    await town.says("boss", "请各村于11月20日17:00前报送值班表，收到请回复。")
    notice = await town.the_notice()
    assert notice.kind == "act"
    assert notice.deadline.isoformat() == "2026-11-20T09:00:00+00:00"


async def test_classified_text_opens_nothing_and_its_sender_is_warned_alone(town: Town) -> None:
    await town.roster()
    await town.says("boss", "机密★1年 请各村学习后收到请回复。")
    assert await count(town) == 0
    (told,) = await town.said()
    assert (told.kind, told.target) == ("whisper", "boss")
    assert "密级" in told.card["title"]


async def test_a_dissolved_group_closes_its_notices(town: Town) -> None:
    await town.roster()
    await town.says("boss", ASK)
    await town.tell(type="dissolved", at=town.at(5), group="g1")
    assert (await town.the_notice()).state == "closed"


async def test_an_issued_notice_reaches_every_group_and_can_be_cancelled(town: Town) -> None:
    await town.roster(people=2, group="g1")
    await town.roster(people=4, group="g2")
    await town.house.tell(
        NoticeIssued(
            id="nx", at=MONDAY, groups=("playground:g1", "playground:g2"), text="周五大扫除", sender="token:1",
            sender_name="机制办",
        )
    )
    assert await town.read(lambda db: notices.counts(db, "nx")) == (0, 5)
    assert [one.target for one in await town.said("post")] == ["g1", "g2"]
    await town.house.tell(NoticeCancelled(id="x", at=MONDAY, notice="nx", by="token:1"))
    assert (await town.the_notice()).state == "cancelled"
    assert {one.card["tone"] for one in await town.said("revise")} == {"plain"}


async def test_a_configured_sender_may(town: Town) -> None:
    house = town.house
    chosen = house.settings.acknowledge.model_copy(update={"senders": ["p1"]})
    house.dispatch.settings = house.settings.model_copy(update={"acknowledge": chosen})
    await town.roster()
    await town.says("p1", ASK)
    assert await count(town) == 1


@pytest.mark.parametrize(
    ("text", "title", "body"),
    [
        ("周五大扫除。", "周五大扫除", ""),
        ("周五大扫除！请带工具", "周五大扫除", "请带工具"),
        ("关于" + "做好防汛工作" * 8, "老周的通知", "关于" + "做好防汛工作" * 8),
    ],
    ids=["one sentence", "two sentences", "a long one"],
)
async def test_a_card_says_nothing_twice(town: Town, text: str, title: str, body: str) -> None:
    await town.roster()
    await town.says("boss", f"@轻群 通知 {text}")
    (post,) = await town.said("post")
    assert (post.card["title"], post.card["text"]) == (title, body)

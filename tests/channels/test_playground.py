"""The playground is a platform too: nothing that was said is lost, nothing is shown to whom it does not concern."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.channels.playground import Refused, people, talk
from handlers.cards import Button, Card
from handlers.events import ButtonClicked, FlagAnswered, GroupDissolved, MessageReceived, RosterReceived
from tests.channels.stages import NOW, PlaygroundStage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[PlaygroundStage]:
    made = PlaygroundStage(tmp_path)
    await made.furnish()
    await made.open()
    yield made
    await made.channel.close()


CARD = Card(title="开会", buttons=(Button(label="已阅", action="ack", subject="n1"),))
FLAG = Card(title="提示", buttons=(Button(label="误判", action="misjudged", subject="f1"),))


async def test_what_was_said_during_an_outage_is_heard_afterwards_in_order(stage: PlaygroundStage) -> None:
    stage.outage = RuntimeError("数据库出错")
    first = await stage.playground.desk.say("p1", "g1", "一")
    await stage.playground.desk.say("p2", "g1", "二")
    assert first["pending"]
    stage.outage = None
    await stage.playground.retry()
    assert [event.text for event in stage.heard if isinstance(event, MessageReceived)] == ["一", "二"]
    talked = await stage.playground.desk.conversation("p1", "g1")
    assert not any(one["pending"] for one in talked["messages"])


async def test_sending_again_after_a_lost_answer_says_it_once(stage: PlaygroundStage) -> None:
    once = await stage.playground.desk.say("p1", "g1", "开会", said_as="a1")
    again = await stage.playground.desk.say("p1", "g1", "开会", said_as="a1")
    assert once["id"] == again["id"]
    assert len(stage.heard) == 1


async def test_a_recall_quotes_what_it_took_back_and_keeps_no_words(stage: PlaygroundStage) -> None:
    said = await stage.playground.desk.say("p1", "g1", "发错了")
    assert await stage.playground.desk.recall("p1", said["id"]) == ("g1", "发错了")
    recall = stage.heard[-1]
    assert isinstance(recall, MessageReceived)
    assert (recall.kind, recall.quotes) == ("recall", f"playground:{said['id']}")
    shown = (await stage.playground.desk.conversation("p2", "g1"))["messages"]
    assert [(one["recalled"], one["text"]) for one in shown] == [(True, "")]


async def test_only_the_author_may_recall(stage: PlaygroundStage) -> None:
    said = await stage.playground.desk.say("p1", "g1", "开会")
    with pytest.raises(Refused, match="只能撤回自己发的消息"):
        await stage.playground.desk.recall("p2", said["id"])


async def test_a_press_becomes_a_click_of_the_presser(stage: PlaygroundStage) -> None:
    shown = await stage.channel.post("playground:g1", CARD, "k1")
    await stage.playground.desk.press("p2", int(shown), "ack", "n1", "x1")
    assert stage.heard == [
        ButtonClicked(
            id="playground:press-p2-x1", at=NOW, channel="playground", group="playground:g1", person="playground:p2",
            notice="n1", action="ack", via="card",
        )
    ]  # fmt: skip


async def test_a_deputy_is_named_and_stands_for_a_member_only(stage: PlaygroundStage) -> None:
    shown = int(await stage.channel.post("playground:g1", CARD, "k1"))
    await stage.playground.desk.press("p1", shown, "ack", "n1", "x1", stands_for="p2")
    click = stage.heard[0]
    assert isinstance(click, ButtonClicked)
    assert (click.person, click.deputy) == ("playground:p2", "playground:p1")
    with pytest.raises(Refused, match="只能替同群的人确认"):
        await stage.playground.desk.press("p1", shown, "ack", "n1", "x2", stands_for="p9")


@pytest.mark.parametrize(
    ("person", "action", "subject"),
    [("p9", "ack", "n1"), ("p2", "ack", "n2"), ("p2", "dismiss", "n1"), ("p2", "explode", "n1")],
    ids=["a stranger", "another notice", "an office's word", "no such action"],
)
async def test_what_is_not_on_the_card_cannot_be_pressed(
    stage: PlaygroundStage, person: str, action: str, subject: str
) -> None:
    shown = await stage.channel.post("playground:g1", CARD, "k1")
    with pytest.raises(Refused):
        await stage.playground.desk.press(person, int(shown), action, subject, "x1")
    assert stage.heard == []


async def test_an_appeal_carries_the_text_only_when_it_is_shared(stage: PlaygroundStage) -> None:
    shown = int(await stage.channel.whisper("playground:p1", FLAG, "k1"))
    await stage.playground.desk.press("p1", shown, "misjudged", "f1", "x1", share="原文")
    answer = stage.heard[0]
    assert isinstance(answer, FlagAnswered)
    assert (answer.person, answer.answer, answer.share) == ("playground:p1", "misjudged", "原文")


async def test_nobody_reads_anothers_private_talk(stage: PlaygroundStage) -> None:
    await stage.channel.whisper("playground:p1", FLAG, "k1")
    with pytest.raises(Refused):
        await stage.playground.desk.conversation("p2", "@p1")


async def test_a_classified_mark_is_heard_and_its_text_is_not_kept(stage: PlaygroundStage) -> None:
    said = await stage.playground.desk.say("p1", "g1", "秘密★ 三号仓库位于后山")
    assert "后山" not in said["text"]
    event = stage.heard[0]
    assert isinstance(event, MessageReceived)
    assert event.text.startswith("秘密★")
    assert "后山" not in event.text


async def test_joining_leaving_and_dissolving_are_told(stage: PlaygroundStage) -> None:
    rooms = stage.playground.rooms
    room = await rooms.found("p1", "河道保洁群", ["p2"], "业务")
    await rooms.leave("p2", room, "p2")
    await rooms.dissolve("p1", room)
    made, changed, gone = stage.heard
    assert isinstance(made, RosterReceived)
    assert isinstance(changed, RosterReceived)
    assert [member.id for member in made.members] == ["playground:p1", "playground:p2"]
    assert [member.id for member in changed.members] == ["playground:p1"]
    assert isinstance(gone, GroupDissolved)
    with pytest.raises(Refused, match="群已解散"):
        await stage.playground.desk.say("p1", room, "还在吗")


async def test_who_does_not_run_a_group_cannot_change_it(stage: PlaygroundStage) -> None:
    with pytest.raises(Refused, match="只有群主"):
        await stage.playground.rooms.dissolve("p2", "g1")


async def test_an_invitation_works_once_and_not_for_ever(stage: PlaygroundStage) -> None:
    rooms = stage.playground.rooms
    token = await rooms.invite("新同志", "上河村", groups=["g1"])
    assert await rooms.accept("made-up") is None
    assert await rooms.accept(token) is not None
    assert await rooms.accept(token) is None
    late = await stage.playground.book(lambda db: people.invite(db, "p1", NOW - timedelta(minutes=1)))
    assert await rooms.accept(late) is None


async def test_messages_are_forgotten_after_their_days(stage: PlaygroundStage) -> None:
    old = talk.Message(room="g1", sender="p1", text="旧的", at=NOW - timedelta(days=181))
    await stage.playground.book(lambda db: talk.add(db, old))
    await stage.playground.retry()
    assert (await stage.playground.desk.conversation("p1", "g1"))["messages"] == []


async def test_news_reaches_open_pages_of_the_room_only(stage: PlaygroundStage) -> None:
    fanout = stage.playground.fanout
    with fanout.subscribe("p1") as mine, fanout.subscribe("p2") as theirs:
        await stage.channel.whisper("playground:p1", FLAG, "k1")
        await stage.channel.post("playground:g1", CARD, "k2")
        assert (mine.qsize(), theirs.qsize()) == (2, 1)


async def test_a_page_that_reads_too_slowly_begins_anew(stage: PlaygroundStage) -> None:
    fanout = stage.playground.fanout
    with fanout.subscribe("p1") as queue:
        for number in range(300):
            fanout.tell("p1", {"type": "message", "number": number})
        assert None in [queue.get_nowait() for _ in range(queue.qsize())]


async def test_names_come_without_what_could_turn_a_page_around(stage: PlaygroundStage) -> None:
    room = await stage.playground.rooms.found("p1", "\u202e群\u0000", [])
    assert (await stage.playground.book(lambda db: people.room(db, room))).name == "群"  # type: ignore[union-attr]

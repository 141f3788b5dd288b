"""One click counts once, however it comes; the card never names anybody."""

from __future__ import annotations

from typing import Any

import pytest

from bot import timer
from storage import clockwork, notices
from tests.conftest import Town

ASK = "各位，明天上午九点在镇政府三楼开防火工作会，收到请回复。"


async def receipts(town: Town) -> tuple[int, int]:
    notice = await town.the_notice()
    counts: tuple[int, int] = await town.read(lambda db: notices.counts(db, notice.id))
    return counts


async def state(town: Town) -> str:
    return str((await town.the_notice()).state)


@pytest.fixture
async def asked(town: Town) -> Town:
    """A roll-call by the owner to five cadres; its message is m1."""
    await town.roster(people=5)
    await town.says("boss", ASK, id="m1")
    return town


async def test_a_click_counts_once_however_often_it_arrives(asked: Town) -> None:
    await asked.clicks("p1", "m1", minutes=2, id="c1")
    await asked.clicks("p1", "m1", minutes=2, id="c1")
    await asked.clicks("p1", "m1", minutes=2, id="c1-again")
    await asked.clicks("p1", "m1", minutes=3, id="c2")
    assert await receipts(asked) == (1, 5)


async def test_the_first_time_is_kept_through_undo_and_a_second_click(asked: Town) -> None:
    for minutes, action in ((2, "ack"), (4, "undo"), (60, "ack")):
        await asked.clicks("p1", "m1", minutes=minutes, action=action)
    notice = await asked.the_notice()
    receipt = await asked.read(lambda db: notices.receipt(db, notice.id, "playground:p1"))
    assert receipt.acked
    assert receipt.first_at.isoformat() == "2026-11-16T01:02:00+00:00"
    presses = await asked.read(lambda db: notices.presses(db, notice.id, "playground:p1"))
    assert [press.action for press in presses] == ["ack", "undo", "ack"]


async def test_an_undo_after_five_minutes_is_refused_in_private(asked: Town) -> None:
    await asked.clicks("p1", "m1", minutes=2)
    await asked.clicks("p1", "m1", minutes=8, action="undo")
    assert await receipts(asked) == (1, 5)
    (told,) = await asked.said("whisper", to="p1")
    assert "超过可撤销的时间" in told.card["title"]


async def test_an_undo_that_arrives_before_its_click_still_undoes_it(asked: Town) -> None:
    await asked.clicks("p1", "m1", minutes=4, action="undo")
    await asked.clicks("p1", "m1", minutes=2, action="ack")
    assert await receipts(asked) == (0, 5)


@pytest.mark.parametrize(
    "word", ["收到", "收到！", "1", "OK", "ok", "已阅", "👌", "好的，收到", "[OK]", "明白"], ids=lambda word: word
)
async def test_a_typed_word_counts_and_is_answered_by_silence(asked: Town, word: str) -> None:
    before = len(await asked.said())
    await asked.says("p2", word, minutes=3)
    assert await receipts(asked) == (1, 5)
    assert len(await asked.said()) == before


@pytest.mark.parametrize("word", ["收到请回复吗", "会议改到几点？", "我收到一份文件要转给谁"])
async def test_a_sentence_is_no_acknowledgement(asked: Town, word: str) -> None:
    await asked.says("p2", word, minutes=3)
    assert (await receipts(asked))[0] == 0


async def test_a_quoting_reply_acknowledges_what_it_quotes_not_the_newest(asked: Town) -> None:
    await asked.says("boss", "关于报送森林防火值班表的通知已发，看到请回复收到。", minutes=5, id="m2")
    await asked.says("p3", "收到", minutes=6, quotes="m1")
    first = await asked.read(lambda db: notices.of_message(db, "playground:m1"))
    second = await asked.read(lambda db: notices.of_message(db, "playground:m2"))
    assert (await asked.read(lambda db: notices.counts(db, first.id)))[0] == 1
    assert (await asked.read(lambda db: notices.counts(db, second.id)))[0] == 0


async def test_a_second_typed_word_goes_to_the_notice_still_open_for_that_person(asked: Town) -> None:
    await asked.says("boss", "请各村今天把值班表发我一份，看到请回复收到。", minutes=5, id="m2")
    await asked.says("p3", "收到", minutes=6)
    await asked.says("p3", "收到", minutes=7)
    for message in ("m1", "m2"):
        notice = await asked.read(lambda db, m=message: notices.of_message(db, f"playground:{m}"))
        assert (await asked.read(lambda db, n=notice: notices.counts(db, n.id)))[0] == 1


async def test_who_joined_later_is_refused_politely_and_in_private(asked: Town) -> None:
    await asked.roster(people=6, minutes=3)
    await asked.clicks("p6", "m1", minutes=4)
    assert await receipts(asked) == (0, 5)
    (told,) = await asked.said("whisper", to="p6")
    assert "名单里没有您" in told.card["title"]


async def test_who_leaves_stays_in_the_frozen_roster_and_is_logged(asked: Town) -> None:
    await asked.roster(people=4, minutes=3)
    assert await receipts(asked) == (0, 5)
    from sqlalchemy import select

    from storage.database import table
    from storage.tables import RosterChange

    rows = await asked.read(lambda db: db.execute(select(table(RosterChange))).all())
    assert [(row.person, row.change) for row in rows] == [("playground:p5", "left")]


async def test_the_sender_cannot_acknowledge_their_own_notice(asked: Town) -> None:
    await asked.clicks("boss", "m1")
    (told,) = await asked.said("whisper", to="boss")
    assert "不用自己确认" in told.card["title"]
    assert await receipts(asked) == (0, 5)


async def test_a_deputy_acknowledges_for_somebody_and_is_recorded(asked: Town) -> None:
    await asked.says("p1", "代干部2收到", minutes=3)
    notice = await asked.the_notice()
    receipt = await asked.read(lambda db: notices.receipt(db, notice.id, "playground:p2"))
    assert receipt.deputy == "playground:p1"
    assert receipt.via == "typed"
    assert await asked.read(lambda db: notices.receipt(db, notice.id, "playground:p1")) is None


async def test_a_deputy_for_an_unknown_name_is_told_so_in_private(asked: Town) -> None:
    await asked.says("p1", "代赵某某收到", minutes=3)
    (told,) = await asked.said("whisper", to="p1")
    assert "名单里没有“赵某某”" in told.card["title"]


async def test_a_stranger_cannot_be_a_deputy(asked: Town) -> None:
    await asked.says("p9", "代干部2收到", minutes=3)
    assert await receipts(asked) == (0, 5)


async def test_the_card_is_revised_once_for_many_clicks(asked: Town) -> None:
    for number in (1, 2, 3):
        await asked.clicks(f"p{number}", "m1", minutes=2 + number / 100)
    assert await asked.said("revise") == []
    await asked.passes(minutes=3)
    (revision,) = await asked.said("revise")
    assert revision.card["progress"] == [3, 5]
    assert "干部" not in str(revision.card)


async def test_a_press_just_after_a_revision_is_shown_by_the_next(asked: Town) -> None:
    """However late the timer removes the wake that it has published."""
    await asked.clicks("p1", "m1", minutes=2)
    wake = await asked.read(clockwork.next_wake)
    assert wake.kind == "revise"
    await asked.house.tell(timer.woke(wake.kind, wake.subject, wake.at))
    await asked.clicks("p2", "m1", minutes=2.1)
    await asked.house.store.write(lambda db: clockwork.take_wake(db, wake.kind, wake.subject, wake.at))
    await asked.passes(minutes=3)
    assert [one.card["progress"] for one in await asked.said("revise")] == [[1, 5], [2, 5]]


async def test_the_sender_is_told_at_the_milestones_only(asked: Town) -> None:
    told: list[int] = []
    for number in range(1, 6):
        await asked.clicks(f"p{number}", "m1", minutes=1 + number)
        await asked.passes(minutes=1.5 + number)
        told.append(len(await asked.said("whisper", to="boss")))
    assert told == [0, 0, 0, 1, 2]
    titles = [one.card["title"] for one in await asked.said("whisper", to="boss")]
    assert "大部分人已确认" in titles[0]
    assert "全部确认" in titles[1]
    assert await state(asked) == "complete"


async def test_an_undo_opens_a_complete_notice_again_and_tells_nobody(asked: Town) -> None:
    for number in range(1, 6):
        await asked.clicks(f"p{number}", "m1", minutes=2)
    await asked.passes(minutes=2.5)
    said = len(await asked.said("whisper"))
    assert await state(asked) == "complete"
    await asked.clicks("p1", "m1", minutes=3, action="undo")
    await asked.passes(minutes=3.5)
    assert await state(asked) == "open"
    await asked.clicks("p1", "m1", minutes=4)
    await asked.passes(minutes=4.5)
    assert await state(asked) == "complete"
    assert len(await asked.said("whisper")) == said


async def test_after_its_end_a_notice_closes_with_figures_and_still_takes_a_late_click(asked: Town) -> None:
    await asked.clicks("p1", "m1", minutes=2)
    await asked.passes(minutes=8 * 24 * 60)
    assert await state(asked) == "closed"
    (summary,) = await asked.said("whisper", to="boss")
    assert summary.card["text"] == "应确认 5 人，已确认 1 人，未确认 4 人。"
    assert "干部" not in str(summary.card)
    await asked.clicks("p2", "m1", minutes=9 * 24 * 60)
    assert await receipts(asked) == (2, 5)
    assert await state(asked) == "closed"


async def test_without_a_roster_whoever_answers_belongs_and_the_roster_is_asked_for(town: Town) -> None:
    await town.says("boss", ASK, id="m1", sender={"id": "boss", "name": "老周", "role": "admin"})
    assert [one.kind for one in await town.said()] == ["roster", "post"]
    await town.says("p1", "收到", minutes=2)
    assert await receipts(town) == (1, 1)
    await town.roster(people=3, minutes=3)
    assert await receipts(town) == (1, 3)
    await town.clicks("p9", "m1", minutes=4)
    assert await receipts(town) == (1, 3)


@pytest.mark.parametrize(("notice", "count"), [({"notice": "nichts"}, 0), ({"message": "m-unknown"}, 0)])
async def test_a_click_on_something_unknown_has_no_effect(asked: Town, notice: dict[str, Any], count: int) -> None:
    await asked.clicks("p1", "", notice=notice)
    assert (await receipts(asked))[0] == count


async def test_two_people_of_one_name_need_their_own_click(town: Town) -> None:
    await town.tell(
        type="roster", at=town.at(0), group={"id": "g1", "name": "甲群"}, owner="boss",
        members=[{"id": "boss", "name": "老周"}, {"id": "p1", "name": "小李"}, {"id": "p2", "name": "小李"},
                 {"id": "p3", "name": "小王"}],
    )  # fmt: skip
    await town.says("boss", ASK, id="m1")
    await town.says("p3", "代小李收到", minutes=3)
    assert await receipts(town) == (0, 3)
    (told,) = await town.said("whisper", to="p3")
    assert "不止一位" in told.card["title"]

"""A flag is whispered, kept as a span, and can be appealed."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from handlers.events import AppealDecided, FlagAnswered
from storage import cases, flags
from storage.flags import FLAGS
from tests.conftest import MONDAY, Town

DEMAND = "请各村网格员今天都把学习强国截图发到群里，没发的通报。"


async def rows(town: Town) -> list[object]:
    return list(await town.read(lambda db: db.execute(select(FLAGS).order_by(FLAGS.c.id)).all()))


async def flagged(town: Town) -> str:
    await town.roster()
    await town.says("boss", DEMAND, id="m1")
    found = await rows(town)
    assert found
    return str(found[0].id)  # type: ignore[attr-defined]


async def test_only_the_sender_is_told_and_how_to_say_it_better(town: Town) -> None:
    await flagged(town)
    (told,) = [one for one in await town.said() if one.key.startswith("flag:")]
    assert (told.kind, told.target) == ("whisper", "boss")
    assert {name for name, _ in told.card["details"]} == {"依据", "可以这样说"}
    assert [button["action"] for button in told.card["buttons"]] == ["withdraw", "misjudged", "understood"]


async def test_the_message_is_not_kept_only_the_span_and_a_hash(town: Town) -> None:
    await flagged(town)
    for row in await rows(town):
        assert row.span in DEMAND  # type: ignore[attr-defined]
        assert len(row.span) < len(DEMAND)  # type: ignore[attr-defined]
        assert row.text == ""  # type: ignore[attr-defined]
        assert len(row.digest) == 64  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("answer", "state"), [("withdraw", "withdrawn"), ("misjudged", "appealed"), ("understood", "understood")]
)
async def test_each_answer_is_taken_once(town: Town, answer: str, state: str) -> None:
    flag = await flagged(town)
    for number in (1, 2):
        await town.house.tell(FlagAnswered(id=f"a{number}", at=MONDAY, flag=flag, person="playground:boss", answer=answer))  # type: ignore[arg-type]
    assert {row.state for row in await rows(town)} == {state}  # type: ignore[attr-defined]
    assert len([one for one in await town.said() if one.key == f"flag:{flag}:{answer}"]) == 1


async def test_nobody_answers_for_another(town: Town) -> None:
    flag = await flagged(town)
    await town.house.tell(FlagAnswered(id="a", at=MONDAY, flag=flag, person="playground:p1", answer="misjudged"))
    assert {row.state for row in await rows(town)} == {"open"}  # type: ignore[attr-defined]


async def test_an_appeal_shows_the_text_only_when_it_is_shared_and_is_that_message(town: Town) -> None:
    flag = await flagged(town)
    await town.house.tell(
        FlagAnswered(id="a", at=MONDAY, flag=flag, person="playground:boss", answer="misjudged", share="别的话")
    )
    assert (await town.read(lambda db: flags.get(db, flag))).text == ""


async def test_the_office_upholds_or_dismisses_and_a_dismissed_flag_no_longer_counts(town: Town) -> None:
    flag = await flagged(town)
    await town.house.tell(
        FlagAnswered(id="a", at=MONDAY, flag=flag, person="playground:boss", answer="misjudged", share=DEMAND)
    )
    assert (await town.read(lambda db: flags.get(db, flag))).text == DEMAND
    number = len(await rows(town))
    await town.house.tell(AppealDecided(id="d", at=MONDAY, flag=flag, by="token:1", decision="dismiss"))
    assert (await town.read(lambda db: flags.get(db, flag))).state == "dismissed"
    tally = await town.read(lambda db: flags.tally(db, MONDAY.replace(year=2025), MONDAY.replace(year=2027)))
    assert sum(row.number for row in tally) == number - 1
    last = (await town.said("whisper", to="boss"))[-1]
    assert "误判" in last.card["title"]


async def test_a_decision_without_an_appeal_changes_nothing(town: Town) -> None:
    flag = await flagged(town)
    await town.house.tell(AppealDecided(id="d", at=MONDAY, flag=flag, by="token:1", decision="uphold"))
    assert (await town.read(lambda db: flags.get(db, flag))).state == "open"


async def test_a_recalled_demand_clears_its_flags(town: Town) -> None:
    await flagged(town)
    await town.says("boss", "", kind="recall", quotes="m1", minutes=3)
    assert {row.state for row in await rows(town)} == {"cleared"}  # type: ignore[attr-defined]


async def test_a_draft_is_checked_in_private_and_nothing_is_kept(town: Town) -> None:
    await town.says("boss", f"检查 {DEMAND}", group=None)
    (told,) = await town.said("whisper", to="boss")
    assert "建议改一改" in told.card["title"]
    assert await rows(town) == []


async def test_a_fine_draft_is_called_fine(town: Town) -> None:
    await town.says("boss", "检查 周五下午三点在二楼会议室开例会。", group=None)
    (told,) = await town.said("whisper", to="boss")
    assert "没有发现不当要求" in told.card["title"]


async def test_switched_off_nothing_is_flagged(town: Town) -> None:
    off = town.house.settings.flags.model_copy(update={"enabled": False})
    town.house.dispatch.settings = town.house.settings.model_copy(update={"flags": off})
    await town.roster()
    await town.says("boss", DEMAND)
    assert await rows(town) == []


async def test_a_demand_spread_over_two_messages_of_a_minute_is_found(town: Town) -> None:
    await town.roster()
    await town.says("boss", "入户走访的照片和截图", id="m1")
    assert not await rows(town)
    await town.says("boss", "各村务必今天全部发群里", id="m2", minutes=1.6)
    found = await rows(town)
    assert ("screenshot", "m2") in {(row.category, row.message.split(":")[-1]) for row in found}  # type: ignore[attr-defined]
    whispers = [one for one in await town.said() if one.key.startswith("flag:")]
    assert len(whispers) == 1


async def test_the_same_demand_twice_within_a_minute_is_found_twice(town: Town) -> None:
    await town.roster()
    await town.says("boss", DEMAND, id="m1")
    found = await rows(town)
    await town.says("boss", DEMAND, id="m2", minutes=1.5)
    assert len(await rows(town)) == 2 * len(found)


async def test_what_was_shared_and_decided_becomes_a_case_without_its_author(town: Town) -> None:
    flag = await flagged(town)
    await town.house.tell(
        FlagAnswered(id="a", at=MONDAY, flag=flag, person="playground:boss", answer="misjudged", share=DEMAND)
    )
    await town.house.tell(AppealDecided(id="d", at=MONDAY, flag=flag, decision="dismiss", by="office"))
    (case,) = await town.read(cases.every)
    assert (case.id, case.text, case.demands) == (flag, DEMAND, False)
    assert "boss" not in str(case)


async def test_an_appeal_without_the_text_leaves_no_case(town: Town) -> None:
    flag = await flagged(town)
    await town.house.tell(FlagAnswered(id="a", at=MONDAY, flag=flag, person="playground:boss", answer="misjudged"))
    await town.house.tell(AppealDecided(id="d", at=MONDAY, flag=flag, decision="dismiss", by="office"))
    assert not await town.read(cases.every)

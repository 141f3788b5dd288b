"""What every channel must do, whichever platform is behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.channels import ChannelError
from handlers.cards import Button, Card, Link
from handlers.events import MessageReceived, RosterReceived
from tests.channels.stages import STAGES, Stage

HOSTILE = "\u202e<script>alert(1)</script> @所有人 =cmd()\u0000"


@pytest.fixture(params=sorted(STAGES))
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    async with STAGES[request.param](tmp_path) as made:
        yield made


@pytest.fixture
async def opened(stage: Stage) -> Stage:
    await stage.open()
    return stage


def card(title: str, done: int = 0) -> Card:
    return Card(
        title=title,
        text="请看",
        progress=(done, 3),
        buttons=(Button(label="已阅", action="ack", subject="n1", style="primary"),),
        links=(Link(label="打开", page="notice", subject="n1"),),
    )


async def test_a_channel_says_that_it_is_starting_and_then_that_it_is_well(stage: Stage) -> None:
    assert stage.channel.health().state == "starting"
    await stage.open()
    assert stage.channel.health().state == "ok"


async def test_its_name_begins_every_key(opened: Stage) -> None:
    assert opened.group.startswith(opened.channel.name + ":")


async def test_a_card_is_shown_to_the_group(opened: Stage) -> None:
    await opened.channel.post(opened.group, card("开会"), "k1")
    assert await opened.shown_in_group() == ["开会"]


async def test_the_same_effect_is_shown_once(opened: Stage) -> None:
    first = await opened.channel.post(opened.group, card("开会"), "k1")
    assert await opened.channel.post(opened.group, card("开会"), "k1") == first
    assert await opened.shown_in_group() == ["开会"]


async def test_a_revision_shows_the_newest_card(opened: Stage) -> None:
    said = await opened.channel.post(opened.group, card("开会"), "k1")
    newer = await opened.channel.revise(opened.group, said, card("开会（已改）", 2), "r1")
    await opened.channel.revise(opened.group, newer, card("开会（已改）", 2), "r1")
    assert (await opened.shown_in_group())[-1] == "开会（已改）"


async def test_a_whisper_is_seen_by_one_person_alone(opened: Stage) -> None:
    await opened.channel.whisper(opened.person, card("提示"), "k1")
    await opened.channel.whisper(opened.person, card("提示"), "k1")
    assert await opened.shown_to(opened.person) == ["提示"]
    assert await opened.shown_to(opened.other) == []
    assert await opened.shown_in_group() == []


async def test_a_file_is_given_once(opened: Stage) -> None:
    for _ in range(2):
        await opened.channel.send_file(opened.person, "清单.xlsx", b"PK", "k1")
    assert await opened.shown_to(opened.person) == ["清单.xlsx"]


async def test_a_group_that_is_not_there_is_a_permanent_failure(opened: Stage) -> None:
    with pytest.raises(ChannelError) as failure:
        await opened.channel.post(f"{opened.channel.name}:nowhere", card("开会"), "k1")
    assert failure.value.permanent


async def test_a_person_who_is_not_there_is_a_permanent_failure(opened: Stage) -> None:
    with pytest.raises(ChannelError) as failure:
        await opened.channel.whisper(f"{opened.channel.name}:nobody", card("提示"), "k1")
    assert failure.value.permanent


async def test_a_roster_that_is_asked_for_comes_back_as_an_event(opened: Stage) -> None:
    await opened.channel.ask_roster(opened.group)
    (roster,) = [event for event in opened.heard if isinstance(event, RosterReceived)]
    assert roster.group.id == opened.group
    assert {member.id for member in roster.members} >= {opened.person, opened.other}
    assert roster.at.tzinfo is not None


async def test_a_message_is_heard_with_keys_and_an_aware_time(opened: Stage) -> None:
    await opened.speak("明天开会")
    (said,) = [event for event in opened.heard if isinstance(event, MessageReceived)]
    assert said.text == "明天开会"
    assert (said.channel, said.sender.id) == (opened.channel.name, opened.person)
    assert said.group is not None
    assert said.group.id == opened.group
    assert said.id.startswith(opened.channel.name + ":")
    assert said.at.tzinfo is not None


async def test_hostile_words_on_a_card_harm_nobody(opened: Stage) -> None:
    await opened.channel.post(opened.group, card(HOSTILE), "k1")
    assert len(await opened.shown_in_group()) == 1


async def test_a_closed_channel_may_be_opened_again(opened: Stage) -> None:
    await opened.channel.post(opened.group, card("开会"), "k1")
    await opened.channel.close()
    await opened.open()
    await opened.channel.post(opened.group, card("开会"), "k1")
    assert await opened.shown_in_group() == ["开会"]

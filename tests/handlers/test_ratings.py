"""有用吗: one answer a person, changed at will, shown from five on and once a week, and never whose it was."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from bot.app import make_house
from bot.house import House
from config.settings import TIMEZONE, load_settings
from handlers.events import DayEnded, SubjectRated, WeekEnded
from handlers.inventory import snapshot_for
from handlers.rules.rating import may_show, round_of
from handlers.rules.week import end_of, first_day, midnight
from storage import ratings, register
from storage.postgresql import PostgresStore
from storage.tables import Table
from tests.conftest import Town, make
from tests.storage.places import clear

GROUP = "group:playground:g1"
WEEK, NEXT, LATER = "2026-W47", "2026-W48", "2026-W49"


class Poll:
    def __init__(self, house: House) -> None:
        self.house = house
        self.number = 0

    async def answers(self, week: str, answer: str, *people: int, subject: str = GROUP) -> None:
        for one in people:
            self.number += 1
            voter = self.house.links.voter(round_of(week), subject, f"playground:p{one}")
            told: Any = {"subject": subject, "voter": voter, "answer": answer}
            await self.house.dispatch(SubjectRated(id=str(self.number), at=midnight(first_day(week)), **told))

    async def ends(self, week: str) -> None:
        await self.house.dispatch(WeekEnded(id=week, at=end_of(week) + timedelta(hours=8.5), week=week))

    async def rating(self, week: str, what: str = "groups") -> dict[str, Any] | None:
        found = await self.house.store.read(lambda db: snapshot_for(db, self.house.settings, week, end_of(week)))
        told: dict[str, Any] | None = found[what][0]["rating"]
        return told

    async def ballots(self) -> int:
        return await self.house.store.read(lambda db: db.execute(select(func.count()).select_from(ratings.BALLOTS)).scalar_one())


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def poll(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Poll]:
    if request.param == "sqlite":
        async for house in make(tmp_path, **{"ratings.enabled": True}):
            await Town(house).roster(people=9)
            yield Poll(house)
        return
    store = PostgresStore(os.environ["QINGQUN_TEST_POSTGRESQL"])
    await store.write(clear)
    await store.open()
    house = make_house(load_settings(flags={"data": tmp_path, "ratings.enabled": True}, environ={}), store)
    await house.bus.open(house.dispatch)
    await Town(house).roster(people=9)
    yield Poll(house)
    await store.close()


async def test_below_five_answers_nothing_is_shown_not_even_how_many(poll: Poll) -> None:
    await poll.answers(WEEK, "useless", 1, 2, 3, 4)
    await poll.ends(WEEK)
    assert await poll.rating(WEEK) is None
    assert await poll.house.store.read(lambda db: ratings.shown(db, WEEK)) == {}


async def test_from_five_on_the_sum_is_shown_at_the_weeks_end_and_not_before(poll: Poll) -> None:
    await poll.answers(WEEK, "useless", 1, 2, 3)
    await poll.answers(WEEK, "useful", 4)
    await poll.answers(WEEK, "unsure", 5)
    assert await poll.rating(WEEK) is None
    await poll.ends(WEEK)
    assert await poll.rating(WEEK) == {
        "answers": 5, "useful": 1, "useless": 3, "unsure": 1, "quarter": "2026年第4季度", "round": "2026-Q4", "week": WEEK,
    }  # fmt: skip


async def test_an_answer_may_be_changed_and_counts_once(poll: Poll) -> None:
    await poll.answers(WEEK, "useful", 1, 2, 3, 4, 5, 1)
    await poll.answers(WEEK, "useless", 1, 2)
    await poll.ends(WEEK)
    found = await poll.rating(WEEK)
    assert found
    assert (found["answers"], found["useful"], found["useless"]) == (5, 3, 2)


async def test_one_more_answer_does_not_show_what_it_was(poll: Poll) -> None:
    await poll.answers(WEEK, "useful", 1, 2, 3, 4, 5)
    await poll.ends(WEEK)
    first = await poll.rating(WEEK)
    await poll.answers(NEXT, "useless", 6, 7, 8, 9)
    await poll.ends(NEXT)
    assert await poll.rating(NEXT) == first
    await poll.answers(LATER, "useless", 10)
    await poll.ends(LATER)
    found = await poll.rating(LATER)
    assert found
    assert (found["answers"], found["useless"]) == (10, 5)
    assert await poll.rating(NEXT) == first


async def test_what_came_after_the_weeks_end_waits_for_the_next(poll: Poll) -> None:
    await poll.answers(WEEK, "useful", 1, 2, 3, 4)
    await poll.answers(NEXT, "useful", 5)
    await poll.ends(WEEK)
    assert await poll.rating(WEEK) is None
    await poll.ends(NEXT)
    assert await poll.rating(NEXT)


async def test_a_round_that_closes_keeps_the_sum_and_no_hash(poll: Poll) -> None:
    await poll.answers("2026-W53", "useful", 1, 2, 3, 4, 5)
    await poll.answers("2026-W53", "useful", 1, subject="group:playground:g2")
    assert round_of("2026-W53") == "2026-Q4"
    await poll.house.dispatch(DayEnded(id="d", at=datetime(2027, 1, 4, 0, 5, tzinfo=TIMEZONE), day=first_day("2026-W53")))
    assert await poll.ballots() == 0
    await poll.ends("2026-W53")
    found = await poll.rating("2026-W53")
    assert found
    assert (found["answers"], found["round"]) == (5, "2026-Q4")


async def test_an_app_is_rated_like_a_group(poll: Poll) -> None:
    rows = [{"id": "app:1", "name": "随手拍", "kind": "APP"}]
    await poll.house.store.write(lambda db: register.save(db, "apps", rows, midnight(first_day(WEEK))))
    await poll.answers(WEEK, "useless", 1, 2, 3, 4, 5, subject="app:app:1")
    await poll.ends(WEEK)
    found = await poll.rating(WEEK, "apps")
    assert found
    assert found["useless"] == 5


async def test_no_row_names_who_answered_or_when(poll: Poll) -> None:
    await poll.answers(WEEK, "useless", 1)
    read = poll.house.store.read

    def rows(db: Any) -> str:
        tables = [one.name for one in Table.metadata.sorted_tables if one.name in ("ballots", "claims", "outbox", "ratings")]
        found = {name: [list(map(str, row)) for row in db.execute(text(f"SELECT * FROM {name}"))] for name in tables}
        found["claims"] = [row for row in found["claims"] if row[0].startswith("SubjectRated")]
        return json.dumps(found)

    told = await read(rows)
    assert "p1" not in told
    assert str(int(midnight(first_day(WEEK)).timestamp() * 1000)) in told
    tokens = {poll.house.links.voter("2026-Q4", subject, "playground:p1") for subject in (GROUP, "group:x")}
    assert len(tokens | {poll.house.links.voter("2027-Q1", GROUP, "playground:p1")}) == 3


async def test_everybody_is_asked_at_most_once_a_quarter(poll: Poll) -> None:
    town = Town(poll.house)
    for week in (WEEK, NEXT):
        await poll.ends(week)
    asked = [one for one in await town.said("whisper") if one.key.startswith("rating:")]
    assert len(asked) == 10
    assert "不点也没有任何影响" in asked[0].card["text"]
    await poll.ends("2026-W53")
    assert len([one for one in await town.said("whisper") if one.key.startswith("rating:")]) == 20


async def test_nobody_is_asked_and_no_answer_counts_where_it_is_switched_off(house: House) -> None:
    town, poll = Town(house), Poll(house)
    await town.roster(people=9)
    await poll.answers(WEEK, "useful", 1, 2, 3, 4, 5)
    await poll.ends(WEEK)
    assert (await poll.ballots(), await poll.rating(WEEK)) == (0, None)
    assert not [one for one in await town.said("whisper") if one.key.startswith("rating:")]


@pytest.mark.parametrize(
    ("week", "expected"), [("2026-W01", "2026-Q1"), ("2026-W14", "2026-Q2"), ("2026-W53", "2026-Q4"), ("2027-W01", "2027-Q1")]
)
def test_a_round_is_the_quarter_of_the_weeks_thursday(week: str, expected: str) -> None:
    assert round_of(week) == expected


@pytest.mark.parametrize(("answers", "shown", "expected"), [(4, 0, False), (5, 0, True), (9, 5, False), (10, 5, True)])
def test_a_difference_is_always_of_five(answers: int, shown: int, expected: bool) -> None:
    assert may_show(answers, shown) is expected

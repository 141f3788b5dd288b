"""Plays the demonstration's past through the same decisions as a live channel, then says a few things today."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from loguru import logger
from sqlalchemy import Connection

from bot.channels.playground import Playground, people, talk
from bot.demo import city, cleaning, opinions, register, today
from bot.demo.history import History, Line
from bot.demo.past import facts_of, members_of, owner_of, past, weeks
from bot.house import House
from bot.timer import woke
from handlers.events import AppealDecided, Event, FlagAnswered
from storage import clockwork, flags, outbox, pages

BATCH = 400
# The last days of talk are shown in the playground as well.
SHOWN = timedelta(days=12)


async def seed(house: House) -> None:
    """Only an empty database is furnished; a second call changes nothing."""
    playground = house.channels.get(Playground.name)
    if await house.store.read(pages.has_groups) or not isinstance(playground, Playground):
        return
    history = History(house.now(), house.calendar)
    lines = history.lines()
    ids = await _furnish(playground, history, lines)
    await house.store.write(partial(register.fill, house=house, history=history))
    told = past(house, history, lines, ids)
    while batch := list(islice(told, BATCH)):
        await house.store.write(partial(_play, house=house, batch=batch))
    await house.store.write(partial(_finish, house=house))
    await cleaning.end_week(house, weeks(house, history)[-1])
    await today.speak(house, playground)
    logger.info("演示数据已备好：{} 人，{} 个群。", len(city.PEOPLE), len(city.GROUPS))


async def _furnish(playground: Playground, history: History, lines: Sequence[Line]) -> dict[int, str]:
    """People, rooms and the last days' talk; gives the message ids of the lines that are shown, by their place."""
    since = history.now - SHOWN

    def work(db: Any) -> dict[int, str]:
        people.add_people(db, [people.Someone(**_figure(one)) for one in city.PEOPLE])
        for group in city.GROUPS:
            if group.channel == Playground.name:
                people.save_room(db, _room(group, history), members_of(group), heard=True)
                if group.dissolved:
                    people.dissolve(db, group.id, history.moment(group.dissolved, 17))
                    people.room_heard(db, group.id)
        ids = {}
        for number, line in enumerate(lines):
            if line.at >= since and line.group.channel == Playground.name:
                said = talk.Message(room=line.group.id, sender=line.person, kind=line.kind, text=line.text, at=line.at)
                ids[number] = str(talk.add(db, said).id)
        last = max(map(int, ids.values()), default=0)
        for group in city.GROUPS:
            for person in group.members:
                talk.mark_seen(db, person, group.id, last)
        return ids

    return await playground.book(work)


def _figure(one: city.Figure) -> dict[str, str]:
    return {"id": one.id, "name": one.name, "unit": one.unit, "role": one.role, "post": one.post}


def _room(group: city.Place, history: History) -> people.Room:
    facts = facts_of(group, history)
    return people.Room(**{**facts, "ends": facts["ends"] or ""}, owner=owner_of(group))


def _play(db: Connection, house: House, batch: Sequence[tuple[Event, str]]) -> None:
    """One transaction of the past; what it would have said is not said."""
    for event, mark in batch:
        _wake(db, house, event.at)
        house.dispatch.decide(db, event)
        if mark.startswith("demand"):
            _follow(db, house, event, mark.removeprefix("demand").strip())
        if mark.startswith("week"):
            left = int(mark.removeprefix("week"))
            cleaning.after_week(db, house, event, left)
            opinions.after_week(db, house, event, left)
    outbox.settle_all(db, "replayed", batch[-1][0].at)


def _wake(db: Connection, house: House, until: datetime) -> None:
    while (row := clockwork.next_wake(db)) is not None and row.at <= until:
        house.dispatch.decide(db, woke(row.kind, row.subject, row.at))
        clockwork.take_wake(db, row.kind, row.subject, row.at)


def _follow(db: Connection, house: House, event: Any, outcome: str) -> None:
    """What the flagged person said to it, and what the office decided."""
    found = flags.siblings(db, event.id)
    if not found or not outcome:
        return
    answer = "misjudged" if outcome in ("appeal", "dismissed") else outcome
    flag, at = found[0].id, event.at + timedelta(minutes=12)
    share = event.text if answer == "misjudged" else ""
    told: Any = FlagAnswered(
        id=f"demo:{flag}", at=at, flag=flag, person=event.sender.id, answer=answer, share=share  # type: ignore[arg-type]
    )
    house.dispatch.decide(db, told)
    if outcome == "dismissed":
        later = at + timedelta(hours=20)
        house.dispatch.decide(
            db, AppealDecided(id=f"demo:{flag}", at=later, flag=flag, by="playground:p02", decision="dismiss")
        )


def _finish(db: Connection, house: House) -> None:
    """What came due until now."""
    _wake(db, house, house.now())
    outbox.settle_all(db, "replayed", house.now())

"""The demonstration's past as events, in the order of time."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from bot import wire
from bot.channels.playground import Playground
from bot.demo import city
from bot.demo.history import History, Line
from bot.house import House
from bot.timer import slots
from handlers.events import Event, WeekEnded

SNAPSHOTS = timedelta(weeks=12)

Told = tuple[datetime, int, Event, str]


def facts_of(group: city.Place, history: History) -> dict[str, Any]:
    ends = history.moment(group.ends, 18).date().isoformat() if group.ends is not None else None
    created = history.founded(group).date().isoformat()
    return {
        "id": group.id, "name": group.name, "unit": group.unit, "purpose": group.purpose, "kind": group.kind,
        "created": created, "ends": ends,
    }  # fmt: skip


def owner_of(group: city.Place) -> str | None:
    return city.BY_NAME.get(group.owner)


def members_of(group: city.Place) -> list[tuple[str, str]]:
    return [(one, "admin" if one == owner_of(group) else "") for one in group.members]


def past(house: House, history: History, lines: Sequence[Line], ids: dict[int, str]) -> Iterator[tuple[Event, str]]:
    """Every event in the order of time, with a mark for what follows from it."""
    number = count()
    streams: list[Iterator[Told]] = [
        ((history.founded(group), next(number), _roster(group, history), "") for group in _by_age(history)),
        ((line.at, next(number), _message(line, place, ids), line.mark) for place, line in enumerate(lines)),
        ((event.at, next(number), event, "") for event in _dissolutions(history)),
        ((event.at, next(number), event, f"week {left}") for left, event in _weeks(house, history)),
        ((event.at, next(number), event, "") for event in sorted(_clicks(history, lines, ids), key=lambda one: one.at)),
    ]
    for _, _, event, mark in heapq.merge(*streams):
        yield event, mark


def _by_age(history: History) -> list[city.Place]:
    return sorted(city.GROUPS, key=lambda group: history.founded(group))


def _message_id(place: int, ids: dict[int, str]) -> str:
    return ids.get(place, f"h{place}")


def _message(line: Line, place: int, ids: dict[int, str]) -> Event:
    who = next(one for one in city.PEOPLE if one.id == line.person)
    return wire.parse(
        {
            "type": "message", "id": _message_id(place, ids), "at": line.at.isoformat(),
            "channel": line.group.channel, "group": {"id": line.group.id, "name": line.group.name},
            "sender": {"id": who.id, "name": who.name, "unit": who.unit, "role": who.role or None},
            "kind": line.kind, "text": line.text,
        }
    )  # fmt: skip


def _roster(group: city.Place, history: History) -> Event:
    by_id = {one.id: one for one in city.PEOPLE}
    members = [
        {"id": one, "name": by_id[one].name, "unit": by_id[one].unit, "role": by_id[one].role or role or "cadre"}
        for one, role in members_of(group)
    ]
    return wire.parse(
        {
            "type": "roster", "id": f"founded-{group.id}", "at": history.founded(group).isoformat(),
            "channel": group.channel, "group": facts_of(group, history), "owner": owner_of(group), "members": members,
        }
    )  # fmt: skip


def _dissolutions(history: History) -> list[Event]:
    gone = [group for group in city.GROUPS if group.dissolved]
    events = [
        wire.parse(
            {"type": "dissolved", "id": f"gone-{group.id}", "at": history.moment(group.dissolved or 0, 17).isoformat(),
             "channel": group.channel, "group": group.id}
        )
        for group in gone
    ]  # fmt: skip
    return sorted(events, key=lambda event: event.at)


def weeks(house: House, history: History) -> list[WeekEnded]:
    """Those that have ended; the last of them ends today, live."""
    fired = (job.fired(at) for at, job in slots(house.settings, history.now - SNAPSHOTS, history.now))
    return [event for event in fired if isinstance(event, WeekEnded)]


def _weeks(house: House, history: History) -> Iterator[tuple[int, Event]]:
    """Each with how many follow it."""
    ended = weeks(house, history)
    for place, event in enumerate(ended[:-1], start=1):
        yield len(ended) - place, event


def _clicks(history: History, lines: Sequence[Line], ids: dict[int, str]) -> Iterator[Event]:
    """Most acknowledge a notice within some hours, a few never."""
    for place, line in enumerate(lines):
        if line.mark != "notice":
            continue
        for person in line.group.members:
            if person == line.person or history.random.random() < 0.07:
                continue
            at = line.at + timedelta(minutes=history.random.randrange(2, 400))
            yield wire.parse(
                {
                    "type": "click", "id": f"click-{place}-{person}", "at": at.isoformat(), "channel": Playground.name,
                    "group": line.group.id, "person": person, "notice": {"message": _message_id(place, ids)},
                    "action": "ack",
                }
            )  # fmt: skip

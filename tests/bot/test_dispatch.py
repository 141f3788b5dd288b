"""An event has its effect once; a failing handler takes nothing from the others."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from bot import dispatch
from bot.house import House
from handlers.actions import Post, Wake
from handlers.cards import Button, Card, Link
from handlers.events import GroupDissolved
from storage import clockwork, outbox
from storage.database import StoreError
from tests.conftest import MONDAY

EVENT = GroupDissolved(id="c:1", at=MONDAY, channel="c", group="c:g")


def routed(monkeypatch: pytest.MonkeyPatch, *handlers: Any) -> None:
    monkeypatch.setattr(dispatch, "ROUTES", {GroupDissolved: handlers})


def posting(key: str) -> Any:
    return lambda event, context: [Post(key=key, group="c:g", card=Card(title=key))]


def remembering(event: Any, context: Any) -> list[Any]:
    clockwork.remember(context.db, "seen", event.id)
    return []


def failing(event: Any, context: Any) -> list[Any]:
    clockwork.remember(context.db, "half", "done")
    raise ValueError("words of a message that must not be kept")


async def test_an_event_is_decided_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    routed(monkeypatch, posting("a"))
    first, second = await house.dispatch(EVENT), await house.dispatch(EVENT)
    assert (first.fresh, first.speaks, first.wakes) == (True, True, False)
    assert not second.fresh
    assert await house.store.read(outbox.depths) == {"waiting": 1}


async def test_a_failing_handler_leaves_nothing_of_its_own_and_takes_nothing_from_the_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    routed(monkeypatch, posting("a"), remembering, failing, posting("b"))
    assert (await house.dispatch(EVENT)).fresh
    assert await house.store.read(outbox.depths) == {"waiting": 2}
    assert await house.store.read(lambda db: clockwork.recall(db, "seen")) == "c:1"
    assert await house.store.read(lambda db: clockwork.recall(db, "half")) is None
    assert await house.store.read(clockwork.troubles) == 1


async def test_a_trouble_keeps_no_words(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy import select

    from storage.database import table
    from storage.tables import Trouble

    routed(monkeypatch, failing)
    await house.dispatch(EVENT)
    (row,) = await house.store.read(lambda db: db.execute(select(table(Trouble))).all())
    assert "words" not in row.error


async def test_when_the_database_fails_the_event_is_not_claimed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def outage(event: Any, context: Any) -> list[Any]:
        raise StoreError("磁盘已满")

    routed(monkeypatch, outage)
    with pytest.raises(StoreError):
        await house.dispatch(EVENT)
    routed(monkeypatch, posting("a"))
    assert (await house.dispatch(EVENT)).fresh


async def test_a_wake_is_written_and_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    routed(monkeypatch, lambda event, context: [Wake(kind="revise", subject="n", at=MONDAY)])
    told: list[Any] = []
    house.dispatch.on_decided.append(told.append)
    await house.dispatch(EVENT)
    assert told[0].wakes
    assert await house.store.read(clockwork.next_wake)


def test_a_card_survives_the_way_through_the_outbox() -> None:
    import json

    card = Card(
        title="t", lines=("a",), progress=(1, 2), details=(("依据", "条"),), links=(Link(label="l", page="mine"),),
        buttons=(Button(label="b", action="ack", subject="n", style="primary"),), tone="flag",
    )  # fmt: skip
    assert Card.from_dict(json.loads(json.dumps(card.as_dict()))) == card
    assert {f.name for f in dataclasses.fields(Card)} == set(card.as_dict())

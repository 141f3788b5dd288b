"""A kill -9 of whatever process at whatever moment: no acknowledgement that was answered with 200 is lost, and none,
no card and no word to the sender is there twice.

In full: 60 kills of the bot that is one process on an SQLite file, and 140 kills of workers, web and channel processes of
a bot on PostgreSQL and NATS. The moments and the victims come from the seed; what they hit is the machine's.
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.faults.load import Ack, Ask, Load, Seat, Seats, Town, doubled, lost, prepare, until
from tests.flows.processes import Fleet, a_fleet

FULL = os.environ.get("QINGQUN_FAULTS") == "full"
SEED = 20261201
ROLES = ("channels", "web", "worker", "timer", *(("channels", "web", "worker", "worker") if FULL else ("worker",)))
KILLED = ("channels", "web", "worker")
SOON = {
    "QINGQUN_ACKNOWLEDGE__REVISE_SECONDS": "0.3", "QINGQUN_WORK__START": "00:00", "QINGQUN_WORK__END": "23:59",
    "PYTHONUNBUFFERED": "1",
}  # fmt: skip

def kill_while_they_come(load: Load, seats: Seats, victims: list[Seat], kills: int, total: int, who: random.Random) -> None:
    """A kill at each of the seeded counts of answers, none after the last answer."""
    for count in sorted(who.sample(range(1, total * 9 // 10), kills)):
        load.wait_for(min(count, total))
        victim = who.choice(victims)
        deadline = time.monotonic() + 60
        while not victim.url:
            assert time.monotonic() < deadline, f"{victim.role} does not come back"
            time.sleep(0.01)
        time.sleep(who.random() * 0.05)
        seats.kill(victim)


def compare(town: Town, load: Load, acks: list[Ack], ask: Ask) -> None:
    """Nothing lost, nothing twice, and the cards say so."""
    answered = set(load.answered)
    assert answered == {one.name for one in acks}
    until(ask, "SELECT count(*) FROM outbox WHERE state = 'waiting'", 0)
    until(ask, "SELECT count(*) FROM notices WHERE state = 'complete'", len(town.groups) * town.each)
    assert lost(ask, acks) == doubled(ask, acks) == []
    assert ask("SELECT count(*) FROM receipts WHERE acked") == [(town.total,)]
    assert ask("SELECT count(*) FROM troubles") == [(0,)]
    notices, everybody = len(town.groups) * town.each, len(town.people)
    deadline = time.monotonic() + 60
    while {tuple(card["progress"]) for card in town.cards()} != {(everybody, everybody)}:
        assert time.monotonic() < deadline, "a card does not show the last acknowledgement"
        time.sleep(0.1)
    shown, told = town.cards(), town.whispers()
    assert len(shown) == len({card["text"] + card["title"] for card in shown}) == notices
    # The sender hears of each notice once when all have acknowledged, and before that at most once: when most have.
    titles = Counter(card["title"] for card in told)
    assert set(titles.values()) == {1}
    assert sum("全部确认" in title for title in titles) == notices
    assert all("全部确认" in title or "大部分人已确认" in title for title in titles)


def report(name: str, load: Load, kills: int, begun: float) -> None:
    took = time.monotonic() - begun
    statuses = ", ".join(f"{status or 'none'}: {number}" for status, number in sorted(load.statuses.items()))
    print(f"\n{name}: {kills} kills, {len(load.answered)} acknowledgements answered in {took:.0f} s; answers {statuses}")


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[tuple[Town, Seats, Ask]]:
    """One process with everything on one SQLite file."""
    data = tmp_path / "data"
    data.mkdir()
    town = Town(data, 2, 400 if FULL else 40, 10 if FULL else 3)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QINGQUN_")}
    seats = Seats([Seat("all", tmp_path, kept | SOON | {"QINGQUN_DATA": str(data)})])

    def ask(query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(data / "qingqun.db", timeout=10)) as db:
            return db.execute(query).fetchall()

    seats.fill()
    yield town, seats, ask
    seats.close()


@pytest.mark.slow
def test_one_process_on_a_file_is_killed_again_and_again(alone: tuple[Town, Seats, Ask]) -> None:
    town, seats, ask = alone
    who, kills = random.Random(SEED), 60 if FULL else 3
    begun = time.monotonic()
    acks = prepare(town, seats, ask, who)
    with Load(town, seats, acks, {"link": 3, "event": 2, "press": 2}) as load:
        kill_while_they_come(load, seats, seats.seats, kills, len(acks), who)
        load.finished(300)
    seats.settled()
    compare(town, load, acks, ask)
    assert ask("PRAGMA integrity_check") == [("ok",)]
    report("SQLite, one process", load, kills, begun)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    yield from a_fleet(tmp_path)


@pytest.mark.slow
@pytest.mark.postgresql
@pytest.mark.nats
def test_processes_of_every_role_are_killed_again_and_again(fleet: Fleet) -> None:
    town = Town(fleet.data, 24 if FULL else 4, 25 if FULL else 15, 21 if FULL else 3)
    seats = Seats([Seat(role, fleet.folder, fleet.environ) for role in ROLES])
    who, kills = random.Random(SEED), 140 if FULL else 3
    begun = time.monotonic()
    try:
        seats.fill()
        acks = prepare(town, seats, fleet.ask, who)
        victims = [seat for seat in seats.seats if seat.role in KILLED]
        with Load(town, seats, acks, {"link": 4, "event": 4, "press": 4}) as load:
            kill_while_they_come(load, seats, victims, kills, len(acks), who)
            load.finished(300)
        seats.settled()
        compare(town, load, acks, fleet.ask)
    finally:
        seats.close()
    report(f"PostgreSQL and NATS, {len(ROLES)} processes", load, kills, begun)
    print("  " + ", ".join(f"{seat.role}: {seat.kills}" for seat in seats.seats))

"""One suite over every store: a write has returned after its commit, a failed one leaves nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from storage import clockwork, groups, notices, outbox
from storage.database import Store, StoreError
from storage.postgresql import PostgresStore
from storage.sqlite import SqliteStore
from tests.storage.places import clear

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store = SqliteStore(tmp_path / "t.db")
    if request.param == "postgresql":
        made = PostgresStore(os.environ["QINGQUN_TEST_POSTGRESQL"])
        await made.write(clear)
    await made.open()
    yield made
    await made.close()


async def test_what_is_written_is_read(store: Store) -> None:
    await store.write(lambda db: clockwork.remember(db, "name", "值"))
    assert await store.read(lambda db: clockwork.recall(db, "name")) == "值"


async def test_a_claim_is_won_once_among_many(store: Store) -> None:
    won = await asyncio.gather(*(store.write(lambda db: clockwork.claim(db, "one", NOW)) for _ in range(40)))
    assert sum(won) == 1


async def test_a_work_that_raises_leaves_nothing_and_its_neighbours_stay(store: Store) -> None:
    def broken(db: Connection) -> None:
        clockwork.remember(db, "broken", "x")
        raise ValueError("mid-way")

    results = await asyncio.gather(
        store.write(lambda db: clockwork.remember(db, "a", "1")),
        store.write(broken),
        store.write(lambda db: clockwork.remember(db, "b", "2")),
        return_exceptions=True,
    )
    assert isinstance(results[1], ValueError)
    assert await store.read(lambda db: [clockwork.recall(db, name) for name in ("a", "broken", "b")]) == ["1", None, "2"]


async def test_works_of_one_key_keep_their_order_and_the_culprit_falls_alone(store: Store) -> None:
    seen: list[int] = []

    def note(db: Connection, number: int) -> int:
        if number == 7:
            db.execute(text("INSERT INTO claims (key, at) VALUES ('n6', 0)"))
        clockwork.remember(db, "last", str(number))
        clockwork.claim(db, f"n{number}", NOW)
        seen.append(number)
        return number

    works = [store.write(lambda db, n=number: note(db, n), key="g") for number in range(20)]
    results = await asyncio.gather(*works, return_exceptions=True)
    assert [result for result in results if isinstance(result, int)] == [n for n in range(20) if n != 7]
    assert "claims" in str(results[7])
    assert await store.read(lambda db: clockwork.recall(db, "last")) == "19"
    assert await store.read(lambda db: clockwork.claimed(db, "n19") and not clockwork.claimed(db, "n7"))
    again = [number for number in seen if number > 7]
    assert again == sorted(again)


async def test_a_wrong_statement_is_an_error_of_this_work_only(store: Store) -> None:
    with pytest.raises(Exception, match="no_such_table"):
        await store.write(lambda db: db.execute(text("INSERT INTO no_such_table VALUES (1)")))
    assert await store.write(lambda db: clockwork.claim(db, "after", NOW))


async def test_a_rows_own_fault_is_no_outage(store: Store) -> None:
    """Or an event that cannot be written would come again for ever."""

    def twice(db: Connection) -> None:
        for _ in range(2):
            db.execute(text("INSERT INTO meta (name, value) VALUES ('same', '1')"))

    with pytest.raises(IntegrityError):
        await store.write(twice)
    assert await store.read(lambda db: clockwork.recall(db, "same")) is None


async def test_a_caller_that_leaves_does_not_take_its_write_back(store: Store) -> None:
    task = asyncio.create_task(store.write(lambda db: clockwork.remember(db, "left", "1")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(100):
        if await store.read(lambda db: clockwork.recall(db, "left")):
            return
        await asyncio.sleep(0.02)
    pytest.fail("the write was lost with its caller")


async def test_instants_keep_their_moment_and_naive_ones_are_refused(store: Store) -> None:
    at = datetime(2026, 11, 16, 9, 0, 0, 123000, tzinfo=UTC)
    await store.write(lambda db: groups.note_group(db, "c:g", "c", "群", at))
    row = await store.read(lambda db: groups.get(db, "c:g"))
    assert row is not None
    assert row.first_seen == at
    with pytest.raises(Exception, match="naive"):
        await store.write(lambda db: groups.note_group(db, "c:h", "c", "群", at.replace(tzinfo=None)))


async def test_an_effect_is_put_once_and_only_the_newest_revision_waits(store: Store) -> None:
    def put(db: Connection, key: str, kind: str = "post") -> bool:
        return outbox.put(
            db, key=key, channel="c", kind=kind, target="c:g", payload="{}", at=NOW, not_before=NOW, about="p"
        )

    assert await store.write(lambda db: put(db, "p"))
    assert not await store.write(lambda db: put(db, "p"))
    for number in range(3):
        await store.write(lambda db, n=number: put(db, f"r{n}", "revise"))
    due = await store.read(lambda db: outbox.due(db, NOW))
    assert [row.key for row in due] == ["p", "r2"]


async def test_a_wake_keeps_its_earlier_time_unless_it_is_moved(store: Store) -> None:
    later = NOW + timedelta(hours=1)
    await store.write(lambda db: clockwork.wake(db, "k", "s", NOW))
    await store.write(lambda db: clockwork.wake(db, "k", "s", later))
    assert (await store.read(clockwork.next_wake)).at == NOW  # type: ignore[union-attr]
    await store.write(lambda db: clockwork.wake(db, "k", "s", later, move=True))
    assert (await store.read(clockwork.next_wake)).at == later  # type: ignore[union-attr]
    assert not await store.write(lambda db: clockwork.take_wake(db, "k", "s", NOW))
    assert await store.write(lambda db: clockwork.take_wake(db, "k", "s", later))


async def test_a_frozen_roster_counts_each_person_once(store: Store) -> None:
    def work(db: Connection) -> tuple[int, int]:
        values = {"id": "n", "title": "t", "sender": "s", "sender_name": "s", "at": NOW}
        notices.open_notice(db, values)
        notices.freeze(db, "n", "g1", [("p1", "甲"), ("p2", "乙")])
        notices.freeze(db, "n", "g2", [("p2", "乙"), ("p3", "丙")])
        return notices.counts(db, "n")

    assert await store.write(work) == (0, 3)


async def test_a_group_is_found_by_its_own_id_unless_that_is_ambiguous(store: Store) -> None:
    def work(db: Connection) -> None:
        for key in ("a:g_1", "a:gx1", "a:same", "b:same"):
            groups.note_group(db, key, key[0], "群", NOW)

    await store.write(work)
    found = [await store.read(lambda db, g=given: groups.resolve(db, g)) for given in ("g_1", "same", "b:same", "1", "%")]
    assert found == ["a:g_1", None, "b:same", None, None]


async def test_members_stay_leave_and_come_back(store: Store) -> None:
    def see(people: list[str], hours: int) -> None:
        roles = dict.fromkeys(people, "")
        store_calls.append((roles, NOW + timedelta(hours=hours)))

    store_calls: list[tuple[dict[str, str], datetime]] = []
    see(["a", "b"], 0)
    see(["a"], 1)
    see(["a", "b"], 2)
    for roles, at in store_calls:
        people = [{"id": person, "name": person, "unit": "", "role": ""} for person in roles]
        await store.write(lambda db, p=people: groups.note_people(db, "c", p))
        await store.write(lambda db, r=roles, t=at: groups.set_members(db, "c:g", r, t))
    assert [row.person for row in await store.read(lambda db: groups.members(db, "c:g"))] == ["a", "b"]


async def test_sqlite_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "x.db"
    folder.mkdir()
    store = SqliteStore(folder)
    with pytest.raises(StoreError, match="打不开"):
        await store.open()
    await store.close()


@pytest.mark.postgresql
async def test_postgresql_that_is_not_there_says_so() -> None:
    store = PostgresStore("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    with pytest.raises(StoreError, match="PostgreSQL 没有接受"):
        await store.open()
    await store.close()


async def test_a_snapshot_sees_one_moment_while_others_write(store: Store) -> None:
    await store.write(lambda db: clockwork.remember(db, "a", "1"))

    def reading(db: Connection) -> tuple[str | None, bool]:
        return clockwork.recall(db, "a"), db.in_transaction()

    assert (await store.snapshot(reading))[0] == "1"
    with pytest.raises(Exception, match=r"read-only|no_such_table"):
        await store.snapshot(lambda db: db.execute(text("UPDATE no_such_table SET a = 1")))


async def test_works_of_one_key_take_turns_and_a_failing_one_lets_the_next_go(store: Store) -> None:
    def counting(db: Connection) -> None:
        clockwork.remember(db, "n", str(int(clockwork.recall(db, "n") or 0) + 1))

    def broken(db: Connection) -> None:
        raise ValueError("mid-way")

    works = [counting, broken] * 20
    done = await asyncio.gather(*(store.write(work, key="n") for work in works), return_exceptions=True)
    assert sum(isinstance(one, ValueError) for one in done) == 20
    assert await store.read(lambda db: clockwork.recall(db, "n")) == "20"


@pytest.mark.postgresql
async def test_what_two_processes_decide_at_once_is_as_if_one_came_after_the_other(store: Store) -> None:
    if not isinstance(store, PostgresStore):
        return
    others = [PostgresStore(os.environ["QINGQUN_TEST_POSTGRESQL"]) for _ in range(3)]

    def last_one_closes(db: Connection, name: str) -> None:
        """Everybody sees whether all others are there already; the one who does writes it down."""
        clockwork.remember(db, f"there-{name}", "1")
        present = db.execute(text("SELECT count(*) FROM meta WHERE name LIKE 'there-%'")).scalar_one()
        if present == 30:
            clockwork.remember(db, "complete", name)

    each = [others[number % 3].write(partial(last_one_closes, name=str(number))) for number in range(30)]
    await asyncio.gather(*each)
    assert await store.read(lambda db: clockwork.recall(db, "complete")) is not None
    for one in others:
        await one.close()


@pytest.mark.postgresql
async def test_a_name_is_held_by_one_process_until_it_leaves_or_dies(store: Store) -> None:
    if not isinstance(store, PostgresStore):
        assert await store.hold("channel", {"a"}) == {"a"}
        return
    first, second = (PostgresStore(os.environ["QINGQUN_TEST_POSTGRESQL"]) for _ in range(2))
    assert await first.hold("channel", {"a", "b"}) == {"a", "b"}
    assert await first.hold("channel", {"a", "b"}) == {"a", "b"}
    assert await second.hold("channel", {"a", "b", "c"}) == {"c"}
    assert await second.holders("channel") == 3
    assert await first.hold("channel", {"b"}) == {"b"}
    assert await second.hold("channel", {"a", "c"}) == {"a", "c"}
    # Its session is cut: what it held is free, and it knows so the next time it asks.
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'qingqun-locks' AND pid = "
    session = first._locks._db
    assert session is not None
    (pid,) = (await session.execute(text("SELECT pg_backend_pid()"))).one()
    await store.read(lambda db: db.execute(text(kill + str(pid))))
    for _ in range(100):
        if await second.hold("channel", {"a", "b", "c"}) == {"a", "b", "c"}:
            break
        await asyncio.sleep(0.02)
    with pytest.raises(StoreError):
        await first.hold("channel", {"b"})
    assert await first.hold("channel", {"b"}) == set()
    await second.close()
    assert await first.hold("channel", {"b"}) == {"b"}
    await first.close()

"""Nothing of an erased person stays in any column of any table, and nobody else loses anything."""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Connection, Date, Integer, insert, select

from bot.house import House
from handlers import census
from handlers.rules.week import end_of
from storage import accounts, audit, bindings, cleanups, dump, erasure, flags, groups, inventories, notices, sessions
from storage.database import Store, table
from storage.erasure import Words
from storage.personal import CELLS, NAMED, OWN, TRACES, resolve
from storage.postgresql import PostgresStore
from storage.sqlite import SqliteStore
from storage.tables import Flag, Instant, Outgoing, PersonRow, RegisterGroup, Table
from tests.conftest import MONDAY, Town
from tests.storage.places import clear

WORDS = Words(someone="某人", sender="发起人")
LATER = MONDAY + timedelta(days=1)


@dataclass(frozen=True)
class One:
    """The person's id and name stand inside the bystander's."""

    native: str
    name: str
    group: str
    # In the ids of rows that are about something else.
    mark: str

    @property
    def key(self) -> str:
        return f"playground:{self.native}"


PERSON, BYSTANDER = One("p1", "柳小满", "playground:g1", "a"), One("p12", "柳小满堂", "playground:g2", "b")
KEYS = {(table(model).name, column) for model, column in [*OWN.items(), *NAMED]}
IDS = {(table(model).name, column) for model, column in TRACES}


def _body(one: One, n: int) -> str:
    """A group of a saved week."""
    register = {"admins": f"{one.name}、{BYSTANDER.name}", "phone": "1", "responsible": one.name, "checker": "", "note": ""}
    group = {"id": one.group.split(":")[1], "channel": "playground", "name": "群", "members": n, "owner": one.name}
    return json.dumps({**group, "register": register}, ensure_ascii=False)


# Names that stand where they stand whatever else the row is about; the row is of the person's group.
WRITTEN: dict[tuple[str, str], Callable[[One, int], str]] = {
    **{("register_groups", cell): lambda one, n: f"{one.name}、{BYSTANDER.name}" for cell in CELLS},
    ("register_groups", "owner"): lambda one, n: one.name,
    ("register_groups", "extra"): lambda one, n: json.dumps({"备注": one.name}, ensure_ascii=False),
    ("snapshot_rows", "body"): _body,
    ("cleanups", "facts"): lambda one, n: json.dumps({"owner": one.name, "members": n}, ensure_ascii=False),
    ("cleanups", "reason"): lambda one, n: f"{one.name}说还要用",
    ("cleanup_steps", "note"): lambda one, n: f"{one.name}说还要用",
    ("apps", "handler"): lambda one, n: f"{one.name}、{BYSTANDER.name}",
    ("apps", "extra"): lambda one, n: json.dumps({"备注": one.name}, ensure_ascii=False),
    ("register_changes", "before"): lambda one, n: one.name,
    ("register_changes", "after"): lambda one, n: f"{one.name}、{BYSTANDER.name}",
    ("register_imports", "account"): lambda one, n: json.dumps([{"row": n, "problems": [["A1", "成员数", one.name]]}], ensure_ascii=False),
    ("register_imports", "file"): lambda one, n: f"{one.name}报送.xlsx",
    ("register_parts", "body"): lambda one, n: json.dumps([{"told": {"owner": one.name}}], ensure_ascii=False),
    ("outbox", "payload"): lambda one, n: json.dumps({"title": f"{one.name}的通知", "lines": [one.name]}, ensure_ascii=False),
}
# Names that are those of the person whom the row is about.
FOLLOWING = {
    ("persons", "name"): "id", ("audience", "name"): "person", ("notices", "sender_name"): "sender",
    ("notices", "title"): "sender", ("notices", "text"): "sender", ("notices", "reason"): "sender",
    ("flags", "span"): "person", ("flags", "text"): "person", ("register_groups", "phone"): "owner",
}  # fmt: skip
# No column of these names, and no column here, tells of a person: facts of groups, units, apps, weeks and the program's own.
IMPERSONAL = {
    "channel", "group", "notice", "unit", "kind", "state", "via", "action", "change", "category", "source", "week", "item",
    "choice", "target", "device", "code", "disposition", "purpose", "due",
}  # fmt: skip
IMPERSONAL_IN = {
    # The office's people act for the office; an account goes by its own key. What was read stays as long as the law says.
    "accounts": {"id", "name", "login", "password", "role", "groups"},
    "audit": {"who", "name", "what", "subject", "scope"},
    "invitations": {"id", "role", "name", "groups", "account", "by"},
    "sessions": {"id", "account", "bearer"}, "signin_tries": {"id", "login", "address"},
    # A keyed hash, and nobody's when the quarter is over.
    "ballots": {"round", "subject", "voter", "answer"}, "ratings": {"round", "subject"}, "rating_invites": {"round"},
    "app_updates": {"app", "file"},
    "apps": {"id", "name", "basis", "functions", "similar", "filing"},
    # Made by us: whose it is, only they can prove. The office's people act for the office.
    "erasures": {"id", "body", "who"},
    "register_changes": {"book", "row", "field", "who", "file", "sha256", "act"},
    "register_imports": {"id", "book", "sha256", "who", "taken_by"},
    "register_parts": {"draft"},
    "audience": set(), "bind_codes": set(), "bindings": set(), "claims": set(), "digests": set(),
    # What was shared for an appeal, without whose it was; words are the office's to forget (`qingqun rules forget`).
    "cases": {"id", "text"},
    "cleanup_steps": {"step"},
    "cleanups": {"id", "subject", "previous", "name", "verdict", "suggestion", "evidence"},
    # The approver acts for the office.
    "exemptions": {"reason", "approver"},
    "flags": {"id", "message", "rule", "clause", "why", "suggestion", "digest"},
    "groups": {"id", "name", "evidence"}, "group_versions": {"name"}, "members": {"role"}, "meta": {"name", "value"},
    "notice_groups": {"message"}, "notices": {"id", "fingerprint", "summaries"},
    "outbox": {"about", "reference", "error", "claimed_by"}, "persons": {"role"},
    # Figures, and how long the lists are.
    "snapshots": {"body", "taking", "lists"}, "takings": {"taking", "body", "lists"},
    "snapshot_rows": {"taking", "list", "key", "mark", "part"},
    "register_groups": {"id", "name", "matter"}, "slots": {"job"}, "troubles": {"handler", "error"}, "wakes": {"subject"},
}  # fmt: skip


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store = SqliteStore(tmp_path / "t.db")
    if request.param == "postgresql":
        made = PostgresStore(os.environ["QINGQUN_TEST_POSTGRESQL"])
        await made.write(clear)
    await made.open()
    yield made
    await made.close()


def text_columns() -> Iterator[tuple[str, str]]:
    for rows in Table.metadata.sorted_tables:
        for column in rows.columns:
            if not isinstance(column.type, Instant | Integer | Boolean | Date):
                yield rows.name, column.name


@pytest.mark.parametrize("where", list(text_columns()), ids=".".join)
def test_it_is_decided_of_every_text_whether_it_may_tell_of_a_person(where: tuple[str, str]) -> None:
    """A new column fails here: name it in storage.personal and above, or say that it tells of nobody."""
    name, column = where
    told = where in KEYS or where in IDS or where in WRITTEN or where in FOLLOWING
    impersonal = column in IMPERSONAL or column in IMPERSONAL_IN.get(name, set())
    assert told or impersonal


def made(rows: Any, column: Any, who: Callable[[str], One], n: int) -> Any:
    """A value for this column of the nth row, in which it tells of `who(column)`."""
    where = (rows.name, column.name)
    one = who(column.name)
    if where in KEYS:
        return one.key
    if where in IDS:
        return f"cleanup:{n}:{one.key}" if rows.name == "cleanup_steps" else f"ButtonClicked:playground:press-{one.native}-{n}"
    if where in WRITTEN:
        return WRITTEN[where](one, n)
    if where in FOLLOWING:
        return f"{who(FOLLOWING[where]).name}"
    if isinstance(column.type, Instant):
        return MONDAY + timedelta(minutes=n)
    if isinstance(column.type, Date):
        return date(2026, 1, 1) + timedelta(days=n)
    if isinstance(column.type, Boolean):
        return True
    return n if isinstance(column.type, Integer) else None


def rows_of(rows: Any) -> Iterator[dict[str, Any]]:
    """One of the bystander alone, one of the person alone, and for each column one in which only that tells of the person."""
    named = [name for table_name, name in text_columns() if table_name == rows.name and (
        (table_name, name) in KEYS or (table_name, name) in IDS or (table_name, name) in WRITTEN)]  # fmt: skip
    variants = [set(), set(named), *({name} for name in named if len(named) > 1)]
    for n, of_person in enumerate(variants if named else variants[:1]):
        def who(name: str, of_person: set[str] = of_person) -> One:
            return PERSON if name in of_person else BYSTANDER

        home = PERSON if of_person else BYSTANDER
        row = {column.name: made(rows, column, who, n) for column in rows.columns}
        fixed = {"group": home.group, "subject": home.group, "item": f"cleanups-{home.mark}-{min(n, 1)}",
                 "notice": f"notices-{home.mark}-{n}", "state": "waiting", "draft": f"{home.mark}-{n}"}  # fmt: skip
        if rows.name == "register_changes":
            row |= {"book": "groups", "row": home.group, "field": "admins"}
        if rows.name == "snapshot_rows":
            row |= {"list": "groups", "key": home.group}
        if rows.name == "snapshots":
            row |= {"taking": f"snapshot_rows-{PERSON.mark}-1"}
        if rows.name == "apps":
            row |= {"unit": f"persons-{home.mark}-1" if of_person else f"persons-{home.mark}-0"}
        row |= {name: value for name, value in fixed.items() if name in row and row[name] is None}
        if rows.name == "outbox" and of_person == {"payload"}:
            row["target"] = PERSON.group
        for name, value in row.items():
            if value is None:
                row[name] = f"{rows.name}-{home.mark}-{n}"
        yield row


def fill(db: Connection) -> None:
    for rows in Table.metadata.sorted_tables:
        # A week that is being taken is taken anew: tests/bot/test_ahead.py.
        if rows.name != "takings":
            db.execute(insert(rows), list(rows_of(rows)))
    db.execute(insert(table(PersonRow)), [{"id": "other:p1", "channel": "other", "name": "旁人", "unit": "", "role": ""}])
    db.execute(groups.GROUPS.insert(), [{"id": one.group, "channel": "playground", "name": one.group, "unit": "", "purpose": "",
               "kind": "", "owner": None, "first_seen": MONDAY, "evidence": "", "source": "seen"}
               for one in (PERSON, BYSTANDER)])  # fmt: skip
    db.execute(insert(groups.MEMBERS), [{"group": PERSON.group, "person": PERSON.key, "joined_at": MONDAY, "role": ""}])


def stored(db: Connection) -> dict[str, list[str]]:
    """Every table, those that no export has among them."""
    every = {rows.name: db.execute(select(rows)).mappings() for rows in Table.metadata.sorted_tables}
    return {name: [json.dumps(dict(row), ensure_ascii=False, default=str) for row in rows] for name, rows in every.items()}


def tells(line: str) -> bool:
    """Whether the person still stands in this row, and not merely somebody who is called longer."""
    without = line.replace(BYSTANDER.name, "").replace("other:p1", "")
    return PERSON.name in without or bool(re.search(r"(?<!\w)p1(?!\w)", without))


async def test_nothing_of_the_person_stays_in_any_column_and_nobody_else_loses_anything(store: Store) -> None:
    await store.write(fill)
    before = await store.read(stored)
    done = await store.write(lambda db: erasure.erase(db, PERSON.key, WORDS, LATER))
    after = await store.read(stored)
    assert set(before) == set(Table.metadata.tables)
    for name, lines in before.items():
        assert not [line for line in after[name] if tells(line)], name
        untouched = [line for line in lines if not tells(line)]
        assert [line for line in untouched if line not in after[name]] == [], name
        assert len(lines) - len(after[name]) == done.deleted[name], name
        assert len(set(after[name]) - set(lines)) == done.changed[name], name


async def test_every_table_with_a_person_is_reached(store: Store) -> None:
    await store.write(fill)
    done = await store.write(lambda db: erasure.erase(db, PERSON.key, WORDS, LATER))
    touched = {*done.deleted, *done.changed}
    assert touched == {name for name, _ in KEYS | IDS | set(WRITTEN)}


async def test_what_is_foreseen_is_what_is_done_and_changes_nothing(store: Store) -> None:
    await store.write(fill)
    before = await store.read(stored)
    foreseen = await store.write(lambda db: erasure.foresee(db, PERSON.key, WORDS, LATER))
    assert await store.read(stored) == before
    assert foreseen == await store.write(lambda db: erasure.erase(db, PERSON.key, WORDS, LATER))
    assert not await store.write(lambda db: erasure.erase(db, PERSON.key, WORDS, LATER))


async def test_the_copy_of_ones_own_data_names_nobody_else(store: Store) -> None:
    await store.write(fill)

    def copied(db: Connection) -> dict[str, list[str]]:
        who = erasure.subject(db, PERSON.key)
        parts = {part.name: list(part.rows) for part in dump.about(db, who, "他人")}
        assert all(set(row) <= set(next(p for p in dump.about(db, who, "他人") if p.name == name).columns)
                   for name, rows in parts.items() for row in rows)  # fmt: skip
        return {name: [json.dumps(row, ensure_ascii=False) for row in rows] for name, rows in parts.items()}

    found = await store.read(copied)
    for name in {name for name, _ in KEYS if not dump.is_secret(name)} | {"snapshot_rows", "register_groups"}:
        assert found[name], name
        assert all(PERSON.key in line or PERSON.name in line or "notices-a" in line for line in found[name]), name
    text = "\n".join(line for lines in found.values() for line in lines)
    assert BYSTANDER.key not in text
    assert "他人" in text


async def test_counts_stay_and_an_appeal_of_nobody_is_none(store: Store) -> None:
    await store.write(fill)
    since, until = MONDAY - timedelta(days=1), MONDAY + timedelta(days=1)
    appeal = table(Flag).update().values(state="appealed")
    await store.write(lambda db: db.execute(appeal))
    before = await store.read(lambda db: sum(row.number for row in flags.tally(db, since, until)))
    await store.write(lambda db: erasure.erase(db, PERSON.key, WORDS, LATER))
    assert await store.read(lambda db: sum(row.number for row in flags.tally(db, since, until))) == before
    assert {row.person for row in await store.read(flags.appealed)} == {BYSTANDER.key}


async def test_a_namesake_in_the_register_of_other_groups_is_counted_not_changed(store: Store) -> None:
    def name_elsewhere(db: Connection) -> None:
        fill(db)
        row = db.execute(select(table(RegisterGroup))).first()
        assert row is not None
        db.execute(insert(table(RegisterGroup)), [{**row._asdict(), "id": "far", "group": BYSTANDER.group, "owner": PERSON.name}])

    await store.write(name_elsewhere)
    done = await store.write(lambda db: erasure.erase(db, PERSON.key, WORDS, LATER))
    assert done.elsewhere == 1
    kept = await store.read(lambda db: db.execute(select(table(RegisterGroup)).where(table(RegisterGroup).c.id == "far")).one())
    assert kept.owner == PERSON.name


async def test_an_account_goes_by_its_own_key_with_its_sessions_and_links(house: House) -> None:
    def opened(db: Connection) -> None:
        for who in ("a1", "a2"):
            row = {"id": who, "name": "老周", "login": who, "password": "x", "role": "office", "unit": "", "groups": "[]", "at": MONDAY}
            accounts.add(db, row)
            link = {"id": f"link-{who}", "role": "office", "name": "老周", "account": who, "by": "command", "at": MONDAY}
            accounts.invite(db, {**link, "unit": "", "groups": "[]", "until": LATER})
            session = {"id": f"s-{who}", "account": who, "bearer": "", "at": MONDAY, "seen": MONDAY, "until": LATER}
            sessions.start(db, session)
        audit.add(db, {"at": MONDAY, "who": "account:a1", "name": "老周", "what": "notices", "subject": "", "scope": ""})

    await house.store.write(opened)
    assert [row.id for row in await house.store.read(lambda db: resolve(db, "老周"))] == ["account:a1", "account:a2"]
    [copied] = await house.store.read(
        lambda db: [list(part.rows) for part in dump.about(db, erasure.subject(db, "account:a1"), "") if part.name == "accounts"]
    )
    assert [(row["id"], row["login"], "password" in row) for row in copied] == [("a1", "a1", False)]
    done = await house.store.write(lambda db: erasure.erase(db, "account:a1", WORDS, LATER))
    assert done.deleted == {"accounts": 1, "invitations": 1, "sessions": 1}
    left = await house.store.read(stored)
    for name in ("accounts", "invitations", "sessions"):
        assert [("a1" in line, "a2" in line) for line in left[name]] == [(False, True)], name
    assert len(left["audit"]) == 1


async def erased(town: Town, native: str) -> Any:
    return await town.house.store.write(lambda db: erasure.erase(db, f"playground:{native}", WORDS, LATER))


async def test_whoever_speaks_again_starts_anew(town: Town) -> None:
    await town.roster(3)
    await town.says("p1", "水库水位正常", 5)
    await erased(town, "p1")
    assert await town.read(lambda db: groups.person(db, "playground:p1")) is None
    await town.says("p1", "水库水位正常", 60)
    assert (await town.read(lambda db: groups.person(db, "playground:p1"))).name == "干部1"
    assert await town.read(lambda db: groups.membership(db, "playground:g1", "playground:p1")) is None
    await town.roster(3, minutes=90)
    stay = await town.read(lambda db: groups.membership(db, "playground:g1", "playground:p1"))
    assert stay.joined_at == MONDAY + timedelta(minutes=90)


async def test_a_notice_outlives_its_sender_and_reports_to_nobody(town: Town) -> None:
    await town.roster(3)
    await town.says("boss", "通知：明天上午九点在二楼开会，请各位收到后回复。", 1)
    notice = await town.the_notice()
    await erased(town, "boss")
    for number in (1, 2, 3):
        await town.clicks(f"p{number}", "e2", minutes=10 + number)
    await town.passes(40 * 24 * 60)
    after = await town.the_notice()
    assert (after.id, after.text, after.sender_name) == (notice.id, notice.text, "发起人")
    assert after.state in ("complete", "closed")
    assert await town.said(to="boss") == []
    assert {row.target for row in await town.said("whisper")} <= {"p1", "p2", "p3"}
    assert await town.read(lambda db: notices.counts(db, notice.id)) == (3, 3)


async def test_a_group_without_the_erased_owner_is_not_called_ownerless(town: Town) -> None:
    await town.roster(3)
    await erased(town, "boss")
    entries = await town.read(lambda db: list(census.entries(db, census.take(db, end_of("2026-W47")))))
    assert [one.known.owner for one in entries] == ["unknown"]
    assert [one.owner for one in entries] == [""]


async def test_a_cleanup_whose_owner_is_erased_goes_on(town: Town) -> None:
    """Nobody who was asked is in charge any more: the round is the office's, as when an owner leaves."""
    await town.roster(3)
    step = {"item": "i1", "number": 1, "at": MONDAY, "step": "asked", "who": "bot", "whom": "playground:boss",
            "evidence": "cleanup:2026-W47:playground:boss", "choice": "", "target": "", "ends": None, "note": ""}  # fmt: skip
    item = {"id": "i1", "kind": "group", "subject": "playground:g1", "name": "群", "week": "2026-W47", "verdict": "watch",
            "state": "asked", "at": MONDAY, "facts": "{}", "reason": "", "round": 1, "previous": "", "unit": "",
            "unit_place": 0, "place": 0, "suggestion": "", "choice": "", "target": "", "chosen_by": "", "evidence": "",
            "steps": 1}  # fmt: skip
    await town.house.store.write(lambda db: cleanups.save(db, [item], [], [step]))
    assert await town.read(cleanups.deserted) == set()
    await erased(town, "boss")
    assert await town.read(cleanups.deserted) == {"i1"}
    assert await town.read(cleanups.undelivered) == {}


async def test_a_device_stands_for_nobody_any_more(town: Town) -> None:
    await town.roster(2)

    def bound(db: Connection) -> None:
        bindings.bind(db, "d1", "playground:p1", "playground", MONDAY)
        bindings.show(db, "123456", "d1", MONDAY, MONDAY + timedelta(minutes=10))

    await town.house.store.write(bound)
    await erased(town, "p1")
    assert await town.read(lambda db: bindings.owner(db, "d1")) is None
    assert await town.read(lambda db: bindings.code_of(db, "d1", MONDAY)) is None


async def test_what_is_being_said_does_not_settle_somebody_elses_row(town: Town) -> None:
    """The number of a row on its way out stays taken."""
    await town.roster(2)
    await town.says("p1", "我的待确认", 3, group=None)
    row = (await town.read(lambda db: db.execute(select(table(Outgoing)).order_by(table(Outgoing).c.id.desc())).first()))
    assert (row.target, row.state) == ("playground:p1", "waiting")
    await erased(town, "p1")
    await town.says("p2", "我的待确认", 4, group=None)
    latest = (await town.read(lambda db: db.execute(select(table(Outgoing)).order_by(table(Outgoing).c.id.desc())).first()))
    assert latest.id > row.id


async def test_the_file_itself_forgets(house: House, tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "own.db")
    await store.open()
    people = [{"id": f"c:p{n}", "name": f"独名甲{n}号", "unit": "", "role": ""} for n in range(50)]
    await store.write(lambda db: groups.note_people(db, "c", people))
    await store.write(lambda db: inventories.save(db, "2026-W01", MONDAY, {"groups": []}))
    await store.write(lambda db: erasure.erase(db, "c:p7", WORDS, LATER))
    await store.close()
    content = b"".join(path.read_bytes() for path in tmp_path.glob("own.db*"))
    assert "独名甲7号".encode() not in content
    assert "独名甲8号".encode() in content

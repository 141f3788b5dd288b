"""The register is edited and files are taken in by events: nothing over somebody else's work, nothing twice, nothing half."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from bot.app import make_house
from config.settings import load_settings
from handlers.erase import checksum
from handlers.events import PersonErased, RegisterEdited, RegisterImportConfirmed, RegisterPartReceived
from storage import erasure, groups, notices, register, registerimports, registerpages
from storage.postgresql import PostgresStore
from tests.handlers.cleaning import Cleaning, on, on_both
from tests.storage.places import clear

KEY = "wechat:防汛群"


async def row(city: Cleaning) -> Any:
    return await city.house.store.read(lambda db: register.row(db, "groups", KEY))


def edited(name: str, version: str, /, **cells: str) -> RegisterEdited:
    return RegisterEdited(
        id=name, at=on(1), book="groups", row=KEY, who="office:甲", version=version, fields=tuple(cells),
        values=tuple(cells.values()),
    )  # fmt: skip


@on_both
async def test_of_two_who_edit_a_row_at_once_one_is_written(city: Cleaning) -> None:
    await city.register(name="防汛群", owner="老周", members=3)
    version = register.version(await row(city))
    edits = [edited(f"e{n}", version, owner=f"老{n}", created="2026-01-05", members="") for n in range(4)]
    await asyncio.gather(*(city.happens(one) for one in edits))
    done = [await city.house.store.read(lambda db, one=one: registerpages.was_done(db, one.id)) for one in edits]
    assert sum(done) == 1
    kept = await row(city)
    assert (kept.owner, str(kept.created), kept.members) == (f"老{done.index(True)}", "2026-01-05", None)


@pytest.mark.postgresql
async def test_of_two_who_edit_a_row_in_two_processes_one_is_written(tmp_path: Path) -> None:
    """Each process has its own store; the second finds the row changed and writes nothing over it."""
    stores = [PostgresStore(os.environ["QINGQUN_TEST_POSTGRESQL"]) for _ in range(2)]
    await stores[0].write(clear)
    for store in stores:
        await store.open()
    houses = [make_house(load_settings(flags={"data": tmp_path}, environ={}), store) for store in stores]
    cities = [Cleaning(house) for house in houses]
    await cities[0].register(name="防汛群", owner="老周")
    version = register.version(await row(cities[0]))
    edits = [edited(f"e{n}", version, owner=f"老{n}") for n in range(8)]
    await asyncio.gather(*(cities[n % 2].happens(one) for n, one in enumerate(edits)))
    done = [await stores[0].read(lambda db, one=one: registerpages.was_done(db, one.id)) for one in edits]
    assert sum(done) == 1
    assert (await row(cities[1])).owner == f"老{done.index(True)}"
    await cities[0].happens(part(0, "甲群"))
    await cities[1].happens(part(1, "乙群"))
    now = await shown(cities[0])
    confirmed = [RegisterImportConfirmed(id=f"c{n}", at=on(1), draft="i1", shown=now, who=f"office:{n}") for n in range(4)]
    await asyncio.gather(*(cities[n % 2].happens(one) for n, one in enumerate(confirmed)))
    assert [one.name for one in await stores[1].read(register.group_rows)].count("甲群") == 1
    history = await stores[1].read(lambda db: registerpages.history(db, "groups", "wechat:甲群"))
    assert len(history) == 1
    for store in stores:
        await store.close()


async def test_what_is_not_there_or_would_lose_its_name_is_not_edited(city: Cleaning) -> None:
    await city.register(name="防汛群")
    version = register.version(await row(city))
    await city.happens(edited("e1", version, name=""))
    await city.happens(edited("e2", "older", owner="老周"))
    assert register.version(await row(city)) == version


def part(number: int, name: str, parts: int = 2) -> RegisterPartReceived:
    told = {"id": f"wechat:{name}", "channel": "wechat", "name": name, "unit": "城关镇"}
    body = json.dumps([{"number": number, "name": name, "told": told, "skipped": "", "problems": [], "note": ""}])
    return RegisterPartReceived(
        id=f"i1:{number}", at=on(1), draft="i1", book="groups", file="台账.csv", sha256="ab", who="office:甲", number=number,
        parts=parts, body=body,
    )  # fmt: skip


async def shown(city: Cleaning) -> str:
    def digest(db: Any) -> str:
        draft: Any = registerimports.get(db, "i1")
        rows: Any = registerimports.rows_of(db, draft)
        return registerimports.difference(db, "groups", registerimports.told("groups", rows)).digest

    return str(await city.house.store.read(digest))


@on_both
async def test_a_file_is_taken_in_once_and_only_as_it_was_shown(city: Cleaning) -> None:
    async def names() -> set[str]:
        return {one.name for one in await city.house.store.read(register.group_rows)}

    await city.happens(RegisterImportConfirmed(id="c0", at=on(1), draft="i1", shown="x", who="office:甲"))
    await city.happens(part(0, "甲群"))
    await city.happens(RegisterImportConfirmed(id="c1", at=on(1), draft="i1", shown="x", who="office:甲"))
    await city.happens(part(1, "乙群"))
    before = await shown(city)
    await city.register(name="丙群")
    await city.happens(RegisterImportConfirmed(id="c2", at=on(1), draft="i1", shown=before, who="office:甲"))
    assert await names() == {"丙群"}
    now = await shown(city)
    confirmed = [RegisterImportConfirmed(id=f"c{n}", at=on(1), draft="i1", shown=now, who="office:甲") for n in (3, 4)]
    await asyncio.gather(*(city.happens(one) for one in confirmed))
    assert await names() == {"甲群", "乙群", "丙群"}
    changes = await city.house.store.read(lambda db: registerpages.history(db, "groups", "wechat:甲群"))
    assert [(one.via, one.file, one.sha256, one.act) for one in changes] == [("import", "台账.csv", "ab", "i1")]


@on_both
async def test_a_person_goes_by_an_event_and_a_receipt_stays(city: Cleaning) -> None:
    await city.roster("g1", 10)
    before = await city.snapshot()
    await city.happens(PersonErased(id="SC1", at=on(1), person="playground:p2", request="SC1", who="office:甲", talks=4))
    receipt: Any = await city.house.store.read(lambda db: erasure.receipt(db, "SC1"))
    assert receipt["checksum"] == checksum(receipt)
    assert "p2" not in json.dumps(receipt)
    assert {"playground", "persons", "members"} <= {one["table"] for one in receipt["tables"]}
    assert await city.house.store.read(lambda db: groups.person(db, "playground:p2")) is None
    after = await city.snapshot()
    assert after["totals"] == before["totals"]


async def test_no_figure_of_the_past_changes_by_it_and_nobody_is_waited_for(city: Cleaning) -> None:
    await city.roster("g1", 60, people="12345")
    await city.roster("g2", 60, people="12345")
    await city.says("g1", 3)
    await city.says("g1", 2, text="通知：明天上午九点在二楼开会，请各位收到后回复。", id="n1")
    for number, person in enumerate(("p2", "p3")):
        await city.tell(1, type="click", group="g1", person=person, notice={"message": "n1"}, action="ack", id=f"c{number}")
    before = await city.snapshot()
    [notice] = await city.house.store.read(lambda db: notices.listed(db, None))
    assert await city.house.store.read(lambda db: notices.counts(db, notice.id)) == (2, 4)
    for number, person in enumerate(("p2", "p5")):
        await city.happens(PersonErased(id=f"SC{number}", at=on(1), person=f"playground:{person}", request=f"SC{number}", who="o"))
    after = await city.snapshot()
    # But for the one whom an open notice waited for.
    assert (before["flow"]["copies"], after["flow"]["copies"]) == (4, 3)
    assert {**after, "flow": before["flow"]} == before
    # p2 had answered and is counted; p5 is not waited for.
    assert await city.house.store.read(lambda db: notices.counts(db, notice.id)) == (2, 3)

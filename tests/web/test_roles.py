"""Who gets what: every route of the office and the API times every role, and nobody another town's."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest
from starlette.routing import Route

from bot.app import make_house
from bot.house import House
from bot.web.app import create_app
from config.settings import load_settings
from storage import audit, cleanup_pages, flags, notices, register
from storage.audit import Asked
from storage.postgresql import PostgresStore
from tests.conftest import make
from tests.handlers.cleaning import Cleaning, on
from tests.storage.places import clear
from tests.web.towns import OTHER, OWN, ROLES, UNITS, VILLAGE, bearer, enter, stranger, two_towns

# In this order: the whole office, the office of a town, a unit's admin, a group's admin.
ALL, OFFICE, WHOLE = (200, 200, 200, 200), (200, 200, 403, 403), (200, 403, 403, 403)
HIDDEN = (200, 404, 404, 404)


@dataclass(frozen=True, slots=True)
class Row:
    """`own` is the address of what belongs to the town (its g1), `other` of what belongs to the other town."""

    own: str
    may: tuple[int, ...]
    other: str = ""
    may_other: tuple[int, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)
    other_data: dict[str, Any] = field(default_factory=dict)
    public: int | None = None
    # Whether the read of personal data is written down.
    noted: bool = False


PASSWORDS = {"old": "x", "password": "y", "again": "y"}
INVITE = {"name": "小秦", "role": "unit", "unit": VILLAGE}
WEEK = "2026-W47"
# {c:g1} stands for the round of that group.
MATRIX: dict[tuple[str, str], Row] = {
    ("GET", "/office"): Row("/office", ALL),
    ("GET", "/office/rows"): Row("/office/rows?what=groups", OFFICE),
    ("POST", "/office/appeals/{flag}"): Row(
        "/office/appeals/fg1", (303, 303, 403, 403), "/office/appeals/fg2", (303, 404, 403, 403), {"decision": "uphold"}
    ),
    ("GET", "/office/notices"): Row("/office/notices", ALL, noted=True),
    ("GET", "/office/notices/new"): Row("/office/notices/new", ALL),
    ("POST", "/office/notices/new"): Row(
        "/office/notices/new", (303, 303, 303, 303), "/office/notices/new", (303, 422, 422, 422),
        {"text": "助学金政策解读已放在便民大厅。", "group": "playground:g1"},
        {"text": "助学金政策解读已放在便民大厅。", "group": "playground:g2"},
    ),
    ("GET", "/office/notices/{notice}"): Row("/office/notices/ng1", ALL, "/office/notices/ng2", HIDDEN, noted=True),
    ("POST", "/office/notices/{notice}/cancel"): Row(
        "/office/notices/ng1/cancel", (303, 303, 303, 303), "/office/notices/ng2/cancel", (303, 403, 403, 403)
    ),
    ("GET", "/office/inventory"): Row("/office/inventory", ALL),
    ("GET", "/office/inventory/{week}"): Row(f"/office/inventory/{WEEK}", ALL),
    ("GET", "/office/inventory/{week}.xlsx"): Row(f"/office/inventory/{WEEK}.xlsx", ALL, noted=True),
    ("GET", "/office/inventory/{week}.docx"): Row(f"/office/inventory/{WEEK}.docx", ALL, noted=True),
    ("GET", "/office/inventory/{week}.pdf"): Row(f"/office/inventory/{WEEK}.pdf", ALL, noted=True),
    ("GET", "/office/cleanup"): Row("/office/cleanup?tab=owner", OFFICE),
    ("POST", "/office/cleanup"): Row(
        "/office/cleanup", (422, 422, 403, 403), "/office/cleanup", (422, 422, 403, 403),
        {"item": "{c:g1}", "act": "confirm"}, {"item": "{c:g2}", "act": "confirm"},
    ),
    ("GET", "/office/cleanup/{item}"): Row(
        "/office/cleanup/{c:g1}", OFFICE, "/office/cleanup/{c:g2}", (200, 404, 403, 403), noted=True
    ),
    # No playground is open in this house.
    ("GET", "/office/invitations"): Row("/office/invitations", (404, 403, 403, 403)),
    ("POST", "/office/invitations"): Row("/office/invitations", (404, 403, 403, 403)),
    ("GET", "/office/accounts"): Row("/office/accounts", OFFICE, noted=True),
    ("POST", "/office/accounts"): Row(
        "/office/accounts", OFFICE, "/office/accounts", (200, 422, 403, 403), INVITE, {**INVITE, "unit": OTHER}
    ),
    ("POST", "/office/accounts/{account}"): Row(
        "/office/accounts/unit1", OFFICE, "/office/accounts/far1", (200, 404, 403, 403), {"act": "reset"}, {"act": "reset"}
    ),
    ("GET", "/office/audit"): Row("/office/audit", OFFICE, noted=True),
    ("GET", "/office/password"): Row("/office/password", ALL),
    ("POST", "/office/password"): Row("/office/password", (422, 422, 422, 422), data=PASSWORDS),
    ("GET", "/office/signin"): Row("/office/signin", ALL, public=200),
    ("POST", "/office/signin"): Row("/office/signin", (401, 401, 401, 401), data={"token": "x"}, public=401),
    ("POST", "/office/signout"): Row("/office/signout", (303, 303, 303, 303), public=303),
    ("GET", "/office/invite/{token}"): Row("/office/invite/none", (404, 404, 404, 404), public=404),
    ("POST", "/office/invite/{token}"): Row("/office/invite/none", (404, 404, 404, 404), public=404),
    ("GET", "/office/oidc"): Row("/office/oidc", (404, 404, 404, 404), public=404),
    ("GET", "/office/oidc/callback"): Row("/office/oidc/callback", (404, 404, 404, 404), public=404),
    ("GET", "/office/register"): Row("/office/register", OFFICE, noted=True),
    **{
        ("GET", f"/office/register/{book}/{{key:path}}"): Row(
            f"/office/register/{book}/{own}", OFFICE, f"/office/register/{book}/{other}", (200, 404, 403, 403), noted=True
        )
        for book, own, other in (("groups", "playground:g1", "playground:g2"), ("apps", "a1", "a2"))
    },
    **{
        ("POST", f"/office/register/{book}/{{key:path}}"): Row(
            f"/office/register/{book}/{own}", (422, 422, 403, 403), f"/office/register/{book}/{other}", (422, 404, 403, 403),
            {"name": "", "was_name": "x"},
        )
        for book, own, other in (("groups", "playground:g1", "playground:g2"), ("apps", "a1", "a2"))
    },
    **{("GET", f"/office/register/new/{book}"): Row(f"/office/register/new/{book}", OFFICE) for book in ("groups", "apps")},
    **{
        ("POST", f"/office/register/new/{book}"): Row(
            f"/office/register/new/{book}", (422, 422, 403, 403), data={"name": ""}
        )
        for book in ("groups", "apps")
    },
    ("GET", "/office/import"): Row("/office/import", WHOLE),
    ("POST", "/office/import"): Row("/office/import", (422, 403, 403, 403), data={"book": "groups"}),
    ("GET", "/office/import/{draft}"): Row("/office/import/i1", WHOLE, noted=True),
    ("POST", "/office/import/{draft}"): Row("/office/import/i1", (409, 403, 403, 403), data={"shown": "x"}),
    ("GET", "/office/import/{draft}/account.xlsx"): Row("/office/import/i1/account.xlsx", WHOLE, noted=True),
    ("GET", "/office/import/{draft}/account.csv"): Row("/office/import/i1/account.csv", WHOLE, noted=True),
    ("GET", "/office/data"): Row("/office/data", WHOLE),
    ("POST", "/office/data/export"): Row("/office/data/export", WHOLE, data={"format": "csv"}, noted=True),
    ("GET", "/office/erase"): Row("/office/erase", WHOLE),
    ("POST", "/office/erase"): Row("/office/erase", WHOLE, data={"given": "干部1"}, noted=True),
    # A receipt has hashes of the person and counts.
    ("GET", "/office/erase/{number}"): Row("/office/erase/r1", WHOLE),
    **{
        ("GET", f"/office/erase/{{number}}.{kind}"): Row(f"/office/erase/r1.{kind}", WHOLE)
        for kind in ("docx", "txt", "json")
    },
    ("GET", "/api/v1/register/{book}"): Row("/api/v1/register/groups", OFFICE, noted=True),
    ("POST", "/api/v1/notices"): Row(
        "/api/v1/notices", (201, 201, 201, 201), "/api/v1/notices", (201, 403, 403, 403),
        {"groups": ["g1"], "text": "开会"}, {"groups": ["g2"], "text": "开会"},
    ),
    ("GET", "/api/v1/notices"): Row("/api/v1/notices", ALL, "/api/v1/notices?group=g2", (200, 403, 403, 403)),
    ("GET", "/api/v1/notices/{id}"): Row("/api/v1/notices/ng1", ALL, "/api/v1/notices/ng2", HIDDEN),
    # Nobody's but the sender's, and of an emergency.
    ("GET", "/api/v1/notices/{id}/pending"): Row(
        "/api/v1/notices/ng1/pending", (403, 403, 403, 403), "/api/v1/notices/ng2/pending", (403, 404, 404, 404)
    ),
    ("POST", "/api/v1/notices/{id}/cancel"): Row(
        "/api/v1/notices/ng1/cancel", ALL, "/api/v1/notices/ng2/cancel", HIDDEN
    ),
    ("GET", "/api/v1/notices/{id}/links"): Row(
        "/api/v1/notices/ng1/links", OFFICE, "/api/v1/notices/ng2/links", (200, 404, 404, 404), noted=True
    ),
    ("POST", "/api/v1/check"): Row("/api/v1/check", ALL, data={"text": "你好"}),
    ("GET", "/api/v1/inventories/{week}"): Row(f"/api/v1/inventories/{WEEK}", ALL, noted=True),
    ("GET", "/api/v1/inventories/{week}.xlsx"): Row(f"/api/v1/inventories/{WEEK}.xlsx", ALL, noted=True),
    ("GET", "/api/v1/reduction"): Row("/api/v1/reduction", OFFICE),
    ("GET", "/api/v1/cleanup"): Row("/api/v1/cleanup", OFFICE, noted=True),
    ("GET", "/api/v1/audit"): Row("/api/v1/audit", OFFICE, noted=True),
    ("GET", "/api/v1/appeals"): Row("/api/v1/appeals", OFFICE, noted=True),
    # What the whole office has decided, the town finds decided.
    ("POST", "/api/v1/appeals/{id}"): Row(
        "/api/v1/appeals/fg1", (200, 409, 403, 403), "/api/v1/appeals/fg2", (200, 404, 403, 403),
        {"decision": "uphold"}, {"decision": "uphold"},
    ),
    ("POST", "/api/v1/rules/test"): Row("/api/v1/rules/test", WHOLE),
    ("POST", "/api/v1/rules/shadow"): Row("/api/v1/rules/shadow", WHOLE, data={"rulebook": 'version = "x"'}),
    ("POST", "/api/v1/events"): Row("/api/v1/events", WHOLE, data=[]),  # type: ignore[arg-type]
}


def routes_of(house: House) -> Iterator[tuple[str, str]]:
    for route in create_app(house).routes:
        if isinstance(route, Route) and route.path.startswith(("/office", "/api/v1")):
            yield from ((method, route.path) for method in (route.methods or {"GET"}) - {"HEAD"})


@pytest.fixture
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    """On PostgreSQL where a test asks for both."""
    if getattr(request, "param", "sqlite") == "sqlite":
        async for one in make(tmp_path, **{"office.units": UNITS}):
            yield one
        return
    store = PostgresStore(os.environ["QINGQUN_TEST_POSTGRESQL"])
    await store.write(clear)
    await store.open()
    made = make_house(load_settings(flags={"data": tmp_path, "office.units": UNITS}, environ={}), store)
    await made.bus.open(made.dispatch)
    yield made
    await store.close()


on_both = pytest.mark.parametrize(
    "house", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


@pytest.fixture
async def towns(house: House) -> Cleaning:
    return await two_towns(house)


def test_no_route_is_without_a_row(house: House) -> None:
    """A new page or operation has to say here who may use it."""
    assert sorted(routes_of(house)) == sorted(MATRIX)


async def ask(towns: Cleaning, visitor: httpx.AsyncClient, method: str, address: str, data: Any) -> httpx.Response:
    for group in ("g1", "g2"):
        item = (await towns.item(group)).id
        address = address.replace(f"{{c:{group}}}", item)
        data = {**data, "item": data["item"].replace(f"{{c:{group}}}", item)} if "item" in data else data
    if method == "GET":
        return await visitor.get(address)
    return await visitor.post(address, **({"json": data} if address.startswith("/api/") else {"data": data}))


@pytest.mark.parametrize(("method", "path"), MATRIX, ids=lambda value: value)
async def test_every_role_gets_what_is_theirs(house: House, towns: Cleaning, method: str, path: str) -> None:
    row = MATRIX[method, path]
    # A cadre has no account: with their own link or none at all they are a stranger here.
    closed = 401 if path.startswith("/api/") else 303
    answer = await ask(towns, stranger(house), method, row.own, row.data)
    assert answer.status_code == (row.public or closed), f"stranger: {answer.text[:200]}"
    for place, role in enumerate(ROLES):
        for address, may, data in ((row.own, row.may, row.data), (row.other, row.may_other, row.other_data)):
            if not address:
                continue
            visitor = bearer(house, role) if path.startswith("/api/") else await enter(house, role)
            before = await noted(house)
            answer = await ask(towns, visitor, method, address, data or row.data)
            assert answer.status_code == may[place], f"{role} {address}: {answer.text[:300]}"
            if row.noted and answer.status_code == 200:
                assert await noted(house) == before + 1, f"{role} {address} was not written down"


async def noted(house: House) -> int:
    return await house.store.read(lambda db: audit.count(db, Asked()))


# What the town's people may read, and whose words must be in none of it.
READ = (
    "/office", "/office/notices", "/office/notices/new", "/office/inventory", f"/office/inventory/{WEEK}",
    "/office/accounts", "/office/audit", "/office/register", "/office/register?book=apps", "/office/cleanup?tab=owner",
    "/office/cleanup?tab=confirm",
    *(f"/office/rows?what={what}" for what in (
        "groups", "zombies", "baseline", "reduced", "closed", "added", "rebounds", "load", "apps", "zombie_apps",
        "app_baseline", "app_closed", "group_gaps")),
    *(f"/office/rows?what={what}&week={WEEK}" for what in ("notices", "saved", "flags")),
    *(f"/office/rows?what=open&stage=owner&age={age}&week={WEEK}" for age in (0, 1, 2, 3)),
)  # fmt: skip


@on_both
@pytest.mark.parametrize("role", ["town", "unit", "group"])
async def test_no_page_tells_one_town_of_the_other(house: House, towns: Cleaning, role: str) -> None:
    visitor, whole = await enter(house, role), await enter(house, "office")
    told = 0
    for address in READ:
        page = await visitor.get(address)
        assert page.status_code in (200, 403), address
        # Whoever runs a group may read which other has the same people, to merge with it.
        for word in (OTHER, "g2群", "白沙", *(["g4群"] if role != "group" else [])):
            assert word not in page.text, f"{role} reads {word} at {address}"
        told += OTHER in (await whole.get(address)).text
    assert told > 15, "the whole office reads of both"
    item = f"/office/cleanup/{(await towns.item('g1')).id}"
    assert "g4群" in (await whole.get(item)).text
    assert "g4群" not in (await visitor.get(item)).text


@pytest.mark.parametrize("role", ["town", "unit", "group"])
async def test_no_answer_of_the_api_tells_one_town_of_the_other(house: House, towns: Cleaning, role: str) -> None:
    visitor, whole = bearer(house, role), bearer(house, "office")
    registers = ("register/groups", "register/apps")
    for address in ("notices", f"inventories/{WEEK}", "reduction", "cleanup", "audit", *registers, "notices/ng1/links"):
        answer = await visitor.get(f"/api/v1/{address}")
        assert answer.status_code in (200, 403)
        text = answer.text.encode().decode("unicode_escape", "ignore") + answer.text
        assert OTHER not in text, address
        assert "g2" not in text, address
        assert role == "group" or "g4" not in text, address
    assert OTHER in (await whole.get(f"/api/v1/inventories/{WEEK}")).text


@pytest.mark.parametrize("kind", ["xlsx", "docx", "pdf"])
async def test_no_file_tells_one_town_of_the_other(
    house: House, towns: Cleaning, tmp_path: Path, kind: str
) -> None:
    found = (await (await enter(house, "town")).get(f"/office/inventory/{WEEK}.{kind}")).content
    text = _text(kind, found, tmp_path)
    assert OWN in text
    assert VILLAGE in text
    assert OTHER not in text
    assert OTHER in _text(kind, (await (await enter(house, "office")).get(f"/office/inventory/{WEEK}.{kind}")).content, tmp_path)


def _text(kind: str, content: bytes, folder: Path) -> str:
    path = folder / f"file.{kind}"
    path.write_bytes(content)
    if kind == "xlsx":
        book = openpyxl.load_workbook(path, read_only=True)
        return " ".join(str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell)
    if kind == "docx":
        from docx import Document

        document = Document(str(path))
        cells = (cell.text for one in document.tables for row in one.rows for cell in row.cells)
        return " ".join([*(one.text for one in document.paragraphs), *cells])
    from pypdf import PdfReader

    return "".join(page.extract_text() for page in PdfReader(path).pages)


@on_both
async def test_the_towns_figures_are_those_of_its_own_rows(house: House, towns: Cleaning) -> None:
    snapshot = (await bearer(house, "town").get(f"/api/v1/inventories/{WEEK}")).json()
    whole = (await bearer(house, "office").get(f"/api/v1/inventories/{WEEK}")).json()
    assert {one["unit"] for one in snapshot["groups"]} == {OWN, VILLAGE}
    assert snapshot["totals"]["groups"] == len(snapshot["groups"]) == 2 == whole["totals"]["groups"] - 2
    assert snapshot["totals"]["apps"] == 1
    assert [one["unit"] for one in snapshot["units"]] == [one["unit"] for one in whole["units"] if one["unit"] != OTHER]
    # Somebody in two of its groups is one person.
    assert snapshot["load"]["people"] == 8
    assert snapshot["flow"]["notices"] == snapshot["flow"]["saved"] == 2


async def test_a_posted_foreign_round_notice_or_target_changes_nothing(house: House, towns: Cleaning) -> None:
    visitor = await enter(house, "town")
    foreign, own = (await towns.item("g2")).id, (await towns.item("g1")).id
    await towns.day(15)
    house.now = lambda: on(16)
    visitor = await enter(house, "town")
    for form in (
        {"item": foreign, "choice": "dissolve"},
        {"item": own, "choice": "merge", "target": "playground:g2"},
        {"item": foreign, "act": "return", "note": "x", "back": foreign},
    ):
        assert (await visitor.post("/office/cleanup", data=form)).status_code in (404, 422)
    assert await towns.state("g1") == await towns.state("g2") == "asked"
    assert (await visitor.post("/office/cleanup", data={"item": [foreign, own], "choice": "dissolve"})).status_code == 303
    assert (await towns.state("g1"), await towns.state("g2")) == ("doing", "asked")
    assert (await visitor.post("/office/notices/ng2/cancel")).status_code == 403
    assert (await house.store.read(lambda db: notices.get(db, "ng2"))).state == "open"
    assert (await visitor.post("/office/appeals/fg2", data={"decision": "dismiss"})).status_code == 404
    assert (await house.store.read(lambda db: flags.get(db, "fg2"))).state == "appealed"
    counted = await house.store.read(lambda db: cleanup_pages.units(db, cleanup_pages.Wanted()))
    assert OTHER in counted


async def test_a_row_is_added_to_ones_own_units_only(house: House, towns: Cleaning) -> None:
    visitor, before = await enter(house, "town"), await house.store.read(register.group_rows)
    new = "/office/register/new/groups"
    for unit, status in ((OTHER, 422), ("", 422), (OWN, 303)):
        assert (await visitor.post(new, data={"name": "新群", "unit": unit, "was_unit": "x"})).status_code == status
    # What the form says that the cell was counts for nothing.
    assert (await visitor.post(new, data={"name": "新群", "unit": OTHER, "was_unit": OTHER})).status_code == 422
    assert len(await house.store.read(register.group_rows)) == len(before) + 1


async def test_a_row_of_another_unit_is_not_edited_and_no_row_is_sent_away(house: House, towns: Cleaning) -> None:
    visitor = await enter(house, "town")
    for key, form, status in (
        ("g2", {"owner": "老孙"}, 404),
        ("g1", {"unit": OTHER, "was_unit": OWN}, 422),
        ("g1", {"unit": "", "was_unit": OWN}, 422),
        ("g3", {"unit": OWN, "was_unit": VILLAGE}, 303),
    ):
        row = await house.store.read(lambda db, key=key: register.row(db, "groups", f"playground:{key}"))
        answer = await visitor.post(f"/office/register/groups/playground:{key}", data={**form, "version": register.version(row)})
        assert answer.status_code == status, answer.text[:300]
    rows = await house.store.read(register.group_rows)
    assert [(row.unit, row.owner[:3]) for row in rows] == [(OWN, OWN), (OTHER, OTHER), (OWN, VILLAGE), (OTHER, OTHER)]


async def test_a_namesake_of_another_unit_is_not_told_beside_the_row(house: House, towns: Cleaning) -> None:
    """The row names no group; the only living group of its name is the other town's."""
    row = {"id": "wechat:r9", "position": 9, "channel": "wechat", "name": "g2群", "unit": OWN}
    await house.store.write(lambda db: register.save(db, "groups", [row], on(1)))
    assert "在管群" in (await (await enter(house, "office")).get("/office/register/groups/wechat:r9")).text
    assert "在管群" not in (await (await enter(house, "town")).get("/office/register/groups/wechat:r9")).text


async def test_the_log_of_an_erasure_does_not_keep_whom(house: House, towns: Cleaning) -> None:
    visitor = await enter(house, "office")
    shown = await visitor.post("/office/erase", data={"given": "playground:p3"})
    assert "playground:p3" in shown.text
    done = await visitor.post("/office/erase", data={"given": "playground:p3", "person": "playground:p3", "sure": "yes"})
    assert done.status_code == 303
    rows = await house.store.read(lambda db: audit.listed(db, Asked(), 10))
    assert [row.what for row in rows] == ["erased", "erase", "erase"]
    assert rows[0].subject == done.headers["location"].rsplit("/", 1)[1]
    assert not any("p3" in f"{row.subject}{row.scope}" for row in rows)

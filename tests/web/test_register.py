"""The register on the office's pages: looked through, edited, imported; nothing is written over, nothing gets lost."""

from __future__ import annotations

import io
import re
from html import unescape
from typing import Any
from urllib.parse import quote

import httpx
import openpyxl
import pytest

from bot.house import House
from bot.reports.register_import import read_register
from bot.reports.register_rows import prepared
from storage import register, registerimports
from tests.conftest import MONDAY, Town
from tests.web.conftest import Client
from tests.web.dashboards import office

HEAD = "群名称,平台,建群单位,群主,成员数,建群时间\n"
FILE = HEAD + "防汛群,微信,城关镇,老周,41,2026-01-05\n老干部群,微信,民政局,老吴,很多,去年\n,微信,民政局,,,\n"
ROW = "/office/register/groups/wechat:r1"


@pytest.fixture
async def desk(house: House, client: Client) -> httpx.AsyncClient:
    rows = [
        {"id": "wechat:r1", "position": 2, "channel": "wechat", "name": "防汛群", "unit": "城关镇", "owner": "老周",
         "members": 38, "created": MONDAY.date()},
        {"id": "wechat:r2", "position": 3, "channel": "wechat", "name": "河长群", "unit": "水利局", "owner": "老沈"},
    ]  # fmt: skip
    app = {"id": "app:1", "position": 2, "name": "掌上办", "unit": "政数局", "kind": "APP"}

    def fill(db: Any) -> None:
        register.save(db, "groups", rows, MONDAY)
        register.save(db, "apps", [app], MONDAY)

    await house.store.write(fill)
    return await office(house, client)


def fields(page: str) -> dict[str, str]:
    """What the form of a row holds."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", page.split("row-form", 1)[1].split("</form>")[0]):
        name, value = re.search(r' name="([^"]*)"', tag), re.search(r' value="([^"]*)"', tag)
        assert name
        assert value
        found[name[1]] = unescape(value[1])
    return found


async def opened(desk: httpx.AsyncClient, path: str = ROW) -> dict[str, str]:
    answer = await desk.get(path)
    assert answer.status_code == 200
    return fields(answer.text)


async def test_both_registers_are_listed_in_their_own_order_and_searched(desk: httpx.AsyncClient) -> None:
    page = (await desk.get("/office/register")).text
    assert page.index("防汛群") < page.index("河长群")
    assert "掌上办" in (await desk.get("/office/register?book=apps")).text
    for query in ("q=河长", "q=老沈", "unit=" + quote("水利局")):
        found = (await desk.get(f"/office/register?{query}")).text
        assert "河长群" in found.split("</form>")[-1]
        assert "防汛群" not in found.split("</form>")[-1]
    assert "没有找到" in (await desk.get("/office/register?q=%25")).text


async def test_an_edit_is_written_with_its_history(house: House, desk: httpx.AsyncClient) -> None:
    form = await opened(desk) | {"owner": "老孙", "members": "40", "channel": "钉钉", "closed": "2026-11-16"}
    answer = await desk.post(ROW, data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, ROW + "?done=4")
    page = (await desk.get(answer.headers["location"])).text
    assert "已保存 4 处修改" in page
    for cell in ("老周", "老孙", "38", "40", "微信", "钉钉", "2026-11-16", "页面修改", "机制办", "新增这一行"):
        assert cell in page.split("修改历史", 1)[1], cell
    row = await house.store.read(lambda db: register.row(db, "groups", "wechat:r1"))
    assert row is not None
    assert (row.owner, row.members, row.channel) == ("老孙", 40, "dingtalk")


async def test_the_second_of_two_sees_both_and_loses_nothing(house: House, desk: httpx.AsyncClient) -> None:
    first, second = await opened(desk), await opened(desk)
    await desk.post(ROW, data=first | {"owner": "老孙", "members": "40"})
    answer = await desk.post(ROW, data=second | {"owner": "老钱", "note": "我的备注"})
    assert answer.status_code == 409
    assert "别人改过这一行" in answer.text
    assert "别人改成了“<strong>老孙</strong>”，您填的是“老钱”" in answer.text
    kept = fields(answer.text)
    assert (kept["owner"], kept["note"], kept["members"]) == ("老钱", "我的备注", "40")
    row = await house.store.read(lambda db: register.row(db, "groups", "wechat:r1"))
    assert row is not None
    assert (row.owner, row.note) == ("老孙", "")
    assert (await desk.post(ROW, data=kept)).status_code == 303
    row = await house.store.read(lambda db: register.row(db, "groups", "wechat:r1"))
    assert row is not None
    assert (row.owner, row.note, row.members) == ("老钱", "我的备注", 40)


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [("name", "", "名称不能为空"), ("members", "-3", "不是数字"), ("created", "去年", "不是日期"), ("owner", "长" * 201, "太长（201 字）")],
)
async def test_what_cannot_be_read_is_said_beside_the_field_and_stays_in_it(
    desk: httpx.AsyncClient, field: str, text: str, said: str
) -> None:
    answer = await desk.post(ROW, data=await opened(desk) | {field: text, "note": "留着"})
    assert answer.status_code == 422
    assert said in answer.text
    assert (fields(answer.text)[field], fields(answer.text)["note"]) == (text, "留着")


async def test_only_the_office_sees_the_register(house: House, client: Client, desk: httpx.AsyncClient) -> None:
    admin = await office(house, client, "admin", "g1")
    for path in ("/office/register", ROW, "/office/import", "/office/data"):
        assert (await admin.get(path)).status_code == 403
    assert (await client("admin", "g1").get("/api/v1/register/groups")).status_code == 403
    assert (await desk.get("/office/register/groups/nobody:1")).status_code == 404


async def test_the_api_gives_it_a_page_at_a_time(client: Client, desk: httpx.AsyncClient) -> None:
    told = (await client("office").get("/api/v1/register/groups?unit=" + quote("城关镇"))).json()
    assert (told["total"], told["page"], told["pages"]) == (1, 1, 1)
    assert (told["rows"][0]["name"], told["rows"][0]["created"], told["rows"][0]["extra"]) == ("防汛群", "2026-11-16", {})
    assert (await client("office").get("/api/v1/register/apps")).json()["rows"][0]["kind"] == "APP"
    assert (await client("office").get("/api/v1/register/groups?page=0")).status_code == 422
    assert (await client("office").get("/api/v1/register/people")).status_code == 404


async def uploaded(desk: httpx.AsyncClient, content: bytes, name: str = "台账.csv", book: str = "groups") -> str:
    answer = await desk.post("/office/import", data={"book": book}, files={"file": (name, content)})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def digest(page: str) -> str:
    found = re.search(r'name="shown" value="(\w+)"', page)
    assert found
    return found[1]


async def names(house: House) -> list[str]:
    return [row.name for row in await house.store.read(register.group_rows)]


async def test_a_file_shows_what_it_changes_and_writes_nothing_before_it_is_confirmed(
    house: House, desk: httpx.AsyncClient
) -> None:
    where = await uploaded(desk, FILE.encode("gbk"))
    page = (await desk.get(where)).text
    assert "确认写入（更新 1、新增 1）" in page
    assert re.search(r"成员数</b>：<del>38</del> → <ins>41</ins>", page)
    assert "第 4 行</b>：没有群名称" in page
    assert "第 3 行 E3 成员数</b>：“很多”不是数字" in page
    assert "河长群" in page.split("台账里有、文件里没有的行")[1]
    assert await names(house) == ["防汛群", "河长群"]
    answer = await desk.post(where, data={"shown": digest(page)})
    assert (answer.status_code, answer.headers["location"]) == (303, where)
    account = (await desk.get(where)).text
    assert "共 3 行：新增 1，更新 1，不变 0，跳过 1" in account
    assert sorted(await names(house)) == sorted(["防汛群", "河长群", "老干部群"])
    history = (await desk.get(ROW)).text
    assert "导入：台账.csv" in history
    assert "SHA-256" in history
    answer = await desk.get(where + "/account.csv")
    assert answer.status_code == 200, answer.text[-900:]
    csv = answer.content.decode()
    assert csv.startswith("\ufeff行号,结果,名称")
    book = openpyxl.load_workbook(io.BytesIO((await desk.get(where + "/account.xlsx")).content))
    assert [row[1] for row in book.active.iter_rows(min_row=2, values_only=True)] == ["更新", "新增", "跳过"]  # type: ignore[union-attr]


async def test_confirmed_twice_it_is_written_once(house: House, desk: httpx.AsyncClient) -> None:
    where = await uploaded(desk, FILE.encode())
    shown = digest((await desk.get(where)).text)
    for _ in range(2):
        assert (await desk.post(where, data={"shown": shown})).status_code == 303
    changes = await house.store.read(lambda db: db.execute(register.CHANGES.select()).all())
    assert len([one for one in changes if one.via == "import"]) == 3


async def test_when_the_register_changed_meanwhile_nothing_is_written_and_the_new_difference_is_shown(
    house: House, desk: httpx.AsyncClient
) -> None:
    where = await uploaded(desk, FILE.encode())
    shown = digest((await desk.get(where)).text)
    await desk.post(ROW, data=await opened(desk) | {"members": "39"})
    answer = await desk.post(where, data={"shown": shown})
    assert answer.status_code == 409
    assert "没有写入" in answer.text
    assert re.search(r"成员数</b>：<del>39</del> → <ins>41</ins>", answer.text)
    assert await names(house) == ["防汛群", "河长群"]
    assert (await desk.post(where, data={"shown": digest(answer.text)})).status_code == 303
    assert "老干部群" in await names(house)


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "是空的"), (b"PK\x03\x04x", "已损坏"), ("姓名\n甲".encode(), "没有找到表头"), (None, "请选择一个")]
)
async def test_what_is_no_register_is_said_on_the_page(
    desk: httpx.AsyncClient, content: bytes | None, said: str
) -> None:
    files = {"file": ("x.xlsx", content)} if content is not None else {"other": ("x", b"1")}
    answer = await desk.post("/office/import", data={"book": "groups"}, files=files)
    assert answer.status_code == 422
    assert said in answer.text


async def test_a_row_without_a_number_is_known_after_it_was_renamed(house: House, desk: httpx.AsyncClient) -> None:
    renamed = HEAD + f"防汛抗旱群,微信,城关镇,老周,38,{MONDAY:%Y-%m-%d}\n"
    where = await uploaded(desk, renamed.encode())
    page = (await desk.get(where)).text
    assert "确认写入（更新 1、新增 0）" in page
    assert "改名或换单位，原“防汛群”" in page
    await desk.post(where, data={"shown": digest(page)})
    assert await names(house) == ["防汛抗旱群", "河长群"]
    assert "原名 “防汛群”" in (await desk.get(ROW)).text
    again = (await desk.get(await uploaded(desk, renamed.encode()))).text
    assert "没有要写入的" in again


async def test_a_file_that_nobody_confirmed_goes_after_a_week(
    house: House, client: Client, desk: httpx.AsyncClient
) -> None:
    from datetime import timedelta

    from handlers.events import DayEnded

    where = await uploaded(desk, FILE.encode())
    later = MONDAY + timedelta(days=8)
    await house.tell(DayEnded(id="d", at=later, day=later.date()))
    # Sessions end before.
    desk = await office(house, client)
    assert (await desk.get(where)).status_code == 404
    assert await house.store.read(lambda db: registerimports.recent(db, 9)) == []


async def test_everything_can_be_taken_away_from_the_page(house: House, desk: httpx.AsyncClient) -> None:
    import json
    import zipfile

    answer = await desk.post("/office/data/export", data={"format": "csv"})
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert "防汛群" in archive.read("register_groups.csv").decode("utf-8-sig")
    assert {one["table"]: one["rows"] for one in manifest["tables"]}["register_groups"] == 2


async def test_people_get_what_is_stored_about_them_on_their_own_page(
    house: House, town: Town, client: Client
) -> None:
    await town.roster(3)
    await town.says("boss", "通知：明天上午九点开会，请各位收到后回复。")
    where = house.links.mine_url("playground:p1").removeprefix(house.links.base_url)
    assert "data.json" in (await client(None).get(where)).text
    answer = await client(None).get(f"{where}/data.json")
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told["人员"] == [{"id": "playground:p1", "channel": "playground", "name": "干部1", "unit": "", "role": ""}]
    assert "群成员" in told
    assert "干部2" not in answer.text


async def test_a_person_is_erased_from_the_page_after_a_second_look(
    house: House, town: Town, desk: httpx.AsyncClient
) -> None:
    await town.roster(3)
    assert (await desk.post("/office/erase", data={"given": "没有这人"})).status_code == 422
    look = (await desk.post("/office/erase", data={"given": "干部1"})).text
    assert "playground:p1" in look
    assert "群成员：1 行" in look
    unsure = await desk.post("/office/erase", data={"given": "干部1", "person": "playground:p1"})
    assert (unsure.status_code, "请勾选" in unsure.text) == (422, True)
    done = await desk.post("/office/erase", data={"given": "干部1", "person": "playground:p1", "sure": "1"})
    where = done.headers["location"]
    page = (await desk.get(where)).text
    assert "网络安全法" in page
    assert "干部1" not in page
    for ending in (".docx", ".txt", ".json"):
        assert (await desk.get(where + ending)).status_code == 200
    assert "没有找到" in (await desk.post("/office/erase", data={"given": "干部1"})).text


async def test_a_process_without_the_playground_takes_and_erases_nothing_by_halves(house: House, desk: httpx.AsyncClient) -> None:
    house.role = "web"
    for path, form in (("/office/data/export", {"format": "jsonl"}), ("/office/erase", {"given": "playground:p1"})):
        answer = await desk.post(path, data=form)
        assert answer.status_code == 404
        assert "转到那个进程" in answer.text


async def test_a_row_is_added_at_the_end_under_the_key_a_file_would_give_it(house: House, desk: httpx.AsyncClient) -> None:
    path = "/office/register/new/groups"
    form = await opened(desk, path) | {"name": "抗旱群", "channel": "微信", "unit": "水利局", "members": "12"}
    answer = await desk.post(path, data=form)
    assert answer.status_code == 303
    page = (await desk.get(answer.headers["location"])).text
    assert "新增这一行" in page.split("修改历史", 1)[1]
    row = (await house.store.read(register.group_rows))[-1]
    assert (row.name, row.channel, row.unit, row.members, row.position) == ("抗旱群", "wechat", "水利局", 12, 4)
    read = read_register(HEAD.encode() + "抗旱群,微信,水利局,老沈,13,\n".encode(), "groups")
    assert prepared(read, "groups", [])[0]["told"]["id"] == row.id


async def test_a_row_that_is_there_already_is_not_added_again(house: House, desk: httpx.AsyncClient) -> None:
    path = "/office/register/new/apps"
    form = await opened(desk, path) | {"name": "随手拍", "unit": "城管局", "kind": "小程序"}
    first = await desk.post(path, data=form)
    before = await house.store.read(register.app_rows)
    again = await desk.post(path, data=form | {"handler": "老赵"})
    assert again.status_code == 409
    assert "已经有这一行" in again.text
    assert first.headers["location"].split("?")[0] in again.text
    assert fields(again.text)["handler"] == "老赵"
    assert await house.store.read(register.app_rows) == before


@pytest.mark.parametrize(("field", "text", "said"), [("name", "", "名称不能为空"), ("updated", "去年", "不是日期")])
async def test_a_new_row_that_cannot_be_read_is_not_written(
    house: House, desk: httpx.AsyncClient, field: str, text: str, said: str
) -> None:
    path, before = "/office/register/new/apps", await house.store.read(register.app_rows)
    answer = await desk.post(path, data=await opened(desk, path) | {"name": "随手拍", "note": "留着", field: text})
    assert answer.status_code == 422
    assert said in answer.text
    assert await house.store.read(register.app_rows) == before

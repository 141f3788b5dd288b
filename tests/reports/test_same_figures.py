"""One snapshot, and the same figures on the page, in the API, in the workbook, in the docx and in the PDF."""

from __future__ import annotations

import html
import io
import json
import re
from typing import Any

import openpyxl
import pytest

from bot.house import House
from config.wording import load_wording
from handlers.grounds import explained
from handlers.inventory import QUIET
from storage import inventories
from tests.conftest import MONDAY, Town
from tests.reports.conftest import WEEK, bare, docx_text, merging, pdf_text, troubled
from tests.web.conftest import Client, client
from tests.web.test_pages import signed_in

__all__ = ["client"]
pytestmark = pytest.mark.usefixtures("chinese")


async def every_form(house: House, client: Client, body: dict[str, Any]) -> dict[str, Any]:
    await house.store.write(lambda db: inventories.save(db, WEEK, MONDAY, body))
    visitor = await signed_in(house, client)
    address = f"/office/inventory/{WEEK}"
    files = {kind: (await visitor.get(f"{address}.{kind}")).content for kind in ("xlsx", "docx", "pdf")}
    page = (await visitor.get(address)).text
    return {
        "page": html.unescape(re.sub(r"<[^>]+>", "", page)),
        "json": (await client("office").get(f"/api/v1/inventories/{WEEK}")).json(),
        "book": openpyxl.load_workbook(io.BytesIO(files["xlsx"])),
        "docx": docx_text(files["docx"]),
        "pdf": pdf_text(files["pdf"]),
    }


async def test_every_form_says_the_same(house: House, client: Client, inventory: dict[str, Any]) -> None:
    forms = await every_form(house, client, inventory)
    said, rows = forms["docx"]
    totals, reduction = inventory["totals"], inventory["reduction"]
    assert forms["json"] == json.loads(json.dumps(explained(inventory, load_wording())))
    assert forms["pdf"][0] == said
    assert f"现有工作群组{totals['groups']}个" in said
    assert f"政务应用{totals['apps']}个。疑似僵尸和建议解散的工作群组{totals['zombie_groups']}个" in said
    assert f"长期未更新的政务应用{totals['zombie_apps']}个" in said
    assert reduction["formula"].rstrip("。") in said
    if reduction["baseline_at"]:
        closed = reduction["closed"]
        assert f"清理前数{totals['baseline_groups']}个" in said
        assert f"亲见{closed['seen']}个" in said
        assert f"申报{closed['declared']}个" in said
        assert f"导入{closed['imported']}个" in said
        assert f"新增{reduction['added']}个，其中反弹{reduction['rebounds']}个" in said
        assert (f"另有{reduction.get('moved')}个群改名或迁移" in said) == bool(reduction.get("moved"))
    if inventory["load"]["people"]:
        assert f"工作消息{inventory['load']['work_per_person_daily']}条" in said

    cells = {str(row[0].value).strip("　"): row[1].value for row in forms["book"]["汇总"].iter_rows()}
    assert cells["工作群总数"] == totals["groups"]
    assert cells["新增"] == reduction["added"]
    for evidence, number in reduction["closed"].items():
        assert cells[load_wording()(f"inventory.sheet.closed_{evidence}").strip("　")] == number
    assert cells.get("改名、迁移的群", 0) == reduction.get("moved", 0)
    former = [row[-1].value or "" for row in forms["book"]["工作群"].iter_rows(min_row=2)]
    assert former == ["；".join(one.get("formerly", ())) for one in inventory["groups"]]
    assert cells["清理率"] == pytest.approx(totals["reduction_rate"])
    page = bare(forms["page"])
    assert f"在册群{totals['groups']}个" in page
    assert f"疑似僵尸、建议解散{totals['zombie_groups']}个" in page
    assert bare(reduction["formula"]) in page

    # The third of the inventories was saved before there was advice.
    if advice := inventory.get("merging"):
        assert bare(advice["text"]) in page
        assert (cells["合并建议（组，尚未执行）"], cells["可减少的群"]) == (advice["proposals"], advice["saves_groups"])
        assert (bare(advice["text"]) in said) is bool(advice["proposals"])
        for one in inventory["merges"]:
            assert bare(one["text"]) in page
    else:
        assert "合并建议" not in page
        assert "合并建议" not in "".join(cells)
        assert "按人测算" not in said
    assert ("合并建议" in forms["book"].sheetnames) is bool(inventory.get("merges"))

    asked = [one["name"] for one in inventory["groups"] if one["verdict"] not in QUIET]
    apps = [one["name"] for one in inventory["apps"] if one["verdict"] not in QUIET]
    listed = [row for row in rows if row[0].isdigit()]
    assert [row[1] for row in listed] == [*asked, *apps]
    for row in listed:
        assert bare("".join(row)) in forms["pdf"][1]


async def test_merge_advice_says_the_same(house: House, client: Client) -> None:
    body = {**troubled(), **merging(), "week": WEEK}
    forms = await every_form(house, client, body)
    total, [one] = body["merging"], body["merges"]
    assert forms["json"]["merging"] == total
    assert forms["json"]["merges"] == [one]
    assert f"按人测算，{bare(total['text'])}。" in forms["docx"][0]
    assert forms["pdf"][0] == forms["docx"][0]
    page = bare(forms["page"])
    for told in (total["text"], one["text"], one["why"], "并入“防汛值守工作群”：乙群、丙群。", "约61.5条工作消息"):
        assert bare(told) in page
    rows = [[cell.value for cell in row] for row in forms["book"]["合并建议"].iter_rows()]
    assert dict(zip(*rows, strict=True)) == {
        "序号": 1, "并入": "防汛值守工作群", "拟合并的群": "乙群、丙群", "涉及单位": "城关镇、水利局", "减少群数": 2,
        "少收重复通知的人数": 38, "人均每周少收(条)": 3.5, "多收消息的人数": 12, "人均每天多收(条)": 46.25,
        "合并后每天工作消息(条)": 61.5, "依据": one["why"], "测算": one["text"],
    }  # fmt: skip
    cells = {str(row[0].value).strip("　"): row[1].value for row in forms["book"]["汇总"].iter_rows()}
    summed = {
        "合并建议（组，尚未执行）": 1, "可减少的群": 2, "少收重复通知的人数": 38, "人均每周少收重复通知（条）": 3.5,
        "多收消息的人数": 12, "人均每天多收消息（条）": 46.25, "相似但负担过重、不建议合并的群": 1,
    }  # fmt: skip
    assert {name: cells[name] for name in summed} == summed


async def test_an_admin_sees_the_mergers_of_their_own_groups(house: House, town: Town, client: Client) -> None:
    await town.roster(group="g1")
    body = {**troubled(), **merging(), "week": WEEK}
    for one in body["groups"]:
        one["channel"] = "playground"
    body["merges"][0]["groups"] = ["playground:g1"]
    await house.store.write(lambda db: inventories.save(db, WEEK, MONDAY, body))
    visitor = await signed_in(house, client, "admin", "g1")
    page = (await visitor.get(f"/office/inventory/{WEEK}")).text
    assert body["merges"][0]["text"] in page
    assert body["merging"]["text"] not in page
    book = openpyxl.load_workbook(io.BytesIO((await visitor.get(f"/office/inventory/{WEEK}.xlsx")).content))
    assert book.sheetnames == ["汇总", "工作群", "合并建议"]


async def test_every_verdict_is_counted_once(house: House, client: Client, inventory: dict[str, Any]) -> None:
    said, _ = (await every_form(house, client, inventory))["docx"]
    counts = [int(number) for number in re.findall(r"\d\.[^0-9]{2,10}?(\d+)个。", said)]
    asked = {name: number for name, number in inventory["verdicts"].items() if name not in QUIET}
    assert sorted(counts) == sorted(asked.values())
    if asked:
        assert f"需要处理的工作群组{sum(asked.values())}个" in said
    else:
        assert "没有发现需要处理的工作群组" in said


async def test_an_admin_gets_their_own_groups_signed_by_nobody(house: House, town: Town, client: Client) -> None:
    await town.roster(group="g1")
    body = {**troubled(), "week": WEEK}
    body["groups"][0]["channel"] = "playground"
    await house.store.write(lambda db: inventories.save(db, WEEK, MONDAY, body))
    visitor = await signed_in(house, client, "admin", "g1")
    for kind, read in (("docx", docx_text), ("pdf", pdf_text)):
        answer = await visitor.get(f"/office/inventory/{WEEK}.{kind}")
        said, rest = read(answer.content)
        assert answer.status_code == 200
        assert "不是正式文件" in said
        assert "防汛值守工作群" in str(rest)
        assert "丁群" not in str(rest)
        for absent in ("清理率", house.settings.office_name, "各有关单位", "政务应用"):
            assert absent not in said


async def test_the_page_leads_to_the_files_and_strangers_to_the_door(house: House, client: Client) -> None:
    visitor = await signed_in(house, client)
    page = (await visitor.get("/office/inventory/2026-W45")).text
    for kind, media in (("docx", "wordprocessingml.document"), ("pdf", "application/pdf")):
        path = f"/office/inventory/2026-W45.{kind}"
        assert f'href="{path}"' in page
        answer = await visitor.get(path)
        assert media in answer.headers["content-type"]
        assert f"2026-W45.{kind}" in answer.headers["content-disposition"]
        assert answer.headers["cache-control"] == "no-store"
        assert (await client(None).get(path)).status_code == 303
        assert (await visitor.get(f"/office/inventory/2026-W99.{kind}")).status_code == 404


async def test_a_pdf_without_a_font_is_a_sentence(
    house: House, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.reports.fonts.FOLDERS", ())
    visitor = await signed_in(house, client)
    answer = await visitor.get("/office/inventory/2026-W45.pdf")
    assert answer.status_code == 503
    assert "fonts-noto-cjk" in answer.text
    assert (await visitor.get("/office/inventory/2026-W45.docx")).status_code == 200

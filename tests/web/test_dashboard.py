"""The office's dashboard: the snapshot's figures, rows behind each of them that add up to it, nobody's name."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from bot.house import House
from handlers.inventory import snapshot_for
from storage import flags, inventories, register
from tests.conftest import Town
from tests.handlers.test_inventory import END, City
from tests.web.conftest import Client
from tests.web.dashboards import (
    BIG,
    DAY,
    NOW,
    SMALL,
    WEEKS,
    bare,
    figures,
    flag_of,
    furnished,
    keep,
    office,
    said,
    snapshot,
)

SUM = re.compile(r'<p class="sum">.*?<strong>([^<]+)</strong>', re.DOTALL)
ROW = re.compile(r"<tr><td ")


@pytest.fixture
async def city(house: House) -> City:
    return await furnished(house)


async def page_of(house: House, client: Client, path: str = "/office") -> str:
    answer = await (await office(house, client)).get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_the_figures_are_the_snapshots(house: House, city: City, client: Client) -> None:
    page, body = await page_of(house, client), await snapshot(house)
    totals, reduction = body["totals"], body["reduction"]
    assert (totals["baseline_groups"], totals["groups"], totals["reduced_groups"]) == (5, 4, 1)
    assert (reduction["closed"], reduction["added"], reduction["rebounds"]) == (
        {"seen": 2, "declared": 0, "imported": 1}, 2, 1,
    )  # fmt: skip
    assert said(page, "groups", week="2026-W47") == {str(totals["groups"])}
    assert said(page, "baseline") == {str(totals["baseline_groups"])}
    assert said(page, "zombies", week="2026-W47") == {str(totals["zombie_groups"])}
    assert said(page, "closed") == {"3"}
    assert said(page, "reduced") == {"1", "20.00%"}
    assert (said(page, "seen"), said(page, "declared"), said(page, "imported")) == ({"2"}, set(), {"1"})
    assert (said(page, "added"), said(page, "rebounds", week="2026-W47")) == ({"2"}, {"1"})
    assert said(page, "apps") == {"1"}
    assert said(page, "app_closed") == {"1"}
    assert said(page, "load", week="2026-W47") == {str(round(body["load"]["work_per_person_daily"] * 7, 1))}
    assert bare(reduction["formula"]) in bare(page)
    charts = json.loads(page.split('id="chart-data">')[1].split("</script>")[0])
    assert charts["weeks"] == list(WEEKS)
    assert charts["groups"][-1] == totals["groups"]
    assert charts["saved"] == [2, 2, 2]
    assert charts["flags"] == [2, 2, 2]
    assert charts["notices"] == [(await snapshot(house, week))["flow"]["notices_per_person"] for week in WEEKS]


async def test_every_figure_opens_to_rows_that_add_up_to_it(house: House, city: City, client: Client) -> None:
    visitor = await office(house, client)
    page = (await visitor.get("/office")).text
    opened = set()
    for query, address, text in figures(page):
        answer = await visitor.get(address)
        assert answer.status_code == 200, address
        number = float(SUM.search(answer.text)[1].replace(",", ""))  # type: ignore[index]
        opened.add(query["what"])
        assert "warn-line" not in answer.text, address
        if text.endswith("%"):
            body = await snapshot(house)
            assert number == body["totals"]["reduced_groups"]
        elif query["what"] == "notices":
            load = (await snapshot(house, query["week"]))["load"]
            assert round(number / load["people"], 2) == float(text)
        elif query["what"] == "gaps":
            assert text in (str(number), str(len(ROW.findall(answer.text))))
        elif query["what"] == "load":
            assert "（看板上为" not in answer.text
            assert number == float(text), address
        else:
            assert number == float(text.replace(",", "")), address
        if query["what"] not in ("saved", "reduced", "load", "gaps", "notices"):
            assert len(ROW.findall(answer.text)) == number, address
    assert opened >= {
        "groups", "zombies", "baseline", "closed", "seen", "imported", "added", "rebounds", "load", "apps",
        "reduced", "zombie_apps", "app_baseline", "app_closed", "notices", "saved", "flags", "gaps", "group_gaps", "open",
    }  # fmt: skip


async def test_the_units_add_up_to_the_whole(house: House, city: City) -> None:
    body = await snapshot(house)
    for name in ("groups", "zombie_groups", "apps", "baseline_groups", "reduced_groups"):
        assert sum(one[name] for one in body["units"]) == body["totals"][name], name
    for name in ("added", "rebounds"):
        assert sum(one[name] for one in body["units"]) == body["reduction"][name], name
    for evidence, number in body["reduction"]["closed"].items():
        assert sum(one["closed"][evidence] for one in body["units"]) == number


async def test_a_unit_of_few_people_shows_no_load(house: House, city: City, client: Client) -> None:
    big, small = sorted((await snapshot(house))["units"], key=lambda one: one["unit"] != BIG)
    assert (big["people"], small["unit"], small["people"], small["work_per_person_daily"]) == (6, SMALL, None, None)
    page = await page_of(house, client)
    assert said(page, "load", unit=BIG) == {str(round(big["work_per_person_daily"] * 7, 1))}
    assert said(page, "load", unit=SMALL) == set()
    assert "不足 5 人" in page
    rows = await page_of(house, client, f"/office/rows?what=load&week=2026-W47&unit={SMALL}")
    assert "不计算人均" in rows


async def test_flags_of_a_small_unit_are_told_without_it(house: House, city: City, client: Client) -> None:
    page = await page_of(house, client)
    assert said(page, "flags", week="2026-W47", unit=BIG) == {"1"}
    assert said(page, "flags", week="2026-W47", unit="") == {"1"}
    for address in ("/office/rows?what=flags&week=2026-W47", "/office/rows?what=flags&week=2026-W47&unit="):
        rows = await page_of(house, client, address)
        assert SMALL not in rows
        assert "按进度排名" not in rows
    assert 'class="sum">共 <strong>0</strong>' in await page_of(
        house, client, f"/office/rows?what=flags&week=2026-W47&unit={SMALL}"
    )


async def test_nobodys_name_stands_on_it(house: House, city: City, client: Client) -> None:
    visitor = await office(house, client)
    page = (await visitor.get("/office")).text
    pages = [page, *[(await visitor.get(address)).text for _, address, _ in figures(page)]]
    assert not [one for one in pages if "干部" in one]


async def test_units_stand_in_the_registers_order_whatever_their_figures(house: House, client: Client) -> None:
    city = City(house)
    rows = [
        {"id": f"wechat:{name}", "name": name, "channel": "wechat", "unit": unit, "position": place}
        for place, (name, unit) in enumerate([("甲群", "丙局"), ("乙群", "甲局"), ("丁群", "乙局"), ("戊群", "乙局")])
    ]
    rows[3]["closed"] = (END - 5 * DAY).date()
    await city.write(lambda db: [register.save(db, "groups", [one], END - 30 * DAY) for one in rows])
    house.now = lambda: NOW
    page = await page_of(house, client)
    found = re.findall(r'<tr><th scope="row">(.局)</th>', page.split('id="h-units"')[1])
    assert found == ["丙局", "甲局", "乙局"]
    assert "不作排名" in page
    assert "50.00%" in page


async def test_the_present_week_counts_until_now(house: House, city: City, client: Client) -> None:
    await city.write(lambda db: flags.add(db, flag_of("later", NOW + DAY, BIG, "ranking")))
    page = await page_of(house, client)
    assert "本周少打了" in page
    assert said(page, "saved", week="2026-W48") == {"2"}
    assert said(page, "flags", week="2026-W48", category="ranking") == {"1"}
    house.now = lambda: NOW + 2 * DAY
    assert said(await page_of(house, client), "flags", week="2026-W48", category="ranking") == {"2"}


async def test_a_week_without_a_snapshot_is_a_hole_not_a_zero(house: House, city: City, client: Client) -> None:
    await keep(house, "2026-W42", await snapshot(house, "2026-W42"))
    page = await page_of(house, client)
    charts = json.loads(page.split('id="chart-data">')[1].split("</script>")[0])
    assert charts["weeks"][:3] == ["2026-W42", "2026-W43", "2026-W44"]
    assert charts["groups"][1:3] == [None, None]
    assert page.count("这一周没有保存清单") == 4


async def test_a_week_that_an_older_version_saved_is_shown_without_its_rows(
    house: House, city: City, client: Client
) -> None:
    body = await snapshot(house)
    for name in ("units", "changes", "app_changes", "flow", "app_reduction"):
        del body[name]
    body["groups"] = [{name: one[name] for name in one if name != "people"} for one in body["groups"]]
    house.now = lambda: NOW + 7 * DAY
    await keep(house, "2026-W48", {**body, "week": "2026-W48"})
    page = await page_of(house, client)
    assert "没有分单位的数" in page
    assert said(page, "closed") == {"3"}
    for what in ("closed", "baseline", "load", "app_closed"):
        rows = await page_of(house, client, f"/office/rows?what={what}&week=2026-W48")
        assert "没有保存这些明细" in rows


async def test_rows_that_have_gone_since_are_not_passed_off_as_the_figure(
    house: House, city: City, client: Client
) -> None:
    await city.write(lambda db: db.exec_driver_sql("DELETE FROM receipts WHERE notice = 'n0' AND via = 'link'"))
    rows = await page_of(house, client, "/office/rows?what=saved&week=2026-W45")
    assert "看板上的数是 2" in rows
    assert "合计 <strong>1</strong> 条" in rows


async def test_long_lists_are_paged(house: House, client: Client) -> None:
    rows = [
        {"id": f"wechat:群{n:03}", "name": f"群{n:03}", "channel": "wechat", "unit": "甲局", "position": n}
        for n in range(230)
    ]
    await house.store.write(lambda db: register.save(db, "groups", rows, END - 30 * DAY))
    house.now = lambda: NOW
    visitor = await office(house, client)
    pages = [(await visitor.get(f"/office/rows?what=groups&week=2026-W47&page={n}")).text for n in (1, 2, 3, 4)]
    assert [len(ROW.findall(one)) for one in pages] == [100, 100, 30, 0]
    assert "群000" in pages[0]
    assert "群229" in pages[2]
    assert "没有这一页" in pages[3]
    assert "page=2" in pages[0]
    assert 'rel="next"' not in pages[2]


@pytest.mark.parametrize(
    "query",
    ["what=persons", "what=", "what=groups&week=2026-W99", "what=groups&week=2031-W02", "what=open&week=2026-W47",
     "what=open&stage=doing&age=9"],
)  # fmt: skip
async def test_what_is_not_there_is_a_sentence(house: House, city: City, client: Client, query: str) -> None:
    answer = await (await office(house, client)).get(f"/office/rows?{query}")
    assert answer.status_code == 404
    assert "没有" in answer.text


async def test_an_admin_sees_only_what_is_theirs(house: House, city: City, client: Client) -> None:
    visitor = await office(house, client, "admin", "playground:g1")
    page = (await visitor.get("/office")).text
    assert "您管理的群" in page
    for absent in ("清理率", "各单位情况", "/office/rows", SMALL, "少打"):
        assert absent not in page
    for what in ("groups", "closed", "flags", "load"):
        assert (await visitor.get(f"/office/rows?what={what}&week=2026-W47")).status_code == 403
    assert (await client(None).get("/office/rows?what=groups")).status_code == 303


async def test_a_saved_week_is_read_once(
    house: House, city: City, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    original = inventories.head

    def counting(db: Any, week: str) -> dict[str, Any] | None:
        read.append(week)
        return original(db, week)

    monkeypatch.setattr(inventories, "head", counting)
    monkeypatch.setattr(inventories, "saved", lambda db, week: pytest.fail("a whole snapshot was read"))
    visitor = await office(house, client)
    first = (await visitor.get("/office")).text
    assert sorted(read) == list(WEEKS)
    assert (await visitor.get("/office")).text == first
    assert sorted(read) == list(WEEKS)


async def test_the_head_of_a_snapshot_is_the_snapshot_without_rows(house: House, city: City) -> None:
    head = await house.store.read(lambda db: inventories.head(db, "2026-W46"))
    body = await house.store.read(lambda db: snapshot_for(db, house.settings, "2026-W46", NOW))
    assert head == {name: body[name] for name in body if name not in inventories.LISTS}
    assert await house.store.read(lambda db: inventories.head(db, "2026-W01")) is None


async def test_it_is_there_before_anything_has_happened(house: House, client: Client) -> None:
    page = await page_of(house, client)
    assert "尚无基数" in page
    assert "还没有群" in page
    assert figures(page) == []


async def test_nothing_in_it_needs_a_script_or_breaks_the_policy(house: House, town: Town, client: Client) -> None:
    await town.roster()
    page = await page_of(house, client)
    assert "style=" not in page
    assert re.findall(r"<script(?![^>]*(src=|application/json))", page) == []
    assert page.count('<details class="under" open>') == 4
    assert "http" not in re.sub(r'content="[^"]*"', "", page.split("<main")[1])

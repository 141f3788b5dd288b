"""The pages of cleaning up: looking changes nothing, a press does what it says, names stay where they belong."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bot.house import House
from storage import cleanups
from tests.handlers.cleaning import OFFICE, Cleaning, on
from tests.web.conftest import Client
from tests.web.test_pages import HOSTILE, signed_in

KEEP = {"choice": "keep", "reason": "防汛备用", "ends": "2027-03-01"}


@pytest.fixture
async def city(house: House) -> Cleaning:
    """One silent group, asked about."""
    made = Cleaning(house)
    await made.silent(unit="城关镇")
    await made.week()
    house.now = lambda: on(1)
    return made


def page_of(house: House, who: str = "p1") -> str:
    return house.links.cleanup_url(f"playground:{who}").removeprefix(house.links.base_url)


async def press(client: Client, house: House, city: Cleaning, who: str = "p1", **form: Any) -> httpx.Response:
    form = {"act": "decide", "item": (await city.item()).id, **form}
    return await client(None).post(page_of(house, who), data=form)


async def test_looking_at_the_page_changes_nothing(house: House, city: Cleaning, client: Client) -> None:
    before = await city.items()
    for _ in range(2):
        page = await client(None).get(page_of(house))
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-robots-tag"] == "noindex"
    assert await city.items() == before
    for words in ("g1群", "城关镇", "3 人", "已 100 天没有工作消息", "最近工作消息 2026-08-15", "近 30 天 0 条",
                  "建议<strong>规范</strong>", "2026-W47 清单", "2026-12-07 前决定"):  # fmt: skip
        assert words in page.text
    assert "干部" not in page.text


async def test_a_forged_link_is_a_page_in_chinese(client: Client, city: Cleaning, house: House) -> None:
    for address in ("/cleanup/made-up", page_of(house)[:-2] + "xx", house.links.mine_url("playground:p1")):
        answer = await client(None).post(address.removeprefix(house.links.base_url).replace("/mine/", "/cleanup/"))
        assert answer.status_code == 404
        assert "链接无效" in answer.text


async def test_a_decision_is_taken_and_shown(house: House, city: Cleaning, client: Client) -> None:
    answer = await press(client, house, city, choice="dissolve")
    assert (answer.status_code, answer.headers["location"]) == (303, page_of(house) + "?done=1")
    page = (await client(None).get(answer.headers["location"])).text
    assert "已记下 1 项" in page
    assert "等机制办确认" in page
    assert await city.state() == "proposed"
    # Said on the page, it is not whispered as well.
    assert len(await city.said("p1")) == 1


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"choice": "keep", "ends": "2027-03-01"}, "保留要写理由"),
        ({"choice": "keep", "reason": "备用"}, "须在今天以后"),
        ({"choice": "keep", "reason": "备用", "ends": "2026-11-24"}, "须在今天以后"),
        ({"choice": "keep", "reason": "备用", "ends": "2028-01-01"}, "最多保留 365 天"),
        ({"choice": "keep", "reason": "备用", "ends": "明年"}, "须在今天以后"),
        ({"choice": "merge"}, "并入哪个群"),
        ({"choice": "merge", "target": "playground:g1"}, "没有变化"),
        ({"choice": "close"}, "请选解散"),
        ({"item": "", "choice": "dissolve"}, "请先选事项"),
        ({"item": "cnone", "choice": "dissolve"}, "没有变化"),
    ],
)
async def test_what_is_missing_is_said_and_nothing_happens(
    house: House, city: Cleaning, client: Client, form: dict[str, str], sentence: str
) -> None:
    answer = await press(client, house, city, **form)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert await city.state() == "asked"


async def test_a_reason_that_was_typed_is_not_lost(house: House, city: Cleaning, client: Client) -> None:
    answer = await press(client, house, city, choice="keep", reason="防汛备用")
    assert 'value="防汛备用"' in answer.text


async def test_a_press_from_another_site_is_refused(house: House, city: Cleaning, client: Client) -> None:
    form = {"act": "decide", "item": (await city.item()).id, "choice": "dissolve"}
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://elsewhere.example"}):
        answer = await client(None).post(page_of(house), data=form, headers=headers)
        assert answer.status_code == 403
    assert await city.state() == "asked"


async def test_nobody_sees_or_decides_anothers_group(house: House, city: Cleaning, client: Client) -> None:
    page = (await client(None).get(page_of(house, "p2"))).text
    assert "g1群" not in page
    assert "没有等您决定的群" in page
    assert (await press(client, house, city, who="p2", choice="dissolve")).status_code == 422
    assert await city.state() == "asked"


async def test_many_are_decided_at_once(house: House, client: Client) -> None:
    city = Cleaning(house)
    for number in range(3):
        await city.silent(f"g{number}", people=f"1{number}xy")
    await city.week()
    house.now = lambda: on(1)
    items = [one.id for one in await city.items()]
    page = (await client(None).get(page_of(house))).text
    assert page.count('form="many"') == 3
    answer = await client(None).post(page_of(house), data={"act": "decide", "item": items[:2], **KEEP})
    assert answer.headers["location"].endswith("?done=2")
    assert [one.state for one in await city.items()] == ["proposed", "proposed", "asked"]


async def test_done_and_taken_back(house: House, city: Cleaning, client: Client) -> None:
    await city.decides("p1", "dissolve")
    await city.reviews("confirm")
    assert "机器人不会替您解散" in (await client(None).get(page_of(house))).text
    await press(client, house, city, act="declare")
    assert (await city.item()).evidence == "declared"
    page = (await client(None).get(page_of(house))).text
    assert "核查：申报" in page
    assert "期满销号" in page
    await press(client, house, city, act="withdraw")
    assert await city.state() == "asked"


async def test_what_people_write_cannot_become_markup(house: House, client: Client) -> None:
    city = Cleaning(house)
    await city.silent(name=HOSTILE)
    await city.week()
    await city.decides("p1", "keep", reason=HOSTILE, ends=on(90).date())
    visitor = await signed_in(house, client)
    item = (await city.item()).id
    for page in (
        await client(None).get(page_of(house)),
        await visitor.get("/office/cleanup"),
        await visitor.get(f"/office/cleanup/{item}"),
    ):
        assert page.status_code == 200
        assert "<img src=x" not in page.text
        assert "\u202e" not in page.text


@pytest.mark.parametrize("path", ["/office/cleanup", "/office/cleanup/c1"])
async def test_the_list_is_the_offices(house: House, city: Cleaning, client: Client, path: str) -> None:
    assert (await client(None).get(path)).status_code == 303
    admin = await signed_in(house, client, "admin", "g1")
    assert (await admin.get(path)).status_code == 403
    assert "/office/cleanup" not in (await admin.get("/office/notices")).text
    form = {"act": "confirm", "item": (await city.item()).id}
    assert (await admin.post("/office/cleanup", data=form)).status_code == 403


async def test_the_office_confirms_and_returns_many(house: House, client: Client) -> None:
    city = Cleaning(house)
    for number in range(4):
        await city.silent(f"g{number}", people=f"1{number}xy")
    await city.week()
    await city.decides("p1", "dissolve", "g0", "g1", "g2", "g3")
    items = [one.id for one in await city.items()]
    visitor = await signed_in(house, client)
    page = (await visitor.get("/office/cleanup")).text
    assert "待确认 4" in page
    assert page.count('form="many"') == 4
    assert [one.state for one in await city.items()] == ["proposed"] * 4
    answer = await visitor.post("/office/cleanup", data={"act": "confirm", "item": items[:2], "tab": "confirm"})
    assert answer.headers["location"] == "/office/cleanup?tab=confirm&done=2"
    answer = await visitor.post("/office/cleanup", data={"act": "return", "item": items[2:], "tab": "confirm"})
    assert answer.status_code == 422
    assert "退回要写理由" in answer.text
    await visitor.post("/office/cleanup", data={"act": "return", "item": items[2:], "note": "请再核实"})
    assert [one.state for one in await city.items()] == ["doing", "doing", "returned", "returned"]
    who = (await city.steps("g0"))[-1].who
    assert who == OFFICE
    cross = await visitor.post("/office/cleanup", data={"act": "confirm"}, headers={"sec-fetch-site": "cross-site"})
    assert cross.status_code == 403


async def test_what_is_late_is_marked_and_may_be_decided(house: House, city: Cleaning, client: Client) -> None:
    visitor = await signed_in(house, client)
    item = (await city.item()).id
    assert "已超期</span>" not in (await visitor.get("/office/cleanup?tab=owner")).text
    early = await visitor.post("/office/cleanup", data={"act": "decide", "choice": "dissolve", "item": item})
    assert early.status_code == 422
    await city.day(14)
    visitor = await signed_in(house, client)
    page = (await visitor.get("/office/cleanup?tab=owner&late=1")).text
    assert "已超期</span>" in page
    assert "只看已超期（1）" in page
    form = {"act": "decide", "item": item, "back": item, **KEEP}
    answer = await visitor.post("/office/cleanup", data=form)
    assert answer.headers["location"] == f"/office/cleanup/{item}?done=1"
    assert ((await city.item()).state, (await city.item()).evidence) == ("cooling", "exemption")


async def test_units_stand_in_the_registers_order_and_narrow_the_list(house: House, client: Client) -> None:
    city = Cleaning(house)
    for position, (name, unit) in enumerate((("丙群", "丙单位"), ("甲群", "甲单位"), ("乙群", "乙单位"))):
        await city.register(name=name, unit=unit, position=position, last_work_day=on(-300).date(), messages_30d=0)
    await city.week()
    visitor = await signed_in(house, client)
    page = (await visitor.get("/office/cleanup?tab=office")).text
    assert page.index("丙群") < page.index("甲群") < page.index("乙群")
    assert page.index('value="丙单位"') < page.index('value="甲单位"') < page.index('value="乙单位"')
    narrowed = (await visitor.get("/office/cleanup?tab=office&unit=甲单位")).text
    assert "甲群" in narrowed
    assert "乙群" not in narrowed


async def test_a_round_shows_every_step_and_who_took_it(house: House, city: Cleaning, client: Client) -> None:
    await city.decides("p1", "keep", reason="防汛备用", ends=on(90).date())
    await city.reviews("confirm")
    visitor = await signed_in(house, client)
    page = (await visitor.get(f"/office/cleanup/{(await city.item()).id}")).text
    for words in ("发现", "2026-W47 清单", "私下征求意见", "轻群 → 干部1", "私聊消息 cleanup:2026-W47:playground:p1",
                  "提出处理意见", "保留至2027年2月21日（防汛备用）", "机制办确认", "机制办（机制办）", "豁免"):  # fmt: skip
        assert words in page
    assert (await visitor.get("/office/cleanup/cnone")).status_code == 404


@pytest.mark.parametrize(
    "tab", ["confirm", "office", "owner", "doing", "cooling", "closed", "back", "lapsed", "none", ""]
)
async def test_every_tab_opens_also_when_it_is_empty(house: House, city: Cleaning, client: Client, tab: str) -> None:
    visitor = await signed_in(house, client)
    for query in ("", "&page=7", "&page=x", "&late=1", "&done=x"):
        assert (await visitor.get(f"/office/cleanup?tab={tab}{query}")).status_code == 200


async def test_a_long_list_comes_in_pages(house: House, client: Client) -> None:
    city = Cleaning(house)
    for number in range(60):
        name = f"第{number:02d}群"
        await city.register(name=name, position=number, last_work_day=on(-300).date(), messages_30d=0)
    await city.week()
    visitor = await signed_in(house, client)
    first = (await visitor.get("/office/cleanup?tab=office")).text
    assert "第 1 / 2 页" in first
    assert ("第49群" in first, "第50群" in first) == (True, False)
    assert "第50群" in (await visitor.get("/office/cleanup?tab=office&page=2")).text


async def test_the_api_lists_rounds_with_their_steps_for_the_office(
    house: House, city: Cleaning, client: Client
) -> None:
    await city.decides("p1", "dissolve")
    found = (await client("office").get("/api/v1/cleanup")).json()
    [one] = found
    assert (one["subject"], one["state"], one["choice"], one["week"]) == (
        "playground:g1",
        "proposed",
        "dissolve",
        "2026-W47",
    )
    assert one["reasons"][0]["evidence"]["days"] == 100
    assert [(step["number"], step["step"], step["who"]) for step in one["steps"]] == [
        (1, "found", "bot"),
        (2, "asked", "bot"),
        (3, "decided", "playground:p1"),
    ]
    assert one["steps"][1]["evidence"] == "cleanup:2026-W47:playground:p1"
    assert one["steps"][2]["at"] == "2026-11-24T08:30:00+08:00"
    assert (await client("office").get("/api/v1/cleanup?state=asked")).json() == []
    assert (await client("office").get("/api/v1/cleanup?unit=城关镇")).json() == found
    assert (await client("office").get("/api/v1/cleanup?page=2")).json() == []


@pytest.mark.parametrize(
    ("query", "status"), [("?state=gone", 422), ("?page=0", 422), ("?page=-1", 422), ("?page=x", 422)]
)
async def test_the_api_refuses_with_a_sentence(client: Client, query: str, status: int) -> None:
    answer = await client("office").get(f"/api/v1/cleanup{query}")
    assert answer.status_code == status
    assert answer.json()["error"]


async def test_the_api_is_the_offices(client: Client) -> None:
    assert (await client(None).get("/api/v1/cleanup")).status_code == 401
    assert (await client("admin", "g1").get("/api/v1/cleanup")).status_code == 403
    document = (await client(None).get("/api/openapi.json")).json()
    assert document["paths"]["/api/v1/cleanup"]["get"]["parameters"][0]["name"] == "state"


async def test_a_merge_offers_the_groups_with_the_same_people_first(house: House, client: Client) -> None:
    city = Cleaning(house)
    for group, people in (("g1", "1234"), ("g2", "1234"), ("a", "1yz")):
        await city.silent(group, quiet=3, people=people)
    await city.week()
    page = (await client(None).get(page_of(house))).text
    select = page[page.index(f'id="target-{(await city.item("g1")).id}"') :]
    assert select.index("g2群") < select.index("a群")
    assert 'value="playground:g1"' not in select[: select.index("</select>")]
    await client(None).post(
        page_of(house), data={"item": (await city.item("g1")).id, "choice": "merge", "target": "playground:g2"}
    )
    assert "合并到“g2群”" in (await client(None).get(page_of(house))).text


async def test_an_exemption_names_the_office_that_confirmed_it(house: House, city: Cleaning, client: Client) -> None:
    await press(client, house, city, **KEEP)
    visitor = await signed_in(house, client)
    await visitor.post("/office/cleanup", data={"act": "confirm", "item": (await city.item()).id})
    row = await house.store.read(lambda db: db.execute(cleanups.EXEMPTIONS.select()).one())
    assert (row.reason, row.approver, str(row.until)) == ("防汛备用", "机制办", "2027-03-01")

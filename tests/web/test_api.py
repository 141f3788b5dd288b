"""The JSON API: what each role may do, and a Chinese sentence for everything else."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from storage.database import StoreError
from tests.conftest import MONDAY, Town
from tests.web.conftest import Client

NOTICE = {"groups": ["g1"], "text": "周五下午三点大扫除，请准时参加。"}
# method, path, body: every operation once.
OPERATIONS: list[tuple[str, str, Any]] = [
    ("POST", "/notices", NOTICE),
    ("GET", "/notices", None),
    ("GET", "/notices/nx", None),
    ("GET", "/notices/nx/pending", None),
    ("POST", "/notices/nx/cancel", None),
    ("GET", "/notices/nx/links", None),
    ("POST", "/check", {"text": "你好"}),
    ("GET", "/inventories/2026-W45", None),
    ("GET", "/inventories/2026-W45.xlsx", None),
    ("GET", "/reduction", None),
    ("GET", "/appeals", None),
    ("POST", "/appeals/nx", {"decision": "uphold"}),
    ("POST", "/rules/test", None),
    ("POST", "/rules/shadow", {"rulebook": "x"}),
    ("POST", "/events", []),
]


def chinese(text: str) -> bool:
    return any("\u4e00" <= char <= "\u9fff" for char in text)


async def issue(client: Client, **more: Any) -> dict[str, Any]:
    answer = await client().post("/api/v1/notices", json={**NOTICE, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS, ids=lambda value: str(value)[:40])
@pytest.mark.parametrize("token", ["", "Bearer", "Bearer abc", "Basic abc", "Bearer ey.J.x"])
async def test_without_a_good_token_nothing_is_told(
    client: Client, town: Town, method: str, path: str, body: Any, token: str
) -> None:
    answer = await client(None).request(method, f"/api/v1{path}", json=body, headers={"authorization": token})
    assert answer.status_code == 401
    assert chinese(answer.json()["error"])
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_in_the_address_is_not_taken(client: Client, town: Town) -> None:
    token = town.house.links.bearer("office", "x", ())
    assert (await client(None).get(f"/api/v1/notices?token={token}&access_token={token}")).status_code == 401


async def test_a_notice_is_issued_listed_and_read(client: Client, town: Town) -> None:
    await town.roster(people=3)
    made = await issue(client, title="大扫除", deadline="2026-11-20T15:00:00+08:00", kind="act")
    assert set(made) == {"id", "url", "audience"}
    assert made["audience"] == 4
    (listed,) = (await client().get("/api/v1/notices?group=g1")).json()
    assert {"id", "text", "groups", "at", "acknowledged", "pending"} <= set(listed)
    assert (listed["groups"], listed["acknowledged"], listed["pending"]) == (["g1"], 0, 4)
    read = (await client().get(f"/api/v1/notices/{made['id']}")).json()
    assert read == {
        "id": made["id"], "audience": 4, "acknowledged": 0, "pending": 4,
        "via": {"card": 0, "link": 0, "typed": 0}, "state": "open",
    }  # fmt: skip


async def test_the_newest_notice_comes_first(client: Client, town: Town) -> None:
    await town.roster()
    await town.says("boss", "第一件事的通知：明天开会，收到请回复。", minutes=-60)
    made = await issue(client)
    listed = (await client().get("/api/v1/notices")).json()
    assert listed[0]["id"] == made["id"]


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"groups": []}, 422, "groups"),
        ({"groups": "g1"}, 422, "groups"),
        ({"groups": ["nowhere"]}, 422, "没有这个群"),
        ({"text": "  "}, 422, "通知内容"),
        ({"text": 5}, 422, "text 应是文字"),
        ({"text": "长" * 6000}, 422, "不超过"),
        ({"text": "机密★ 请传达"}, 422, "涉密"),
        ({"kind": "order"}, 422, "kind 应是"),
        ({"emergency": "yes"}, 422, "emergency"),
        ({"deadline": "2026-11-20T15:00:00"}, 422, "缺少时区"),
        ({"deadline": "2026-11-01T15:00:00+08:00"}, 422, "已经过去"),
        ({"deadline": "99999-01-01"}, 422, "ISO 8601"),
    ],
    ids=str,
)
async def test_a_bad_notice_is_refused_with_a_reason(
    client: Client, town: Town, change: dict[str, Any], status: int, says: str
) -> None:
    await town.roster()
    answer = await client().post("/api/v1/notices", json={**NOTICE, **change})
    assert answer.status_code == status
    assert says in answer.json()["error"]
    assert (await client().get("/api/v1/notices")).json() == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b"3"])
async def test_a_body_that_is_no_object_is_refused(client: Client, town: Town, body: bytes) -> None:
    for path in ("/api/v1/notices", "/api/v1/check"):
        answer = await client().post(path, content=body)
        assert answer.status_code in (400, 422)
        assert chinese(answer.json()["error"])


async def test_an_admin_works_in_their_own_groups_only(client: Client, town: Town) -> None:
    await town.roster(group="g1")
    await town.roster(group="g2")
    mine = await issue(client)
    other = await issue(client, groups=["g2"], text="另一个群的另一件完全不同的事情")
    admin = client("admin", "g1", name="管理员")
    assert [one["id"] for one in (await admin.get("/api/v1/notices")).json()] == [mine["id"]]
    assert (await admin.get("/api/v1/notices?group=g2")).status_code == 403
    for path in ("", "/links", "/pending"):
        assert (await admin.get(f"/api/v1/notices/{other['id']}{path}")).status_code == 404
    assert (await admin.post(f"/api/v1/notices/{other['id']}/cancel")).status_code == 404
    assert (await admin.post("/api/v1/notices", json={**NOTICE, "groups": ["g2"]})).status_code == 403
    assert (await admin.post("/api/v1/notices", json={**NOTICE, "groups": ["g1", "g2"]})).status_code == 403
    assert (await admin.post("/api/v1/notices", json={**NOTICE, "groups": ["nowhere"]})).status_code == 403
    assert (await admin.get("/api/v1/reduction")).status_code == 403
    assert (await admin.post("/api/v1/events", json=[])).status_code == 403
    assert (await admin.get(f"/api/v1/notices/{mine['id']}/links")).status_code == 403


async def test_pending_names_are_for_the_sender_of_an_emergency_only(client: Client, town: Town) -> None:
    await town.roster(people=2)
    plain = await issue(client)
    answer = await client().get(f"/api/v1/notices/{plain['id']}/pending")
    assert answer.status_code == 403
    assert "只有应急、安保通知" in answer.json()["error"]
    urgent = await issue(client, text="暴雨红色预警，请立即到岗到位。", emergency=True)
    path = f"/api/v1/notices/{urgent['id']}/pending"
    assert sorted((await client().get(path)).json()["pending"]) == ["干部1", "干部2", "老周"]
    assert (await client("office", name="别人").get(path)).status_code == 403
    assert (await client("admin", "g1").get(path)).status_code == 403
    town.house.now = lambda: MONDAY + timedelta(hours=25)
    assert (await client().get(path)).status_code == 403


async def test_every_person_has_a_link_of_their_own(client: Client, town: Town) -> None:
    await town.roster(people=2)
    made = await issue(client)
    links = (await client().get(f"/api/v1/notices/{made['id']}/links")).json()["links"]
    assert {one["person"] for one in links} == {"boss", "p1", "p2"}
    assert len({one["url"] for one in links}) == 3
    assert all("/n/" in one["url"] for one in links)


async def test_a_cancelled_notice_stays_cancelled(client: Client, town: Town) -> None:
    await town.roster()
    made = await issue(client)
    for _ in range(2):
        answer = await client().post(f"/api/v1/notices/{made['id']}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert (await client().get("/api/v1/notices/none")).status_code == 404


async def test_a_text_is_checked_without_being_kept(client: Client, town: Town) -> None:
    text = "请大家把学习截图发到群里，没发的通报批评。"
    answer = (await client("admin", "g1").post("/api/v1/check", json={"id": 7, "text": text})).json()
    assert answer["id"] == 7
    for flag in answer["flags"]:
        assert set(flag) == {"category", "rule", "start", "end", "text", "clause", "why", "suggestion"}
        assert text[flag["start"] : flag["end"]] == flag["text"]
    assert "screenshot" in {flag["category"] for flag in answer["flags"]}


async def test_an_archive_sends_events_in_every_shape_and_twice(client: Client, town: Town) -> None:
    lines = [
        {"type": "roster", "id": "r1", "at": town.at(0), "channel": "archive", "group": {"id": "a1", "name": "档案群"},
         "owner": "u1", "members": [{"id": "u1", "name": "甲"}, {"id": "u2", "name": "乙"}]},
        {"type": "message", "id": "m1", "at": town.at(1), "channel": "archive", "group": {"id": "a1", "name": "档案群"},
         "sender": {"id": "u1", "name": "甲"}, "kind": "text", "text": "明天上午九点在会议室开会，收到请回复。"},
    ]  # fmt: skip
    for content in (json.dumps(lines), "\n".join(json.dumps(one) for one in lines), json.dumps({"events": lines})):
        answer = await client().post("/api/v1/events", content=content)
        assert (answer.status_code, answer.json()) == (200, {"accepted": 2})
    (notice,) = (await client().get("/api/v1/notices?group=a1")).json()
    assert notice["pending"] == 1


async def test_a_bad_event_refuses_the_whole_delivery(client: Client, town: Town) -> None:
    good = {"type": "dissolved", "id": "d", "at": town.at(0), "channel": "c", "group": "g"}
    answer = await client().post("/api/v1/events", json=[good, {**good, "at": "2026-01-01"}])
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("第 2 个事件：at 缺少时区")
    from storage import groups

    assert await town.read(lambda db: groups.get(db, "c:g")) is None


async def test_what_the_database_does_not_take_is_503_and_never_200(
    client: Client, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    await town.roster()

    async def full(work: Any, key: str = "") -> Any:
        raise StoreError("磁盘已满，数据没有写入。请清理磁盘后重试。")

    monkeypatch.setattr(town.house.store, "write", full)
    answer = await client().post("/api/v1/notices", json=NOTICE)
    assert answer.status_code == 503
    assert "磁盘已满" in answer.json()["error"]


async def test_the_description_names_every_operation(client: Client, town: Town) -> None:
    document = (await client(None).get("/api/openapi.json")).json()
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    for method, path, _ in OPERATIONS:
        named = path.replace("/nx", "/{id}").replace("2026-W45", "{week}")
        assert (method, f"/api/v1{named}") in told


async def test_health_and_metrics_are_open_and_name_nobody(client: Client, town: Town) -> None:
    await town.roster()
    await issue(client)
    health = await client(None).get("/healthz")
    assert (health.status_code, health.json()["status"]) == (200, "ok")
    metrics = (await client(None).get("/metrics")).text
    assert 'qingqun_outbox{state="waiting"}' in metrics
    assert "干部" not in metrics + health.text


@pytest.mark.parametrize("path", ["/api/v1/nowhere", "/nowhere", "/n/abc", "/mine/abc", "/static/../secret"])
async def test_every_answer_carries_the_security_headers(client: Client, town: Town, path: str) -> None:
    answer = await client(None).get(path)
    assert answer.status_code in (401, 404)
    assert "unsafe-inline" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_a_body_over_the_limit_is_refused_declared_or_not(client: Client, town: Town) -> None:
    async def endless() -> Any:
        for _ in range(40):
            yield b"x" * 1_000_000

    declared = await client().post("/api/v1/events", content=b"x" * 30_000_000)
    assert declared.status_code == 413
    streamed = await client().post("/api/v1/events", content=endless())
    assert streamed.status_code == 413


async def sheet(client: Client, *who: str) -> set[str]:
    """The names of the groups in the xlsx that this bearer gets."""
    import io

    from openpyxl import load_workbook

    answer = await client(*who).get("/api/v1/inventories/2026-W47.xlsx")
    assert answer.status_code == 200
    rows = load_workbook(io.BytesIO(answer.content))["工作群"].iter_rows(values_only=True)
    return {str(cell) for row in rows for cell in row if cell and str(cell).endswith("工作群")}


async def test_an_inventory_shows_each_bearer_only_their_groups(client: Client, town: Town) -> None:
    await town.roster(group="g1")
    await town.roster(group="g2")
    week = "/api/v1/inventories/2026-W47"
    whole = (await client().get(week)).json()
    assert {group["id"] for group in whole["groups"]} == {"g1", "g2"}
    mine = (await client("admin", "g1").get(week)).json()
    assert {group["id"] for group in mine["groups"]} == {"g1"}
    assert await sheet(client, "office") == {"g1工作群", "g2工作群"}
    assert await sheet(client, "admin", "g1") == {"g1工作群"}
    assert await sheet(client, "admin", "nowhere") == set()


@pytest.mark.parametrize("week", ["2026-W54", "gestern", "2026-45", "9999-W01"])
async def test_a_week_that_is_none_is_said(client: Client, town: Town, week: str) -> None:
    for path in (week, f"{week}.xlsx"):
        answer = await client().get(f"/api/v1/inventories/{path}")
        assert answer.status_code == 422
        assert chinese(answer.json()["error"])


async def test_the_reduction_stands_beside_the_load(client: Client, town: Town) -> None:
    await town.roster()
    figures = (await client().get("/api/v1/reduction")).json()
    assert {"totals", "reduction", "load"} <= set(figures)
    assert "groups" not in figures

"""Over the API: a flag is answered by its person, decided by the office, and becomes what the rules are tried on."""

from __future__ import annotations

from typing import Any

import pytest

from bot import trial
from storage import flags
from tests.conftest import Town
from tests.web.conftest import Client

WORDS = "各村把入户照片截图发到群里，没有图的按没完成处理"
ADDED = '''
version = "本单位 1"

[[rule]]
id = "ranking.own"
category = "ranking"
about = "晒成绩"
force = "self"
any = ["晒一晒各村的成绩"]
'''
ENDLESS = ADDED.replace("晒一晒各村的成绩", "(?:各+)+照").replace("ranking.own", "ranking.endless")


async def answered(client: Client, town: Town, person: str = "boss", share: str = WORDS) -> Any:
    """A demand of the boss, and what comes over the API for its message."""
    await town.roster()
    await town.says("boss", WORDS, id="m1")
    told = {"type": "flag", "id": "a1", "at": town.at(3), "channel": "playground", "message": "m1", "person": person}
    return await client().post("/api/v1/events", json={**told, "answer": "misjudged", "share": share})


async def test_an_appeal_is_told_listed_and_dismissed(client: Client, town: Town) -> None:
    assert (await answered(client, town)).status_code == 200
    (appeal,) = [one for one in (await client().get("/api/v1/appeals")).json() if one["category"] == "screenshot"]
    assert (appeal["text"], appeal["span"] in WORDS, appeal["group"]) == (WORDS, True, "playground:g1")
    done = await client().post(f"/api/v1/appeals/{appeal['id']}", json={"decision": "dismiss"})
    assert done.json() == {"id": appeal["id"], "state": "dismissed"}
    again = await client().post(f"/api/v1/appeals/{appeal['id']}", json={"decision": "uphold"})
    assert (again.status_code, "已经裁定" in again.json()["error"]) == (409, True)
    tried = (await client().post("/api/v1/rules/test")).json()
    (wrong,) = [one for one in tried["wrong"] if one["id"] == appeal["id"]]
    assert (wrong["text"], wrong["extra"], wrong["missed"]) == (WORDS, ["screenshot"], [])
    assert tried["cases"] == tried["right"] + len(tried["wrong"])


async def test_nobody_answers_for_another_and_only_the_message_itself_is_shared(client: Client, town: Town) -> None:
    await answered(client, town, person="p1")
    assert (await client().get("/api/v1/appeals")).json() == []
    told = {"type": "flag", "id": "a2", "at": town.at(3), "channel": "playground", "message": "m1", "person": "boss"}
    await client().post("/api/v1/events", json={**told, "answer": "misjudged", "share": "另外的话"})
    assert {one["text"] for one in (await client().get("/api/v1/appeals")).json()} == {None}


@pytest.mark.parametrize(
    ("flag", "body", "status"),
    [("nobody", {"decision": "uphold"}, 404), ("nobody", {"decision": "x"}, 422), ("nobody", {}, 422)],
)
async def test_what_cannot_be_decided_is_said(client: Client, town: Town, flag: str, body: Any, status: int) -> None:
    answer = await client().post(f"/api/v1/appeals/{flag}", json=body)
    assert (answer.status_code, bool(answer.json()["error"])) == (status, True)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/appeals"), ("POST", "/appeals/x"), ("POST", "/rules/test"), ("POST", "/rules/shadow")],
)
async def test_it_is_the_offices(client: Client, town: Town, method: str, path: str) -> None:
    assert (await client("admin", "g1").request(method, f"/api/v1{path}", json={})).status_code == 403
    assert (await client(None).request(method, f"/api/v1{path}", json={})).status_code == 401


async def test_a_shadow_run_says_what_would_change_and_changes_nothing(client: Client, town: Town) -> None:
    await answered(client, town)
    flag = (await town.house.store.read(flags.appealed))[0]
    await client().post(f"/api/v1/appeals/{flag.id}", json={"decision": "uphold"})
    told = (await client().post("/api/v1/rules/shadow", json={"rulebook": ADDED.replace("晒一晒各村的成绩", "没有图的")})).json()
    changed = {one["id"]: one for one in told["differ"]}
    assert changed[flag.id]["gains"] == ["ranking"]
    assert changed[flag.id]["marks"] == {"gains": "undecided"}
    assert told["present"] != told["changed"]
    draft = (await client().post("/api/v1/check", json={"text": WORDS})).json()
    assert "ranking.own" not in {one["rule"] for one in draft["flags"]}


async def test_a_wrong_rulebook_is_refused_with_its_line(client: Client, town: Town) -> None:
    answer = await client().post("/api/v1/rules/shadow", json={"rulebook": ADDED + "\n[[rule]\n"})
    assert answer.status_code == 422
    assert "第" in answer.json()["error"]
    assert (await client().post("/api/v1/rules/shadow", json={"rulebook": " "})).status_code == 422


async def test_a_pattern_that_never_ends_is_ended(
    client: Client, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(trial.TrialError, match=r"第 \d+ 行“ranking.endless.any”：.*无限回溯"):
        await trial.try_apart(town.house.settings, [trial.Case("endless", "各" * 60, None)], ENDLESS)
    # What is refused by its looks does not even begin; whatever else does not end is ended.
    with monkeypatch.context() as hasty:
        hasty.setattr(trial, "PATIENCE", 0.05)
        with pytest.raises(trial.TrialError, match="没有结束"):
            await trial.try_apart(town.house.settings, [], ADDED)
    assert (await client().post("/api/v1/rules/test")).status_code == 200

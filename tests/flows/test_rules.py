"""`qingqun rules`: decided appeals and the rulebook's own examples are what rules are tried on."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

from storage import cases
from storage.sqlite import SqliteStore
from tests.flows.test_replay import qingqun

AT = datetime(2026, 3, 9, 1, 0, tzinfo=UTC)
DEMAND = "请大家把学习截图发到群里，没发的通报批评。"
OWN = """
[[rule]]
id = "checkin.pavilion"
category = "checkin"
about = "本单位的说法：到凉亭里亮灯"
force = "self"
any = ["到凉亭里?亮灯"]

[[exemption]]
id = "harvest"
reason = "抢收期间（本单位规定）"
source = "本单位"
any = ["抢收"]
"""


def keep(folder: Path, **values: object) -> None:
    async def write() -> None:
        store = SqliteStore(folder / "qingqun.db")
        await store.open()
        told = {"id": "f1", "text": DEMAND, "at": AT, "category": "screenshot", "demands": True, "decided_at": AT}
        await store.write(lambda db: cases.add(db, **{**told, **values}))  # type: ignore[arg-type]
        await store.close()

    asyncio.run(write())


def test_a_decision_that_the_rules_contradict_is_named(tmp_path: Path) -> None:
    keep(tmp_path, id="wrong", demands=False)
    done = qingqun("rules", "test", data=tmp_path)
    assert done.returncode == 1
    assert f"误提示（过度留痕）：{DEMAND}〔wrong〕" in done.stdout
    assert qingqun("rules", "forget", "wrong", data=tmp_path).returncode == 0
    assert "〔wrong〕" not in qingqun("rules", "test", data=tmp_path).stdout
    assert qingqun("rules", "forget", "wrong", data=tmp_path).returncode == 2


def test_a_missed_demand_is_named_and_an_upheld_one_agrees(tmp_path: Path) -> None:
    keep(tmp_path, id="right")
    keep(tmp_path, id="missed", text="今天食堂有鱼")
    said = qingqun("rules", "test", data=tmp_path).stdout
    assert "未提示（应为过度留痕）：今天食堂有鱼〔missed〕" in said
    assert "〔right〕" not in said


def test_a_changed_rulebook_runs_beside_the_present_one(tmp_path: Path) -> None:
    keep(tmp_path)
    own, more = tmp_path / "own.toml", tmp_path / "more.jsonl"
    own.write_text(OWN, "utf-8")
    lines = [
        {"id": "new", "text": "各组七点到凉亭亮灯", "labels": ["checkin"]},
        {"id": "spared", "text": f"抢收。{DEMAND}", "at": "2026-03-09T09:00:00+08:00"},
    ]
    more.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    done = qingqun("rules", "shadow", str(own), "--cases", str(more), data=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "各组七点到凉亭亮灯〔new〕\n  新增：打卡（与裁定相符）" in done.stdout
    assert "〔spared〕\n  不再提示：" in done.stdout
    assert "〔f1〕" not in done.stdout
    assert "2 例的判断会变" in done.stdout


def test_a_rulebook_or_cases_that_cannot_be_read_are_refused_with_the_line(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text(OWN.replace('"self"', '"strong"'), "utf-8")
    done = qingqun("rules", "shadow", str(bad), data=tmp_path)
    assert (done.returncode, "bad.toml 第" in done.stderr) == (2, True)
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"id": 1}\n', "utf-8")
    done = qingqun("rules", "test", "--cases", str(rows), data=tmp_path)
    assert (done.returncode, "第 1 行" in done.stderr) == (2, True)

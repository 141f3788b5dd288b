"""A file of events gives an inventory, by the commands a user types; played twice it changes nothing."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.settings import TIMEZONE

START = datetime(2026, 4, 1, 9, 0, tzinfo=TIMEZONE)
END = datetime(2026, 11, 20, 17, 0, tzinfo=TIMEZONE)
TALK = ("明天上午来镇里对一下台账", "收到", "水库水位正常", "材料放你桌上了", "好的", "1", "会议改到三楼")
# The last day on which the group speaks, and what the inventory of 2026-W47 must say.
GROUPS = {
    "busy": (END, "alive"),
    "quiet": (END - timedelta(days=40), "watch"),
    "silent": (END - timedelta(days=100), "suspected"),
    "dead": (END - timedelta(days=200), "dissolve"),
}


def qingqun(*arguments: object, data: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot", *map(str, arguments), "--data", str(data)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


def events(number: int) -> Iterator[dict[str, Any]]:
    """Rosters, then talk evenly over the months, with some roll-calls that are answered."""
    chance = random.Random(7)
    people = [{"id": f"p{n}", "name": f"干部{n}", "unit": "柳湾镇"} for n in range(30)]
    for place, name in enumerate(GROUPS):
        members = people[place * 6 : place * 6 + 8]
        yield {"type": "roster", "id": f"r-{name}", "at": START.isoformat(), "channel": "archive", "owner": members[0]["id"],
               "group": {"id": name, "name": f"{name}群", "unit": "柳湾镇", "created": "2025-01-01"}, "members": members}  # fmt: skip
    step = (END - START) / number
    for n in range(number):
        at = START + step * (n + 1)
        name, place = chance.choice([(name, place) for place, (name, (last, _)) in enumerate(GROUPS.items()) if at <= last])
        sender = chance.choice(people[place * 6 : place * 6 + 8])
        text = f"第{n}号通知：明天上午九点在二楼开会，收到请回复。" if n % 200 == 0 else chance.choice(TALK)
        yield {"type": "message", "id": f"m{n}", "at": at.isoformat(), "channel": "archive",
               "group": {"id": name, "name": f"{name}群"}, "kind": "text", "text": text,
               "sender": {**sender, "role": "admin"} if n % 200 == 0 else sender}  # fmt: skip


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("replay")
    file = folder / "events.jsonl"
    with file.open("w", encoding="utf-8") as out:
        for event in events(10_000):
            out.write(json.dumps(event, ensure_ascii=False) + "\n")
    done = qingqun("replay", file, data=folder / "data")
    assert done.returncode == 0, done.stderr
    assert "已重放 10004 个新事件" in done.stderr
    return folder / "data", file


def inventory(data: Path, week: str = "2026-W47") -> dict[str, Any]:
    done = qingqun("inventory", "--week", week, "--format", "json", data=data)
    assert done.returncode == 0, done.stderr
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


def counts(data: Path) -> dict[str, int]:
    with sqlite3.connect(data / "qingqun.db") as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}


def test_ten_thousand_events_give_the_weeks_inventory(played: tuple[Path, Path]) -> None:
    found = inventory(played[0])
    assert found["at"] == "2026-11-23T00:00:00+08:00"
    assert {group["id"]: group["verdict"] for group in found["groups"]} == {n: v for n, (_, v) in GROUPS.items()}
    assert found["totals"]["zombie_groups"] == 2
    assert all(group["channel"] == "archive" for group in found["groups"])


def test_playing_it_again_changes_nothing(played: tuple[Path, Path]) -> None:
    data, file = played
    before, found = counts(data), inventory(data)
    done = qingqun("replay", file, data=data)
    assert "已重放 0 个新事件，10004 个此前已处理" in done.stderr
    assert counts(data) == before
    assert inventory(data) == found


def test_a_snapshot_taken_in_its_week_and_one_computed_later_are_the_same(played: tuple[Path, Path], tmp_path: Path) -> None:
    data, _ = played
    saved = inventory(data, "2026-W30")
    copy = tmp_path / "data"
    copy.mkdir()
    with sqlite3.connect(data / "qingqun.db") as source, sqlite3.connect(copy / "qingqun.db") as target:
        source.backup(target)
        assert target.execute("DELETE FROM snapshots WHERE week = '2026-W30'").rowcount == 1
    computed = inventory(copy, "2026-W30")
    assert computed == saved


def test_time_passes_with_the_events(played: tuple[Path, Path]) -> None:
    with sqlite3.connect(played[0] / "qingqun.db") as db:
        weeks = [row[0] for row in db.execute("SELECT week FROM snapshots ORDER BY week")]
        states = dict(db.execute("SELECT state, count(*) FROM notices GROUP BY state").fetchall())
        waiting = db.execute("SELECT count(*) FROM outbox WHERE state = 'waiting'").fetchone()[0]
        troubles = db.execute("SELECT handler, error FROM troubles").fetchall()
    assert (weeks[0], weeks[-1]) == ("2026-W14", "2026-W46")
    assert states.get("closed", 0) + states.get("complete", 0) > 20
    assert waiting == 0
    assert troubles == []


def test_a_bad_line_is_named_and_the_others_are_played(tmp_path: Path) -> None:
    good = json.dumps(next(events(1)))
    file = tmp_path / "e.jsonl"
    file.write_bytes(b"\n".join([good.encode(), b"{", b"\xff\xfe", b'{"type":"message"}', good.encode()]))
    done = qingqun("replay", file, data=tmp_path / "data")
    assert done.returncode == 2
    for number in (2, 3, 4):
        assert f"第 {number} 行未能读取" in done.stderr
    assert "已重放 1 个新事件，1 个此前已处理，3 行未能读取" in done.stderr


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = qingqun("replay", tmp_path / "none.jsonl", data=tmp_path)
    assert (done.returncode, "找不到文件" in done.stderr) == (2, True)

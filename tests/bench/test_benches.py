"""The benches in their smallest form still run and still tell; what they measure is said in docs/performance.md."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.report import put, table

ROOT = Path(__file__).parent.parent.parent
NONE = "nowhere/python"


def run(tmp_path: Path, name: str, *arguments: str) -> tuple[dict[str, Any], str]:
    """What it wrote and what it printed."""
    file = tmp_path / "found.json"
    command = [sys.executable, str(ROOT / "bench" / f"{name}.py"), *arguments, "--json", str(file), "--markdown"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(file.read_text("utf-8")), done.stdout


@pytest.mark.slow
def test_acknowledgements_are_measured_beside_the_bare_route(tmp_path: Path) -> None:
    found, printed = run(
        tmp_path, "acks", "--people", "50", "--parts", "1", "--spread", "1", "--settle", "0", "--postgresql", ""
    )
    sides = found["databases"]["SQLite"]["rush"]
    assert len(sides) == 3
    assert all(side["rate"] > 0 for side in sides.values())
    assert printed.count("| SQLite，") == 5


@pytest.mark.slow
def test_messages_are_measured_beside_raw_inserts(tmp_path: Path) -> None:
    found, printed = run(tmp_path, "messages", "--messages", "50", "--parts", "1", "--backlog", "0", "--peers", NONE)
    assert len(found["embedded"]["middle"]) == 4
    assert found["jetstream"] == {}
    assert printed.count("| 轻群：") == 2


@pytest.mark.slow
def test_growth_is_measured_by_groups_and_by_members(tmp_path: Path) -> None:
    found, _ = run(tmp_path, "growth", "--groups", "20,40", "--members", "10", "--rounds", "1", "--events", "10")
    assert set(found["groups"]) == {"20", "40"}
    assert found["members"]["10"]["ack"]["cpu"] > 0


@pytest.mark.slow
def test_the_start_is_measured_beside_a_bare_python(tmp_path: Path) -> None:
    found, printed = run(tmp_path, "start", "--rounds", "1", "--rest", "0")
    assert found["wheel"]["megabytes"] > 0.1
    assert "÷ 空的 Python" in printed


@pytest.mark.slow
@pytest.mark.postgresql
def test_both_are_measured_with_servers_too(tmp_path: Path) -> None:
    if shutil.which("nats-server") is None:
        pytest.skip("no nats-server on the path: no broker of our own")
    database = f"{os.environ['QINGQUN_TEST_POSTGRESQL']}_bench"
    few = ("--people", "50", "--parts", "1", "--spread", "0", "--settle", "0", "--postgresql", database)
    found, _ = run(tmp_path, "acks", *few)
    assert len(found["databases"]["PostgreSQL"]["rush"]) == 2
    few = ("--messages", "20", "--parts", "1", "--backlog", "50", "--rounds", "1", "--postgresql", database, "--peers", NONE)
    found, _ = run(tmp_path, "messages", *few)
    assert set(found["jetstream"]["middle"]) == {"limit", "1", "2"}


def test_a_table_is_written_between_its_marks_only(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("前言\n<!-- acks -->\n旧表\n<!-- /acks -->\n按语\n", encoding="utf-8")
    put(page, "acks", table("名称 | 每秒", [["甲", "1"]]))
    assert page.read_text("utf-8") == (
        "前言\n<!-- acks -->\n| 名称 | 每秒 |\n| --- | --: |\n| 甲 | 1 |\n<!-- /acks -->\n按语\n"
    )


def test_a_page_without_the_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("别的", encoding="utf-8")
    with pytest.raises(SystemExit, match="acks"):
        put(page, "acks", "表")
    assert page.read_text("utf-8") == "别的"

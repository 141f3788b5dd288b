"""Backup, restore and migration: 0 differences on both engines and crossed, resumed where they were broken off."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storage import copying
from tests.flows.test_kill import running
from tests.storage.places import Place, clear

pytestmark = pytest.mark.slow
URL = os.environ.get("QINGQUN_TEST_POSTGRESQL", "")
ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


def environ(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QINGQUN_")}
    return {**kept, "PYTHONUNBUFFERED": "1", **more}


def qingqun(*arguments: str, data: Path, database: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot", *arguments]
    told = environ(QINGQUN_DATA=str(data), QINGQUN_DATABASE=database)
    return subprocess.run(command, capture_output=True, text=True, env=told, check=False)


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a bot that has run with the demonstration city."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "bot", "run", "--demo", "--port", "0"]
    with (folder / "output").open("wb") as out:
        bot = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environ(QINGQUN_DATA=str(folder / "data")))
    for _ in range(900):
        if "已启动（演示数据）" in (folder / "output").read_text("utf-8"):
            break
        time.sleep(0.1)
    bot.send_signal(signal.SIGTERM)
    assert bot.wait(30) == 0
    return folder / "data"


@pytest.fixture
def city(demonstration: Path, tmp_path: Path) -> Path:
    """A copy of it for this test alone."""
    return Path(shutil.copytree(demonstration, tmp_path / "city"))


def place(data: Path, engine: str) -> Place:
    return Place(data / "qingqun.db", URL if engine == "postgresql" else "")


def tallies(where: Place) -> dict[str, tuple[int, str]]:
    def read(db: Any) -> dict[str, tuple[int, str]]:
        found = {table.name: copying.tally(db, table) for table in copying.tables(db)}
        return {name: (tally.rows, tally.checksum) for name, tally in found.items()}

    return asyncio.run(where.run(read))


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Place]:
    """The empty PostgreSQL database."""
    where = Place(tmp_path / "none", os.environ["QINGQUN_TEST_POSTGRESQL"])
    asyncio.run(where.run(clear))
    yield where
    asyncio.run(where.run(clear))


def migrating(city: Path) -> list[str]:
    return ["migrate", "--from", f"sqlite:///{city / 'qingqun.db'}", "--to", URL.replace("+asyncpg", "")]


@pytest.mark.postgresql
def test_a_city_moves_into_postgresql_with_0_differences(city: Path, target: Place, tmp_path: Path) -> None:
    before = tallies(place(city, "sqlite"))
    done = qingqun(*migrating(city), data=tmp_path / "none")
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 处不同" in done.stdout
    assert len(re.findall(r"：\d+ 行，校验 [0-9a-f]{16} 一致", done.stdout)) == len(before)
    assert sum(rows for rows, _ in before.values()) > 3_000
    assert tallies(target) == before == tallies(place(city, "sqlite"))
    # The next row gets a number of its own.
    statement = "INSERT INTO troubles (event, handler, error, at) VALUES ('e', 'h', 'x', 1)"
    asyncio.run(target.run(lambda db: db.exec_driver_sql(statement)))
    again = qingqun(*migrating(city), data=tmp_path / "none")
    assert again.returncode == 2
    assert "不是空的" in again.stderr


@pytest.mark.postgresql
def test_a_broken_off_migration_is_taken_up_and_what_changed_meanwhile_comes_along(
    city: Path, target: Place, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "bot", *migrating(city)]
    told = environ(QINGQUN_DATA=str(tmp_path / "none"))
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=told, text=True) as moving:
        assert moving.stdout is not None
        for _ in range(8):
            moving.stdout.readline()
        moving.kill()
    refused = qingqun("doctor", data=tmp_path / "other", database=URL)
    assert (refused.returncode, "还在迁移当中" in refused.stderr) == (2, True)
    with sqlite3.connect(city / "qingqun.db") as db:
        assert db.execute("UPDATE activity SET work = work + 1").rowcount
        db.execute("DELETE FROM claims WHERE key IN (SELECT key FROM claims LIMIT 5)")
    done = qingqun(*migrating(city), data=tmp_path / "none")
    assert done.returncode == 0, done.stderr
    assert tallies(target) == tallies(place(city, "sqlite"))
    assert qingqun("doctor", data=tmp_path / "other", database=URL).returncode in (0, 1)


@pytest.mark.postgresql
def test_a_migration_into_what_is_in_use_or_from_what_is_in_use_is_refused(tmp_path: Path, target: Place) -> None:
    with running(tmp_path / "data"):
        done = qingqun(*migrating(tmp_path / "data"), data=tmp_path / "none")
        assert (done.returncode, "正由另一个轻群使用" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("source", "wanted", "sentence"),
    [
        ("postgresql://x/y", "postgresql://x/y", "--from 应是 SQLite"),
        ("nonsense", "postgresql://x/y", "--from 应是 SQLite"),
        ("sqlite:///nowhere.db", "postgresql://x/y", "找不到文件"),
        ("sqlite:///nowhere.db", "mysql://x/y", "--to 应是 PostgreSQL"),
    ],
)
def test_a_wrong_address_is_said(tmp_path: Path, source: str, wanted: str, sentence: str) -> None:
    done = qingqun("migrate", "--from", source, "--to", wanted, data=tmp_path)
    assert (done.returncode, sentence in done.stderr) == (2, True)


@pytest.mark.parametrize("there", ENGINES)
@pytest.mark.parametrize("here", ENGINES)
def test_a_backup_comes_back_with_0_differences_on_either_engine(
    city: Path, tmp_path: Path, request: pytest.FixtureRequest, here: str, there: str
) -> None:
    if "postgresql" in (here, there):
        request.getfixturevalue("target")
    file = tmp_path / "b.zip"
    if here == "postgresql":
        assert qingqun(*migrating(city), data=city).returncode == 0
    made = qingqun("backup", str(file), data=city, database=URL if here == "postgresql" else "")
    assert made.returncode == 0, made.stderr
    before = tallies(place(city, here))
    if here == there == "postgresql":
        asyncio.run(place(city, there).run(clear))
    new = tmp_path / "new"
    done = qingqun("restore", str(file), data=new, database=URL if there == "postgresql" else "")
    assert (done.returncode, "0 处不同" in done.stdout) == (0, True), done.stderr
    assert tallies(place(new, there)) == before
    with sqlite3.connect(city / "playground.db") as old, sqlite3.connect(new / "playground.db") as restored:
        assert list(old.iterdump()) == list(restored.iterdump())
    assert (new / "playground.db").stat().st_mode & 0o077 == 0
    assert not (new / "secret").exists() or "没有签名密钥" in done.stdout


def test_a_backup_of_a_running_bot_is_whole_and_a_restore_beside_it_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data):
        made = qingqun("backup", "-o", str(tmp_path / "b.zip"), "--with-secret", data=data)
        assert made.returncode == 0, made.stderr
        done = qingqun("restore", str(tmp_path / "b.zip"), "--force", data=data)
        assert (done.returncode, "正由另一个轻群使用" in done.stderr) == (2, True)
    assert (tmp_path / "b.zip").stat().st_mode & 0o077 == 0
    done = qingqun("restore", str(tmp_path / "b.zip"), data=tmp_path / "new")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "new/secret").read_text() == (data / "secret").read_text()


def test_a_restore_over_data_is_refused_says_what_would_be_lost_and_obeys_force(city: Path, tmp_path: Path) -> None:
    file = tmp_path / "b.zip"
    assert qingqun("backup", str(file), data=city).returncode == 0
    with sqlite3.connect(city / "qingqun.db") as db:
        (notices,) = db.execute("SELECT count(*) FROM notices").fetchone()
        db.execute("DELETE FROM receipts")
    done = qingqun("restore", str(file), data=city)
    assert done.returncode == 2
    assert f"notices {notices}" in done.stderr
    assert "--force" in done.stderr
    with sqlite3.connect(city / "qingqun.db") as db:
        assert db.execute("SELECT count(*) FROM receipts").fetchone() == (0,)
    assert qingqun("restore", str(file), "--force", data=city).returncode == 0
    with sqlite3.connect(city / "qingqun.db") as db:
        assert db.execute("SELECT count(*) FROM receipts").fetchone()[0] > 0


def test_a_damaged_backup_is_refused_and_nothing_is_changed(city: Path, tmp_path: Path) -> None:
    file, bad = tmp_path / "b.zip", tmp_path / "bad.zip"
    assert qingqun("backup", str(file), data=city).returncode == 0
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(bad, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content.replace(b"1", b"2", 1) if name == "tables/activity.jsonl" else content)
    done = qingqun("restore", str(bad), data=tmp_path / "new")
    assert (done.returncode, "tables/activity.jsonl 与清单里的校验值不符" in done.stderr) == (2, True)
    (tmp_path / "text.zip").write_text("no zip")
    assert "不是轻群的备份文件" in qingqun("restore", str(tmp_path / "text.zip"), data=tmp_path / "new").stderr
    assert "打不开" in qingqun("restore", str(tmp_path / "none.zip"), data=tmp_path / "new").stderr


@pytest.mark.postgresql
def test_a_row_that_postgresql_cannot_hold_is_named_and_nothing_is_restored(
    city: Path, tmp_path: Path, target: Place
) -> None:
    with sqlite3.connect(city / "qingqun.db") as db:
        db.execute("INSERT INTO meta VALUES ('bad', ?)", ("a\x00b",))
    file = tmp_path / "b.zip"
    assert qingqun("backup", str(file), data=city).returncode == 0
    done = qingqun("restore", str(file), data=tmp_path / "new", database=URL)
    assert (done.returncode, "表 meta 里有一行写不进" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr
    assert asyncio.run(target.run(copying.counts)) == {}


def test_the_form_is_open(city: Path, tmp_path: Path) -> None:
    """Whoever has no 轻群 any more can still read it."""
    file = tmp_path / "b.zip"
    assert qingqun("backup", str(file), data=city).returncode == 0
    assert qingqun("backup", str(file), data=city).returncode == 2
    with zipfile.ZipFile(file) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        told = manifest["tables"]["groups"]
        rows = [json.loads(line) for line in archive.read("tables/groups.jsonl").splitlines()]
        names = {row[told["columns"].index("name")] for row in rows}
        assert (len(rows), len(names) > 5) == (told["rows"], True)
        assert "secret" not in archive.namelist()


def test_an_older_backup_is_brought_to_the_newest_schema(tmp_path: Path) -> None:
    """As 0003 wrote it: the outbox without claims."""
    file, data = tmp_path / "b.zip", tmp_path / "data"
    assert qingqun("doctor", data=data).returncode in (0, 1)
    assert qingqun("backup", str(file), data=data).returncode == 0
    old = tmp_path / "old.zip"
    with zipfile.ZipFile(file) as newest, zipfile.ZipFile(old, "w") as made:
        manifest = json.loads(newest.read("manifest.json"))
        manifest["schema"] = "0003"
        manifest["tables"] = {name: manifest["tables"][name] for name in ("meta", "slots")}
        for name in manifest["tables"]:
            made.writestr(f"tables/{name}.jsonl", newest.read(f"tables/{name}.jsonl"))
        made.writestr("manifest.json", json.dumps(manifest))
    done = qingqun("restore", str(old), data=tmp_path / "new")
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(tmp_path / "new/qingqun.db") as db:
        assert "claimed_by" in [row[1] for row in db.execute("PRAGMA table_info(outbox)")]

"""A kill -9 at any moment loses no acknowledgement that was answered with 200, and says nothing twice after it."""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from config.settings import TIMEZONE
from tests.flows.test_replay import qingqun

PEOPLE = 120
ROUNDS = 3


@contextmanager
def running(data: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A live bot and its address; killed when nobody has done so before."""
    output = data.parent / "output"
    environ = {**os.environ, "QINGQUN_ACKNOWLEDGE__REVISE_SECONDS": "0.05", "PYTHONUNBUFFERED": "1"}
    with output.open("wb") as out:
        command = [sys.executable, "-m", "bot", "run", "--port", "0", "--data", str(data)]
        bot = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environ)
    try:
        for _ in range(600):
            found = re.search(r"已启动：(http://\S+?)/\s", output.read_text("utf-8"))
            if found:
                break
            time.sleep(0.1)
        else:
            pytest.fail(output.read_text("utf-8")[-2000:])
        yield bot, found[1]
    finally:
        with suppress(ProcessLookupError):
            bot.kill()
        bot.wait(20)


def call(url: str, token: str | None = None, body: Any = None, method: str = "POST") -> Any:
    data = json.dumps(body).encode() if body is not None else (b"" if method == "POST" else None)
    request = urllib.request.Request(url, data=data, method=method, headers={"accept": "application/json"})
    if token:
        request.add_header("authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def tap(urls: list[str], answered: set[str]) -> None:
    """Tap link after link; remember whose 200 came back."""
    for url in urls:
        try:
            call(url)
        except (OSError, http.client.HTTPException, ValueError):
            continue
        answered.add(url)


def roster() -> dict[str, Any]:
    people = [{"id": f"p{n}", "name": f"干部{n}"} for n in range(PEOPLE)]
    return {"type": "roster", "id": "r", "at": datetime.now(TIMEZONE).isoformat(), "channel": "playground", "owner": "p0",
            "group": {"id": "g", "name": "大群"}, "members": people}  # fmt: skip


@pytest.mark.slow
def test_no_answered_acknowledgement_is_lost_by_a_kill(tmp_path: Path) -> None:
    data = tmp_path / "data"
    chance = random.Random(11)
    token = qingqun("token", "--role", "office", data=data).stdout.strip()
    answered: set[str] = set()
    paths: list[str] = []
    notice = ""
    for number in range(ROUNDS):
        with running(data) as (bot, base):
            if not paths:
                call(f"{base}/api/v1/events", token, roster())
                text = "周五下午三点在大礼堂开会，请提前十分钟入场。"
                notice = call(f"{base}/api/v1/notices", token, {"groups": ["g"], "text": text})["id"]
                links = call(f"{base}/api/v1/notices/{notice}/links", token, method="GET")["links"]
                paths = [link["url"].split("/n/")[1] for link in links]
            mine = paths[number * PEOPLE // ROUNDS : (number + 1) * PEOPLE // ROUNDS]
            done: set[str] = set()
            threads = [
                threading.Thread(target=tap, args=([f"{base}/n/{path}" for path in mine[k::4]], done)) for k in range(4)
            ]
            for thread in threads:
                thread.start()
            wanted = chance.randint(3, len(mine) - 5)
            while len(done) < wanted:
                time.sleep(0.002)
            os.kill(bot.pid, signal.SIGKILL)
            for thread in threads:
                thread.join()
            answered |= {url.rsplit("/", 1)[1] for url in done}
    with running(data) as (_, base):
        standing = call(f"{base}/api/v1/notices/{notice}", token, method="GET")
        assert standing["audience"] == PEOPLE
        assert len(answered) <= standing["acknowledged"] < PEOPLE
        assert standing["via"] == {"card": 0, "link": standing["acknowledged"], "typed": 0}
        for path in answered:
            assert call(f"{base}/n/{path}")["state"] == "acknowledged"
        again = call(f"{base}/api/v1/notices/{notice}", token, method="GET")
        assert again["acknowledged"] == standing["acknowledged"]
        time.sleep(1)
    with sqlite3.connect(data / "qingqun.db") as db:
        posts = db.execute("SELECT count(*), sum(state = 'waiting') FROM outbox WHERE key LIKE 'notice:%'").fetchone()
    assert posts == (1, 0)


def test_a_second_bot_on_the_same_data_is_refused_with_a_sentence(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data):
        done = qingqun("run", "--port", "0", data=data)
        assert done.returncode == 2
        assert "正由另一个轻群使用" in done.stderr
        assert "Traceback" not in done.stderr
        replayed = qingqun("replay", __file__, data=data)
        assert "正由另一个轻群使用" in replayed.stderr


def test_commands_that_read_or_add_work_beside_a_running_bot(tmp_path: Path) -> None:
    """SQLite takes turns between processes; only what replaces the file wants it alone."""
    data, register, file = tmp_path / "data", tmp_path / "groups.csv", tmp_path / "b.zip"
    register.write_text("序号,群名称,平台,建群单位,群主\n1,防汛工作群,微信群,县应急局,老周\n", encoding="utf-8")
    with running(data) as (_, base):
        for command in (("import", "groups", str(register)), ("inventory",), ("backup", str(file))):
            done = qingqun(*command, data=data)
            assert done.returncode == 0, done.stderr
        restored = qingqun("restore", str(file), "--force", data=data)
        assert (restored.returncode, "正由另一个轻群使用" in restored.stderr) == (2, True)
        moved = qingqun("migrate", "--from", f"sqlite:///{data / 'qingqun.db'}", "--to", "postgresql://x/y", data=tmp_path)
        assert (moved.returncode, "正由另一个轻群使用" in moved.stderr) == (2, True)
        assert call(f"{base}/healthz", method="GET")["status"] == "ok"
    with sqlite3.connect(data / "qingqun.db") as db:
        assert db.execute("SELECT name FROM register_groups").fetchall() == [("防汛工作群",)]


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with running(tmp_path / "data") as (_, base):
        done = qingqun("run", "--port", base.rsplit(":", 1)[1], data=tmp_path / "other")
        assert (done.returncode, "用不了" in done.stderr) == (2, True)


def test_it_stops_in_order_when_asked(tmp_path: Path) -> None:
    with running(tmp_path / "data") as (bot, _):
        bot.send_signal(signal.SIGTERM)
        assert bot.wait(20) == 0

"""Secrets and words in logs: at the lowest level, in tracebacks and in what `doctor` prints there is none of them."""

from __future__ import annotations

import ast
import json
import re
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

from bot.house import House
from bot.web.auth import COOKIE
from config.logging import set_up_logging
from handlers.actions import Action
from handlers.context import Context
from handlers.events import MessageReceived
from handlers.routes import ROUTES
from tests.conftest import Town
from tests.web.conftest import Client, client  # noqa: F401 - a fixture
from tests.web.towns import stranger

ROOT = Path(__file__).parents[2]
WORDS = "槐花沟王桂兰家的低保材料"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """All that a running bot would write down, and more: every level."""
    set_up_logging(tmp_path / "logged", level="TRACE", name="all")
    yield tmp_path / "logged/logs/all.log"
    logger.remove()
    logger.add(sys.stderr, diagnose=False)


def told(log: Path, capsys: pytest.CaptureFixture[str]) -> str:
    logger.complete()
    shown = capsys.readouterr()
    return log.read_text("utf-8") + shown.err + shown.out


async def test_a_day_in_the_life_leaves_no_secret_in_the_log(
    house: House, town: Town, client: Client, log: Path, capsys: pytest.CaptureFixture[str]  # noqa: F811
) -> None:
    logger.info("begun")
    links = house.links
    password, login, token = "槐花 开在 五月里", "wangguilan", links.bearer("office", "机制办", ())
    mine = links.mine_url("playground:p1").rsplit("/", 1)[1]
    await town.roster()
    await town.says("boss", f"{WORDS} 明天开会，收到请回复。")
    notice = (await town.the_notice()).id
    link = links.notice_token(notice, "playground:p1")
    visitor = stranger(house)
    for _ in range(7):
        assert (await visitor.post("/office/signin", data={"login": login, "password": password})).status_code in (401, 429)
    await visitor.post("/office/signin", data={"token": token})
    cookie = visitor.cookies.get(COOKIE) or ""
    assert cookie
    for path in (f"/n/{link}", f"/mine/{mine}", f"/n/{link}x", "/office", f"/nowhere?token={token}"):
        await visitor.get(path)
    await visitor.post(f"/n/{link}")
    await client().post("/api/v1/check", json={"text": WORDS})
    await client().post("/api/v1/events", json=[{"type": "message", "text": WORDS}])
    await client().post("/api/v1/rules/shadow", json={"rulebook": WORDS})
    said = told(log, capsys)
    assert "begun" in said
    for name, secret in {
        "words": WORDS, "password": password, "login": login, "token": token, "cookie": cookie, "link": link, "mine": mine,
        "secret": (house.data / "secret").read_text(),
    }.items():  # fmt: skip
        assert secret not in said, name


def bare(event: MessageReceived, context: Context) -> list[Action]:
    raise ValueError(f"cannot read {event.text!r}")


def numeric(event: MessageReceived, context: Context) -> list[Action]:
    return [int(event.text)]  # type: ignore[list-item]


def chained(event: MessageReceived, context: Context) -> list[Action]:
    try:
        return {}[event.text]  # type: ignore[no-any-return, index]
    except KeyError as error:
        raise RuntimeError(event.sender.name) from error


def stored(event: MessageReceived, context: Context) -> list[Action]:
    from sqlalchemy import text

    context.db.execute(text("INSERT INTO claims (key, at) VALUES (:text, NULL)"), {"text": event.text})
    return []


@pytest.mark.parametrize("handler", [bare, numeric, chained, stored], ids=lambda one: one.__name__)
async def test_a_failing_handlers_traceback_quotes_nobody(
    town: Town, log: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, handler: Any
) -> None:
    monkeypatch.setitem(ROUTES, MessageReceived, (handler,))  # type: ignore[misc]
    await town.says("p7", WORDS)
    said = told(log, capsys)
    assert handler.__name__ in said, "where it failed is told"
    assert re.search(r"test_logs.py\", line \d+", said)
    assert WORDS not in said
    assert "干部7" not in said


async def test_a_crash_of_a_page_quotes_nobody(
    house: House, town: Town, log: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, client: Client  # noqa: F811
) -> None:
    import logging

    def crash(text: str, **_: Any) -> None:
        raise ValueError(text)

    monkeypatch.setattr("bot.web.api.judge", crash, raising=False)
    monkeypatch.setattr("bot.web.api.demand.judge", crash, raising=False)
    answer = await client().post("/api/v1/check", json={"text": WORDS})
    assert answer.status_code == 500
    assert WORDS not in answer.text
    # As uvicorn tells of a crash.
    try:
        raise ValueError(WORDS)
    except ValueError:
        logging.getLogger("uvicorn.error").error("Exception in ASGI application\n", exc_info=True)
    said = told(log, capsys)
    assert "Exception in ASGI" in said
    assert WORDS not in said


def test_nothing_is_logged_with_the_values_of_its_variables() -> None:
    """loguru's `diagnose` writes every variable of a failing line: it is off wherever something is added."""
    for path in (one for package in ("bot", "handlers", "storage", "config") for one in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "logger.add":
                given = {one.arg: getattr(one.value, "value", None) for one in node.keywords}
                assert given.get("diagnose") is False, path
                assert given.get("backtrace") is False, path


def test_every_engine_hides_the_values_of_a_failed_statement() -> None:
    for path in (ROOT / "storage").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(getattr(node, "func", None), "id", "")
            if name in ("create_engine", "create_async_engine"):
                assert "hide_parameters" in {one.arg for one in node.keywords}, path  # type: ignore[attr-defined]


def test_access_is_not_logged() -> None:
    """The address of a page can be a key."""
    assert "access_log=False" in (ROOT / "bot/app.py").read_text()


def test_doctor_and_a_failing_start_tell_no_secret(tmp_path: Path) -> None:
    hidden = {name: secrets.token_hex(12) for name in ("secret", "wechat", "oidc", "database", "nats")}
    file = tmp_path / "oidc"
    file.write_text(hidden["oidc"])
    roles = '{ "a" = "office" }'
    environ = {
        "QINGQUN_SECRET": hidden["secret"],
        "QINGQUN_CHANNELS__WECHATY__TOKEN": hidden["wechat"],
        "QINGQUN_CHANNELS__WECHATY__ENDPOINT": "127.0.0.1:1",
        "QINGQUN_OFFICE__OIDC__ISSUER": "https://127.0.0.1:1",
        "QINGQUN_OFFICE__OIDC__CLIENT_ID": "c",
        "QINGQUN_OFFICE__OIDC__ROLE_CLAIM": "r",
        "QINGQUN_OFFICE__OIDC__ROLES": roles,
        "QINGQUN_OFFICE__OIDC__CLIENT_SECRET_FILE": str(file),
        "QINGQUN_BUS": f"nats://bot:{hidden['nats']}@127.0.0.1:1",
    }
    database = {"QINGQUN_DATABASE": f"postgresql+asyncpg://bot:{hidden['database']}@127.0.0.1:1/x"}
    wrong = {"QINGQUN_OFFICE__OIDC__ROLES": "x", "QINGQUN_SECRET": hidden["secret"]}
    for more in (environ, {**environ, **database}, {**environ, **wrong}):
        done = subprocess.run(
            [sys.executable, "-m", "bot", "doctor", "--data", str(tmp_path / "data")], cwd=ROOT, capture_output=True,
            text=True, timeout=120, check=False, env={"PATH": "/usr/bin:/bin", **more},
        )  # fmt: skip
        assert done.returncode in (1, 2), done.stderr
        for name, secret in hidden.items():
            assert secret not in done.stdout + done.stderr, (name, done.stdout, done.stderr)
    settings = json.dumps({key: str(value) for key, value in environ.items()})
    assert hidden["nats"] in settings
    with sqlite3.connect(tmp_path / "data/qingqun.db") as db:
        dump = "\n".join(db.iterdump())
    for secret in hidden.values():
        assert secret not in dump

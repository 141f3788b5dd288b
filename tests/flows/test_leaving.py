"""`qingqun export` and `qingqun erase`: everything a unit has goes with it, and everything about a person goes for good."""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import docx
import pytest
from sqlalchemy import Connection

from bot import exporting
from bot.channels.playground import leaving, people, talk
from bot.channels.playground.book import Book
from bot.channels.playground.people import Room, Someone
from bot.channels.playground.talk import Message
from bot.commands import erase, export
from config.wording import load_wording
from handlers.erase import checksum
from storage import accounts, audit, bindings, dump, notices, ratings, register, sessions
from storage.audit import Asked
from storage.tables import Table
from tests.conftest import MONDAY, Town

NOTICE = "通知：明天上午九点在二楼开会，请各位收到后回复。"
DEVICE, CODE = "cookiehash" * 6, "987654"


@pytest.fixture
async def lived(town: Town) -> Town:
    """Somebody spoke, pressed, was bound, and stands in the register."""
    await town.roster(3)
    await town.says("boss", NOTICE)
    await town.clicks("p1", "e2")

    def more(db: Any) -> None:
        bindings.bind(db, DEVICE, "playground:p1", "playground", MONDAY)
        bindings.show(db, CODE, DEVICE, MONDAY, MONDAY)
        row = {"id": "playground:g1", "group": "playground:g1", "name": "g1工作群", "unit": "城关镇", "owner": "干部1",
               "note": "=1+1", "channel": "playground"}  # fmt: skip
        register.save(db, "groups", [row], MONDAY)
        register.save(db, "groups", [{**row, "owner": "老周"}], MONDAY)

    await town.house.store.write(more)
    return town


def arguments(module: Any, *given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return parser.parse_args(given)


async def asks(town: Town, module: Any, *given: object) -> int:
    house = town.house
    return int(await module.run(arguments(module, *map(str, given)), house.settings, house.store))


async def playground(town: Town) -> Book:
    book = Book(town.house.data / "playground.db")

    def fill(db: Any) -> None:
        people.add_people(db, [Someone(id="p1", name="干部1"), Someone(id="p2", name="小李")])
        people.save_room(db, Room(id="g1", name="g1工作群", owner="p1"), [("p1", "admin"), ("p2", "")], heard=True)
        said = talk.add(db, Message(room="g1", sender="p1", text="我先说一句", at=MONDAY))
        talk.add(db, Message(room="g1", sender="p2", text="好的", quotes=said.id, at=MONDAY))
        talk.add(db, Message(room="g1", sender="", kind="card", card='{"title": "干部1的通知"}', at=MONDAY))
        talk.add(db, Message(room="@p1", sender="", text="私下提示", at=MONDAY))

    await book(fill)
    return book


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
async def test_everything_is_exported_with_an_explanation_and_checksums(
    lived: Town, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await (await playground(lived)).close()
    target = tmp_path / "全部.zip"
    assert await asks(lived, export, target, "--format", kind) == 0
    assert "已导出到" in capsys.readouterr().out
    with zipfile.ZipFile(target) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files["manifest.json"])
    assert set(files) == {one["file"] for one in manifest["tables"]} | {"manifest.json", "说明.txt"}
    readme = files["说明.txt"].decode()
    for one in manifest["tables"]:
        content = files[one["file"]]
        assert hashlib.sha256(content).hexdigest() == one["sha256"]
        text = content.decode("utf-8-sig")
        lines = list(csv.reader(io.StringIO(text, newline="")))[1:] if kind == "csv" else text.splitlines()
        assert len(lines) == one["rows"], one["file"]
        assert f"{one['file']}：{one['title']}，{one['rows']} 行" in readme
        for column in one["columns"]:
            assert f"{column['name']}（" in readme
            assert column["meaning"] != column["name"]
    named = {one["table"] for one in manifest["tables"]}
    kept = {name for name in Table.metadata.tables if not dump.is_secret(name)}
    assert named == kept | {f"playground_{name}" for name in leaving.TABLES}
    everything = b"\n".join(files.values()).decode()
    assert "干部2" in everything
    assert "我先说一句" in everything
    assert DEVICE not in everything
    assert CODE not in everything
    assert ("'=1+1" in everything) == (kind == "csv")


async def test_nothing_that_lets_somebody_in_or_tells_a_voter_leaves(lived: Town, tmp_path: Path) -> None:
    def opened(db: Connection) -> None:
        row = {"id": "a1", "name": "老周", "login": "zhou", "password": "HASHED", "role": "office", "unit": "", "groups": "[]"}
        accounts.add(db, {**row, "at": MONDAY})
        link = {"id": "LINKHASH", "role": "office", "name": "老周", "unit": "", "groups": "[]", "by": "command"}
        accounts.invite(db, {**link, "account": "", "at": MONDAY, "until": MONDAY})
        session = {"id": "COOKIEHASH", "account": "a1", "bearer": "", "at": MONDAY, "seen": MONDAY, "until": MONDAY}
        sessions.start(db, session)
        ratings.cast(db, "2026-Q4", "group:playground:g1", "VOTERHASH", "useful", "2026-W47")

    await lived.house.store.write(opened)
    assert await asks(lived, export, tmp_path / "x") == 0
    text = "\n".join(path.read_text(encoding="utf-8") for path in (tmp_path / "x").iterdir())
    assert "zhou" in text
    assert "2026-Q4" in text
    for secret in ("HASHED", "LINKHASH", "COOKIEHASH", "VOTERHASH"):
        assert secret not in text


def test_every_column_of_every_table_is_explained() -> None:
    for rows in Table.metadata.sorted_tables:
        if not dump.is_secret(rows.name):
            load_wording()(f"export.table.{rows.name}")
            for column in rows.columns:
                if not dump.is_secret(rows.name, column.name):
                    assert exporting.meaning(rows.name, column.name) != column.name, f"{rows.name}.{column.name}"


async def test_what_is_there_already_is_not_overwritten(
    lived: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await asks(lived, export, tmp_path / "x") == 0
    for target, said in ((tmp_path / "x", "里已有文件"), (tmp_path / "x/manifest.json", "不是文件夹")):
        assert await asks(lived, export, target) == 2
        assert said in capsys.readouterr().err
    (tmp_path / "y.zip").touch()
    assert await asks(lived, export, tmp_path / "y.zip") == 2
    assert "已经存在" in capsys.readouterr().err


async def test_a_person_gets_a_copy_of_their_own(lived: Town, tmp_path: Path) -> None:
    assert await asks(lived, export, tmp_path / "own", "--person", "p1") == 0
    text = "\n".join(path.read_text(encoding="utf-8") for path in (tmp_path / "own").iterdir())
    assert "第四十五条" in text
    assert "干部1" in text
    assert "干部2" not in text
    [noted] = await lived.read(lambda db: audit.listed(db, Asked(), 9))
    assert (noted.who, noted.what, noted.subject) == ("command", "own", "jsonl")


async def test_a_dry_run_lists_and_deletes_nothing(lived: Town, capsys: pytest.CaptureFixture[str]) -> None:
    assert await asks(lived, erase, "干部1", "--dry-run") == 0
    out = capsys.readouterr().out
    assert "将删除 playground:p1 的个人信息" in out
    assert "台账修改历史：2 行去掉这个人" in out or "台账修改历史：1 行去掉这个人" in out
    assert "没有删除" in out
    assert (await lived.read(lambda db: bindings.owner(db, DEVICE))).person == "playground:p1"


@pytest.mark.parametrize("ending", ["docx", "txt", "json"])
async def test_an_erasure_gives_a_receipt_that_names_only_what_was_asked_for(
    lived: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    book = await playground(lived)
    path = tmp_path / f"回执.{ending}"
    before = await lived.read(lambda db: notices.counts(db, notices.listed(db, None)[0].id))
    assert await asks(lived, erase, "playground:p1", "--receipt", path) == 0
    out = capsys.readouterr().out
    if ending == "docx":
        paper = docx.Document(str(path))
        text = "\n".join([*(one.text for one in paper.paragraphs), *(c.text for c in paper.tables[0]._cells)])
    else:
        text = path.read_text(encoding="utf-8")
    for said in (out, text):
        assert "playground:p1" in said
        assert "干部1" not in said.replace("将删除 playground:p1", "")
        assert "试用台的账号、会话和名单" in said
        assert "网络安全法" in said
    if ending == "json":
        told = json.loads(text)
        assert told["checksum"] == checksum({name: value for name, value in told.items() if name != "asked"})
        assert (told["deleted"], told["changed"]) == tuple(
            sum(one[name] for one in told["tables"]) for name in ("deleted", "changed")
        )
    left = await book(lambda db: [dict(row) for name in leaving.TABLES for row in leaving.rows(db, name)])
    await book.close()
    assert "p1" not in json.dumps(left)
    assert "干部1" not in json.dumps(left, ensure_ascii=False)
    assert "好的" in json.dumps(left, ensure_ascii=False)
    after = await lived.read(lambda db: notices.counts(db, notices.listed(db, None)[0].id))
    assert before == after == (1, 3)


async def test_old_events_delivered_again_bring_nobody_back(lived: Town, capsys: pytest.CaptureFixture[str]) -> None:
    await lived.clicks("p1", "e2", id="press-p1-7")
    assert await asks(lived, erase, "p1") == 0
    lived.number = 0
    await lived.roster(3)
    await lived.says("boss", NOTICE)
    await lived.clicks("p1", "e2")
    # Of a press of the playground the id names the person, so that its claim went with them.
    await lived.clicks("p1", "e2", id="press-p1-7")
    assert await asks(lived, erase, "p1") == 2
    assert "没有找到" in capsys.readouterr().err


async def test_somebody_of_whom_only_the_register_knows_is_erased_by_name(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"id": "wechat:r1", "channel": "wechat", "name": "防汛群", "owner": "钱多多", "phone": "13800000000"},
            {"id": "wechat:r2", "channel": "wechat", "name": "河长群", "owner": "钱多", "phone": "1"}]  # fmt: skip
    await town.house.store.write(lambda db: register.save(db, "groups", rows, MONDAY))
    app = {"id": "app:1", "name": "掌上办", "unit": "政数局", "handler": "钱多多"}
    await town.house.store.write(lambda db: register.save(db, "apps", [app], MONDAY))
    assert await asks(town, erase, "钱多多", "--receipt", tmp_path / "a.txt") == 0
    first, second = await town.read(register.group_rows)
    assert (first.owner, first.phone, second.owner) == ("", "", "钱多")
    assert (await town.read(register.app_rows))[0].handler == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [(("谁也不是",), "没有找到"), (("p1", "--receipt", "回执.pdf"), "应以 .docx"), (("p1", "--receipt", "没有/a.txt"), "文件夹不存在")],
)
async def test_what_cannot_be_done_is_said_before_anything_is_deleted(
    lived: Town, capsys: pytest.CaptureFixture[str], given: tuple[str, ...], said: str
) -> None:
    assert await asks(lived, erase, *given) == 2
    assert said in capsys.readouterr().err
    assert (await lived.read(lambda db: bindings.owner(db, DEVICE))).person == "playground:p1"

"""The command line to the letter: shapes, exit statuses, Chinese sentences."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.commands import COMMANDS
from tests.flows.test_replay import qingqun

DEMAND = "请大家把学习截图发到群里，没发的通报批评。"


def test_the_version_is_told(tmp_path: Path) -> None:
    assert qingqun("version", data=tmp_path).stdout == "qingqun 0.1.0\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_in_chinese(command: str) -> None:
    done = subprocess.run([sys.executable, "-m", "bot", command, "--help"], capture_output=True, text=True, check=True)
    assert COMMANDS[command][1] in done.stdout
    assert "--data" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["fly"], ["token"], ["token", "--role", "king"], ["run", "--port", "x"]])
def test_wrong_words_are_refused_in_chinese(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "bot", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "参数不对" in done.stderr


def test_a_token_is_one_line_and_the_same_secret_serves_the_next(tmp_path: Path) -> None:
    first = qingqun("token", "--role", "office", data=tmp_path)
    assert first.stdout.count("\n") == 1
    from bot.links import Links, secret_of
    from config.settings import load_settings

    links = Links(secret_of(load_settings(environ={}), tmp_path), "", 365)
    assert links.read_bearer(first.stdout.strip()).role == "office"
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0


def test_an_admins_token_needs_a_group(tmp_path: Path) -> None:
    done = qingqun("token", "--role", "admin", data=tmp_path)
    assert (done.returncode, "--group" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["token", "--role", "unit"], "--unit"),
        (["token", "--role", "admin", "--group", "g1", "--unit", "柳湾镇"], "--role unit"),
        (["invite", "--role", "king"], "参数不对"),
        (["invite", "--role", "unit"], "单位管理员要写明是哪个单位"),
        (["invite", "--role", "group"], "群管理员要写明管理哪些群"),
        (["invite", "--role", "group", "--group", "nowhere"], "没有这个群：nowhere"),
        (["invite", "--role", "group", "--group", "g1", "--unit", "柳湾镇"], "不用写单位"),
    ],
)
def test_a_role_that_is_half_told_is_refused(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = qingqun(*arguments, data=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_an_invitation_is_one_line_and_none_is_like_another(tmp_path: Path) -> None:
    links = [qingqun("invite", "--role", "office", "--name", "老梁", data=tmp_path).stdout for _ in range(2)]
    assert all(re.fullmatch(r"http://127.0.0.1:8790/office/invite/[\w-]{32}\n", link) for link in links), links
    assert links[0] != links[1]
    assert links[0].strip()[-32:].encode() not in (tmp_path / "qingqun.db").read_bytes()


def test_check_answers_every_line_in_order_and_counts_bad_ones(tmp_path: Path) -> None:
    lines = [
        json.dumps({"id": "a", "text": DEMAND, "at": "2026-11-16T10:00:00+08:00"}),
        "{",
        "",
        json.dumps({"id": "b"}),
        json.dumps({"id": "c", "text": "x", "at": "2026-11-16T10:00:00"}),
        json.dumps({"id": 4, "text": "下午三点开会", "kind": "text"}),
    ]
    done = qingqun("check", "--jsonl", data=tmp_path, input="\n".join(lines))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 2
    assert [one["id"] for one in answers] == ["a", None, None, None, 4]
    assert [one.get("line") for one in answers] == [None, 2, 4, 5, None]
    flag = answers[0]["flags"][0]
    assert set(flag) == {"category", "rule", "start", "end", "text", "clause", "why", "suggestion"}
    assert DEMAND[flag["start"] : flag["end"]] == flag["text"]
    assert answers[-1]["flags"] == []


def test_check_streams_its_answers(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bot", "check", "--jsonl", "--data", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in (1, 2):
            process.stdin.write(json.dumps({"id": number, "text": DEMAND}) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
        assert process.wait(timeout=20) == 0


def test_check_of_one_text_is_for_people(tmp_path: Path) -> None:
    done = qingqun("check", DEMAND, data=tmp_path)
    assert "依据" in done.stdout
    assert "可以这样说" in done.stdout
    assert qingqun("check", "下午三点开会", data=tmp_path).stdout == "没有发现不当要求。\n"
    assert qingqun("check", "  ", data=tmp_path).returncode == 2


def test_the_doctor_finds_a_new_house_healthy_and_an_open_secret_sick(tmp_path: Path) -> None:
    well = qingqun("doctor", data=tmp_path)
    assert (well.returncode, "一切正常" in well.stdout) == (0, True), well.stdout + well.stderr
    (tmp_path / "secret").chmod(0o644)
    sick = qingqun("doctor", data=tmp_path)
    assert sick.returncode == 1
    assert "chmod 600" in sick.stdout


def test_an_unknown_setting_stops_every_command(tmp_path: Path) -> None:
    config = tmp_path / "q.toml"
    config.write_text("prot = 1", encoding="utf-8")
    done = qingqun("version", "--config", config, data=tmp_path)
    assert (done.returncode, "最接近的是 port" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr

"""The embedded file when the power goes: a process is killed in the middle of its commits, the end of the log is missing or
is rubbish. Everything that was answered before the tear is there, nothing is there by halves, the file is whole; a file
that is not says so, and a second process on it is refused.

A kill leaves what the program had given to the system; a power cut may lose or garble what the disk had not written yet.
The second is played on copies of the file and its log, cut or overwritten from a seeded place on.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bot.app import sole_owner
from storage import clockwork
from storage.database import StoreError
from storage.sqlite import SqliteStore
from tests.faults.writer import EPOCH
from tests.flows.test_replay import qingqun

FULL = os.environ.get("QINGQUN_FAULTS") == "full"
KILLS, TEARS = (40, 400) if FULL else (3, 40)
COMMITS = 200
DAMAGES = ("cut", "zeros", "noise", "one bit")


def written(path: Path, first: int, count: int, until: int) -> list[tuple[int, int]]:
    """(number, length of the log) of every commit that was answered before the writer was killed after `until` of them."""
    command = [sys.executable, "-m", "tests.faults.writer", str(path), str(first), str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        lines = []
        while len(lines) < until and (line := writer.stdout.readline()):
            lines.append(line)
        writer.send_signal(signal.SIGKILL)
        # What it had answered before it died counts as well.
        lines += [line for line in writer.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
    return [(int(number), int(length)) for number, length in map(bytes.split, lines)]


def found(path: Path) -> set[int]:
    """Which commits are there, whole."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'troubles'").fetchall():
            # Torn before the tables were made.
            return set()
        claims = {row[0] for row in db.execute("SELECT key FROM claims")}
        troubles = [row[0] for row in db.execute("SELECT event FROM troubles")]
    assert claims == set(troubles)
    assert len(troubles) == len(claims)
    return {int(key.split(":")[1]) for key in claims}


async def reopened(path: Path) -> None:
    """By the product, which goes on writing to it."""
    store = SqliteStore(path)
    await store.open()
    assert await store.write(lambda db: clockwork.claim(db, "torn:-1", EPOCH))
    await store.write(lambda db: clockwork.note_trouble(db, "torn:-1", "", "", EPOCH))
    await store.close()


@pytest.mark.slow
async def test_a_kill_in_the_middle_of_commits_leaves_every_answered_one(tmp_path: Path) -> None:
    path, who = tmp_path / "qingqun.db", random.Random(7)
    answered: set[int] = set()
    for number in range(KILLS):
        told = written(path, number * 10_000, 10_000, who.randint(1, 400))
        answered |= {one for one, _ in told}
        assert answered <= found(path)
    await reopened(path)
    assert answered <= found(path)
    print(f"\n{KILLS} kills, {len(answered)} answered commits, 0 lost; {len(found(path)) - len(answered) - 1} more were there")


def damage(log: Path, how: str, place: int, who: random.Random) -> None:
    content = bytearray(log.read_bytes())
    match how:
        case "cut":
            del content[place:]
        case "zeros":
            content[place:] = bytes(len(content) - place)
        case "noise":
            content[place:] = who.randbytes(len(content) - place)
        case "one bit":
            content[place] ^= 1 << who.randrange(8)
    log.write_bytes(bytes(content))


@pytest.mark.slow
async def test_a_log_torn_anywhere_gives_all_that_was_before_the_tear(tmp_path: Path) -> None:
    path, who = tmp_path / "whole" / "qingqun.db", random.Random(11)
    path.parent.mkdir()
    # Few enough that nothing has gone from the log into the file.
    told = written(path, 0, COMMITS, COMMITS)
    log = path.with_name(path.name + "-wal")
    length = log.stat().st_size
    assert len(told) == COMMITS
    assert max(end for _, end in told) <= length
    kept = []
    for number in range(TEARS):
        how, place = DAMAGES[number % len(DAMAGES)], who.randrange(length)
        torn = tmp_path / "torn" / "qingqun.db"
        shutil.rmtree(torn.parent, ignore_errors=True)
        torn.parent.mkdir()
        shutil.copy(path, torn)
        shutil.copy(log, torn.with_name(torn.name + "-wal"))
        damage(torn.with_name(torn.name + "-wal"), how, place, who)
        there = found(torn)
        wanted = {one for one, end in told if end <= place}
        assert wanted <= there, (how, place)
        kept.append(len(there))
        if number % 8 == 0:
            await reopened(torn)
            assert found(torn) == there | {-1}
    print(f"\n{TEARS} torn logs of {COMMITS} commits: from {min(kept)} to {max(kept)} were there, all before the tear among them")


@pytest.mark.parametrize("place", [0, 4096 * 3], ids=["the first page", "a page of the middle"])
async def test_a_file_that_is_not_whole_is_said_in_a_sentence(tmp_path: Path, place: int) -> None:
    data = tmp_path / "data"
    store = SqliteStore(data / "qingqun.db")
    await store.open()
    await store.close()
    with (data / "qingqun.db").open("r+b") as file:
        file.seek(place)
        file.write(random.Random(3).randbytes(3000))
    done = qingqun("doctor", data=data)
    assert done.returncode in (1, 2)
    assert "损坏" in done.stdout + done.stderr
    assert "qingqun restore" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    if place == 0:
        with pytest.raises(StoreError, match="数据库文件已损坏"):
            await SqliteStore(data / "qingqun.db").open()


def test_a_second_process_on_the_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with sole_owner(tmp_path):
        done = qingqun("run", "--port", "0", data=tmp_path)
    assert done.returncode == 2
    assert "正由另一个轻群使用。请先停掉它，或用 --data 换一个目录。" in done.stderr
    assert "Traceback" not in done.stderr

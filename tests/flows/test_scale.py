"""A bot in several processes: nothing is lost, doubled or out of order, whoever comes, goes or is killed."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import threading
import time
import urllib.error
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import nats
import pytest
import yaml

from bot.channels.playground import people
from bot.channels.playground.book import Book
from bot.channels.playground.people import Room, Someone
from config.settings import TIMEZONE
from tests.flows.processes import Fleet, a_fleet

pytestmark = [pytest.mark.postgresql, pytest.mark.nats, pytest.mark.slow]

GROUPS, EACH = 12, 40
BEGUN = datetime.now(TIMEZONE) - timedelta(minutes=5)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    yield from a_fleet(tmp_path)


def roster(group: int) -> dict[str, Any]:
    members = [{"id": f"p{n}", "name": f"干部{n}"} for n in range(6)]
    members.append({"id": "boss", "name": "老周", "role": "admin"})
    return {"type": "roster", "id": f"r{group}", "at": BEGUN.isoformat(), "channel": "vendor", "owner": "boss",
            "group": {"id": f"g{group}", "name": f"{group}号群"}, "members": members}  # fmt: skip


def renamed(group: int, number: int) -> dict[str, Any]:
    """Each roster gives the group its next name: the order shows in what stands at the end and in the versions."""
    return {**roster(group), "id": f"r{group}-{number}", "at": (BEGUN + timedelta(seconds=number)).isoformat(),
            "group": {"id": f"g{group}", "name": f"{group}号群{number}"}}  # fmt: skip


def said(group: int, number: int) -> dict[str, Any]:
    at = BEGUN + timedelta(seconds=60 + number)
    return {"type": "message", "id": f"m{group}-{number}", "at": at.isoformat(), "channel": "vendor", "kind": "text",
            "group": {"id": f"g{group}", "name": f"{group}号群"}, "sender": {"id": f"p{number % 6}", "name": "干部"},
            "text": f"第{number}句", "mentions": []}  # fmt: skip


def test_two_of_each_keep_order_and_have_every_effect_once_though_a_worker_is_killed(fleet: Fleet) -> None:
    channels, _, web, first, second, *_ = fleet.begin(
        "channels", "channels", "web", "worker", "worker", "timer", "timer"
    )
    token = fleet.token()
    batches = [[renamed(group, number) for group in range(GROUPS)] for number in range(EACH)]
    batches += [[said(group, number) for group in range(GROUPS)] for number in range(EACH)]

    def feed(batch: list[dict[str, Any]]) -> None:
        assert web.call("/api/v1/events", token, batch, "POST") == {"accepted": len(batch)}

    killer = threading.Timer(1.0, first.kill)
    killer.start()
    for batch in batches:
        feed(batch)
    killer.join()
    # What is told twice has no second effect.
    feed(batches[-1])
    events = GROUPS * EACH
    fleet.until("SELECT count(*) FROM claims WHERE key LIKE 'RosterReceived:%'", events)
    fleet.until("SELECT count(*) FROM claims WHERE key LIKE 'MessageReceived:%'", events)
    assert fleet.ask("SELECT count(*) FROM troubles") == [(0,)]
    assert fleet.ask("SELECT sum(work + rollcall + other) FROM activity") == [(events,)]
    # In order: the last name stands, and every version came after the one before it.
    names = dict(fleet.ask("SELECT id, name FROM groups"))
    assert names == {f"vendor:g{group}": f"{group}号群{EACH - 1}" for group in range(GROUPS)}
    versions = fleet.ask('SELECT "group", count(*) FROM group_versions GROUP BY 1')
    assert {count for _, count in versions} == {EACH}
    # The living worker has taken all partitions over.
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and second.metrics()['qingqun_held{what="partition"}'] < 32:
        time.sleep(0.2)
    assert second.metrics()['qingqun_held{what="partition"}'] == 32
    assert channels.metrics()["qingqun_queue_depth"] == 0


def test_a_press_answered_by_any_web_process_is_kept_and_counted_once(fleet: Fleet) -> None:
    _, *webs = fleet.begin("channels", "web", "web", "worker", "timer")
    token = fleet.token()
    people = [{"id": f"p{n}", "name": f"干部{n}"} for n in range(40)]
    webs[0].call("/api/v1/events", token, {**roster(1), "members": people}, "POST")
    fleet.until("SELECT count(*) FROM members", 40)
    asked = {"groups": ["g1"], "text": "周五下午三点在大礼堂开会，请提前十分钟入场。"}
    notice = webs[0].call("/api/v1/notices", token, asked, "POST")["id"]
    links = webs[0].call(f"/api/v1/notices/{notice}/links", token)["links"]
    paths = ["/n/" + link["url"].split("/n/")[1] for link in links]
    answers: list[str] = []

    def press(mine: list[str], where: int) -> None:
        for path in mine:
            answers.append(webs[where].call(path, None, None, "POST")["state"])

    # Both processes get the presses of everybody, at once.
    threads = [threading.Thread(target=press, args=(paths[k % 2 :: 2] + paths[(k + 1) % 2 :: 2], k)) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["acknowledged"] * 80
    standing = webs[1].call(f"/api/v1/notices/{notice}", token)
    assert (standing["acknowledged"], standing["audience"]) == (40, 40)
    # Nobody missed being the last one: the notice is complete.
    fleet.until("SELECT state FROM notices WHERE id = :id", "complete", id=notice)


def test_missed_slots_are_caught_up_once_by_whichever_timer_leads(fleet: Fleet) -> None:
    fleet.begin("worker", "timer")[1].stop()
    back = (datetime.now(TIMEZONE) - timedelta(days=8)).isoformat()
    fleet.execute("UPDATE meta SET value = :back WHERE name = 'clock'", back=back)
    first, second = fleet.begin("timer", "timer")
    fleet.until("SELECT count(*) FROM claims WHERE key LIKE 'DayEnded:%'", 8)
    leads = [one.metrics().get('qingqun_held{what="timer"}', 0) for one in (first, second)]
    assert sum(leads) == 1
    leader, other = (first, second) if leads[0] else (second, first)
    leader.kill()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not other.metrics()['qingqun_held{what="timer"}']:
        time.sleep(0.1)
    assert other.metrics()['qingqun_held{what="timer"}'] == 1
    time.sleep(1)
    assert fleet.ask("SELECT count(*) FROM claims WHERE key LIKE 'DayEnded:%'") == [(8,)]
    assert fleet.ask("SELECT count(*) FROM claims WHERE key LIKE 'WeekEnded:%'")[0][0] in (1, 2)


def test_the_playground_is_open_in_one_process_and_another_opens_it_when_that_is_killed(fleet: Fleet) -> None:
    processes = fleet.begin("channels", "channels", "worker", "timer")[:2]
    holds = [one.call("/healthz")["channels"] for one in processes]
    assert sorted(map(len, holds)) == [0, 1]
    holder, spare = processes if holds[0] else processes[::-1]
    holder.kill()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not spare.call("/healthz")["channels"]:
        time.sleep(0.1)
    assert spare.call("/healthz")["channels"]["playground"]["state"] == "ok"


def test_the_dashboard_and_the_alerts_ask_only_for_what_is_measured(fleet: Fleet) -> None:
    processes = fleet.begin("channels", "worker", "web", "timer")
    fleet.until("SELECT count(*) FROM meta WHERE name = 'clock'", 1)
    time.sleep(2)
    measured = {name.split("{")[0] for one in processes for name in one.metrics()}
    root = Path(__file__).parent.parent.parent / "grafana"
    for file in ("dashboard.json", "alerts.yml"):
        asked = set(re.findall(r"\bqingqun_[a-z_]+", (root / file).read_text("utf-8")))
        assert asked
        assert asked <= measured
    alerts = yaml.safe_load((root / "alerts.yml").read_text("utf-8"))
    assert len(alerts["groups"][0]["rules"]) == 5
    assert processes[1].metrics()['qingqun_held{what="partition"}'] == 32
    # A worker has no pages, but says how it is.
    assert processes[1].call("/healthz")["status"] == "ok"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        processes[1].call("/office")


def test_classified_words_never_reach_the_brokers_disk(fleet: Fleet) -> None:
    """Nobody decides here: what is in the stream is what was written to disk."""
    (web,) = fleet.begin("web")
    body = {**said(1, 1), "text": "机密★一年 某某专项行动方案"}
    assert web.call("/api/v1/events", fleet.token(), body, "POST") == {"accepted": 1}

    async def stored() -> bytes:
        client = await nats.connect(fleet.nats)
        found = await client.jetstream().get_msg("qingqun", seq=1)
        await client.close()
        return found.data or b""

    text = asyncio.run(stored()).decode()
    assert "专项行动" not in text
    assert "密级标志" in text


def test_commands_beside_a_fleet_work_or_are_refused_with_a_sentence(fleet: Fleet, tmp_path: Path) -> None:
    fleet.begin("channels", "worker")
    assert fleet.command("inventory").returncode == 0
    assert fleet.command("backup", str(tmp_path / "b.zip")).returncode == 0
    refused = fleet.command("restore", str(tmp_path / "b.zip"), "--force")
    assert (refused.returncode, "正由另一个轻群使用" in refused.stderr) == (2, True)
    # On another machine the lock of the folder is not seen; the database's is.
    elsewhere = fleet.command("restore", str(tmp_path / "b.zip"), "--force", QINGQUN_DATA=str(tmp_path / "other"))
    assert (elsewhere.returncode, "还有轻群进程连着这个数据库" in elsewhere.stderr) == (2, True)
    replay = fleet.command("replay", __file__, QINGQUN_DATA=str(tmp_path / "other"))
    assert (replay.returncode, "还有轻群进程连着这个数据库" in replay.stderr) == (2, True)


def furnish(data: Path) -> None:
    """A playground with one group in it, that nobody has heard of yet."""

    def work(db: sqlite3.Connection) -> None:
        members = [Someone(id=f"p{n}", name=f"干部{n}", unit="镇") for n in range(5)]
        people.add_people(db, members)
        room = Room(id="g1", name="一号群", unit="镇", created="2026-01-01", owner="p0")
        people.save_room(db, room, [("p0", "admin"), *((one.id, "") for one in members[1:])], heard=False)

    async def making() -> None:
        book = Book(data / "playground.db")
        await book(work)
        await book.close()

    data.mkdir(parents=True, exist_ok=True)
    asyncio.run(making())


def test_every_card_is_shown_once_though_the_speaking_process_is_killed(fleet: Fleet) -> None:
    furnish(fleet.data)
    *channels, web, _, _ = fleet.begin("channels", "channels", "web", "worker", "timer")
    fleet.until("SELECT count(*) FROM members", 5)
    token = fleet.token()
    holder = next(one for one in channels if one.call("/healthz")["channels"])
    for number in range(12):
        text = f"第{number}号通知：周五下午三点在{number}楼会议室开会，请提前入场。"
        web.call("/api/v1/notices", token, {"groups": ["g1"], "text": text}, "POST")
        if number == 6:
            holder.kill()
    fleet.until("SELECT count(*) FROM outbox WHERE kind = 'post' AND state = 'sent'", 12)
    fleet.until("SELECT count(*) FROM outbox WHERE state = 'waiting'", 0)
    with sqlite3.connect(fleet.data / "playground.db") as db:
        titles = [json.loads(card)["title"] for (card,) in db.execute("SELECT card FROM messages WHERE room = 'g1'")]
    assert len(titles) == len(set(titles)) == 12
    # A press through the web changes the card in the playground.
    notice = web.call("/api/v1/notices", token)[0]["id"]
    link = web.call(f"/api/v1/notices/{notice}/links", token)["links"][0]["url"]
    assert web.call("/n/" + link.split("/n/")[1], None, None, "POST")["state"] == "acknowledged"
    fleet.until("SELECT count(*) FROM outbox WHERE kind = 'revise' AND state = 'sent'", 1)
    with sqlite3.connect(fleet.data / "playground.db") as db:
        assert db.execute("SELECT count(*) FROM messages WHERE version > 0").fetchone() == (1,)


@pytest.mark.parametrize("role", ["channels", "worker", "web", "timer"])
def test_a_role_without_a_shared_database_is_refused_with_a_sentence(fleet: Fleet, role: str) -> None:
    done = fleet.command("run", "--role", role, QINGQUN_DATABASE="", QINGQUN_BUS="memory")
    assert done.returncode == 2
    assert "database 设为 postgresql+asyncpg://…、bus 设为 nats://…" in done.stderr
    assert "Traceback" not in done.stderr

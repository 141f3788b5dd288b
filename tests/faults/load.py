"""People who acknowledge notices in three ways, all at once, and remember whose 200 came back; what they were told is
compared with what is there in the end."""

from __future__ import annotations

import asyncio
import http.client
import json
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.channels.playground import people
from bot.channels.playground.book import Book
from bot.channels.playground.people import Room, Someone
from bot.links import Links, secret_of
from bot.web.playground_api import COOKIE
from config.settings import TIMEZONE, load_settings
from tests.flows.processes import Process

Ask = Callable[[str], list[tuple[Any, ...]]]

BOSS = "boss"
# The link's page, an event that the archive tells, the card's button in the playground.
WAYS = ("link", "event", "press")
TIMEOUT = 20


class Seat:
    """A place for one process of a role: whoever is killed there is followed by a new one."""

    def __init__(self, role: str, folder: Path, environ: dict[str, str]) -> None:
        self.role, self._folder, self._environ = role, folder, environ
        self.process: Process | None = None
        self.url, self.kills = "", 0

    def fill(self) -> None:
        output = self._folder / f"{self.role}-{id(self):x}-{self.kills}.out"
        process = Process(self.role, output, self._environ)
        self.process = process
        self.url = process.ready().url

    def kill(self) -> None:
        assert self.process is not None
        self.url = ""
        self.kills += 1
        self.process.kill()

    def close(self) -> None:
        if self.process is not None and self.process.popen.poll() is None:
            self.process.kill()


@dataclass(slots=True)
class Seats:
    """All the places of one bot, filled again in the background."""

    seats: list[Seat]
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(8))
    _filling: list[Future[None]] = field(default_factory=list)

    def fill(self) -> None:
        list(self._pool.map(Seat.fill, self.seats))

    def urls(self, *roles: str) -> list[str]:
        return [seat.url for seat in self.seats if seat.role in roles and seat.url]

    def kill(self, seat: Seat) -> None:
        seat.kill()
        self._filling.append(self._pool.submit(seat.fill))

    def settled(self) -> None:
        """Everybody is back; raises what kept one of them from it."""
        for one in self._filling:
            one.result()

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        for seat in self.seats:
            seat.close()


@dataclass(frozen=True, slots=True)
class Ack:
    """One person's acknowledgement of one notice; `name` is the same each time it is sent."""

    name: str
    way: str
    group: str
    message: str
    notice: str
    person: str
    card: int


class Town:
    """Groups, people and notices, made through the bot's own doors."""

    def __init__(self, data: Path, groups: int, people: int, notices: int) -> None:
        self.data = data
        self.groups = [f"g{n}" for n in range(groups)]
        self.people = [f"p{n}" for n in range(people)]
        self.each = notices
        self.begun = datetime.now(TIMEZONE) - timedelta(minutes=2)
        settings = load_settings(flags={"data": data}, environ={})
        self.links = Links(secret_of(settings, data), "", 30)
        self.token = self.links.bearer("office", "机制办", ())
        asyncio.run(self._furnish())

    @property
    def total(self) -> int:
        return len(self.groups) * len(self.people) * self.each

    async def _furnish(self) -> None:
        everybody = [Someone(id=BOSS, name="老周"), *(Someone(id=one, name=f"干部{one[1:]}") for one in self.people)]

        def work(db: sqlite3.Connection) -> None:
            people.add_people(db, everybody)
            for group in self.groups:
                room = Room(id=group, name=f"{group}工作群", created="2026-01-01", owner=BOSS)
                members = [(BOSS, "admin"), *((one, "") for one in self.people)]
                people.save_room(db, room, members, heard=False)

        book = Book(self.data / "playground.db")
        await book(work)
        await book.close()

    def notices(self) -> list[dict[str, Any]]:
        """What the boss says in every group; each is a notice of its own."""
        return [
            {"type": "message", "id": f"m{group}-{n}", "at": (self.begun + timedelta(seconds=n)).isoformat(),
             "channel": "playground", "group": {"id": group, "name": f"{group}工作群"}, "kind": "text", "mentions": [],
             "sender": {"id": BOSS, "name": "老周"},
             "text": f"通知：周五上午在{group}楼{n}号会议室开会，请各位收到后回复。"}
            for group in self.groups for n in range(self.each)
        ]  # fmt: skip

    def acks(self, who: random.Random, ask: Ask) -> list[Ack]:
        """Everybody's of every notice, each in one of the ways, shuffled."""
        notices = {message: (notice, group) for notice, group, message in ask(
            'SELECT notice, "group", message FROM notice_groups WHERE message IS NOT NULL')}  # fmt: skip
        keys = dict(ask("SELECT key, reference FROM outbox WHERE kind = 'post' AND state = 'sent'"))
        cards = {notice: int(reference) for key, reference in keys.items() for notice in [key.split(":")[1]]}
        found = [
            Ack(f"{message}-{person}", who.choice(WAYS), group.split(":")[1], message.split(":")[1], notice, person,
                cards[notice])
            for message, (notice, group) in sorted(notices.items()) for person in self.people
        ]  # fmt: skip
        who.shuffle(found)
        return found

    def cards(self) -> list[dict[str, Any]]:
        """Every card that stands in a group of the playground, as it is in the end."""
        return self._shown("room NOT LIKE '@%'")

    def whispers(self) -> list[dict[str, Any]]:
        return self._shown(f"room = '@{BOSS}'")

    def _shown(self, where: str) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.data / "playground.db")) as db:
            rows = db.execute(f"SELECT card FROM messages WHERE card != '' AND {where}").fetchall()
        return [json.loads(card) for (card,) in rows]


class Client:
    """One connection at a time, kept while it is good."""

    def __init__(self) -> None:
        self._open: dict[str, http.client.HTTPConnection] = {}

    def post(self, url: str, path: str, body: Any = None, **headers: str) -> int:
        """The status; 0 when nobody answered."""
        text = b"" if body is None else json.dumps(body).encode()
        try:
            connection = self._open.get(url)
            if connection is None:
                connection = self._open[url] = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT)
            connection.request("POST", path, text, {"accept": "application/json", **headers})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            self._open.pop(url).close()
            return 0

    def close(self) -> None:
        for one in self._open.values():
            one.close()


class Load:
    """Threads that send every acknowledgement until it is answered with 200, wherever they find somebody."""

    def __init__(self, town: Town, seats: Seats, acks: Sequence[Ack], threads: dict[str, int]) -> None:
        self.town, self.seats = town, seats
        self.answered: dict[str, float] = {}
        # When which way got which answer.
        self.answers: list[tuple[float, str, int]] = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.threads = []
        for way, number in threads.items():
            mine = [one for one in acks if one.way == way]
            self.threads += [threading.Thread(target=self._work, args=(mine[n::number], n)) for n in range(number)]

    @property
    def statuses(self) -> Counter[int]:
        """How many requests were answered so; 0: not answered."""
        return Counter(status for _, _, status in list(self.answers))

    def __enter__(self) -> Load:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self.threads:
            thread.join()

    def finished(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        assert not any(thread.is_alive() for thread in self.threads), f"{len(self.answered)} answered, {self.statuses}"

    def wait_for(self, answered: int, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while len(self.answered) < answered:
            assert time.monotonic() < deadline, f"{len(self.answered)} of {answered} answered, {self.statuses}"
            time.sleep(0.005)

    def _work(self, acks: Sequence[Ack], start: int) -> None:
        client = Client()
        for turn, ack in enumerate(acks, start):
            tried = turn
            while not self._stopped.is_set() and not self._send(client, ack, tried):
                tried += 1
                time.sleep(0.05)
        client.close()

    def _send(self, client: Client, ack: Ack, turn: int) -> bool:
        role = "channels" if ack.way == "press" else "web"
        urls = self.seats.urls(role, "all")
        if not urls:
            return False
        path, body, headers = _request(self.town, ack)
        status = client.post(urls[turn % len(urls)], path, body, **headers)
        with self._lock:
            self.answers.append((time.monotonic(), ack.way, status))
            if status == 200:
                self.answered[ack.name] = time.monotonic()
        return status == 200


def until(ask: Ask, query: str, wanted: Any, seconds: float = 120) -> None:
    """Wait until the query's only value is the wanted one."""
    deadline = time.monotonic() + seconds
    while (found := ask(query)[0][0]) != wanted:
        assert time.monotonic() < deadline, f"{query}: {found}, not {wanted}"
        time.sleep(0.1)


def prepare(town: Town, seats: Seats, ask: Ask, who: random.Random) -> list[Ack]:
    """Every notice is said and shown before the first acknowledgement."""
    until(ask, "SELECT count(*) FROM members WHERE person LIKE 'playground:p%'", len(town.groups) * len(town.people))
    client, url = Client(), seats.urls("web", "all")[0]
    for one in town.notices():
        assert client.post(url, "/api/v1/events", one, authorization=f"Bearer {town.token}") == 200
    client.close()
    until(ask, "SELECT count(*) FROM outbox WHERE kind = 'post' AND state = 'sent'", len(town.groups) * town.each)
    return town.acks(who, ask)


def lost(ask: Ask, acks: Sequence[Ack]) -> list[str]:
    """Those that are not kept."""
    kept = {(notice, person) for notice, person in ask("SELECT notice, person FROM receipts WHERE acked")}
    return [one.name for one in acks if (one.notice, f"playground:{one.person}") not in kept]


def doubled(ask: Ask, acks: Sequence[Ack]) -> list[str]:
    """Events that were sent again under their own name and are there as two presses; a link's press has no name."""
    presses = Counter((notice, person) for notice, person in ask("SELECT notice, person FROM presses"))
    return [one.name for one in acks if one.way == "event" and presses[one.notice, f"playground:{one.person}"] != 1]


def _request(town: Town, ack: Ack) -> tuple[str, Any, dict[str, str]]:
    if ack.way == "link":
        return f"/n/{town.links.notice_token(ack.notice, f'playground:{ack.person}')}", None, {}
    if ack.way == "event":
        at = town.begun + timedelta(seconds=60)
        event = {"type": "click", "id": ack.name, "at": at.isoformat(), "channel": "playground", "group": ack.group,
                 "person": ack.person, "notice": {"message": ack.message}, "action": "ack"}  # fmt: skip
        return "/api/v1/events", event, {"authorization": f"Bearer {town.token}"}
    body = {"action": "ack", "subject": ack.notice, "press": ack.message}
    cookie = f"{COOKIE}={town.links.session('playground', ack.person)}"
    return f"/playground/api/messages/{ack.card}/press", body, {"cookie": cookie}

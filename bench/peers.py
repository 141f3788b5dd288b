"""Other people's bots doing the least that is comparable: one durable row an event. Runs in an environment of its own.

    PEER FILE…: bench/messages.py starts it, writes how many events are next on standard input and reads seconds.

Each is an application of its framework with one handler that takes every message, inserts one row and commits (SQLite, WAL,
synchronous=FULL, one connection, in the event loop: nothing is quicker). Events are made before the clock starts and fed in
the process, one after the other, as each framework's own tests or web hook do; nothing is sent.
"""

from __future__ import annotations

import asyncio
import gettext
import json
import logging
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

Feed = Callable[[Any], Awaitable[object]]
Make = Callable[[int, dict[str, Any]], Any]
Insert = Callable[[str, str, str], object]


def durable(path: Path) -> Insert:
    db = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-32000"):
        db.execute(f"PRAGMA {pragma}")
    db.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, room TEXT, person TEXT, text TEXT)")
    return lambda room, person, text: db.execute("INSERT INTO events (room, person, text) VALUES (?, ?, ?)", (room, person, text))


async def nonebot2(insert: Insert) -> tuple[Make, Feed]:
    import nonebot
    from nonebot.message import handle_event

    from bench.nowhere import Said, begin

    bot = begin()

    async def note(event: Said) -> None:
        insert(event.room, event.person, event.words)

    note.__annotations__["event"] = Said
    nonebot.on_message(priority=1, block=True).handle()(note)
    return lambda _, one: Said(room=one["room"], person=one["person"], words=one["text"]), lambda event: handle_event(bot, event)


async def telegram(insert: Insert) -> tuple[Make, Feed]:
    from telegram import Update
    from telegram.ext import Application, MessageHandler, filters
    from telegram.request import BaseRequest

    class Nowhere(BaseRequest):
        """Answers what the application asks when it begins."""

        @property
        def read_timeout(self) -> float | None:
            return 1.0

        async def initialize(self) -> None: ...

        async def shutdown(self) -> None: ...

        async def do_request(self, url: str, *_: Any, **__: Any) -> tuple[int, bytes]:
            me = {"id": 1, "is_bot": True, "first_name": "bench", "username": "bench_bot"}
            return 200, json.dumps({"ok": True, "result": me}).encode()

    async def note(update: Update, _: Any) -> None:
        said = update.message
        assert said is not None
        assert said.from_user is not None
        insert(str(said.chat_id), str(said.from_user.id), said.text or "")

    application = Application.builder().token("1:bench").request(Nowhere()).get_updates_request(Nowhere()).build()
    application.add_handler(MessageHandler(filters.TEXT, note))
    await application.initialize()

    def make(number: int, one: dict[str, Any]) -> Any:
        room, person = int(one["room"][1:]), int(one["person"][1:])
        message = {"message_id": number, "date": 1_790_000_000, "text": one["text"],
                   "chat": {"id": -room, "type": "group", "title": one["room"]},
                   "from": {"id": person, "is_bot": False, "first_name": one["person"]}}  # fmt: skip
        return Update.de_json({"update_id": number, "message": message}, application.bot)

    return make, application.process_update


async def opsdroid(insert: Insert) -> tuple[Make, Feed]:
    # Its command line does that.
    gettext.install("opsdroid")
    from opsdroid.core import OpsDroid
    from opsdroid.events import Message
    from opsdroid.matchers import match_always

    @match_always
    async def note(message: Message) -> None:
        insert(message.target, message.user_id, message.text)

    droid = OpsDroid(config={}, loopless=True)
    droid.eventloop = asyncio.get_running_loop()
    droid.register_skill(note, config={"name": "note"})

    def make(_: int, one: dict[str, Any]) -> Any:
        return Message(text=one["text"], user=one["person"], user_id=one["person"], target=one["room"])

    return make, droid.parse


PEERS = {"nonebot2": nonebot2, "python-telegram-bot": telegram, "opsdroid": opsdroid}


async def main(name: str, messages: Path, file: Path) -> None:
    logging.disable(logging.WARNING)
    make, feed = await PEERS[name](durable(file))
    events = [make(number, json.loads(line)) for number, line in enumerate(messages.read_text("utf-8").splitlines())]
    at = 0
    print("ready", flush=True)
    for line in sys.stdin:
        number = int(line)
        some, at = events[at : at + number], at + number
        began, worked = time.perf_counter(), time.process_time()
        for event in some:
            await feed(event)
        print(json.dumps([time.perf_counter() - began, time.process_time() - worked]), flush=True)
    stored = sqlite3.connect(file).execute("SELECT count(*) FROM events").fetchone()[0]
    assert stored == at, f"{stored} rows of {at} events"


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))

"""`qingqun replay FILE.jsonl`: the same dispatch as a live channel; the events' own times are the clock."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection
from tqdm import tqdm

from bot import timer, wire
from bot.app import make_house, sole_owner
from bot.dispatch import Dispatch
from config.settings import Settings
from config.wording import load_wording
from handlers.events import Event
from storage import clockwork, outbox
from storage.database import Store

BATCH = 500
MAX_LINE = 4_000_000
NEEDS_STORE = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE.jsonl", help="每行一个事件的文件")


async def run(args: argparse.Namespace, settings: Settings, store: Store) -> int:
    if not args.file.is_file():
        print(f"找不到文件 {args.file}。", file=sys.stderr)
        return 2
    with sole_owner(settings.data):
        if settings.database and await store.holders("process"):
            print(load_wording()("restore.running"), file=sys.stderr)
            return 2
        house = make_house(settings, store)
        replay = Replay(house.dispatch, settings)
        bad = await _feed(replay, args.file, store)
        await store.write(replay.finish)
    print(f"已重放 {replay.fresh} 个新事件，{replay.known} 个此前已处理，{bad} 行未能读取。", file=sys.stderr)
    return 2 if bad else 0


async def _feed(replay: Replay, path: Path, store: Store) -> int:
    """Read, sort nothing, keep going over bad lines; gives their number."""
    bad = 0
    batch: list[Event] = []
    size = path.stat().st_size  # noqa: ASYNC240 - nothing else runs in this process
    with tqdm(total=size, unit="B", unit_scale=True, desc="重放", file=sys.stderr) as bar:
        for number, length, line in _lines(path):
            try:
                event = _event(line)
            except wire.WireError as error:
                bad += 1
                bar.write(f"第 {number} 行未能读取：{error}", file=sys.stderr)
            else:
                if event is not None:
                    batch.append(event)
            bar.update(length)
            if len(batch) >= BATCH:
                await store.write(partial(replay.play, events=tuple(batch)))
                batch.clear()
        await store.write(partial(replay.play, events=tuple(batch)))
    return bad


def _lines(path: Path) -> Iterator[tuple[int, int, bytes]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            yield number, len(line), line


def _event(line: bytes) -> Event | None:
    if not line.strip():
        return None
    if len(line) > MAX_LINE:
        raise wire.WireError(f"这一行超过 {MAX_LINE // 1_000_000} MB。")
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        raise wire.WireError("不是正确的 JSON。") from None
    return wire.parse(data)


class Replay:
    """Follows the events' times: slots and wakes that lie before an event happen before it."""

    def __init__(self, dispatch: Dispatch, settings: Settings) -> None:
        self._dispatch, self._settings = dispatch, settings
        self._clock: datetime | None = None
        self._next_wake: datetime | None = None
        self._slots: Iterator[tuple[datetime, timer.Job]] = iter(())
        self._next_slot: tuple[datetime, timer.Job] | None = None
        self.fresh = self.known = 0

    def play(self, db: Connection, events: tuple[Event, ...]) -> None:
        """A whole batch in one transaction."""
        if events and self._clock is None:
            self._start(db, events[0].at)
        self._look(db)
        for event in events:
            self._pass_time(db, event.at)
            decided = self._dispatch.decide(db, event)
            self.fresh += decided.fresh
            self.known += not decided.fresh
            if decided.wakes:
                self._look(db)
        if self._clock is not None:
            clockwork.remember(db, "clock", self._clock.isoformat())

    def finish(self, db: Connection) -> None:
        """The past is not said again when the bot goes live."""
        if self._clock is not None:
            outbox.settle_all(db, "replayed", self._clock)

    def _start(self, db: Connection, first: datetime) -> None:
        last = clockwork.recall(db, "clock")
        self._clock = datetime.fromisoformat(last) if last else first
        self._slots = timer.slots_from(self._settings, self._clock)
        self._next_slot = next(self._slots)

    def _look(self, db: Connection) -> None:
        row = clockwork.next_wake(db)
        self._next_wake = row.at if row else None

    def _pass_time(self, db: Connection, until: datetime) -> None:
        """Fire what is due up to `until`, in time order; time never goes back."""
        assert self._clock is not None
        if until <= self._clock:
            return
        while True:
            slot = self._next_slot if self._next_slot and self._next_slot[0] <= until else None
            if self._next_wake is not None and self._next_wake <= until and (not slot or self._next_wake <= slot[0]):
                self._wake(db)
            elif slot:
                self._fire(db, *slot)
            else:
                break
        self._clock = until

    def _wake(self, db: Connection) -> None:
        row = clockwork.next_wake(db)
        if row is not None:
            clockwork.take_wake(db, row.kind, row.subject, row.at)
            self._dispatch.decide(db, timer.woke(row.kind, row.subject, row.at))
        self._look(db)

    def _fire(self, db: Connection, at: datetime, job: timer.Job) -> None:
        if clockwork.claim_slot(db, job.name, at):
            self._dispatch.decide(db, job.fired(at))
            self._look(db)
        self._next_slot = next(self._slots)

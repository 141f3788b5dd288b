"""Live news for open pages: bounded queues, and a page that reads too slowly starts anew."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

LONGEST_QUEUE = 200
News = dict[str, Any]


class Fanout:
    def __init__(self) -> None:
        self._queues: dict[str, set[asyncio.Queue[News | None]]] = {}

    @contextmanager
    def subscribe(self, person: str) -> Iterator[asyncio.Queue[News | None]]:
        """A queue of news for this person; None in it means: too slow, ask for everything again."""
        queue: asyncio.Queue[News | None] = asyncio.Queue(LONGEST_QUEUE)
        self._queues.setdefault(person, set()).add(queue)
        try:
            yield queue
        finally:
            waiting = self._queues.get(person, set())
            waiting.discard(queue)
            if not waiting:
                self._queues.pop(person, None)

    def listening(self, people: Iterable[str]) -> list[str]:
        return [person for person in people if person in self._queues]

    def tell(self, person: str, news: News) -> None:
        for queue in self._queues.get(person, ()):
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)
            else:
                queue.put_nowait(news)

    def close(self) -> None:
        for queues in self._queues.values():
            for queue in queues:
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)

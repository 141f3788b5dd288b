"""A client that is cheap beside what it measures: HTTP/1.1 on kept connections, requests that are bytes already."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Taken:
    """`ages` in seconds, from when a request was due to its whole answer; `cpu` is the client's own."""

    seconds: float = 0.0
    cpu: float = 0.0
    ages: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)


def post(path: str) -> bytes:
    """As a browser sends the page's form."""
    head = f"POST {path} HTTP/1.1\r\nhost: bench\r\naccept: text/html\r\n"
    return f"{head}content-type: application/x-www-form-urlencoded\r\ncontent-length: 0\r\n\r\n".encode("ascii")


class Phone(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, waiting: deque[tuple[float, bytes]], taken: Taken, done: asyncio.Event, wanted: int) -> None:
        self._waiting, self._taken, self._done, self._wanted = waiting, taken, done, wanted
        self._transport: Any = None
        self._due = 0.0
        self._got = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def next(self) -> None:
        if not self._waiting:
            return
        due, request = self._waiting.popleft()
        if due:
            wait = due - time.perf_counter()
            if wait > 0:
                asyncio.get_running_loop().call_later(wait, self._send, due, request)
                return
        self._send(due, request)

    def _send(self, due: float, request: bytes) -> None:
        self._due = due or time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._got = self._got + data if self._got else data
        end = self._got.find(b"\r\n\r\n")
        if end < 0 or len(self._got) < end + 4 + _length(self._got[:end]):
            return
        taken, status = self._taken, int(self._got[9:12])
        self._got = b""
        taken.ages.append(time.perf_counter() - self._due)
        taken.statuses[status] = taken.statuses.get(status, 0) + 1
        if len(taken.ages) == self._wanted:
            self._done.set()
        self.next()

    def connection_lost(self, _: Exception | None) -> None:
        self._done.set()


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    return int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def tap(place: tuple[str, int], requests: Sequence[bytes], connections: int, spread: float = 0.0) -> Taken:
    """All of them, as fast as the connections carry them, or evenly within `spread` seconds."""
    loop, taken, done = asyncio.get_running_loop(), Taken(), asyncio.Event()
    waiting: deque[tuple[float, bytes]] = deque()
    phones = [
        (await loop.create_connection(lambda: Phone(waiting, taken, done, len(requests)), *place))[1]
        for _ in range(min(connections, len(requests)))
    ]
    began, worked = time.perf_counter(), time.process_time()
    waiting.extend((began + spread * n / len(requests) if spread else 0.0, one) for n, one in enumerate(requests))
    for phone in phones:
        phone.next()
    await done.wait()
    taken.seconds, taken.cpu = time.perf_counter() - began, time.process_time() - worked
    for phone in phones:
        phone._transport.abort()
    if len(taken.ages) != len(requests):
        raise SystemExit(f"{len(requests) - len(taken.ages)} 个请求没有回答")
    return taken

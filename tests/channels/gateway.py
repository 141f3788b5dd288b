"""A real Node gateway for the tests: installed once by npm, started, killed, frozen and steered for real."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.channels.wechaty import Intervals, WechatyChannel
from config.settings import Settings, load_settings
from handlers.cards import Link
from handlers.events import Event

FOLDER = Path(__file__).parents[1] / "gateway"
TOKEN = "test-token"
# The logic is that of production, only the waiting is shorter: where nothing goes wrong, that for changes of a room.
CALM = Intervals(settle=0.05, between_rosters=0.0)
QUICK = replace(CALM, call=3.0, silence=1.5, answer=3.0, login=1.5, again=(0.05, 0.1, 0.2), stable=5.0, report=0.3)


def install() -> None:
    """`npm ci` from the lock, once; without Node the tests are skipped with a sentence, in CI they fail."""
    if shutil.which("npm") is None:
        message = "Node.js is not here: no WeChat gateway to test with"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    done = FOLDER / "node_modules" / ".package-lock.json"
    with (Path(tempfile.gettempdir()) / "qingqun-gateway.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.stat().st_mtime < (FOLDER / "package-lock.json").stat().st_mtime:
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=FOLDER, check=True, capture_output=True, timeout=300)
            done.touch()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Gateway:
    """One port for its whole life, one process after the other."""

    def __init__(self, token: str = TOKEN, tls: bool = False) -> None:
        self.port, self.token, self.tls = free_port(), token, tls
        self._process: subprocess.Popen[bytes] | None = None
        self._control = 0

    async def start(self) -> None:
        await asyncio.to_thread(self.launch)

    def launch(self) -> None:
        environment = {**os.environ, "WECHATY_LOG": "silent", "GW_TLS": "1" if self.tls else "0"}
        self._process = subprocess.Popen(
            ["node", "--no-deprecation", "gateway.mjs", str(self.port), "0", self.token],
            cwd=FOLDER, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self._process.stdout is not None
        self._control = json.loads(self._process.stdout.readline())["control"]

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(how)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None

    async def tell(self, operation: str, **given: Any) -> Any:
        async with httpx.AsyncClient(trust_env=False, timeout=120) as client:
            answer = await client.post(f"http://127.0.0.1:{self._control}/{operation}", json=given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def hear(self, text: str = "", **given: Any) -> str:
        """Somebody says something on WeChat; gives the message's id."""
        return str((await self.tell("hear", text=text, **given))["id"])

    async def sent(self, kind: str | None = None) -> list[Any]:
        return [one for one in await self.tell("sent") if kind is None or one["kind"] == kind]


@asynccontextmanager
async def running(**given: Any) -> AsyncIterator[Gateway]:
    install()
    gateway = Gateway(**given)
    await gateway.start()
    try:
        yield gateway
    finally:
        gateway.kill()


@pytest.fixture(scope="module")
def gateway_process() -> Iterator[Gateway]:
    install()
    gateway = Gateway()
    gateway.launch()
    yield gateway
    gateway.kill()


@pytest.fixture
async def gateway(gateway_process: Gateway) -> Gateway:
    """One process for a module's tests; each finds it as it was at first."""
    await gateway_process.tell("reset")
    return gateway_process


class Ear:
    """Whoever listens to the channel, in place of the bus."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if type(event) is kind]


def settings_for(gateway: Gateway, data: Path, **more: Any) -> Settings:
    flags = {
        "data": data,
        "channels.wechaty.endpoint": f"127.0.0.1:{gateway.port}",
        "channels.wechaty.token": gateway.token,
        "channels.wechaty.sends_per_minute": 10_000,
        "channels.wechaty.room_sends_per_minute": 10_000,
        **more,
    }
    return load_settings(flags=flags, environ={})


def address(link: Link, person: str | None) -> str:
    return f"http://house/{link.page}/{link.subject}/{person or 'all'}"


@asynccontextmanager
async def listening(
    gateway: Gateway,
    data: Path,
    intervals: Intervals = CALM,
    hear: Callable[[Event], Awaitable[object]] | None = None,
    **more: Any,
) -> AsyncIterator[tuple[WechatyChannel, Ear]]:
    ear = Ear()
    channel = WechatyChannel(settings_for(gateway, data, **more), data, lambda: datetime.now(UTC), intervals)
    await channel.open(hear or ear, address)
    try:
        yield channel, ear
    finally:
        await channel.close()


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Wait for it to become true, and give what it gave."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not (found := condition()):
        assert asyncio.get_running_loop().time() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)
    return found

"""A bot in several real processes on one PostgreSQL and one NATS: start them, kill them, ask them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import nats
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests.storage.places import Place, clear

READY_SECONDS = 60


class Process:
    """One `qingqun run --role …`; `url` is where it listens."""

    def __init__(self, role: str, output: Path, environ: dict[str, str], *more: str) -> None:
        self.role, self.output = role, output
        command = [sys.executable, "-m", "bot", "run", "--role", role, "--port", "0", *more]
        with output.open("wb") as out:
            self.popen = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environ)
        self.url = ""

    def ready(self) -> Process:
        deadline = time.monotonic() + READY_SECONDS
        mark = "" if self.role == "all" else f"（{self.role}）"
        while time.monotonic() < deadline and self.popen.poll() is None:
            found = re.search(rf"已启动{mark}：(http://\S+?)/\s", self.said())
            if found:
                self.url = found[1]
                return self
            time.sleep(0.05)
        pytest.fail(f"{self.role} did not start:\n{self.said()[-3000:]}")

    def said(self) -> str:
        return self.output.read_text("utf-8")

    def kill(self) -> None:
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait(20)

    def stop(self) -> int:
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(30)

    def call(self, path: str, token: str | None = None, body: Any = None, method: str = "GET") -> Any:
        data = json.dumps(body).encode() if body is not None else (b"" if method == "POST" else None)
        request = urllib.request.Request(self.url + path, data=data, method=method)
        request.add_header("accept", "application/json")
        if token:
            request.add_header("authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def metrics(self) -> dict[str, float]:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=20) as answer:
            lines = answer.read().decode().splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


class Fleet:
    """Processes of one bot. The database is emptied first; the stream is the broker's own, emptied first too."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder, self.data = folder, folder / "data"
        self.database = os.environ["QINGQUN_TEST_POSTGRESQL"]
        self.nats = os.environ["QINGQUN_TEST_NATS"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("QINGQUN_")}
        self.environ = kept | {
            "QINGQUN_DATA": str(self.data), "QINGQUN_DATABASE": self.database, "QINGQUN_BUS": self.nats,
            "QINGQUN_WORK__START": "00:00", "QINGQUN_WORK__END": "23:59", "QINGQUN_ACKNOWLEDGE__REVISE_SECONDS": "0.3",
            "PYTHONUNBUFFERED": "1", **environ,
        }  # fmt: skip
        self.processes: list[Process] = []
        asyncio.run(self._empty())

    async def _empty(self) -> None:
        await Place(self.folder, self.database).run(clear)
        client = await nats.connect(self.nats)
        for stream in ("qingqun", "qingqun-aside"):
            with suppress(nats.js.errors.NotFoundError):
                await client.jetstream().delete_stream(stream)
        await client.close()

    def begin(self, *roles: str) -> list[Process]:
        """Start one process for each, at once, and wait until all are ready."""
        begun = []
        for role in roles:
            output = self.folder / f"{role}-{uuid.uuid4().hex[:6]}.out"
            begun.append(Process(role, output, self.environ))
        self.processes += begun
        return [one.ready() for one in begun]

    def command(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bot", *arguments]
        return subprocess.run(command, capture_output=True, text=True, env={**self.environ, **environ}, check=False)

    def token(self) -> str:
        return self.command("token", "--role", "office").stdout.strip()

    def ask(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Rows straight from the database."""

        async def asking() -> list[tuple[Any, ...]]:
            engine = create_async_engine(self.database, poolclass=NullPool)
            async with engine.connect() as db:
                return [tuple(row) for row in await db.execute(text(query), values)]

        return asyncio.run(asking())

    def execute(self, statement: str, **values: Any) -> None:
        async def doing() -> None:
            async with create_async_engine(self.database, poolclass=NullPool).begin() as db:
                await db.execute(text(statement), values)

        asyncio.run(doing())

    def until(self, query: str, wanted: Any, seconds: float = 60, **values: Any) -> None:
        """Wait until the query's only value is the wanted one."""
        deadline = time.monotonic() + seconds
        found: Any = None
        while time.monotonic() < deadline:
            ((found,),) = self.ask(query, **values)
            if found == wanted:
                return
            time.sleep(0.1)
        pytest.fail(f"{query}: {found}, not {wanted}\n" + "\n".join(one.said()[-1500:] for one in self.processes))

    def close(self) -> None:
        for one in self.processes:
            with suppress(ProcessLookupError):
                one.popen.kill()
            one.popen.wait(20)


def a_fleet(folder: Path, **environ: str) -> Iterator[Fleet]:
    fleet = Fleet(folder, **environ)
    try:
        yield fleet
    finally:
        fleet.close()

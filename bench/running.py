"""What the benches start and stop: a bot in a process of its own, bare routes beside it, databases and a broker to lose."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parent.parent
POSTGRESQL = "postgresql+asyncpg://postgres@127.0.0.1/qingqun_bench"
READY_SECONDS = 90.0
TICK = os.sysconf("SC_CLK_TCK")


class Process:
    """A Python program that says where it listens; killed by its own id when it is left."""

    def __init__(self, folder: Path, arguments: list[str], mark: str = r"(http://\S+?)/", **environ: str) -> None:
        self.output = folder / f"{arguments[1].rsplit('.', 1)[-1]}-{time.monotonic_ns()}.out"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("QINGQUN_")}
        path = os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH"))))
        with self.output.open("wb") as out:
            self.popen = subprocess.Popen(
                [sys.executable, *arguments], stdout=out, stderr=subprocess.STDOUT, cwd=folder,
                env={**kept, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **environ},
            )  # fmt: skip
        self._mark, self.url = mark, ""

    def ready(self) -> Process:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.popen.poll() is None:
            if found := re.search(self._mark, self.output.read_text("utf-8")):
                self.url = found[1]
                return self
            time.sleep(0.01)
        said = self.output.read_text("utf-8")[-3000:]
        self.stop()
        raise SystemExit(f"没有启动：{self.popen.args!r}\n{said}")

    def cpu(self) -> float:
        """Seconds of the processor so far."""
        fields = Path(f"/proc/{self.popen.pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def resident(self) -> float:
        """Megabytes."""
        pages = int(Path(f"/proc/{self.popen.pid}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def own(self) -> float:
        """Megabytes of it that it shares with no file and nobody."""
        lines = Path(f"/proc/{self.popen.pid}/status").read_text("ascii").splitlines()
        return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) / 1000

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.popen.terminate()
        try:
            self.popen.wait(20)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait(20)


@contextlib.contextmanager
def bot(folder: Path, role: str = "all", **environ: str) -> Iterator[Process]:
    """`qingqun run` as in production."""
    mark = r"已启动[^：]*：(http://\S+?)/\s"
    arguments = ["-m", "bot", "run", "--role", role, "--port", "0"]
    process = Process(folder, arguments, mark, QINGQUN_DATA=str(folder / "data"), **environ)
    try:
        yield process.ready()
    finally:
        process.stop()


@contextlib.contextmanager
def route(folder: Path, database: str, how: str) -> Iterator[Process]:
    """A bare Starlette route (bench/bare.py)."""
    process = Process(folder, ["-m", "bench.bare", "--database", database, "--how", how, "--folder", str(folder)])
    try:
        yield process.ready()
    finally:
        process.stop()


@contextlib.contextmanager
def database(url: str) -> Iterator[str]:
    """An empty PostgreSQL database of this name, dropped afterwards; "" with a sentence when there is no server."""
    try:
        asyncio.run(_again(url, make=True))
    except OSError as error:
        print(f"连不上 PostgreSQL（{error}），略去这一项。", file=sys.stderr)
        yield ""
        return
    try:
        yield url
    finally:
        asyncio.run(_again(url, make=False))


async def _again(url: str, *, make: bool) -> None:
    import asyncpg

    server, name = url.replace("+asyncpg", "").rsplit("/", 1)
    db = await asyncpg.connect(f"{server}/postgres", timeout=5)
    await db.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    if make:
        await db.execute(f'CREATE DATABASE "{name}"')
    await db.close()


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[str]:
    """A NATS server of our own with JetStream; "" with a sentence when there is no nats-server on the path."""
    program = shutil.which("nats-server")
    if program is None:
        print("没有 nats-server，略去 JetStream 这一项。", file=sys.stderr)
        yield ""
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "-js", "-sd", str(folder / "nats"), "-a", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield f"nats://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def host_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port

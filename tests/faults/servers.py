"""Servers of our own that a test may stop, kill and starve: a PostgreSQL cluster and a nats-server in temporary folders."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.channels.gateway import free_port

STARTS = 60


def binary(name: str) -> str:
    """Where it is; without it the test is skipped with a sentence, in CI it fails."""
    found = shutil.which(name) or next(map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))[-1:]), None)
    if found is None:
        sentence = f"{name} is not here: no server of our own to stop and start"
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return found


def small_disk(folder: Path, megabytes: int) -> bool:
    """Make the folder a file system of that size; False where this is not allowed."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "tmpfs", str(folder)]
    return os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0


def fill_up(folder: Path) -> Path:
    """Leave no byte free; gives the file to be removed."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 65536)
    return ballast


def _nobody() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {one.pw_name for one in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Server:
    """One process on one port, as often as it is started; its files stay until it is closed."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="qingqun-"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def ready(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        """Returns when it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, cwd=self.folder, **self.user())
        deadline = time.monotonic() + STARTS
        while not self.ready():
            assert time.monotonic() < deadline, (self.folder / "log").read_text("utf-8")[-3000:]
            assert self.process.poll() is None, (self.folder / "log").read_text("utf-8")[-3000:]
            time.sleep(0.05)

    def stop(self, how: signal.Signals) -> None:
        assert self.process is not None
        with suppress(ProcessLookupError):
            self.process.send_signal(how)
        self.process.wait(STARTS)

    def user(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)


class Postgres(Server):
    def __init__(self, megabytes: int = 0) -> None:
        """`megabytes`: on a disk of that size, where that may be made (`small`)."""
        super().__init__()
        self._postgres, self._answers, initdb = binary("postgres"), binary("pg_isready"), binary("initdb")
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        self.small = bool(megabytes) and small_disk(self.disk, megabytes)
        user = self.user()
        if user:
            for place in (self.folder, self.disk):
                os.chown(place, user["user"], user["group"])
        make = [initdb, "-D", str(self.disk / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--wal-segsize=1"]
        subprocess.run(make, check=True, capture_output=True, cwd=self.folder, **user)
        self.url = f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/postgres"

    def user(self) -> dict[str, Any]:
        return _nobody()

    def command(self) -> list[str]:
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_wal_size": "16MB", "min_wal_size": "2MB"}
        given = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [self._postgres, "-D", str(self.disk / "data"), "-p", str(self.port), *given]

    def ready(self) -> bool:
        ask = [self._answers, "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "1"]
        return subprocess.run(ask, check=False, capture_output=True).returncode == 0

    def close(self) -> None:
        super().close()
        if self.small:
            subprocess.run(["umount", "-l", str(self.disk)], check=False, capture_output=True)
            shutil.rmtree(self.folder, ignore_errors=True)


class Nats(Server):
    def __init__(self) -> None:
        super().__init__()
        self._nats = binary("nats-server")
        self.url = f"nats://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return [self._nats, "-js", "-sd", str(self.folder / "store"), "-a", "127.0.0.1", "-p", str(self.port)]

    def ready(self) -> bool:
        with socket.socket() as one:
            one.settimeout(1)
            return one.connect_ex(("127.0.0.1", self.port)) == 0

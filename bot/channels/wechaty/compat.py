"""Makes wechaty 0.10.7 and its puppet layer importable on Python ≥ 3.11, without the side effects of importing them."""

from __future__ import annotations

import logging
import os
import socket
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def shims() -> Iterator[None]:
    """Import `wechaty_puppet_service` (or the whole of `wechaty`) inside; afterwards its loggers are quiet.

    The SDK writes its token into a warning when a puppet is made: nothing below ERROR gets through.
    """
    os.environ.setdefault("WECHATY_LOG", "error")
    known = set(logging.root.manager.loggerDict)
    _pyee()
    _urllib3()
    stub = _telnetlib()
    try:
        _hashable_options()
        yield
    finally:
        if sys.modules.get("telnetlib") is stub:
            del sys.modules["telnetlib"]
        _tame(set(logging.root.manager.loggerDict) - known)


def _pyee() -> None:
    """pyee ≥ 12 keeps the emitter in a module of its own."""
    import pyee
    import pyee.asyncio

    if "AsyncIOEventEmitter" not in vars(pyee):
        pyee.AsyncIOEventEmitter = pyee.asyncio.AsyncIOEventEmitter  # type: ignore[attr-defined]


def _urllib3() -> None:
    """urllib3 2 has no `get_host`."""
    import urllib3
    from urllib3.util import parse_url

    def get_host(url: str) -> tuple[str, str | None, int | None]:
        parts = parse_url(url)
        return parts.scheme or "http", parts.hostname, parts.port

    if not hasattr(urllib3, "get_host"):
        urllib3.get_host = get_host  # type: ignore[attr-defined]


class _Telnet:
    """All that the SDK uses of telnetlib: to open a connection."""

    sock: socket.socket | None = None

    def open(self, host: str, port: int = 0, timeout: float = 3) -> None:
        self.sock = socket.create_connection((host, port), timeout)

    def close(self) -> None:
        if self.sock:
            self.sock.close()

    __del__ = close


def _telnetlib() -> types.ModuleType:
    """Gone in Python 3.13, deprecated before: a stand-in for the time of the import."""
    stub = types.ModuleType("telnetlib")
    stub.Telnet = _Telnet  # type: ignore[attr-defined]
    return sys.modules.setdefault("telnetlib", stub)


def _hashable_options() -> None:
    """A dataclass default must be hashable since Python 3.11."""
    from wechaty_puppet.schemas.puppet import PuppetOptions

    options: Any = PuppetOptions
    if options.__hash__ is None:
        options.__hash__ = object.__hash__


def _tame(fresh: set[str]) -> None:
    """The SDK gives each of its loggers a handler of its own and cuts it off from ours."""
    for logger in map(logging.getLogger, fresh):
        if not logger.propagate:
            logger.handlers.clear()
            logger.propagate = True
            logger.setLevel(logging.ERROR)

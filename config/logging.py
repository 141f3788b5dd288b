"""Logs: loguru takes all of them; none holds message text, not even that of an error which quotes it."""

from __future__ import annotations

import inspect
import logging
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loguru import logger

FORMAT = "{time:YYYY-MM-DD HH:mm:ss} {level:<7} {message}\n"
# Errors of our own are sentences that quote nobody; what others say may hold the very value that they choked on.
OURS = ("bot.", "handlers.", "storage.", "config.")


class Intercept(logging.Handler):
    """Hands the standard library's records to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        frame, depth = inspect.currentframe(), 0
        while frame and (depth == 0 or frame.f_code.co_filename == logging.__file__):
            frame, depth = frame.f_back, depth + 1
        level: str | int = record.levelname if record.levelname in logger._core.levels else record.levelno  # type: ignore[attr-defined]
        logger.opt(depth=depth, exception=record.exc_info).log(level, record.getMessage())


def told(error: BaseException | None) -> str:
    """An error as a log may hold it: our own sentence, or of any other its kind (and the database's code)."""
    if error is None:
        return ""
    kind = type(error)
    if kind.__module__.startswith(OURS) or isinstance(error, TimeoutError | ConnectionError):
        return str(error) or kind.__name__
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return f"{kind.__name__} {state}" if state else kind.__name__


def where(error: BaseException) -> Iterator[str]:
    """File, line and source of each step, of the causes too; without any value."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from where(cause)
        yield "--\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{told(error)}\n"


def _format(record: Any) -> str:
    if record["exception"] is None or record["exception"].value is None:
        return FORMAT
    record["extra"]["where"] = "".join(where(record["exception"].value))
    return FORMAT + "{extra[where]}"


def set_up_logging(data: Path | None, keep_days: int = 185, level: str = "INFO", name: str = "qingqun") -> None:
    """Log to stderr, and to `data/logs/` kept for `keep_days` (at least six months, 网络安全法 第二十三条)."""
    logger.remove()
    logger.add(sys.stderr, format=_format, level=level, backtrace=False, diagnose=False)
    if data is not None:
        logger.add(
            data / "logs" / f"{name}.log",
            format=_format,
            level=level,
            rotation="1 week",
            retention=f"{keep_days} days",
            encoding="utf-8",
            backtrace=False,
            diagnose=False,
        )
    logging.basicConfig(handlers=[Intercept()], level=logging.WARNING, force=True)

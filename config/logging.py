"""Logs: loguru takes all of them; none holds message text."""

from __future__ import annotations

import inspect
import logging
import sys
from pathlib import Path

from loguru import logger

FORMAT = "{time:YYYY-MM-DD HH:mm:ss} {level:<7} {message}"


class Intercept(logging.Handler):
    """Hands the standard library's records to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        frame, depth = inspect.currentframe(), 0
        while frame and (depth == 0 or frame.f_code.co_filename == logging.__file__):
            frame, depth = frame.f_back, depth + 1
        level: str | int = record.levelname if record.levelname in logger._core.levels else record.levelno  # type: ignore[attr-defined]
        logger.opt(depth=depth, exception=record.exc_info).log(level, record.getMessage())


def set_up_logging(data: Path | None, keep_days: int = 185, level: str = "INFO", name: str = "qingqun") -> None:
    """Log to stderr, and to `data/logs/` kept for `keep_days` (at least six months, 网络安全法 第二十三条)."""
    logger.remove()
    logger.add(sys.stderr, format=FORMAT, level=level, backtrace=False, diagnose=False)
    if data is not None:
        logger.add(
            data / "logs" / f"{name}.log",
            format=FORMAT,
            level=level,
            rotation="1 week",
            retention=f"{keep_days} days",
            encoding="utf-8",
            backtrace=False,
            diagnose=False,
        )
    logging.basicConfig(handlers=[Intercept()], level=logging.WARNING, force=True)

"""Whether WeChat is heard: one line in the log when it is not, one when it is again, and how long it was not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from loguru import logger

from bot.channels import Health
from bot.channels.wechaty.faults import Fault


class Gap(NamedTuple):
    since: datetime
    until: datetime


class Watch:
    """Starts deaf: what is said before the first login is not heard either."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._heard = now()
        self._since: datetime | None = self._heard
        self._cause = ""
        self._logged: set[str] = set()
        self._trouble: tuple[str, datetime] | None = None

    def touch(self) -> None:
        """Something came over the stream."""
        if self._since is None:
            self._heard = self._now()

    @property
    def deaf(self) -> bool:
        return self._since is not None

    @property
    def deaf_for(self) -> float:
        return (self._now() - self._since).total_seconds() if self._since else 0.0

    def lost(self, fault: Fault, detail: str = "") -> None:
        """Deaf since the last thing that was heard; each kind of cause is logged once an outage.

        That a connection broke is no cause yet: the next attempt finds it, or ends the outage.
        """
        broke = fault is Fault.LOST and self._since is None
        if self._since is None:
            self._since = self._heard
        self._cause = fault.sentence(detail)
        if fault.kind not in self._logged and not broke:
            self._logged.add(fault.kind)
            logger.error("微信渠道听不到消息：{}", self._cause)

    def back(self, account: str) -> Gap | None:
        """Heard again; gives the time in which it was not, None when it was heard all along."""
        if self._since is None:
            return None
        gap = Gap(self._since, self._now())
        seconds = (gap.until - gap.since).total_seconds()
        if self._logged:
            logger.warning("微信渠道已恢复（账号 {}），中断 {:.0f} 秒。", account, seconds)
        elif self._cause:
            logger.warning("微信渠道断开后已恢复（账号 {}），中断 {:.0f} 秒。", account, seconds)
        else:
            logger.info("微信渠道已连接（账号 {}）。", account)
        self._since, self._cause, self._heard = None, "", gap.until
        self._logged.clear()
        return gap

    def gap_so_far(self) -> Gap | None:
        return Gap(self._since, self._now()) if self._since else None

    def troubled(self, detail: str) -> None:
        """The gateway reports an error while the stream goes on: told once until a probe has come back."""
        if self._trouble is None:
            self._trouble = (Fault.TROUBLE.sentence(detail), self._now())
            logger.error("{}", self._trouble[0])

    def sound(self) -> None:
        """A probe went all the way."""
        if self._trouble is not None:
            self._trouble = None
            logger.warning("微信网关报告错误之后，消息通道检查正常。")

    def health(self) -> Health:
        if self._since is not None:
            return Health(state="deaf" if self._cause else "starting", cause=self._cause, since=self._since)
        if self._trouble is not None:
            return Health(state="ok", cause=self._trouble[0], since=self._trouble[1])
        return Health(state="ok")

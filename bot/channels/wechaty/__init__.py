"""WeChat through a Wechaty gateway; the SDK is imported when the channel is opened, not by importing this."""

from __future__ import annotations

from bot.channels.wechaty.channel import WechatyChannel
from bot.channels.wechaty.supervisor import Intervals

__all__ = ["Intervals", "WechatyChannel"]

"""A NoneBot2 platform that hears what it is given and says nothing; needs nonebot2 (not a dependency)."""

from __future__ import annotations

from typing import Any

import nonebot
from nonebot.adapters import Adapter, Bot, Event, Message, MessageSegment


class Segment(MessageSegment["Words"]):
    @classmethod
    def get_message_class(cls) -> type[Words]:
        return Words

    def __str__(self) -> str:
        return str(self.data["text"])

    def is_text(self) -> bool:
        return True


class Words(Message[Segment]):
    @classmethod
    def get_segment_class(cls) -> type[Segment]:
        return Segment

    @staticmethod
    def _construct(msg: str) -> Any:
        yield Segment("text", {"text": msg})


class Said(Event):
    room: str
    person: str
    words: str

    def get_type(self) -> str:
        return "message"

    def get_event_name(self) -> str:
        return "message"

    def get_event_description(self) -> str:
        return ""

    def get_user_id(self) -> str:
        return self.person

    def get_session_id(self) -> str:
        return f"{self.room}_{self.person}"

    def get_message(self) -> Any:
        return Words(self.words)

    def is_tome(self) -> bool:
        return False


class Nowhere(Adapter):
    @classmethod
    def get_name(cls) -> str:
        return "nowhere"

    async def _call_api(self, bot: Bot, api: str, **data: Any) -> Any:
        return None


class Mute(Bot):
    async def send(self, event: Event, message: Any, **more: Any) -> Any:
        return None


def begin() -> Mute:
    """Start NoneBot2; the bot hears by the matchers that are made from now on."""
    nonebot.init(driver="~none", log_level="WARNING")
    return Mute(Nowhere(nonebot.get_driver()), "1")

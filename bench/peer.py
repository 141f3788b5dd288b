"""The same categories as keyword matchers of a NoneBot2 application, to compare with; needs nonebot2 (not a dependency)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from bench.evaluate import KEYWORDS


def application() -> tuple[Callable[[list[str]], int], Callable[[], None]]:
    """(answer all these messages one after the other and tell how many matchers ran, close). ImportError without NoneBot2."""
    import nonebot
    from nonebot.adapters import Adapter, Bot, Event, Message, MessageSegment
    from nonebot.message import handle_event

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
        words: str

        def get_type(self) -> str:
            return "message"

        def get_event_name(self) -> str:
            return "message"

        def get_event_description(self) -> str:
            return ""

        def get_user_id(self) -> str:
            return "somebody"

        def get_session_id(self) -> str:
            return "group"

        def get_message(self) -> Message[Any]:
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

    nonebot.init(driver="~none", log_level="WARNING")
    ran = 0

    async def note() -> None:
        nonlocal ran
        ran += 1

    for words in KEYWORDS.values():
        nonebot.on_keyword(set(words.split("|")), priority=1, block=False).handle()(note)
    bot = Mute(Nowhere(nonebot.get_driver()), "1")
    loop = asyncio.new_event_loop()

    def answer(messages: list[str]) -> int:
        async def every() -> None:
            for message in messages:
                await handle_event(bot, Said(words=message))

        before = ran
        loop.run_until_complete(every())
        return ran - before

    return answer, loop.close

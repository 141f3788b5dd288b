"""The same categories as keyword matchers of a NoneBot2 application, to compare with; needs nonebot2 (not a dependency)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bench.evaluate import KEYWORDS


def application() -> tuple[Callable[[list[str]], int], Callable[[], None]]:
    """(answer all these messages one after the other and tell how many matchers ran, close). ImportError without NoneBot2."""
    import nonebot
    from nonebot.message import handle_event

    from bench.nowhere import Said, begin

    bot = begin()
    ran = 0

    async def note() -> None:
        nonlocal ran
        ran += 1

    for words in KEYWORDS.values():
        nonebot.on_keyword(set(words.split("|")), priority=1, block=False).handle()(note)
    loop = asyncio.new_event_loop()

    def answer(messages: list[str]) -> int:
        async def every() -> None:
            for message in messages:
                await handle_event(bot, Said(room="group", person="somebody", words=message))

        before = ran
        loop.run_until_complete(every())
        return ran - before

    return answer, loop.close

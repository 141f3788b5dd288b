"""What happens in the demonstration today, live, so that its cards are there to be pressed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from bot.channels.playground import Playground
from bot.demo.city import BY_NAME
from bot.house import House
from handlers.events import ButtonClicked
from handlers.noticecards import moment
from storage import notices

# Who has pressed already; most have not, so that there is something to do.
PRESSED = ("老胡", "小林", "老何", "小陈", "小赵", "老韩", "小杨")
SUBSIDY = "@轻群 通知 惠农补贴政策解读已放在镇便民大厅，请各村转告群众，方便时来取。"
TYPED = ("老马", "小黄")


async def speak(house: House, playground: Playground) -> None:
    """Two open notices, some acknowledgements, one demand that only its sender hears of."""
    meeting = await _say(playground, "小李", "g01", _meeting(house))
    await _card_shown(playground)
    for name in TYPED:
        await _say(playground, name, "g01", "收到")
    await _press(house, meeting, "g01", PRESSED)
    seeds = await _say(playground, "小陈", "g03", SUBSIDY)
    await _press(house, seeds, "g03", ("老高", "小朱"))
    await _say(playground, "小杨", "g03", "收到，明天我顺路带到上河村。")
    await _say(playground, "老贾", "g03", "各村每天报一次秋冬种日报，按完成进度全镇排名通报。")


async def _card_shown(playground: Playground) -> None:
    """Until the card stands in the group, so that the answers come below it; not for ever."""
    for _ in range(50):
        last = (await playground.desk.conversation(BY_NAME["小李"], "g01"))["messages"][-1]
        if last["card"]:
            return
        await asyncio.sleep(0.1)


def _meeting(house: House) -> str:
    day = house.calendar.add_working_days(house.now(), 3)
    at = datetime(day.year, day.month, day.day, 9, tzinfo=house.calendar.next_working_moment(house.now()).tzinfo)
    return f"{moment(at)}在镇政府三楼会议室开冬春火灾防控工作会，请各村、各办一名负责同志参加，请大家收到回复。"


async def _say(playground: Playground, name: str, room: str, text: str) -> str:
    said = await playground.desk.say(BY_NAME[name], room, text)
    return f"{Playground.name}:{said['id']}"


async def _press(house: House, message: str, room: str, names: Sequence[str]) -> None:
    notice = await house.store.read(lambda db: notices.of_message(db, message))
    if notice is None:
        return
    for name in names:
        person = f"{Playground.name}:{BY_NAME[name]}"
        await house.tell(
            ButtonClicked(
                id=f"demo:{message}:{name}", at=house.now(), channel=Playground.name,
                group=f"{Playground.name}:{room}", person=person, notice=notice.id, via="card",
            )
        )  # fmt: skip

"""Whoever is shown who people are is written down first; what cannot be written down is not shown."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from bot.house import House
from bot.links import Bearer
from handlers.events import PersonalDataRead

# What is read → as the log tells it.
KINDS: Mapping[str, str] = {
    "pending": "应急通知的未确认名单",
    "links": "通知的确认链接和名单",
    "notice": "通知及其发起人",
    "notices": "通知列表及发起人",
    "appeals": "待复核的申诉",
    "inventory": "清单（含群主、管理员、联系电话）",
    "export": "清单文件（含群主、管理员、联系电话）",
    "cleanup": "清理事项的每一步（经办人）",
    "people": "试用台人员",
    "accounts": "账号",
    "audit": "查阅记录",
    "register": "台账（含群主、管理员、联系电话）",
    "import": "台账导入的差异和每一行的去向",
    "everything": "导出全部数据",
    "own": "导出一个人的资料",
    "erase": "查找要删除的人在哪些数据里",
    "erased": "应本人要求删除个人信息",
}


async def note_read(house: House, visitor: Bearer, what: str, subject: str = "") -> None:
    """Told before the answer goes out; when it cannot be written, the reader gets a 503."""
    await house.tell(
        PersonalDataRead(
            id=uuid.uuid4().hex,
            at=house.now(),
            who=visitor.id,
            name=visitor.name,
            what=what,
            subject=subject[:200],
            scope=visitor.scope[:500],
        )
    )

"""What is wrong with an app, mini-program or account: its last update, its functions, its likes and its filing.

The update's rule is in zombie.py; functions, likes and filing are told from the register's own cells.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from config.settings import InventorySettings
from handlers.rules.similar import Likeness, alike_names, overlaps
from handlers.rules.zombie import ACCOUNT_KINDS, Reason, judge_app

# The most serious first.
SERIOUSNESS = ("dissolve", "suspected", "banned", "duplicate", "watch", "insufficient", "alive")
VERDICT_OF: Mapping[str, str] = {
    "banned_function": "banned",
    "similar_app": "duplicate",
    "few_users": "watch",
    "data_gap": "insufficient",
}
# What registers write where there is nothing.
NOTHING = frozenset(("", "无", "没有", "暂无", "未备案", "待备案", "未办理", "办理中", "-", "—", "——", "/", "0", "否"))
# Of fewer functions in common two apps are not the same; 信息发布 alone says nothing.
LEAST_FUNCTIONS = 2
_APART = re.compile(r"[、，,;；/|。\n\s]+|(?<=[\u4e00-\u9fff])[和及与](?=[\u4e00-\u9fff])")
_DENIED = re.compile(
    r"^(?:无|没有|没|未|不|已?取消|已?关闭|已?停用|已?下线|已?删除|禁止|非)|"
    r"(?:[:：是为]?(?:无|否|没有|不启用|未启用)|已?(?:取消|关闭|停用|下线|删除))$"
)
# What tells no app from another.
_KIND = re.compile(r"(?:app|小程序|快应用|公众号|服务号|订阅号|平台|系统)+$", re.IGNORECASE)
# 除安保、应急外不得设置打卡签到.
_ALLOWED = re.compile("应急|安保|值班|值守|防汛|巡逻|消防")


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A row of the register; `updated` is the later of what it says and what the unit's own file says (`by_feed`)."""

    id: str
    name: str
    unit: str
    kind: str
    functions: str = ""
    similar: str = ""
    filing: str = ""
    updated: date | None = None
    by_feed: str = ""
    monthly_active: int | None = None


def is_account(kind: str) -> bool:
    """公众号 and its kin, which are 政务新媒体; everything else is a 政务应用程序."""
    return any(word in kind for word in ACCOUNT_KINDS)


def functions_of(cell: str) -> frozenset[str]:
    """办事查询、打卡；积分 → its items; those that are said not to be there are left out."""
    items = (unicodedata.normalize("NFKC", one).lower().strip("()（）") for one in _APART.split(cell))
    return frozenset(one for one in items if one not in NOTHING and not _DENIED.search(one))


def banned(cell: str, words: Iterable[str]) -> list[str]:
    """The items that hold a banned function, in the cell's order; 应急打卡 is allowed, 无积分 is none."""
    listed = [one for one in _APART.split(cell) if one]
    told = {one for one in functions_of(cell) if any(word in one for word in words) and not _ALLOWED.search(one)}
    return list(dict.fromkeys(one for one in listed if unicodedata.normalize("NFKC", one).lower().strip("()（）") in told))


def alike(listed: Sequence[App], share: float) -> dict[str, Likeness]:
    """Apps with mostly the same functions, anywhere; and those with nearly the same name that share a function.

    Accounts are compared within one unit only: every town may have its own.
    """
    functions = {one.id: functions_of(one.functions) for one in listed}
    homes = {one.id: one.unit if is_account(one.kind) else "应用" for one in listed}
    same = overlaps(
        {key: frozenset(f"{homes[key]}\n{what}" for what in told) for key, told in functions.items() if homes[key]},
        share,
        LEAST_FUNCTIONS,
    )
    named = alike_names({one.id: (_KIND.sub("", one.name), homes[one.id]) for one in listed})
    found = dict(same)
    for key, likeness in named.items():
        others = tuple(
            (other, how)
            for other, how in likeness.others
            if not functions[key] or not functions[other] or functions[key] & functions[other]
        )
        if others and key not in same:
            found[key] = Likeness(others, len(others))
    return found


def judge(
    app: App, like: Likeness | None, names: Mapping[str, str], end: datetime, rules: InventorySettings
) -> tuple[str, list[Reason]]:
    """The verdict and its reasons; a missing 备案编号 is told and changes no verdict."""
    by_update, reasons = judge_app(app.kind, app.updated, end, rules)
    if app.by_feed:
        reasons = [
            replace(one, variant="feed", evidence={**one.evidence, "file": app.by_feed})
            for one in reasons
            if one.code == "not_updated"
        ]
    if found := banned(app.functions, rules.banned_functions):
        reasons.append(Reason("banned_function", {"functions": found}))
    if like is not None:
        told = [names[other] for other, _ in like.others[:5]]
        reasons.append(Reason("similar_app", {"apps": like.number, "names": told, "threshold": rules.app_overlap}))
    elif app.similar.strip() not in NOTHING:
        reasons.append(Reason("similar_app", {"told": app.similar.strip()}, "told"))
    if app.filing.strip() in NOTHING:
        reasons.append(Reason("no_filing", {}))
    active, least = app.monthly_active, rules.app_active_least
    if active is not None and active < least:
        reasons.append(Reason("few_users", {"monthly_active": active, "threshold": least}))
    verdicts = [by_update, *(VERDICT_OF.get(one.code, "alive") for one in reasons)]
    return min(verdicts, key=SERIOUSNESS.index), reasons

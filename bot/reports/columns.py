"""The register's columns, in the order of policy.md §5: header, width, style and where the value comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import Any

from bot.reports.cells import last_day_in
from config.wording import Wording
from handlers import grounds

Row = Mapping[str, Any]
# Header, width, style, value; a value of None stands for the row's number.
Column = tuple[str, int, str, Callable[[Row, Wording], Any] | None]


def platform(channel: str, say: Wording) -> str:
    """The channel in Chinese; one nobody has named is shown as it is."""
    with suppress(KeyError):
        return say(f"register.platform.{channel}")
    return channel


def day(moment: str | None) -> date | None:
    """The day (Asia/Shanghai) of a snapshot's moment."""
    return datetime.fromisoformat(moment).date() if moment else None


def plain(name: str) -> Callable[[Row, Wording], Any]:
    return lambda row, _: row[name]


def dated(name: str) -> Callable[[Row, Wording], Any]:
    return lambda row, _: day(row[name])


def registered(name: str) -> Callable[[Row, Wording], Any]:
    """A column that only the imported register fills."""
    return lambda row, _: (row["register"] or {}).get(name)


def judged(kind: str) -> Callable[[Row, Wording], Any]:
    return lambda row, say: say(f"inventory.{kind}.{row['verdict']}")


def _members(row: Row, _: Wording) -> Any:
    return None if row["members_source"] == "unknown" else row["members"]


def _similar(row: Row, _: Wording) -> str:
    return "；".join(f"{one['name']}（{one['overlap']:.0%}）" for one in row["similar"])


def _matter(row: Row, _: Wording) -> str:
    """关联事项及截止日 in one cell; the date is not repeated when the matter names it."""
    matter = (row["register"] or {}).get("matter", "")
    ends = day(row["ends"])
    if ends is None or last_day_in(matter) == ends:
        return str(matter)
    written = f"{ends.year}年{ends.month}月{ends.day}日"
    return f"{matter}，至{written}" if matter else written


def _note(row: Row, say: Wording) -> str:
    exempted = say("inventory.sheet.exempted", reason=row["exemption"]["reason"]) if row["exemption"] else ""
    return "；".join(part for part in ((row["register"] or {}).get("note"), exempted) if part)


def reasons(row: Row, _: Wording) -> str:
    return "；".join(one["text"] for one in row["reasons"])


def _found(row: Row, _: Wording) -> str:
    """The names of the rules that it touches, whether or not they decide: 只剩接龙、未登记."""
    return "、".join(dict.fromkeys(one["name"] for one in row["reasons"] if one.get("name")))


def _grounds(row: Row, _: Wording) -> str:
    return "；".join(grounds.told(row))


def _no_data(row: Row, _: Wording) -> str:
    """2026-10-04至2026-11-02; the days on which nothing of this group was heard."""
    return "、".join("至".join(dict.fromkeys(days)) for days in row.get("no_data", ()))


def _updated_by(row: Row, say: Wording) -> str:
    source = row.get("updated_source", "")
    return say(f"inventory.sheet.updated_{source}", file=row["updated_file"]) if source else ""


def _overlaps(row: Row, _: Wording) -> str:
    """What the register says, and what was found beside it."""
    found = [f"{one['name']}（{one['overlap']:.0%}）" for one in row.get("overlaps", ())]
    return "；".join(part for part in (row["similar"], *found) if part)


def _rating(row: Row, say: Wording) -> str:
    """干部评价 as a sentence; empty below five answers, and where nobody asked."""
    return say("ratings.told", **row["rating"]) if row.get("rating") else ""


def _source(row: Row, say: Wording) -> str:
    told = say(f"inventory.sheet.{row['source']}")
    if row["source"] == "seen" and row["last_work_source"] == "imported":
        return f"{told}；{say('inventory.sheet.register_last')}"
    return told


GROUPS: tuple[Column, ...] = (
    ("序号", 5, "middle", None),
    ("群名称", 24, "text", plain("name")),
    ("平台", 9, "middle", lambda row, say: platform(row["channel"], say)),
    ("建群单位", 14, "text", plain("unit")),
    ("群主(职务)", 11, "middle", plain("owner")),
    ("管理员", 10, "middle", registered("admins")),
    ("联系电话", 13, "middle", registered("phone")),
    ("成员数", 7, "whole", _members),
    ("建群时间", 14, "date", dated("created")),
    ("用途/依据", 18, "text", plain("purpose")),
    ("类别(综合/业务/临时/议事协调机构)", 12, "middle", plain("kind")),
    ("关联事项及截止日", 18, "text", _matter),
    ("最近工作消息日", 14, "date", dated("last_work_message")),
    ("近30天消息数", 9, "whole", plain("messages_30d")),
    ("人均日消息", 8, "number", plain("per_person_daily")),
    ("重叠群(成员重合率)", 22, "text", _similar),
    ("疑似类型(僵尸/空壳/重复/临时逾期)", 13, "verdict", judged("verdict")),
    ("处置(解散/合并/保留/规范)", 11, "middle", plain("disposition")),
    ("整改责任人", 10, "middle", registered("responsible")),
    ("整改时限", 12, "middle", registered("due")),
    ("核查人", 9, "middle", registered("checker")),
    ("销号日期", 14, "date", lambda row, _: day((row["register"] or {}).get("closed"))),
    ("备注", 14, "text", _note),
    ("判定依据", 38, "text", reasons),
    ("数据来源", 11, "middle", _source),
    ("发现的问题", 14, "text", _found),
    ("判定口径和出处", 48, "text", _grounds),
    ("无数据日期", 22, "text", _no_data),
    ("干部评价", 22, "text", _rating),
    ("原名", 16, "text", lambda row, _: "；".join(row.get("formerly", ()))),
)
APPS: tuple[Column, ...] = (
    ("序号", 5, "middle", None),
    ("主办单位", 16, "text", plain("unit")),
    ("名称", 20, "text", plain("name")),
    ("类型(APP/小程序/快应用/公众号)", 12, "middle", plain("kind")),
    ("经办人", 9, "middle", plain("handler")),
    ("立项依据", 16, "text", plain("basis")),
    ("功能设置(打卡/积分/时长)", 14, "text", plain("functions")),
    ("最近更新", 14, "date", dated("updated")),
    ("月活", 9, "whole", plain("monthly_active")),
    ("同类应用", 14, "text", _overlaps),
    ("备案编号", 16, "text", plain("filing")),
    ("处置", 10, "middle", plain("disposition")),
    ("销号日期", 12, "middle", lambda _row, _say: None),
    ("判定", 10, "verdict", judged("app_verdict")),
    ("判定依据", 30, "text", reasons),
    ("发现的问题", 14, "text", _found),
    ("判定口径和出处", 48, "text", _grounds),
    ("更新日期来源", 16, "text", _updated_by),
    ("干部评价", 22, "text", _rating),
)
# What could be merged; a proposal, so its figures are of people and nothing of it is in the register.
MERGES: tuple[Column, ...] = (
    ("序号", 5, "middle", None),
    ("并入", 20, "text", lambda row, _: row["names"][0]),
    ("拟合并的群", 36, "text", lambda row, _: "、".join(row["names"][1:])),
    ("涉及单位", 16, "text", lambda row, _: "、".join(row["units"])),
    ("减少群数", 8, "whole", plain("saves_groups")),
    ("少收重复通知的人数", 11, "whole", lambda row, _: row["people_fewer"]["people"]),
    ("人均每周少收(条)", 10, "number", lambda row, _: row["people_fewer"]["notices_weekly"]),
    ("多收消息的人数", 10, "whole", lambda row, _: row["people_more"]["people"]),
    ("人均每天多收(条)", 10, "number", lambda row, _: row["people_more"]["messages_daily"]),
    ("合并后每天工作消息(条)", 12, "number", plain("messages_daily")),
    ("依据", 20, "text", plain("why")),
    ("测算", 38, "text", plain("text")),
)

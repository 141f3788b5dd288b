"""Registers as offices keep them: xlsx or csv, columns in any order; what cannot be read is named cell by cell.

A file that is broken, too big, or no register at all is an ImportRefused, and nothing of it is used.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.reports.cells import MAX_TEXT, READERS, last_day_in, text_of
from bot.reports.spreadsheet import ImportRefused, Rows, sheets_of
from config.wording import load_wording

# A title and a subtitle may stand above the header.
HEADER_SEARCHED = 20
MAX_KEPT = 1_000
TOTALS = ("合计", "总计", "小计")
BRACKETS = re.compile(r"[(\[【<].*?[)\]】>]")


@dataclass(frozen=True, slots=True)
class Problem:
    cell: str
    column: str
    why: str


@dataclass(slots=True)
class RegisterRow:
    """`values` by the table's column, `unread` the columns that failed; `extra` are the unknown columns, by header."""

    number: int
    values: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    skipped: str = ""


@dataclass(slots=True)
class Register:
    """`columns` are the table's columns that the file has; what it has not, it says nothing about."""

    rows: list[RegisterRow]
    columns: frozenset[str]
    unknown: list[str]
    computed: list[str]


@dataclass(frozen=True, slots=True)
class Column:
    """A header and its other names → the table's column; no column: known, but computed by us and not imported."""

    header: str
    name: str = ""
    kind: str = "text"
    others: tuple[str, ...] = ()


# Unknown columns that something else reads: `qingqun import feeds` without a file.
FEED_FILE = "更新记录文件"
KEPT = (FEED_FILE,)
# What our own export adds to both registers.
COMPUTED = (Column("发现的问题"), Column("判定口径和出处"), Column("无数据日期"), Column("干部评价"))
GROUPS = (
    Column("群名称", "name", others=("群名", "群组名称", "工作群名称", "工作群", "群聊名称", "微信群名称", "群组")),
    Column("群编号", "native", others=("群号", "群id", "id", "群标识")),
    Column("平台", "platform", others=("所属平台", "依托平台", "建群平台", "软件")),
    Column("建群单位", "unit", others=("单位", "所属单位", "责任单位", "建群部门", "部门", "主管单位")),
    Column("群主", "owner", others=("群主姓名", "群主及职务")),
    Column("管理员", "admins", others=("群管理员", "管理人员")),
    Column("联系电话", "phone", others=("电话", "手机", "手机号", "联系方式", "手机号码")),
    Column("成员数", "members", "number", ("人数", "群人数", "成员人数", "群成员数")),
    Column("建群时间", "created", "day", ("建群日期", "创建时间", "成立时间", "创建日期")),
    Column("用途/依据", "purpose", others=("用途", "依据", "建群依据", "用途及依据", "建群用途", "建群目的")),
    Column("类别", "kind", "kind", ("群类别", "类型", "群类型", "分类")),
    Column("关联事项及截止日", "matter", "matter", ("关联事项", "关联工作", "关联事项及截止日期")),
    Column("截止日", "ends", "day", ("截止日期", "到期时间", "任务截止日", "结束时间")),
    Column("最近工作消息日", "last_work_day", "day", ("最近消息日", "最近消息时间", "最后消息时间")),
    Column("近30天消息数", "messages_30d", "number", ("近30日消息数", "30天消息数", "近一月消息数")),
    Column("人均日消息"),
    Column("重叠群"),
    Column("疑似类型"),
    Column("处置", "disposition", others=("处置方式", "处置意见", "处置措施", "处理意见")),
    Column("整改责任人", "responsible", others=("责任人",)),
    Column("整改时限", "due", others=("整改期限", "完成时限")),
    Column("核查人", "checker", others=("核查人员",)),
    Column("销号日期", "closed", "day", ("销号时间", "注销日期", "解散日期")),
    Column("备注", "note", others=("说明",)),
    Column("序号", others=("编号",)),
    Column("判定依据"),
    Column("数据来源"),
    *COMPUTED,
    Column("原名"),
)
APPS = (
    Column("名称", "name", others=("应用名称", "app名称", "政务应用名称", "程序名称", "账号名称", "公众号名称")),
    Column("应用编号", "native", others=("id",)),
    Column("主办单位", "unit", others=("单位", "主管单位", "所属单位", "建设单位")),
    Column("类型", "kind", others=("应用类型", "类别")),
    Column("经办人", "handler", others=("联系人", "负责人")),
    Column("立项依据", "basis", others=("依据", "建设依据")),
    Column("功能设置", "functions", others=("功能", "主要功能")),
    Column("最近更新", "updated", "day", ("最近更新日期", "最近更新时间", "更新时间", "更新日期")),
    Column("月活", "monthly_active", "number", ("月活跃用户", "月活跃用户数", "月活数")),
    Column("同类应用", "similar"),
    Column("备案编号", "filing", others=("备案号",)),
    Column("处置", "disposition", others=("处置方式", "处置意见")),
    Column("销号日期", "closed", "day", ("销号时间", "注销日期", "关停日期")),
    Column("序号", others=("编号",)),
    Column("判定"),
    Column("判定依据"),
    Column("更新日期来源"),
    *COMPUTED,
)
KNOWN: Mapping[str, tuple[Column, ...]] = {"groups": GROUPS, "apps": APPS}

# Place → a column, or the text of a header that nobody knows.
Header = dict[int, Column | str]


def read_register(content: bytes, what: str) -> Register:
    """The rows of the sheet whose header fits best; ImportRefused says in Chinese why there is none."""
    known = {_header(title): column for column in KNOWN[what] for title in (column.header, *column.others)}
    found = [found for rows in sheets_of(content) if (found := _table(rows, known)) is not None]
    if not found:
        columns = "、".join(one.header for one in KNOWN[what] if one.name)
        raise ImportRefused("no_header", name=KNOWN[what][0].header, columns=columns)
    header, rows = max(found, key=lambda table: sum(isinstance(one, Column) for one in table[0].values()))
    read = [_row(number, cells, header, KNOWN[what][0].header) for number, cells in rows if any(map(text_of, cells))]
    if not read:
        raise ImportRefused("no_rows")
    return Register(
        rows=read,
        columns=frozenset(one.name for one in header.values() if isinstance(one, Column) and one.name),
        unknown=[one for one in header.values() if isinstance(one, str) and one not in KEPT],
        computed=[
            one.header for one in header.values() if isinstance(one, Column) and not one.name and one.header != "序号"
        ],
    )


def _table(rows: Rows, known: Mapping[str, Column]) -> tuple[Header, Rows] | None:
    """From the first row on that names the name's column and one more; None when there is none."""
    for place, (_, cells) in enumerate(rows[:HEADER_SEARCHED]):
        header = _columns(cells, known)
        told = [one.name for one in header.values() if isinstance(one, Column)]
        if "name" in told and len(told) > 1:
            return header, rows[place + 1 :]
    return None


def _columns(cells: Sequence[Any], known: Mapping[str, Column]) -> Header:
    """Of two columns with one meaning the first counts; the other is kept aside, as the unknown ones are."""
    header: Header = {}
    for place, cell in enumerate(cells):
        title = text_of(cell)
        column = known.get(_header(title))
        if title:
            header[place] = column if column and column not in header.values() else title[:MAX_TEXT]
    return header


def _header(title: str) -> str:
    """群主（职务）, 群 主 and 群主(职务) are one: without width, blanks, brackets and case."""
    return BRACKETS.sub("", "".join(unicodedata.normalize("NFKC", title).lower().split()))


def _row(number: int, cells: Sequence[Any], header: Header, wanted: str) -> RegisterRow:
    row = RegisterRow(number)
    if any(text_of(cell) in TOTALS for cell in cells[:3]):
        row.skipped = load_wording()("import.total_row")
        return row
    for place, column in header.items():
        cell = cells[place] if place < len(cells) else None
        if not text_of(cell):
            continue
        if isinstance(column, str):
            row.extra[column] = text_of(cell)[:MAX_KEPT]
        elif column.name:
            _read(row, column, cell, place)
    name = row.values.get("name", "")
    if not name or _header(name) == wanted:
        row.skipped = load_wording()("import.repeated_header" if name else "import.no_name", column=wanted)
    return row


def _read(row: RegisterRow, column: Column, cell: Any, place: int) -> None:
    value, why = READERS[column.kind](cell)
    if value is None:
        row.unread.add(column.name)
    else:
        row.values[column.name] = value
    if column.kind == "matter" and (ends := last_day_in(text_of(cell))):
        row.values.setdefault("ends", ends)
    if why:
        row.problems.append(Problem(f"{_letters(place)}{row.number}", column.header, why))


def _letters(place: int) -> str:
    """0 → A, 26 → AA."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters

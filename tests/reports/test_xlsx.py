"""The workbook: policy.md §5's columns in order, no formula anywhere, the same bytes for the same snapshot."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime
from typing import Any

import openpyxl
import pytest

from bot.reports.cells import last_day_in
from bot.reports.xlsx import quoted, render

COLUMNS = """序号|群名称|平台|建群单位|群主(职务)|管理员|联系电话|成员数|建群时间|用途/依据
类别(综合/业务/临时/议事协调机构)
关联事项及截止日|最近工作消息日|近30天消息数|人均日消息|重叠群(成员重合率)|疑似类型(僵尸/空壳/重复/临时逾期)
处置(解散/合并/保留/规范)|整改责任人|整改时限|核查人|销号日期|备注"""
APP_COLUMNS = """主办单位|名称|类型(APP/小程序/快应用/公众号)|经办人|立项依据|功能设置(打卡/积分/时长)|最近更新
月活|同类应用|备案编号|处置|销号日期"""


def named(columns: str) -> list[str]:
    return columns.replace("\n", "|").split("|")


def on(year: int, month: int, day: int) -> datetime:
    """As a cell gives it; cells know no zone."""
    return datetime(year, month, day)  # noqa: DTZ001


def group(**told: Any) -> dict[str, Any]:
    return {
        "id": "g1",
        "name": "防汛值守工作群",
        "channel": "wechaty",
        "unit": "城关镇",
        "members": 12,
        "last_work_message": "2026-08-20T16:30:00+08:00",
        "messages_30d": 0,
        "per_person_daily": 0.0,
        "verdict": "suspected",
        "reasons": [{"code": "silent_90", "text": "已 94 天没有工作消息", "evidence": {}}],
        "similar": [{"id": "g2", "overlap": 0.92, "channel": "wechaty", "name": "防汛群"}],
        "disposition": "建议规范",
        "source": "seen",
        "last_work_source": "seen",
        "members_source": "roster",
        "rollcalls_30d": 0,
        "kind": "临时",
        "purpose": "防汛",
        "created": "2026-01-05T00:00:00+08:00",
        "first_seen": None,
        "ends": "2026-09-30T00:00:00+08:00",
        "owner": "王五",
        "exemption": None,
        "register": None,
        **told,
    }


def app(**told: Any) -> dict[str, Any]:
    texts = dict.fromkeys(("handler", "basis", "functions", "similar", "filing"), "")
    return {
        "id": "a1", "name": "掌上办", "unit": "政数局", "kind": "APP", "updated": "2026-09-01T00:00:00+08:00",
        "verdict": "suspected", "reasons": [], "disposition": "建议规范", "monthly_active": 120, **texts, **told,
    }  # fmt: skip


def snapshot(groups: list[dict[str, Any]], apps: list[dict[str, Any]] | None = None, **told: Any) -> dict[str, Any]:
    return {
        "week": "2026-W47",
        "at": "2026-11-23T00:00:00+08:00",
        "totals": {
            "groups": len(groups), "apps": 0, "zombie_groups": 1, "zombie_apps": 0, "baseline_groups": 40,
            "reduced_groups": 10, "reduction_rate": 0.25,
        },
        "reduction": {
            "baseline_at": "2026-10-01T00:00:00+08:00", "closed": {"seen": 9, "declared": 2, "imported": 1}, "added": 2,
            "rebounds": 1, "formula": "清理率＝（40－30）÷40＝25.00%",
        },
        "load": {"people": 9, "groups_per_person": 1.5, "work_per_person_daily": 2.25, "all_per_person_daily": 3.5},
        "verdicts": {"suspected": 1},
        "sources": {"seen": 1, "imported": 0, "registered": False, "gaps": [
            {"channel": "wechaty", "since": "2026-11-01T08:00:00+08:00", "until": "2026-11-01T20:30:00+08:00"}]},
        "rules": [{"code": "silent_30", "threshold": 30, "unit": "days", "text": "连续 30 天", "source": "本地口径"},
                  {"code": "member_overlap", "threshold": 0.8, "unit": "share", "text": "重合", "source": "本地口径"},
                  {"code": "over_limit", "threshold": 3, "unit": "groups", "text": "上限", "source": "本地口径"}],
        "groups": groups,
        "apps": apps or [],
        **told,
    }  # fmt: skip


def opened(body: dict[str, Any]) -> Any:
    return openpyxl.load_workbook(io.BytesIO(render(body)))


def cells(sheet: Any) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def row_of(body: dict[str, Any], number: int = 1) -> dict[str, Any]:
    head, *rows = cells(opened(body)["工作群"])
    return dict(zip(head, rows[number - 1], strict=True))


def test_the_registers_columns_stand_in_their_order() -> None:
    book = opened(snapshot([group()], [app()]))
    assert book.sheetnames == ["汇总", "工作群", "政务应用"]
    assert cells(book["工作群"])[0][:23] == named(COLUMNS)
    assert cells(book["政务应用"])[0][1:13] == named(APP_COLUMNS)


def test_a_group_is_one_row_of_plain_values() -> None:
    row = row_of(snapshot([group()]))
    assert {name: row[name] for name in ("序号", "群名称", "平台", "群主(职务)", "成员数", "近30天消息数")} == {
        "序号": 1, "群名称": "防汛值守工作群", "平台": "微信", "群主(职务)": "王五", "成员数": 12, "近30天消息数": 0
    }  # fmt: skip
    assert row["最近工作消息日"] == on(2026, 8, 20)
    assert row["重叠群(成员重合率)"] == "防汛群（92%）"
    assert row["疑似类型(僵尸/空壳/重复/临时逾期)"] == "疑似僵尸"
    assert (row["关联事项及截止日"], row["判定依据"]) == ("2026年9月30日", "已 94 天没有工作消息")
    assert (row["销号日期"], row["管理员"], row["备注"], row["数据来源"]) == (None, None, None, "在群采集")


def test_the_registers_own_columns_are_shown_as_they_were_imported() -> None:
    told = {
        "admins": "赵六", "phone": "0711-1", "matter": "防汛，至2026年9月30日", "responsible": "钱七", "due": "年底前",
        "checker": "孙八", "closed": "2026-12-01T00:00:00+08:00", "note": "备用",
    }  # fmt: skip
    exemption = {"reason": "防汛备用", "until": None}
    row = row_of(snapshot([group(register=told, exemption=exemption, last_work_source="imported")]))
    assert (row["管理员"], row["联系电话"], row["整改责任人"], row["整改时限"], row["核查人"]) == (
        "赵六", "0711-1", "钱七", "年底前", "孙八"
    )  # fmt: skip
    assert (row["关联事项及截止日"], row["备注"]) == ("防汛，至2026年9月30日", "备用；豁免：防汛备用")
    assert (row["销号日期"], row["数据来源"]) == (on(2026, 12, 1), "在群采集；最近工作消息日取自台账")


@pytest.mark.parametrize(
    ("matter", "shown"),
    [
        ("", "2026年9月30日"),
        ("创建5A景区", "创建5A景区，至2026年9月30日"),
        ("防汛，2026.9.30前", "防汛，2026.9.30前"),
        ("防汛，至2025年9月30日", "防汛，至2025年9月30日，至2026年9月30日"),
    ],
    ids=["no matter", "a matter with a figure", "the matter names the day", "the group itself tells another day"],
)
def test_a_matter_and_its_last_day_stand_in_one_cell(matter: str, shown: str) -> None:
    assert row_of(snapshot([group(register={"matter": matter})]))["关联事项及截止日"] == shown
    assert last_day_in(shown) == on(2026, 9, 30).date()


def test_an_unknown_number_of_members_is_left_open() -> None:
    assert row_of(snapshot([group(members=0, members_source="unknown")]))["成员数"] is None
    assert row_of(snapshot([group(members=0, members_source="roster")]))["成员数"] == 0


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")', "＝1+1", "\t=1"])
def test_text_that_looks_like_a_formula_stays_text_here_and_in_a_csv_made_of_it(name: str) -> None:
    content = render(snapshot([group(name=name, unit=name, owner=name)], [app(name=name)]))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {part: archive.read(part).decode() for part in archive.namelist() if part.endswith(".xml")}
    assert not [part for part, text in parts.items() if "<f>" in text or "<hyperlink" in text]
    book = openpyxl.load_workbook(io.BytesIO(content))
    texts = [cell.value for sheet in book for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert f"'{name}" in texts
    assert not [text for text in texts if text.startswith(("=", "+", "-", "@", "＝", "\t"))]


def test_a_web_address_is_no_link() -> None:
    content = render(snapshot([group(purpose="https://example.org/" + "长" * 3000)]))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not [part for part in archive.namelist() if part.endswith(".rels") and "sheet" in part]


def test_only_dangerous_text_is_quoted() -> None:
    assert [quoted(one) for one in ("防汛群", "=1", "a=1", "", "'=1")] == ["防汛群", "'=1", "a=1", "", "'=1"]
    assert len(quoted("长" * 40_000)) == 32_000


def test_controls_and_very_long_names_do_not_break_the_file() -> None:
    row = row_of(snapshot([group(name="防\x00汛\x0b群<&>", purpose="长" * 40_000)]))
    assert row["群名称"].endswith("群<&>")


def test_the_same_snapshot_gives_the_same_bytes() -> None:
    body = snapshot([group(), group(id="g2")], [app()])
    assert render(body) == render(json.loads(json.dumps(body)))


def test_rows_keep_the_order_of_the_snapshot() -> None:
    body = snapshot(
        [group(name="乙", messages_30d=1), group(name="甲", messages_30d=9), group(name="丙", messages_30d=5)]
    )
    assert [row[1] for row in cells(opened(body)["工作群"])[1:]] == ["乙", "甲", "丙"]


def test_the_summary_gives_the_formula_the_load_and_the_thresholds() -> None:
    rows = {str(row[0]).strip("　"): row[1:3] for row in cells(opened(snapshot([group()]))["汇总"])}
    assert "工作群和政务应用清单（2026年第47周）" in rows
    assert "统计截至2026年11月22日24时（北京时间）。由轻群自动生成，不需要基层填报。" in rows
    assert rows["清理率"] == [0.25, "清理率＝（40－30）÷40＝25.00%"]
    assert rows["清理前数（基数）"] == [40, "截至2026年9月30日已有的群，不含反弹"]
    assert [rows[name][0] for name in ("已解散：平台可见", "已解散：群主申报", "已解散：台账销号", "新增")] == [
        9,
        2,
        1,
        2,
    ]
    assert rows["人均每日收到工作消息（条）"][0] == 2.25
    assert rows["关注"] == ["30 天", "连续 30 天。本地口径。"]
    assert (rows["重复"][0], rows["超过单位上限"][0]) == ("80%", "3 个")
    assert rows["接收中断：微信"][0] == "12.5 小时"
    assert "2026-11-01 08:00至2026-11-01 20:30" in rows["接收中断：微信"][1]


def test_many_gaps_are_counted_and_none_is_said() -> None:
    gap = {"channel": "x", "since": "2026-11-01T08:00:00+08:00", "until": "2026-11-01T09:00:00+08:00"}
    sources = {"seen": 1, "imported": 0, "registered": False}
    many = cells(opened(snapshot([], sources={**sources, "gaps": [gap] * 45}))["汇总"])
    assert [row[0] for row in many][-1] == "另有 5 次接收中断未列出"
    none = cells(opened(snapshot([], sources={**sources, "gaps": []}))["汇总"])
    assert [row[0] for row in none][-1] == "近 180 天没有接收中断的记录"


def test_an_admins_part_has_no_figures_of_the_city() -> None:
    body = snapshot([group()], scope="own")
    for name in ("reduction", "load", "sources"):
        del body[name]
    book = opened(body)
    assert book.sheetnames == ["汇总", "工作群"]
    said = json.dumps(cells(book["汇总"]), ensure_ascii=False)
    assert "所管工作群清单（2026年第47周）" in said
    assert "清理率" not in said


def test_the_sheet_is_set_up_to_read_and_to_print() -> None:
    sheet = opened(snapshot([group()] * 3))["工作群"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("C2", "A1:AD4")
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert (sheet.print_title_rows, sheet.print_title_cols) == ("$1:$1", "$A:$B")
    assert sheet["B2"].alignment.wrap_text
    assert sheet.row_dimensions[1].height > 30
    assert sheet["M2"].number_format == 'yyyy"年"m"月"d"日"'


def test_an_empty_city_makes_a_workbook_too() -> None:
    assert opened(snapshot([]))["工作群"].auto_filter.ref == "A1:AD2"

"""Registers as offices keep them: what can be read is read, what cannot is named, what is dangerous is refused."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from bot.reports import spreadsheet, xlsx
from bot.reports.register_import import Register, RegisterRow, read_register
from bot.reports.spreadsheet import ImportRefused, load_file
from tests.reports.test_xlsx import app, group, snapshot

# Cells of a workbook know no zone.
CELL = datetime(2026, 1, 5)  # noqa: DTZ001
HEADER = ["群名称", "建群单位", "成员数", "建群时间"]


def workbook(*sheets: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"表{number}")
        for row in rows:
            sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def lines(*rows: list[str]) -> bytes:
    return "\n".join(",".join(row) for row in rows).encode()


def one(header: list[str], cells: list[Any], what: str = "groups") -> RegisterRow:
    [row] = read_register(workbook([header, cells]), what).rows
    return row


def refusal(content: bytes, what: str = "groups") -> str:
    with pytest.raises(ImportRefused) as caught:
        read_register(content, what)
    return caught.value.said("台账.xlsx")


def test_columns_are_found_in_any_order_under_their_many_names() -> None:
    row = one(["人 数", "群主（职务）", "所属单位", "用途", "群名", "类别(综合/业务/临时/议事协调机构)"],
              [38, "王五（镇长）", "城关镇", "防汛", "防汛群", "临时群"])  # fmt: skip
    assert row.values == {
        "members": 38, "owner": "王五（镇长）", "unit": "城关镇", "purpose": "防汛", "name": "防汛群", "kind": "临时"
    }  # fmt: skip
    assert row.problems == []


def test_a_title_may_stand_above_the_header() -> None:
    found = read_register(workbook([["全县工作群台账"], [], ["填报单位：县委办"], HEADER, ["防汛群"]]), "groups")
    assert [(row.number, row.values["name"]) for row in found.rows] == [(5, "防汛群")]


def test_the_sheet_that_fits_best_is_read() -> None:
    apps = [["名称", "主办单位", "类型", "群名称"], ["掌上办", "政数局", "APP", "x"]]
    content = workbook([["说明"]], apps, [HEADER, ["防汛群", "城关镇"]])
    assert read_register(content, "groups").rows[0].values["name"] == "防汛群"
    assert read_register(content, "apps").rows[0].values == {"name": "掌上办", "unit": "政数局", "kind": "APP"}


def test_unknown_columns_are_kept_aside_and_computed_ones_are_not_read() -> None:
    found = read_register(
        workbook([["群名称", "平台", "片区", "群名", "人均日消息"], ["甲", "微信", "东片", "乙", 3]]), "groups"
    )
    assert (found.unknown, found.computed) == (["片区", "群名"], ["人均日消息"])
    assert found.rows[0].extra == {"片区": "东片", "群名": "乙"}
    assert found.rows[0].values == {"name": "甲", "platform": "微信"}


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (CELL, date(2026, 1, 5)),
        ("2026-1-5", date(2026, 1, 5)),
        ("2026/01/05", date(2026, 1, 5)),
        ("2026.1.5", date(2026, 1, 5)),
        ("2026年1月5日", date(2026, 1, 5)),
        ("２０２６年1月5号", date(2026, 1, 5)),
        ("2026-01-05 08:30:00", date(2026, 1, 5)),
        ("20260105", date(2026, 1, 5)),
        (20260105, date(2026, 1, 5)),
        (46027, date(2026, 1, 5)),
    ],
)
def test_days_are_read_in_every_usual_way(cell: Any, expected: date) -> None:
    row = one(HEADER, ["甲", "", None, cell])
    assert row.values.get("created") == expected, row.problems
    assert row.problems == []


@pytest.mark.parametrize(
    "cell", ["去年", "2026-13-45", "2026-02-30", "1", "0001-01-01", "2026-01-05至今", "2026", 12.5]
)
def test_a_day_that_cannot_be_read_names_its_cell_and_keeps_the_row(cell: Any) -> None:
    row = one(HEADER, ["甲", "城关镇", 5, cell])
    assert row.values == {"name": "甲", "unit": "城关镇", "members": 5}
    [problem] = row.problems
    assert (problem.cell, problem.column, row.unread) == ("D2", "建群时间", {"created"})
    assert problem.why == f"“{cell}”不是日期，这一格没有导入"


def test_a_month_without_a_day_is_taken_and_told() -> None:
    row = one(HEADER, ["甲", "", None, "2026年3月"])
    assert row.values["created"] == date(2026, 3, 1)
    assert [problem.why for problem in row.problems] == ["“2026年3月”没有写明日，按当月 1 日计"]


@pytest.mark.parametrize(("cell", "expected"), [("38人", 38), ("1,200", 1200), (38.0, 38), ("３８", 38), ("0", 0)])
def test_numbers_are_read_as_they_are_written(cell: Any, expected: int) -> None:
    assert one(HEADER, ["甲", "", cell]).values["members"] == expected


@pytest.mark.parametrize("cell", ["约200", "-5", "三十", "1,2", 3.5, "99999999999"])
def test_a_number_that_cannot_be_read_is_told(cell: Any) -> None:
    row = one(HEADER, ["甲", "", cell])
    assert "members" not in row.values
    assert [problem.cell for problem in row.problems] == ["C2"]


def test_the_end_of_a_task_is_found_in_its_matter_or_in_a_column_of_its_own() -> None:
    row = one(["群名称", "关联事项及截止日"], ["甲", "防汛（2026年6月1日至2026年9月30日）"])
    assert (row.values["matter"], row.values["ends"]) == ("防汛（2026年6月1日至2026年9月30日）", date(2026, 9, 30))
    assert one(["群名称", "截止日期", "关联事项"], ["甲", "2026-10-1", "至2026-09-30"]).values["ends"] == date(
        2026, 10, 1
    )
    assert "ends" not in one(["群名称", "关联事项"], ["甲", "防汛"]).values


def test_a_kind_of_ones_own_stays_and_is_told() -> None:
    row = one(["群名称", "类别"], ["甲", "联络群"])
    assert row.values["kind"] == "联络群"
    assert [problem.cell for problem in row.problems] == ["B2"]


def test_rows_without_a_name_totals_and_repeated_headers_are_skipped_and_say_so() -> None:
    rows = [HEADER, ["甲"], [None, "城关镇"], ["合计", None, 99], HEADER, [None, " "], ["乙"]]
    found = read_register(workbook(rows), "groups").rows
    assert [(row.number, row.skipped) for row in found] == [
        (2, ""), (3, "没有群名称"), (4, "是合计行"), (5, "又是一行表头"), (7, "")
    ]  # fmt: skip


def test_controls_blanks_and_endless_text_are_tamed() -> None:
    row = one(["群名称", "平台", "备注"], ["防\u202e汛\n  群\u200f", "微信", "长" * 300])
    assert row.values["name"] == "防汛 群"
    assert len(row.values["note"]) == 200
    assert row.problems[0].why == "太长，只保留前 200 字"


def test_a_formula_is_text_and_its_own_quote_goes() -> None:
    read = read_register(lines(["群名称", "平台"], ["=cmd()", "微信"], ["'=1+1", "'微信"]), "groups")
    assert [row.values["name"] for row in read.rows] == ["=cmd()", "=1+1"]
    assert read.rows[1].values["platform"] == "'微信"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_csv_is_read_in_every_usual_encoding(encoding: str, separator: str) -> None:
    text = "\r\n".join(separator.join(row) for row in (["群名称", "建群单位", "成员数"], ["防汛群", "城关镇", "5"], []))
    [row] = read_register(text.encode(encoding), "groups").rows
    assert (row.number, row.values) == (2, {"name": "防汛群", "unit": "城关镇", "members": 5})


def test_our_own_export_can_be_imported_again() -> None:
    told = {**dict.fromkeys(("matter", "responsible", "due", "checker"), ""), "closed": None, "note": "备用"}
    told |= {"admins": "赵六", "phone": "0711"}
    content = xlsx.render(snapshot([group(name="=防汛", register=told)], [app()]))
    [row] = read_register(content, "groups").rows
    assert row.values == {
        "name": "=防汛", "platform": "微信", "unit": "城关镇", "owner": "王五", "admins": "赵六", "phone": "0711",
        "members": 12, "created": date(2026, 1, 5), "purpose": "防汛", "kind": "临时", "matter": "2026年9月30日",
        "ends": date(2026, 9, 30), "last_work_day": date(2026, 8, 20), "messages_30d": 0, "disposition": "建议规范",
        "note": "备用",
    }  # fmt: skip
    assert row.problems == []
    found = read_register(content, "apps")
    assert found.rows[0].values["updated"] == date(2026, 9, 1)
    assert (found.unknown, found.computed) == ([], ["判定", "判定依据", "发现的问题", "判定口径和出处", "更新日期来源", "干部评价"])


def test_a_file_that_is_no_register_says_what_a_register_needs() -> None:
    said = refusal(workbook([["姓名", "电话"], ["张三", "1"]]))
    assert said.startswith("文件 台账.xlsx 里没有找到表头，没有导入。表头至少要有“群名称”，可用的列有：群名称、")
    assert "“名称”" in refusal(lines(["群名称", "平台"], ["甲", "微信"]), "apps")


def test_a_header_alone_is_no_register() -> None:
    assert "只有表头" in refusal(workbook([HEADER]))


def changed(content: bytes, name: str, text: bytes) -> bytes:
    """The workbook with one part replaced."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, text if part == name else old.read(part))
    return made.getvalue()


GOOD = workbook([HEADER, ["甲", "城关镇"]])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (GOOD[: len(GOOD) // 2], "已损坏或不是表格"),
        (b"PK\x03\x04 nothing", "已损坏或不是表格"),
        (changed(GOOD, "xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row>"), "已损坏或不是表格"),
        (changed(GOOD, "xl/workbook.xml", b"<!doctype x [<!ENTITY a 'b'>]><x>&a;</x>"), "已损坏或不是表格"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "旧版 .xls 或加了密码"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff\xff", "没有导入"),
        (bytes(range(256)), "没有导入"),
        ("群名称,平台\n".encode() + b'"a' + b"a,x\n" * 50_000, "已损坏或不是表格"),
    ],
    ids=["cut", "no zip", "bad xml", "entities", "xls", "picture", "bytes", "a quotation without end"],
)
def test_a_broken_file_is_refused_in_chinese(content: bytes, said: str) -> None:
    assert said in refusal(content)


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = changed(GOOD, "xl/worksheets/sheet1.xml", b" " * (spreadsheet.UNPACKED_MB * spreadsheet.MB + 1))
    assert len(bomb) < 1_000_000
    assert "解压后超过 150 MB" in refusal(bomb)


def test_more_rows_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "MAX_ROWS", 2)
    assert read_register(workbook([HEADER, ["甲"], ["乙"]]), "groups").rows
    assert "超过 2 行" in refusal(workbook([HEADER, ["甲"], ["乙"], ["丙"]]))
    assert "超过 2 行" in refusal(lines(HEADER, ["甲"], ["乙"], ["丙"]))


def test_a_sheet_that_claims_a_million_empty_rows_is_read_quickly() -> None:
    text = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/>'
        '<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>群名称</t></is></c><c r="B1" t="inlineStr"><is>'
        '<t>平台</t></is></c></row><row r="1048576"><c r="A1048576" t="inlineStr"><is><t>末</t></is></c></row>'
        '<row r="2000000000"><c r="A2000000000" t="inlineStr"><is><t>远</t></is></c></row></sheetData></worksheet>'
    )
    found: Register = read_register(changed(GOOD, "xl/worksheets/sheet1.xml", text.encode()), "groups")
    assert [(row.number, row.values["name"]) for row in found.rows] == [(1_048_576, "末")]


def test_a_file_must_be_there_and_fit(tmp_path: Path) -> None:
    path = tmp_path / "台账.xlsx"

    def said(limit: int = 1) -> str:
        with pytest.raises(ImportRefused) as caught:
            load_file(path, limit)
        return caught.value.said(path.name)

    assert said() == "找不到文件 台账.xlsx，请检查路径。"
    path.write_bytes(b" \n")
    assert "是空的" in said()
    path.write_bytes(b"x" * 2_100_000)
    assert "有 2 MB，超过上限 1 MB" in said()
    assert len(load_file(path, 3)) == 2_100_000

"""Ten thousand rows with everything that goes wrong in a register: good rows are in, every other one is accounted for."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from bot.commands import import_
from config.settings import load_settings
from storage import register
from storage.sqlite import SqliteStore
from tests.flows.test_import import arguments

HEAD = ["序号", "群名称", "平台", "建群单位", "群主(职务)", "联系电话", "成员数", "建群时间", "类别", "片区"]
ROWS = 10_000
NAME, UNIT, PHONE, MEMBERS, CREATED, KIND = 1, 3, 5, 6, 7, 8
Row = list[Any]


def good(number: int) -> Row:
    return [number, f"第{number}号工作群", "微信", f"第{number % 97}镇", "老周（主任）", f"138{number:08d}", number % 300 + 3,
            "2026-01-05", "业务", "东"]  # fmt: skip


def _set(place: int, value: Any) -> Callable[[Row], Row]:
    return lambda row: [*row[:place], value, *row[place + 1 :]]


# What is wrong → (how the row is made, what the account says of it; "" nothing: the row is in and whole).
BROKEN: dict[str, tuple[Callable[[Row], Row], str]] = {
    "no name": (_set(NAME, ""), "没有群名称"),
    "only spaces": (lambda row: ["  ", " ", "\u3000", *[""] * 7], ""),
    "a bad date": (_set(CREATED, "去年冬天"), "不是日期"),
    "an impossible date": (_set(CREATED, "2026-02-30"), "不是日期"),
    "a negative number": (_set(MEMBERS, "-5"), "不是数字"),
    "an endless number": (_set(MEMBERS, "9" * 40), "不是数字"),
    "words for a number": (_set(MEMBERS, "三十来个"), "不是数字"),
    "a formula": (_set(NAME, '=HYPERLINK("http://x","点我")'), ""),
    "a huge cell": (_set(UNIT, "很长" * 20_000), "太长"),
    "controls": (_set(NAME, "控制\x07\x0b字符{}群"), ""),
    "bidi": (_set(NAME, "倒\u202e写{}群"), ""),
    "an unknown kind": (_set(KIND, "吹水"), "照原样保留"),
    "a total": (lambda row: ["合计", *[""] * 5, 99, "", "", ""], "合计行"),
    "another header": (lambda row: list(HEAD), "又是一行表头"),
    "a duplicate": (_set(NAME, "重复的群"), "是同一个"),
}


def made(seed: int = 7) -> tuple[list[Row], Counter[str]]:
    chance, rows, kinds = random.Random(seed), [], Counter[str]()
    names = list(BROKEN)
    for number in range(1, ROWS + 1):
        kind = chance.choice(names) if chance.random() < 0.15 else ""
        row = BROKEN[kind][0](good(number)) if kind else good(number)
        if kind == "a duplicate":
            row = _set(UNIT, "城关镇")(row)
        kinds[kind] += 1
        rows.append([cell.replace("{}", str(number)) if isinstance(cell, str) else cell for cell in row])
    return rows, kinds


def as_xlsx(rows: list[Row]) -> bytes:
    """With a merged title above a header whose first cells are merged, as people make them."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet()
        sheet.merge_range(0, 0, 0, len(HEAD) - 1, "全县工作群台账")
        sheet.write_row(1, 0, HEAD)
        for number, row in enumerate(rows, start=2):
            sheet.write_row(number, 0, [cell[:32_767] if isinstance(cell, str) else cell for cell in row])
        sheet.write_formula(1, len(HEAD) + 1, "=1+1")
    return content.getvalue()


def as_csv(rows: list[Row], encoding: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["全县工作群台账"], HEAD, *rows])
    return text.getvalue().encode(encoding)


@pytest.mark.parametrize("kind", ["xlsx", "utf-8-sig", "gb18030"])
async def test_ten_thousand_rows_leave_a_clear_account(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    rows, kinds = made()
    path = tmp_path / f"台账.{'xlsx' if kind == 'xlsx' else 'csv'}"
    path.write_bytes(as_xlsx(rows) if kind == "xlsx" else as_csv(rows, kind))
    store, settings = SqliteStore(tmp_path / "t.db"), load_settings(flags={"data": tmp_path}, environ={})
    await store.open()
    told = tmp_path / "结果.xlsx"
    given = arguments(import_, "groups", str(path), "--account", str(told))
    assert await import_.run(given, settings, store) == 0
    out = capsys.readouterr().out
    kept = await store.read(register.group_rows)
    await store.close()

    skipped = sum(kinds[one] for one in ("no name", "a total", "another header")) + kinds["a duplicate"] - 1
    # A formula's name is the same in one unit, too; a row of blanks is no row.
    formulas = {row[UNIT] for row in rows if str(row[NAME]).startswith("=")}
    skipped += kinds["a formula"] - len(formulas)
    assert len(kept) == ROWS - skipped - kinds["only spaces"]
    names = {row.name for row in kept}
    assert {f"第{row[0]}号工作群" for row in rows if row == good(row[0] if isinstance(row[0], int) else 0)} <= names
    assert '=HYPERLINK("http://x","点我")' in names
    assert all(name.isprintable() and "\u202e" not in name for name in names)
    assert all(len(row.unit) <= 200 for row in kept)
    assert f"共 {ROWS - kinds['only spaces']} 行，新增 {len(kept)}，更新 0，未变 0，跳过 {skipped}" in out

    book = openpyxl.load_workbook(told, read_only=True)
    account = list(book.worksheets[0].iter_rows(min_row=2, values_only=True))
    assert len(account) == ROWS - kinds["only spaces"]
    by_row = {line[0]: line for line in account}
    first = 3
    for number, row in enumerate(rows):
        line = by_row.get(number + first)
        if not any(str(cell).strip() for cell in row):
            assert line is None
            continue
        assert line is not None
        for what, (make, said) in BROKEN.items():
            if said and what != "a duplicate" and number + 1 == row[0] and row == make(good(number + 1)):
                assert said in str(line[6]), (what, line)
    assert {line[1] for line in account} == {"新增", "跳过"}
    assert sum(line[1] == "跳过" and not line[6] for line in account) == 0


async def test_a_slip_of_the_encoding_costs_a_cell_and_not_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, store = tmp_path / "台账.csv", SqliteStore(tmp_path / "t.db")
    path.write_bytes(as_csv([good(n) for n in range(300)], "gb18030").replace("第7号".encode("gb18030"), b"\xff\x007\xba"))
    await store.open()
    settings = load_settings(flags={"data": tmp_path}, environ={})
    assert await import_.run(arguments(import_, "groups", str(path)), settings, store) == 0
    out = capsys.readouterr().out
    await store.close()
    assert "第 10 行 B10 群名称：有认不出的字" in out
    assert "新增 300" in out


async def test_a_cell_of_half_a_megabyte_is_cut_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, store = tmp_path / "台账.csv", SqliteStore(tmp_path / "t.db")
    path.write_bytes(as_csv([_set(UNIT, "长" * 200_000)(good(1)), good(2)], "utf-8"))
    await store.open()
    settings = load_settings(flags={"data": tmp_path}, environ={})
    assert await import_.run(arguments(import_, "groups", str(path)), settings, store) == 0
    await store.close()
    assert "建群单位：太长" in capsys.readouterr().out

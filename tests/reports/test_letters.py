"""提示函: one for each leading line, from a draft the office can rewrite; nobody is named."""

from __future__ import annotations

import argparse
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import docx
import pytest

from bot.commands import inventory
from bot.reports import letters
from bot.reports.letters import KNOWN, DraftError
from config.settings import Settings, SettingsError, load_settings
from config.wording import load_wording
from handlers.rules.week import week_before
from storage import inventories
from storage.database import Store
from storage.sqlite import SqliteStore
from tests.conftest import MONDAY
from tests.reports.conftest import bare, docx_text, troubled
from tests.reports.test_xlsx import app, group, snapshot

LINES = '{ "农业/战线" = ["城关镇"], "党建战线" = ["组织部", "宣传部"] }'
DRAFT = "关于{战线}清理的函\n{主送}：\n有{事项}。\n"


def chosen(**environ: str) -> Settings:
    return load_settings(environ={f"QINGQUN_{name}": value for name, value in environ.items()})


def written(folder: Path, text: str, encoding: str = "utf-8") -> Settings:
    path = folder / "函.txt"
    path.write_bytes(text.encode(encoding))
    return chosen(OFFICE__LETTER=str(path))


def town() -> dict[str, Any]:
    groups = [
        group(id="g1"),
        group(id="g2", name="党建群", unit="组织部", owner="孙八"),
        group(id="g3", name="无主群", unit="信访局"),
        group(id="g4", name="好群", unit="宣传部", verdict="alive", reasons=[]),
    ]
    return snapshot(groups, [app()])


def said(content: bytes) -> list[str]:
    return [one.text for one in docx.Document(io.BytesIO(content)).paragraphs if one.text]


def test_each_line_gets_its_units_and_the_rest_gets_one() -> None:
    files = dict(letters.render(town(), chosen(OFFICE__LINES=LINES)))
    assert list(files) == [
        "提示函-2026-W47-01-农业_战线.docx", "提示函-2026-W47-02-党建战线.docx", "提示函-2026-W47-03-其他.docx"
    ]  # fmt: skip
    first, second, rest = (docx_text(content) for content in files.values())
    assert [[row[1] for row in rows[1:]] for _, rows in (first, second)] == [["防汛值守工作群"], ["党建群"]]
    assert [row[1] for row in rest[1] if row[0] != "序号"] == ["无主群", "掌上办"]
    assert first[0].startswith("关于农业/战线工作群组和政务应用清理工作的提示函城关镇：根据2026年第47周清单")
    assert second[0].startswith("关于党建战线工作群组和政务应用清理工作的提示函组织部：")
    assert rest[0].startswith("关于工作群组和政务应用清理工作的提示函信访局、政数局：")
    assert "有工作群组1个、政务应用1个需要核实处理" in rest[0]
    assert "政务应用1个" not in first[0]


def test_without_lines_there_is_one_letter_for_all() -> None:
    [(name, content)] = letters.render(town(), chosen())
    assert name == "提示函-2026-W47.docx"
    text, rows = docx_text(content)
    assert "提示函城关镇、组织部、信访局、政数局：" in text
    assert len([row for row in rows if row[0].isdigit()]) == 4


def test_a_line_with_nothing_to_do_gets_no_letter() -> None:
    lines = '{ "宣传战线" = ["宣传部"], "政法战线" = ["城关镇", "组织部", "信访局", "政数局"] }'
    assert [name for name, _ in letters.render(town(), chosen(OFFICE__LINES=lines))] == [
        "提示函-2026-W47-01-政法战线.docx"
    ]
    assert letters.render(snapshot([group(verdict="alive")]), chosen()) == []


def test_units_that_no_line_names_are_told() -> None:
    settings = chosen(OFFICE__LINES=LINES)
    assert letters.unassigned(town(), settings.office.lines) == ["信访局", "政数局"]
    assert letters.unassigned(town(), {}) == []


def test_many_or_unknown_units_are_addressed_together() -> None:
    many = snapshot([group(id=str(number), unit=f"第{number}局") for number in range(9)])
    for body in (many, snapshot([group(unit="")])):
        [(_, content)] = letters.render(body, chosen())
        assert "提示函各有关单位：根据" in docx_text(content)[0]


def test_a_unit_belongs_to_one_line() -> None:
    with pytest.raises(SettingsError, match=r"设置 office\.lines 的值不能用：单位“城关镇”列了不止一次"):
        chosen(OFFICE__LINES='{ "a" = ["城关镇"], "b" = ["城关镇"] }')


def test_nobody_is_named_and_the_letter_is_signed() -> None:
    body = troubled()
    body["groups"][0]["owner"] = "孙八"
    settings = chosen(COMPLAINT="0000-0000000")
    [(_, content)] = letters.render(body, settings)
    text, rows = docx_text(content)
    assert not [name for name in ("孙八", "赵六", "钱七") if name in text + str(rows)]
    assert text.endswith(f"{bare(settings.office_name)}2026年11月23日")
    assert "请与我们联系：0000-0000000。" in text


def test_every_known_placeholder_is_filled(tmp_path: Path) -> None:
    body = "".join(f"{name}是{{{name}}}、" for name in KNOWN)
    [(_, content)] = letters.render(town(), written(tmp_path, f"标题\n主送：\n{body}\n"))
    text = docx_text(content)[0]
    for name, value in (("年", "2026"), ("周", "47"), ("统计日", "2026年11月22日"), ("群数", "3"), ("应用数", "1")):
        assert f"{name}是{value}、" in text
    assert "{" not in text


def test_a_rewritten_draft_keeps_its_order_and_its_headings(tmp_path: Path) -> None:
    text = "# 说明 {随便}\n\n" + DRAFT + "一、请看一看\n（一）先看群。再看应用。\n{联系方式}\n"
    [(_, content)] = letters.render(town(), written(tmp_path, text, "gb18030"))
    book = docx.Document(io.BytesIO(content))
    shown = [(one.text, one.style.name) for one in book.paragraphs if one.text][:6]
    assert shown[0] == ("关于清理的函", "公文标题")
    assert shown[2:5] == [
        ("有工作群组3个、政务应用1个。", "公文正文"), ("一、请看一看", "Heading 1"), ("（一）先看群。再看应用。", "公文正文")
    ]  # fmt: skip
    # The empty paragraph of the contact is left out.
    assert shown[5][0].startswith("附件：")


def test_braces_in_a_name_are_no_placeholder(tmp_path: Path) -> None:
    [(_, content)] = letters.render(snapshot([group(unit="{战线}局", name="{不知道}")]), written(tmp_path, DRAFT))
    assert "{战线}局：" in said(content)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DRAFT + "\n# 说明\n请{单位名}处理。", r"第 6 行用了不认识的占位 \{单位名\}，可用的有：\{战线\}\{主送\}"),
        (DRAFT + "请{战线处理。", r"第 4 行的花括号不成对。占位要写成 \{战线\} 这样"),
        (DRAFT + "请战线}处理。", "第 4 行的花括号不成对"),
        (DRAFT + "{}", r"第 4 行用了不认识的占位 \{\}"),
        (DRAFT + "{战线.__class__}", r"第 4 行用了不认识的占位 \{战线.__class__\}"),
        ("标题\n主送：\n# 没有正文\n", "内容不全"),
        ("", "内容不全"),
    ],
    ids=["unknown", "open", "closed", "empty", "attribute", "no body", "nothing"],
)
def test_a_draft_that_cannot_be_used_names_the_line(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(DraftError, match=expected):
        letters.render(town(), written(tmp_path, text))


def test_a_draft_that_is_not_there_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(DraftError, match=r"找不到提示函文稿 .+ office\.letter"):
        letters.render(town(), chosen(OFFICE__LETTER=str(tmp_path / "none.txt")))
    path = tmp_path / "x.txt"
    path.write_bytes(b"\xff\xff\xff\x80")
    with pytest.raises(DraftError, match="文字编码不认识"):
        letters.render(town(), chosen(OFFICE__LETTER=str(path)))


class Desk:
    """A command line with one saved inventory behind it."""

    def __init__(self, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
        self.store, self._capsys = store, capsys

    async def asks(self, *given: str, **environ: str) -> tuple[int, str, str]:
        parser = argparse.ArgumentParser()
        inventory.add_arguments(parser)
        args = parser.parse_args(["--week", week_before(MONDAY), *given])
        status = await inventory.run(args, chosen(**environ), self.store)
        return status, *self._capsys.readouterr()


@pytest.fixture
async def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Desk]:
    monkeypatch.chdir(tmp_path)
    store = SqliteStore(tmp_path / "t.db")
    await store.open()
    body = {**town(), "week": week_before(MONDAY)}
    await store.write(lambda db: inventories.save(db, body["week"], MONDAY, body))
    yield Desk(store, capsys)
    await store.close()


async def test_the_command_writes_the_letters_into_a_new_folder(desk: Desk, tmp_path: Path) -> None:
    status, out, err = await desk.asks("--letters", "a/b", OFFICE__LINES=LINES)
    assert (status, err) == (0, "")
    names = sorted(path.name for path in (tmp_path / "a/b").iterdir())
    assert len(names) == 3
    assert all(f"已写入 a/b/{name}。" in out for name in names)
    assert out.endswith("没有划入任何战线、归入“其他”的单位：信访局、政数局。\n")


async def test_a_bad_draft_writes_nothing(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text(DRAFT + "{单位名}", encoding="utf-8")
    status, out, err = await desk.asks("--letters", "a", OFFICE__LETTER="bad.txt")
    assert (status, out) == (2, "")
    assert "bad.txt 第 4 行" in err
    assert not (tmp_path / "a").exists()


async def test_letters_stand_alone_and_their_folder_must_be_one(desk: Desk, tmp_path: Path) -> None:
    assert (await desk.asks("--letters", "a", "--format", "pdf"))[0] == 2
    (tmp_path / "file").write_text("")
    status, _, err = await desk.asks("--letters", "file")
    assert status == 2
    assert "file 写不进去" in err


async def test_a_quiet_week_needs_no_letter(desk: Desk) -> None:
    status, out, _ = await desk.asks("--week", "2026-W40", "--letters", "a")
    assert (status, out) == (0, load_wording()("letter.nothing", week="2026-W40") + "\n")


@pytest.mark.usefixtures("chinese")
@pytest.mark.parametrize(
    ("given", "name", "begins"),
    [
        (("-o", "a.docx"), "a.docx", b"PK"),
        (("-o", "a.PDF"), "a.PDF", b"%PDF"),
        (("--format", "pdf", "-o", "a.bin"), "a.bin", b"%PDF"),
        (("--format", "docx"), "工作群组清理情况通报-2026-W46.docx", b"PK"),
        (("--format", "xlsx"), "工作群清单-2026-W46.xlsx", b"PK"),
        (("-o", "a.txt"), "a.txt", b"{"),
    ],
)
async def test_the_format_or_the_ending_chooses_the_file(
    desk: Desk, tmp_path: Path, given: tuple[str, ...], name: str, begins: bytes
) -> None:
    assert await desk.asks(*given) == (0, f"已写入 {name}。\n", "")
    assert (tmp_path / name).read_bytes().startswith(begins)


async def test_a_pdf_without_a_font_is_refused_in_chinese(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.reports.fonts.FOLDERS", ())
    status, out, err = await desk.asks("-o", "a.pdf")
    assert (status, out) == (2, "")
    assert "fonts-noto-cjk" in err
    assert not (tmp_path / "a.pdf").exists()

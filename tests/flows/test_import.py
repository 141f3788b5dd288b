"""`qingqun import`: row by row what was done, once; and `qingqun inventory` that shows it."""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from bot.commands import import_, inventory
from config.settings import Settings, load_settings
from storage import inventories, register
from storage.database import Store
from storage.sqlite import SqliteStore
from tests.conftest import Town

ROWS = [
    ["序号", "群名称", "平台", "建群单位", "成员数", "建群时间", "片区"],
    ["1", "防汛值守群", "微信", "城关镇", "38", "2026-01-05", "东"],
    ["2", "老干部群", "钉钉", "民政局", "很多", "去年", "西"],
    ["3", "", "微信", "民政局", "", "", ""],
    ["4", "防汛 值守群", "微信", "城关镇", "40", "", ""],
]
ACCOUNT = """\
不认识的列，内容另存、不参与判定：片区
第 2 行 新增：防汛值守群（城关镇）
第 3 行 新增：老干部群（民政局）
第 3 行 E3 成员数：“很多”不是数字，这一格没有导入
第 3 行 F3 建群时间：“去年”不是日期，这一格没有导入
第 4 行 跳过：没有群名称
第 5 行 跳过：与第 2 行是同一个
台账.csv：共 4 行，新增 2，更新 0，未变 0，跳过 2；2 处没能读取。
"""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = SqliteStore(tmp_path / "t.db")
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(flags={"data": tmp_path}, environ={})


def arguments(module: Any, *given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return parser.parse_args(given)


def table(path: Path, rows: list[list[str]], encoding: str = "utf-8") -> str:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(rows)
    return str(path)


class Office:
    def __init__(self, store: Store, settings: Settings, folder: Path, said: pytest.CaptureFixture[str]) -> None:
        self.store, self.settings, self.folder, self._said = store, settings, folder, said

    async def brings(self, rows: list[list[str]], *flags: str, what: str = "groups", encoding: str = "utf-8") -> str:
        """What is told on stdout."""
        given = table(self.folder / "台账.csv", rows, encoding)
        assert await import_.run(arguments(import_, what, given, *flags), self.settings, self.store) == 0
        out, err = self._said.readouterr()
        assert err == ""
        return out

    async def asks(self, *given: str) -> tuple[int, str, str]:
        status = await inventory.run(arguments(inventory, *given), self.settings, self.store)
        out, err = self._said.readouterr()
        return status, out, err

    async def rows(self) -> list[Any]:
        return list(await self.store.read(register.group_rows))


@pytest.fixture
def office(store: Store, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Office:
    return Office(store, settings, tmp_path, capsys)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gbk"])
async def test_every_row_is_accounted_for(office: Office, encoding: str) -> None:
    assert await office.brings(ROWS, encoding=encoding) == ACCOUNT
    first, second = await office.rows()
    assert (first.channel, first.name, first.unit, first.members, str(first.created)) == (
        "wechat", "防汛值守群", "城关镇", 38, "2026-01-05"
    )  # fmt: skip
    assert json.loads(first.extra) == {"片区": "东"}
    assert (second.channel, second.members, second.created) == ("dingtalk", None, None)


async def test_the_same_file_twice_changes_nothing(office: Office) -> None:
    await office.brings(ROWS)
    before = await office.rows()
    again = await office.brings(ROWS)
    assert "第 2 行 未变：防汛值守群（城关镇）" in again
    assert "新增 0，更新 0，未变 2，跳过 2" in again
    assert await office.rows() == before


async def test_a_dry_run_tells_the_same_and_writes_nothing(office: Office) -> None:
    told = await office.brings(ROWS, "--dry-run")
    assert "第 2 行 将新增：防汛值守群（城关镇）" in told
    assert "台账.csv：试运行，没有写入。共 4 行，将新增 2，将更新 0，未变 0，跳过 2；2 处没能读取。" in told
    assert await office.rows() == []


async def test_a_changed_row_is_updated_and_the_others_of_the_register_stay(office: Office) -> None:
    await office.brings(ROWS)
    told = await office.brings([["群名称", "平台", "建群单位", "成员数"], ["防汛值守群", "微信", "城关镇", "41"]])
    assert "第 2 行 更新：防汛值守群（城关镇）" in told
    assert told.endswith("台账里另有 1 行不在这个文件中，保持不变。\n")
    first = next(row for row in await office.rows() if row.name == "防汛值守群")
    assert (first.members, str(first.created), json.loads(first.extra)) == (41, "2026-01-05", {"片区": "东"})


async def test_a_cell_that_cannot_be_read_does_not_erase_what_was_known(office: Office) -> None:
    head = ["群名称", "平台", "成员数"]
    await office.brings([head, ["甲群", "微信", "5"]])
    await office.brings([head, ["甲群", "微信", "很多"]])
    assert (await office.rows())[0].members == 5
    await office.brings([head, ["甲群", "微信", ""]])
    assert (await office.rows())[0].members is None


@pytest.mark.parametrize(
    ("platform", "channel"),
    [("微信", "wechat"), ("企业微信", "wecom"), ("ＱＱ", "qq"), ("粤政易", "粤政易"), ("a:b", "ab"), ("", "other")],
)
async def test_the_platform_gives_the_channel_and_a_stable_id(office: Office, platform: str, channel: str) -> None:
    await office.brings([["群名称", "平台"], ["甲群", platform]])
    [row] = await office.rows()
    assert row.channel == channel
    assert row.id.startswith(f"{channel}:r")
    status, out, _ = await office.asks()
    [group] = json.loads(out)["groups"]
    assert (status, group["channel"], f"{channel}:{group['id']}") == (0, channel, row.id)


async def test_an_id_column_names_the_row_and_the_live_group(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    await town.roster(group="g1", name="旧名字群")
    await town.roster(group="g2", name="同名群")
    await town.roster(group="g3", name="同名群")
    office = Office(town.house.store, town.house.settings, town.house.data, capsys)
    told = await office.brings(
        [["群编号", "群名称", "平台"], ["g1", "新名字群", "网页试用台"], ["", "同名群", "网页试用台"]]
    )
    assert "第 2 行 新增：新名字群，对应在管群 playground:g1" in told
    assert "第 3 行 新增：同名群，有多个同名在管群，未对应" in told
    first, second = await office.rows()
    assert (first.id, first.group, second.group) == ("playground:g1", "playground:g1", None)


async def test_apps_are_imported_too(office: Office) -> None:
    rows = [["主办单位", "名称", "类型", "最近更新", "月活"], ["政数局", "掌上办", "APP", "2026/9/1", "1,200"],
            ["政数局", "掌上办", "公众号", "2026-11-20", ""]]  # fmt: skip
    told = await office.brings(rows, what="apps")
    assert "第 2 行 新增：掌上办（政数局）" in told
    assert "新增 2，更新 0，未变 0" in told
    assert "未变 2" in await office.brings(rows, what="apps")
    [first, second] = await office.store.read(register.app_rows)
    assert (first.kind, first.monthly_active, str(first.updated), second.kind) == ("APP", 1200, "2026-09-01", "公众号")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "找不到文件"),
        (b"", "是空的"),
        (b"PK\x03\x04broken", "已损坏或不是表格"),
        ("姓名,电话\n张三,1".encode(), "没有找到表头"),
        (b"a" * 1_100_000, "超过上限 1 MB"),
    ],
)
async def test_what_is_no_register_is_refused_and_nothing_is_written(
    office: Office, capsys: pytest.CaptureFixture[str], content: bytes | None, said: str
) -> None:
    path = office.folder / "x.xlsx"
    if content is not None:
        path.write_bytes(content)
    small = load_settings(flags={"upload_mb": 1}, environ={})
    assert await import_.run(arguments(import_, "groups", str(path)), small, office.store) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err
    assert await office.rows() == []


async def test_the_inventory_is_json_on_stdout(office: Office) -> None:
    await office.brings(ROWS)
    status, out, err = await office.asks()
    assert (status, err) == (0, "")
    assert '\n  "week": "' in out
    assert "老干部群" in out
    assert json.loads(out)["totals"]["groups"] == 2


@pytest.mark.parametrize("given", [("--format", "xlsx"), ("-o", "清单.xlsx"), ("--format", "json", "-o", "清单.json")])
async def test_the_inventory_is_written_where_it_is_wanted(
    office: Office, monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...]
) -> None:
    monkeypatch.chdir(office.folder)
    await office.brings(ROWS)
    week = json.loads((await office.asks())[1])["week"]
    expected = Path(given[-1] if "-o" in given else f"工作群清单-{week}.xlsx")
    assert await office.asks(*given) == (0, f"已写入 {expected}。\n", "")
    if expected.suffix == ".json":
        assert json.loads(expected.read_text("utf-8"))["week"] == week
    else:
        assert openpyxl.load_workbook(io.BytesIO(expected.read_bytes())).sheetnames == ["汇总", "工作群", "政务应用"]


@pytest.mark.parametrize(("week", "said"), [("2026-99", "没有“2026-99”这一周"), ("2099-W01", "还没有开始")])
async def test_a_wrong_week_is_refused_in_chinese(office: Office, week: str, said: str) -> None:
    status, out, err = await office.asks("--week", week)
    assert (status, out) == (2, "")
    assert said in err


async def test_a_place_that_cannot_be_written_is_told(office: Office) -> None:
    status, out, err = await office.asks("-o", str(office.folder / "nowhere" / "a.json"))
    assert (status, out) == (2, "")
    assert "写不进去" in err


async def test_the_inventory_writes_nothing_into_the_store(office: Office) -> None:
    await office.asks()
    assert await office.store.read(inventories.weeks) == []

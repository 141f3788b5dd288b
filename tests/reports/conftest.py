"""Three inventories to be printed, and the texts of what was printed of them."""

from __future__ import annotations

import io
import os
import re
from functools import partial
from pathlib import Path
from typing import Any

import docx
import pypdf
import pytest

from bot.app import make_channels
from bot.demo import seed
from bot.reports import fonts
from bot.reports.paper import FontError
from config.settings import Settings, load_settings
from handlers.inventory import snapshot_for
from tests.conftest import make
from tests.reports.test_xlsx import app, group, snapshot

HOSTILE = "防汛\x00群\x0b\u202e\u2066=cmd()\ud800<w:br/>&{战线}\U0001f30a" + "很长" * 3000
CITY: dict[str, Any] = {}
WEEK = "2026-W45"


def thin(**evidence: Any) -> list[dict[str, Any]]:
    return [{"code": "data_gap", "text": "数据不足", "evidence": evidence}]


def troubled() -> dict[str, Any]:
    """More groups than before, one of them back again, and much that was not heard."""
    rebound = {"code": "rebound", "text": "“旧群”2026年11月2日解散后，原群 90% 的成员又在本群（反弹）", "evidence": {}}
    groups = [
        group(id="g1", reasons=[*thin(days=3, heard_days=91, spans=[]), rebound]),
        group(id="g2", name="乙群", verdict="alive", reasons=thin(days=12, heard_days=40, spans=[]), owner="赵六"),
        group(id="g3", name="丙群", unit="", verdict="watch", disposition="解散（由钱七负责）", reasons=thin()),
        group(id="g4", name="丁群", verdict="dissolve", disposition="解散", reasons=thin(first_seen="x", days=4)),
        group(id="g5", name="戊群", verdict="exempt", reasons=[], disposition="建议保留"),
    ]
    apps = [app(), app(id="a2", name="掌上查", verdict="alive", reasons=thin())]
    body = snapshot(groups, apps, verdicts={"alive": 1, "dissolve": 1, "exempt": 1, "suspected": 1, "watch": 1})
    body["totals"] |= {
        "groups": 5, "apps": 2, "zombie_groups": 2, "zombie_apps": 1, "baseline_groups": 4, "reduced_groups": -1,
        "reduction_rate": -0.25,
    }  # fmt: skip
    body["reduction"] |= {
        "closed": {"seen": 1, "declared": 2, "imported": 3}, "added": 7, "rebounds": 2, "moved": 3,
        "formula": "清理率＝（清理前数－清理后数）÷清理前数＝（4－5）÷4＝-25.00%",
    }  # fmt: skip
    return body


def merging() -> dict[str, Any]:
    """The keys of a snapshot with one proposal of three groups and a group that is better left alone."""
    counted = {
        "saves_groups": 2,
        "people_fewer": {"people": 38, "notices_weekly": 3.5},
        "people_more": {"people": 12, "messages_daily": 46.25},
    }
    effects = "减少 2 个群；38 人平均每周少收 3.5 条重复通知；12 人平均每天多收 46.25 条消息"
    return {
        "merging": {
            "proposals": 1, "merged_groups": 3, **counted, "held": 1, "limit": 50,
            "text": f"可合并 1 组、共 3 个群，{effects}；另有 1 个群与别的群相似，不建议合并",
        },
        "merges": [
            {
                "groups": ["wechaty:g1", "wechaty:g2", "wechaty:g3"], "target": "wechaty:g1",
                "names": ["防汛值守工作群", "乙群", "丙群"], "units": ["城关镇", "水利局"], **counted,
                "messages_daily": 61.5, "why": "与并入的群成员重合率不低于 90%", "text": f"合并这 3 个群：{effects}",
            }
        ],
    }  # fmt: skip


@pytest.fixture(params=["empty", "city", "troubled"])
async def inventory(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """A snapshot as it is saved: of a store where nothing ever happened, of the demonstration, of a bad week."""
    if request.param == "troubled":
        return {**troubled(), "week": WEEK}
    if request.param not in CITY:
        CITY[request.param] = await computed(tmp_path / "past", demo=request.param == "city")
    return {**CITY[request.param], "week": WEEK}


async def computed(data: Path, demo: bool) -> dict[str, Any]:
    data.mkdir()
    async for house in make(data):
        house.demo = demo
        house.channels = make_channels(house.settings, house.now)
        for channel in house.channels.values():
            await channel.open(house.bus.publish, lambda link, person: f"http://test/{link.page}")
        if demo:
            await seed(house)
        body = await house.store.read(partial(snapshot_for, settings=house.settings, week=None, now=house.now()))
        for channel in house.channels.values():
            await channel.close()
    return body


@pytest.fixture
def settings() -> Settings:
    return load_settings(environ={})


@pytest.fixture
def chinese() -> None:
    """In CI a machine without a Chinese font is a failure, elsewhere a skip with a sentence."""
    try:
        fonts.find(())
    except FontError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


def bare(text: str) -> str:
    """Without the blanks and the line ends that a layout puts in."""
    return re.sub(r"\s", "", text)


def docx_text(content: bytes) -> tuple[str, list[list[str]]]:
    """What stands before the first annex, and the rows of every table, headers included."""
    book = docx.Document(io.BytesIO(content))
    texts = [one.text for one in book.paragraphs]
    ends = next((place for place, one in enumerate(texts) if re.fullmatch(r"附件\d?", one)), len(texts))
    rows = [[cell.text for cell in row.cells] for table in book.tables for row in table.rows]
    return bare("".join(texts[:ends])), rows


def pdf_text(content: bytes) -> tuple[str, str]:
    """What stands before the first annex, and the rest; page numbers left out."""
    pages = [bare(page.extract_text()) for page in pypdf.PdfReader(io.BytesIO(content)).pages]
    pages = [text.replace(f"—{number}—", "") for number, text in enumerate(pages, start=1)]
    ends = next((place for place, text in enumerate(pages) if re.match(r"附件\d?需要", text)), len(pages))
    return "".join(pages[:ends]), "".join(pages[ends:])

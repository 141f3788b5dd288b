"""The 通报: what it says and what it keeps to itself."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from bot.demo.city import PEOPLE
from bot.reports.annex import closed_up
from bot.reports.bulletin import compose
from bot.reports.paper import Document, Heading, Paragraph, ems, plain, signature
from config.calendar import Calendar
from config.settings import TIMEZONE, Settings, load_settings
from handlers.inventory import only_groups
from handlers.rules.demand import judge
from tests.conftest import shipped
from tests.reports.conftest import merging, thin, troubled
from tests.reports.test_xlsx import app, group, snapshot


def said(document: Document) -> str:
    lines = ["".join(document.title), document.to]
    for block in document.body:
        lines.append(block.text if isinstance(block, Heading) else block.lead + block.text)
    return "\n".join([*lines, *document.mentions, document.signer, document.date])


def leads(document: Document) -> list[str]:
    return [block.lead for block in document.body if isinstance(block, Paragraph) and block.lead]


def test_it_is_built_as_a_circular_is(settings: Settings) -> None:
    document = compose(snapshot([group()], [app()]), settings)
    assert "".join(document.title) == "关于2026年第47周工作群组和政务应用清理情况的通报"
    assert document.to == "各有关单位："
    assert [block.text for block in document.body if isinstance(block, Heading)] == [
        "一、总体情况", "二、发现的主要问题", "三、下一步工作建议"
    ]  # fmt: skip
    assert leads(document)[:3] == ["（一）在册情况。", "（二）清理情况。", "（三）人均负担。"]
    assert document.mentions == ("附件：1. 需要处理的工作群组清单", "2. 需要处理的政务应用清单")
    assert (document.signer, document.date) == (settings.office_name, "2026年11月23日")
    assert "统计截至2026年11月22日24时" in said(document)


def test_the_addressees_are_a_setting() -> None:
    chosen = load_settings(environ={"QINGQUN_OFFICE__ADDRESSEES": '["各乡镇", "县直各单位"]'})
    assert compose(snapshot([]), chosen).to == "各乡镇、县直各单位："


def test_what_is_counted_against_the_reduction_is_said(settings: Settings) -> None:
    text = said(compose(troubled(), settings))
    assert "已解散6个，其中亲见1个（平台上可见的解散）、申报2个（群主申报，待核查）、导入3个（台账销号）" in text
    assert "新增7个，其中反弹2个，都计入清理后数，从清理成果中扣除。清理后数5个，净增加1个。" in text
    assert "＝（4－5）÷4＝-25.00%。" in text
    assert "本期反弹2个。" in text


def test_mergers_are_told_in_one_paragraph_with_what_they_cost(settings: Settings) -> None:
    body = {**snapshot([group(disposition="建议合并", verdict="duplicate")]), **merging()}
    [text] = [line for line in said(compose(body, settings)).splitlines() if "应并则并" in line]
    assert "建议合并1个。合并前先看人均消息量" in text
    assert text.endswith("按人测算，" + closed_up(body["merging"]["text"]) + "。")
    assert "38人平均每周少收3.5条重复通知；12人平均每天多收46.25条消息" in text
    alone = said(compose({**snapshot([]), **merging()}, settings))
    assert "应并则并。按人测算，可合并1组、共3个群" in alone
    assert "不需要填表" in alone
    none = merging() | {"merges": []}
    none["merging"] |= {"proposals": 0, "held": 0, "text": "没有建议合并的群"}
    assert "应并则并" not in said(compose({**snapshot([]), **none}, settings))


def test_a_rule_that_only_a_setting_makes_a_verdict_is_told_where_it_does(settings: Settings) -> None:
    body = snapshot([group(verdict="watch")], verdicts={"watch": 1})
    text = "每个单位不超过3个，超出的列为关注"
    body["rules"][2] |= {"text": text, "source": "参照某县做法"}
    assert text not in said(compose(body, settings))
    body["rules"][2]["verdict"] = "watch"
    assert f"连续30天；{text}。" in said(compose(body, settings))
    assert "参照某县做法" in said(compose(body, settings))


def test_without_a_baseline_no_rate_is_made_up(settings: Settings) -> None:
    body = snapshot([group()])
    body["reduction"] |= {"baseline_at": None, "formula": "尚无基数，暂不计算。"}
    assert "尚无清理前数，本期不计算清理率。尚无基数，暂不计算。\n" in said(compose(body, settings))


def test_what_was_not_heard_is_said_in_days_and_hours(settings: Settings) -> None:
    text = said(compose(troubled(), settings))
    assert "接收中断1次：微信2026年11月1日8时至2026年11月1日20时30分（12.5小时）。" in text
    assert "数据不足的工作群组4个，其中因接收中断2个（各群约3至12天没有接收到消息）" in text
    assert "接入时间尚短1个、台账未填消息情况1个" in text
    assert "没有截至本周更新日期的政务应用1个" in text


def test_one_group_alone_gives_its_own_days_and_many_gaps_are_counted(settings: Settings) -> None:
    gap = {"channel": "wechaty", "since": "2026-11-01T08:00:00+08:00", "until": "2026-11-01T09:05:00+08:00"}
    body = snapshot([group(reasons=thin(days=3, heard_days=91, spans=[]))])
    body["sources"] |= {"gaps": [gap] * 5}
    text = said(compose(body, settings))
    assert "各群约3天没有接收到消息" in text
    assert text.count("9时5分（1.1小时）") == 3
    assert "接收中断5次" in text
    assert "另有2次见清单" in text


def test_rules_stand_in_the_words_of_the_snapshot(settings: Settings) -> None:
    rules = [
        {"code": "silent_90", "threshold": 77, "unit": "days", "text": "连续 77 天，列为疑似僵尸", "source": "本地口径"}
    ]
    text = said(compose(snapshot([group()], rules=rules), settings))
    assert "1.疑似僵尸1个。判定口径：连续77天，列为疑似僵尸。" in text
    assert "以上口径的出处：本地口径。" in text


def test_a_week_without_anything_to_do_asks_for_nothing(settings: Settings) -> None:
    body = snapshot([group(verdict="alive", reasons=[])], verdicts={"alive": 1})
    body["reduction"] |= {"rebounds": 0}
    document = compose(body, settings)
    assert not document.annexes
    assert not document.mentions
    assert leads(document)[-1] == "（一）保持现状。"
    assert "没有发现需要处理的工作群组" in said(document)


def test_rows_keep_the_registers_order(settings: Settings) -> None:
    groups = [group(name=name, messages_30d=number) for name, number in (("乙", 1), ("甲", 9), ("丙", 5))]
    [annex] = compose(snapshot(groups), settings).annexes
    assert [row[:2] for row in annex.rows] == [("1", "乙"), ("2", "甲"), ("3", "丙")]


def test_a_row_is_name_unit_verdict_reasons_and_disposition(settings: Settings) -> None:
    groups, apps = compose(snapshot([group(verdict="dissolve")], [app()]), settings).annexes
    assert groups.head == ("序号", "群名称", "建群单位", "类型", "依据", "建议处置")
    assert groups.rows == (("1", "防汛值守工作群", "城关镇", "僵尸", "已94天没有工作消息", "规范"),)
    assert (groups.label, apps.label) == ("附件1", "附件2")
    assert apps.rows[0][1:4] == ("掌上办", "政数局", "疑似僵尸")


def test_a_note_of_the_register_is_not_published(settings: Settings) -> None:
    document = compose(troubled(), settings)
    assert [row[-1] for row in document.annexes[0].rows] == ["规范", "见台账", "解散"]
    assert "台账另有处置意见的1个" in said(document)
    assert "钱七" not in f"{document}"


def test_nobody_is_named(settings: Settings) -> None:
    told = dict.fromkeys(("admins", "phone", "matter", "responsible", "due", "checker", "closed", "note"), "孙八")
    exempted = {"reason": "孙八说要留", "until": None}
    groups = [group(owner="孙八", register=told, exemption=exempted), group(verdict="exempt", exemption=exempted)]
    assert "孙八" not in f"{compose(snapshot(groups, [app(handler='孙八')]), settings)}"


async def test_nobody_of_the_city_is_named(settings: Settings, inventory: dict[str, Any]) -> None:
    printed = f"{compose(inventory, settings)}"
    assert not [one.name for one in PEOPLE if one.name in printed or one.name.split("·")[1] in printed]


async def test_it_makes_no_undue_demand(settings: Settings, inventory: dict[str, Any]) -> None:
    tuesday = datetime(2026, 11, 24, 10, tzinfo=TIMEZONE)
    for line in said(compose(inventory, settings)).splitlines():
        found = judge(line, at=tuesday, rulebook=shipped(), calendar=Calendar(), informational=True).findings
        assert not found, line


def test_an_extract_is_addressed_and_signed_by_nobody(settings: Settings) -> None:
    document = compose(only_groups(troubled(), ["wechaty:g1"]), settings)
    assert (document.to, document.signer, document.date) == ("", "", "")
    assert "".join(document.title) == "2026年第47周所管工作群组情况"
    assert "所管工作群组1个" in said(document)
    assert "清理率" not in said(document)


def test_the_same_snapshot_makes_the_same_document(settings: Settings) -> None:
    assert compose(troubled(), settings) == compose(json.loads(json.dumps(troubled())), settings)


@pytest.mark.parametrize(
    ("signer", "free"),
    [("青石县机制办", (5.0, 4.0)), ("整治形式主义为基层减负专项工作机制办公室", (2.0, 8.0))],
    ids=["short: above the date", "long: two from the edge"],
)
def test_the_date_stands_below_the_middle_of_the_signer(signer: str, free: tuple[float, float]) -> None:
    date = "2026年11月23日"
    right, below = signature(signer, date)
    assert right + ems(signer) / 2 == pytest.approx(below + ems(date) / 2)
    assert below >= 4
    assert (right, below) == pytest.approx(free, abs=0.5)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("已 94 天，占 80% 以上", "已94天，占80%以上"),
        ("与“防汛 3 群”重合 2 次", "与“防汛 3 群”重合2次"),
        ("A 1 B", "A 1 B"),
    ],
)
def test_no_blank_stands_beside_a_figure_but_in_a_name(text: str, shown: str) -> None:
    assert closed_up(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("防\x00汛\u202e群\n二\ud800", "防汛群 二"),
        ("长" * 11, "长" * 10 + "…"),
        ("=cmd()", "=cmd()"),
        ("\u3000a\u00a0 b", "a b"),
    ],
)
def test_a_name_is_one_line_that_can_be_printed(text: str, shown: str) -> None:
    assert plain(text, 10, "…") == shown

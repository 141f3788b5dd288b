"""What a message asks, in the ways people ask it — and in the ways they only speak of it."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.calendar import SHANGHAI, Calendar
from config.rulebook import Rulebook, load_rulebook
from handlers.rules.demand import Judgement, is_rollcall_request, judge

Say = Callable[..., Judgement]


def kinds(judgement: Judgement) -> set[str]:
    return {finding.category for finding in judgement.findings}


@pytest.mark.parametrize(
    ("text", "category"),
    [
        pytest.param("请各村把入户照片和截图发到群里，没有图的按没完成处理", "screenshot", id="screenshot"),
        pytest.param("截至今天的安装率排名已出，最后三名的单位周五会上表态发言", "ranking", id="ranking"),
        pytest.param("收到请回复", "rollcall", id="rollcall"),
        pytest.param("看到通知的请在群里接龙", "rollcall", id="chain"),
        pytest.param("即日起所有网格员每天早晚两次在小程序打卡签到，漏打按旷工处理", "checkin", id="checkin"),
        pytest.param("请各村动员群众下载注册政务APP，每户不少于一人，安装率要达到95%", "forced_app", id="app"),
        pytest.param("请大家转发到朋友圈并点赞，每人不少于三条", "forced_share", id="share"),
        pytest.param("请各科室于今天下班前将工作总结和台账报办公室", "tight_deadline", id="deadline"),
        pytest.param("从今天起各单位每天下班前报送日报，没有情况也要零报告", "periodic_report", id="daily"),
        pytest.param("上周报过的花名册请按新格式重新再报一遍", "repeat_form", id="again"),
        pytest.param("又新建了一个工作群，各村书记扫码进群，一个不能少", "new_group", id="group"),
    ],
)
def test_a_plain_demand_is_flagged_in_each_category(say: Say, text: str, category: str) -> None:
    assert category in kinds(say(text))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("上级明确：不得要求基层上传截图，不得搞排名", id="prohibition"),
        pytest.param("好消息，从本月起不用再报日报了", id="abolished"),
        pytest.param("系统报错了，截图发我看看", id="help"),
        pytest.param("一季度全市GDP排名第三，大家辛苦了", id="statistic"),
        pytest.param("听说隔壁镇还在天天让人打卡签到", id="report of others"),
        pytest.param("请问这次还要截图吗？", id="question"),
        pytest.param("路口交通信号灯坏了，请交警看一下", id="other words"),
        pytest.param("今天的主题党日活动改到三楼", id="homograph"),
        pytest.param("本次问卷自愿填写，不统计，不用截图", id="voluntary"),
        pytest.param("周三下午三点在四楼会议室开会，请准时参加", id="meeting"),
        pytest.param("今天食堂有红烧肉", id="small talk"),
        pytest.param("暴雨红色预警！各村立即转移低洼处群众，到位后在群里报人数和位置", id="emergency"),
    ],
)
def test_what_only_speaks_of_it_is_not(say: Say, text: str) -> None:
    assert kinds(say(text)) == set()


@pytest.mark.parametrize(
    "text", ["收到", "好的", "1", "👌", "1. 张三\n2. 李四"], ids=["received", "fine", "one", "sign", "chain"]
)
def test_an_acknowledgement_is_never_a_demand(say: Say, text: str) -> None:
    assert say(text) == Judgement((), ())


def test_the_exemption_is_shown_among_what_was_considered(say: Say) -> None:
    judgement = say("防汛抢险队全体到岗后在群里签到，发定位")
    assert not kinds(judgement)
    assert any("应急" in c.reason or "安保" in c.reason for c in judgement.considered)


def test_negation_is_shown_among_what_was_considered(say: Say) -> None:
    judgement = say("不得要求各村截图发群", thorough=True)
    assert any("不得" in c.reason for c in judgement.considered)


@pytest.mark.parametrize("written", ["截 图", "截.图", "截\u200b图", "ｊｉｅｔｕ", "截圖", "jietu", "戴图"])
def test_a_hidden_word_is_read_and_pointed_at_in_the_original(say: Say, written: str) -> None:
    text = f"请各村今天都把{written}发到群里，没有的按没完成处理"
    found = [f for f in say(text).findings if f.category == "screenshot"]
    assert found
    assert all(text[f.start : f.end] == f.text for f in found)
    assert written in found[0].text


def test_informational_categories_are_off_unless_asked_for(say: Say) -> None:
    text = "请各单位层层签订安全生产责任书，签好盖章报办公室"
    assert "pledge" not in kinds(say(text))
    assert "pledge" in kinds(say(text, informational=True))


def test_a_finding_explains_itself(say: Say) -> None:
    (finding,) = (f for f in say("收到请回复").findings if f.category == "rollcall")
    assert finding.rule.startswith("rollcall.")
    assert "收到" in finding.why
    assert "（" in finding.clause
    assert finding.suggestion
    assert "{" not in finding.why + finding.suggestion


def test_the_suggestion_computes_the_first_allowed_deadline(say: Say) -> None:
    friday = datetime(2026, 3, 13, 10, 0, tzinfo=SHANGHAI)
    found = say("请各科室今天下班前把工作总结报办公室", at=friday).findings
    (finding,) = (f for f in found if f.category == "tight_deadline")
    assert "3月17日（周二）" in finding.suggestion
    assert "今天下班前" in finding.why


def test_the_same_words_with_two_working_days_are_no_tight_deadline(say: Say) -> None:
    tuesday = datetime(2026, 3, 10, 10, 0, tzinfo=SHANGHAI)
    assert "tight_deadline" not in kinds(say("请各科室于3月20日前将工作总结报办公室", at=tuesday))


def test_the_hour_alone_makes_a_request_an_off_hours_one(say: Say) -> None:
    night = datetime(2026, 3, 10, 22, 30, tzinfo=SHANGHAI)
    text = "还没睡的都出来，现在把台账补一下发我"
    assert "off_hours" in kinds(say(text, at=night))


def test_a_file_is_judged_by_its_name(say: Say) -> None:
    assert kinds(say("各村APP安装率排名表.xlsx", kind="file")) == {"ranking"}
    assert kinds(say("上半年GDP排名.xlsx", kind="file")) == set()
    assert kinds(say("会议通知.docx", kind="file")) == set()


def test_what_was_said_a_minute_ago_lends_its_meaning_but_is_not_flagged_again(say: Say) -> None:
    before, text = "各村今天的入户走访", "每户拍两张照片，截图一起发群里，没有的按没去算"
    for finding in say(text, before=before).findings:
        assert text[finding.start : finding.end] == finding.text


def test_judging_twice_gives_the_same(say: Say) -> None:
    text = "请各村今天下班前把截图发群，收到请回复，最后三名通报"
    assert say(text) == say(text)


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("收到请回复", True),
        ("请各村在群里接龙", True),
        ("看到回1", True),
        ("看完的吱一声", True),
        ("台风红色预警，各责任人收到请立即回复", True),
        ("收到", False),
        ("不用回复", False),
        ("明天停水", False),
        ("收到化肥款12万", False),
    ],
)
def test_a_roll_call_request_is_recognised(rulebook: Rulebook, text: str, asks: bool) -> None:
    assert is_rollcall_request(text, None, rulebook, Calendar()) is asks


_WORDS = st.sampled_from(
    [
        "截图",
        "收到",
        "请",
        "各村",
        "不得",
        "排名",
        "今天",
        "5点前",
        "明天",
        "报",
        "打卡",
        "，",
        "。",
        "\n",
        " ",
        ".",
        "\u200b",
        "轉",
        "Ａ",
        "👍",
        "１",
        "a",
        "“",
        "？",
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    text=st.lists(st.one_of(_WORDS, st.characters()), max_size=60).map("".join),
    before=st.sampled_from(["", "各村", "请截图。"]),
)
def test_offsets_always_point_into_the_original(rulebook: Rulebook, text: str, before: str) -> None:
    judgement = judge(text, at=None, rulebook=rulebook, calendar=Calendar(), informational=True, before=before)
    for part in (*judgement.findings, *judgement.considered):
        assert 0 <= part.start < part.end <= len(text)
        assert text[part.start : part.end] == part.text


def test_a_units_own_rules_and_exemptions_stand_whatever_the_learned_component_thinks(tmp_path: Path) -> None:
    more = tmp_path / "own.toml"
    more.write_text(
        '[[rule]]\nid = "checkin.pavilion"\ncategory = "checkin"\nabout = "本单位的说法"\nforce = "self"\nany = ["凉亭亮灯"]\n'
        '[[exemption]]\nid = "harvest"\nreason = "抢收期间"\nsource = "本单位"\nany = ["抢收"]\nspares = ["screenshot"]\n',
        "utf-8",
    )
    book = load_rulebook(extra=[more])
    found = judge("各组七点凉亭亮灯", rulebook=book, calendar=Calendar()).findings
    assert [(one.category, one.rule) for one in found] == [("checkin", "checkin.pavilion")]
    demand = "请各村书记今天务必把入户工作照片截图发到群里。"
    plain = judge(demand, rulebook=book, calendar=Calendar(), informational=True)
    assert "screenshot" in {one.category for one in plain.findings}
    spared = judge("抢收期间，" + demand, rulebook=book, calendar=Calendar(), informational=True)
    assert "screenshot" not in {one.category for one in spared.findings}

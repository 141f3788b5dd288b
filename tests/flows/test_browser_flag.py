"""An undue demand is told to its sender alone, who may answer; the office decides appeals."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.flows.conftest import Open
from tests.flows.people import Persona

pytestmark = pytest.mark.browser

TITLE = "可能给基层添了负担"


def test_a_demand_is_whispered_and_appealed(opened: Open, size: str) -> None:
    words = f"所有人必须下载安装政务通，按安装率排名通报（{size}）。"
    sender = Persona(opened, "小陈")
    other = Persona(opened, "小杨")
    sender.enter("g03")
    other.enter("g03")
    sender.say(words)
    expect(sender.page.locator(".toast")).to_contain_text(TITLE)
    sender.page.locator(".toast").get_by_role("button", name="查看").click()
    expect(sender.card(TITLE)).to_contain_text("仅您可见")
    sender.press(TITLE, "误判")
    sender.page.get_by_role("button", name="附上原文", exact=True).click()
    expect(sender.card("已记为误判")).to_be_visible()

    assert TITLE not in other.page.locator("#log").inner_text()
    other.enter_private()
    assert TITLE not in other.page.locator("#log").inner_text()

    office = opened("/office/signin")
    office.get_by_role("button", name="以演示机制办身份进入").click()
    appeal = office.locator(".appeal", has_text=words)
    expect(appeal.first).to_be_visible()
    appeal.first.get_by_role("button", name="确属误判").click()
    expect(office.locator("#appeals")).to_be_visible()


def test_withdraw_takes_the_message_back_and_gives_its_words_for_rewriting(opened: Open, size: str) -> None:
    words = f"各村每天下班前报一次秋种日报（{size}）。"
    sender = Persona(opened, "小黄")
    sender.enter("g04")
    sender.say(words)
    sender.page.locator(".toast").get_by_role("button", name="查看").click()
    sender.press(TITLE, "撤回并改写")
    expect(sender.page.locator("#room-name")).to_contain_text("柳湾镇民政工作群")
    expect(sender.page.locator("#text")).to_have_value(words)
    expect(sender.page.locator("#log .taken").last).to_contain_text("撤回了一条消息")


def test_a_draft_is_checked_in_private(opened: Open) -> None:
    person = Persona(opened, "小朱")
    person.enter_private()
    person.say("检查 所有人必须下载安装政务通，按安装率排名通报。")
    expect(person.page.locator(".card-flag").last).to_contain_text("建议改一改")
    person.say("检查 明天上午九点在三楼开会，不用回复。")
    expect(person.page.locator(".card").last).to_contain_text("可以发")

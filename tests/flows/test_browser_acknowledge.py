"""A roll-call becomes one card; a press, a link and a typed 收到 count; its sender alone hears the summary."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from bot.demo.city import PEOPLE
from tests.flows.conftest import Open
from tests.flows.people import Persona

pytestmark = pytest.mark.browser


def test_a_rollcall_becomes_a_card_and_its_sender_gets_a_summary(opened: Open, size: str) -> None:
    words = f"河道保洁用具明天送到（{size}），请大家收到回复。"
    sender = Persona(opened, "小徐")
    sender.enter("g20")
    sender.say(words)
    card = sender.card(words[:12])
    expect(card).to_contain_text("已确认 0 人，共 4 人")
    expect(card).to_contain_text("您发起的通知")

    for name in ("小孙", "老冯", "老董"):
        person = Persona(opened, name)
        person.enter("g20")
        person.press(words[:12], "已阅")
        expect(person.card(words[:12])).to_contain_text("您已于")
    typist = Persona(opened, "小袁")
    typist.enter("g20")
    typist.say("收到")

    expect(card).to_contain_text("已确认 4 人，共 4 人")
    expect(card.locator("progress")).to_have_attribute("value", "4")
    sender.enter_private()
    expect(sender.card("全部确认")).to_contain_text("未确认 0 人")


def test_an_acknowledgement_is_undone_within_five_minutes(opened: Open, size: str) -> None:
    words = f"护栏油漆已经到货（{size}），收到请回复。"
    sender = Persona(opened, "小苏")
    sender.enter("g21")
    sender.say(words)
    person = Persona(opened, "小彭")
    person.enter("g21")
    person.press(words[:8], "已阅")
    expect(sender.card(words[:8])).to_contain_text("已确认 1 人")
    person.press(words[:8], "撤销")
    expect(person.card(words[:8]).get_by_role("button", name="已阅")).to_be_visible()
    expect(sender.card(words[:8])).to_contain_text("已确认 0 人")


def test_no_group_sees_a_name_of_those_pending(opened: Open) -> None:
    person = Persona(opened, "老高")
    person.enter("g01")
    card = person.card("冬春火灾防控工作会")
    expect(card).to_be_visible()
    shown = card.inner_text()
    # Its sender is named; nobody who has or has not answered is.
    assert [one.name for one in PEOPLE if one.name in shown and one.name != "演示·小李"] == []


def test_the_link_shows_and_only_its_button_acknowledges(opened: Open, size: str) -> None:
    name = {"phone": "小谢", "desk": "小罗"}[size]
    person = Persona(opened, name)
    person.enter("g01")
    address = person.card("冬春火灾防控工作会").get_by_role("link", name="打开通知").get_attribute("href")
    assert address is not None
    for _ in range(2):
        page = opened(address, java_script_enabled=False)
        expect(page.get_by_role("button", name="已阅")).to_be_visible()
    page.get_by_role("button", name="已阅").click()
    expect(page.locator("body")).to_contain_text(re.compile("您已于 .* 确认"))
    page.get_by_role("button", name="点错了，撤销").click()
    expect(page.get_by_role("button", name="已阅")).to_be_visible()


def test_a_forged_link_is_refused_in_chinese(opened: Open) -> None:
    page = opened("/n/made-up")
    expect(page.locator("h1")).to_contain_text("链接无效")


def test_my_pending_list_empties_by_one_tap(opened: Open, size: str) -> None:
    name = {"phone": "小郭", "desk": "小林"}[size]
    person = Persona(opened, name)
    person.enter_private()
    person.say("我的待确认")
    address = person.page.locator(".card").last.get_by_role("link").get_attribute("href")
    assert address is not None
    page = opened(address)
    before = page.locator("article").count()
    page.get_by_role("button", name="已阅").first.click()
    expect(page.locator("article")).to_have_count(before - 1)
    expect(page.locator("body")).to_contain_text("刚刚确认")

"""Names and texts may hold anything: markup, bidi characters, very long words; the page stays itself."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.flows.conftest import Open
from tests.flows.people import Persona

pytestmark = pytest.mark.browser

HOSTILE = '<img src=x onerror="document.title=1"> \u202e@所有人 =cmd()' + "长" * 300


def test_hostile_words_stay_words(opened: Open) -> None:
    sender = Persona(opened, "小苏")
    sender.enter("g21")
    sender.say(HOSTILE)
    bubble = sender.page.locator(".bubble").last
    expect(bubble).to_contain_text('<img src=x onerror="document.title=1">')
    assert bubble.locator("img").count() == 0
    assert "\u202e" not in bubble.inner_text()
    assert sender.page.title() != "1"


def test_a_group_with_a_hostile_name_is_just_a_group(opened: Open, size: str) -> None:
    founder = Persona(opened, "小于")
    founder.page.get_by_role("button", name="新建群").click()
    founder.page.fill("#group-name", f"<b>群</b>\u202e{size}" + "很长的名字" * 8)
    founder.page.get_by_role("button", name="建群", exact=True).click()
    expect(founder.page.locator("#room-name")).to_contain_text("<b>群</b>")
    founder.page.get_by_role("button", name="群资料").click()
    founder.page.get_by_role("button", name="解散本群").click()
    expect(founder.page.locator("#rooms")).to_contain_text("已解散")


KEEP_SOCKETS = """
window.lines = [];
const Real = window.WebSocket;
window.WebSocket = class extends Real { constructor(...all) { super(...all); window.lines.push(this); } };
"""


def test_a_page_that_lost_its_line_catches_up(opened: Open, size: str) -> None:
    words = f"断线期间说的话（{size}）"
    watcher = Persona(opened, "小沈")
    watcher.page.add_init_script(KEEP_SOCKETS)
    watcher.page.reload()
    watcher.enter("g05")
    other = Persona(opened, "小程")
    other.enter("g05")
    watcher.page.evaluate("window.lines.forEach((line) => line.close())")
    other.say(words)
    expect(watcher.page.locator(".bubble", has_text=words)).to_be_visible(timeout=15_000)
    assert watcher.page.evaluate("window.lines.length") >= 2


def test_a_picture_is_sent_by_its_name_only(opened: Open) -> None:
    sender = Persona(opened, "小卢")
    sender.enter("g08")
    sender.page.set_input_files("#file", {"name": "水渠.jpg", "mimeType": "image/jpeg", "buffer": b"\xff\xd8"})
    expect(sender.page.locator(".attached").last).to_contain_text("水渠.jpg")

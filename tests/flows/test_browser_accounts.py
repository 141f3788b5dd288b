"""An account in a browser: invited, a password chosen, signed in, looked around, signed out."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.flows.conftest import Open
from tests.flows.test_browser_office import office

pytestmark = pytest.mark.browser
PASSWORD = "槐花 开在 五月里 了"


def test_from_the_invitation_to_signing_out(opened: Open, size: str) -> None:
    page = office(opened, "/office/accounts")
    name = f"演示·柳湾镇党政办公室综合岗位新来的小秦（{size}）"
    page.fill("#name", name)
    page.get_by_label("机制办 看板").check()
    page.fill("#unit", "柳湾镇")
    page.get_by_role("button", name="生成邀请链接").click()
    link = urlsplit(page.locator("#link").inner_text()).path

    own = opened(link)
    expect(own.locator("main")).to_contain_text(name)
    own.fill("#login", f"小秦{size}")
    for password, again, said in (("12345678910", "12345678910", "太常见"), (PASSWORD, PASSWORD + "x", "不一样")):
        own.fill("#password", password)
        own.fill("#again", again)
        own.get_by_role("button", name="建立账号").click()
        expect(own.get_by_role("alert")).to_contain_text(said)
    expect(own.locator("#login")).to_have_value(f"小秦{size}")
    own.fill("#password", PASSWORD)
    own.fill("#again", PASSWORD)
    own.get_by_role("button", name="建立账号").click()
    expect(own.get_by_role("status")).to_contain_text("密码已设好")

    own.fill("#login", f"小秦{size}")
    own.fill("#password", "wrong-password")
    own.get_by_role("button", name="登录", exact=True).click()
    expect(own.get_by_role("alert")).to_contain_text("登录名或密码不对")
    own.fill("#password", PASSWORD)
    own.get_by_role("button", name="登录", exact=True).click()
    expect(own.locator("h1")).to_contain_text("机制办看板")
    expect(own.locator(".office-bar")).to_contain_text("柳湾镇")
    expect(own.locator("main")).not_to_contain_text("白沙镇综合办")
    own.get_by_role("link", name="查阅记录").click()
    expect(own.locator("h1")).to_contain_text("查阅记录")
    own.get_by_role("button", name="退出").click()
    expect(own).to_have_url(re.compile("/office/signin$"))
    own.goto("/office/notices")
    expect(own).to_have_url(re.compile("/office/signin"))

    # The link is used up, and the office sees the account and its reads.
    again = opened(link)
    expect(again.locator("main")).to_contain_text("已经用过")
    page.goto("/office/accounts")
    row = page.locator("tr", has_text=name)
    expect(row).to_contain_text("在用")
    page.goto("/office/audit")
    expect(page.locator("table")).to_contain_text(name)
    page.goto("/office/accounts")
    row.get_by_role("button", name="停用").click()
    expect(row).to_contain_text("已停用")

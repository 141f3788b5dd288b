"""The office: the inventory as page and xlsx, a notice that is checked first, pages that keep names in their place."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Page, expect

from tests.flows.conftest import Open

pytestmark = pytest.mark.browser


def office(opened: Open, path: str = "/office") -> Page:
    """Signed in and arrived: what is read from the page at once is the page that was asked for."""
    page = opened(path)
    page.get_by_role("button", name="以演示机制办身份进入").click()
    expect(page.locator(".office-bar")).to_be_visible()
    page.wait_for_load_state()
    return page


def test_the_inventory_is_a_page_and_the_same_file(opened: Open) -> None:
    page = office(opened, "/office/inventory")
    told = page.locator("table").first.locator("td.name").all_inner_texts()
    # A group that goes on under another name has the old one beside it.
    names = [one.split("（原名")[0].strip() for one in told]
    assert len(names) == 27
    with page.expect_download() as download:
        page.get_by_role("link", name="下载表格").click()
    content = Path(download.value.path()).read_bytes()
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    cells = {str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell}
    assert set(names) <= cells


def test_every_verdict_can_be_looked_at_alone(opened: Open) -> None:
    page = office(opened, "/office/inventory")
    page.locator(".filters").get_by_role("link", name="空壳").click()
    expect(page.locator("table").first).to_contain_text("柳湾镇招商对接群")
    expect(page.locator("table").first).not_to_contain_text("柳湾镇工作群")


def test_a_verdict_opens_to_its_rule_its_source_and_the_days_without_data(opened: Open) -> None:
    page = office(opened, "/office/inventory")
    row = page.locator("tr", has_text="白沙镇备汛联络群")
    expect(row.locator(".tag")).to_have_text("数据不足")
    grounds = row.locator(".grounds")
    expect(grounds.locator("ul")).to_be_hidden()
    grounds.locator("summary").click()
    expect(grounds.locator("ul")).to_contain_text("出处：本地口径")
    expect(grounds.locator("ul")).to_contain_text("没有数据的日子：20")
    expect(page.locator("tr", has_text="村文书通知群")).to_contain_text("6 人匿名作答")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_notice_is_checked_before_it_is_sent(opened: Open, size: str) -> None:
    page = office(opened, "/office/notices/new")
    page.fill("#text", f"所有人必须下载安装政务通，按安装率排名通报（{size}）。")
    page.get_by_label("青石县助学工作群").check()
    page.get_by_role("button", name="检查并发出").click()
    expect(page.locator("main")).to_contain_text("可能给基层添负担")
    page.fill("#text", f"助学金政策解读（{size}）已放在便民大厅，请知悉。")
    page.get_by_role("button", name="按原文或改好后发出").click()
    expect(page.locator("h1")).to_contain_text("助学金政策解读")
    expect(page.locator("main")).to_contain_text("应确认")
    assert "演示·小彭" not in page.inner_text("main")
    page.get_by_role("button", name="取消这条通知").click()
    expect(page.locator(".facts")).to_contain_text("已取消")


def test_an_emergency_shows_the_pending_to_its_sender_only(opened: Open, size: str) -> None:
    page = office(opened, "/office/notices/new")
    page.fill("#text", f"河水上涨（{size}），请值守人员到岗。")
    page.get_by_label("白沙镇河道保洁群").check()
    page.get_by_label("这是应急或安保通知").check()
    page.get_by_role("button", name="检查并发出").click()
    expect(page.get_by_role("alert").first).to_contain_text("原因")
    page.fill("#reason", "防汛")
    page.locator("form.sheet button.primary").click()
    expect(page.locator("main")).to_contain_text("未确认名单（应急，仅发起人可见）")
    expect(page.locator("main")).to_contain_text("演示·小徐")


@pytest.mark.parametrize("path", ["/", "/privacy", "/playground", "/office", "/office/notices", "/nowhere"])
def test_every_page_of_the_demonstration_says_so(opened: Open, path: str) -> None:
    page = opened(path)
    expect(page.locator(".demo-mark")).to_contain_text("演示数据")


def test_a_wrong_token_is_refused(opened: Open) -> None:
    page = opened("/office/signin")
    page.get_by_text("用访问令牌登录").click()
    page.fill("#token", "made-up")
    page.get_by_role("button", name="用令牌登录").click()
    expect(page.get_by_role("alert")).to_contain_text("令牌无效")

"""销号管理 as its people meet it: a zombie group from finding to closing, and its rebound, on a phone and on a desk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.flows.conftest import SIZES
from tests.flows.moving import World, at

pytestmark = pytest.mark.browser

# A Monday so long ago that the groups have been silent for 112 days when their week ends.
BEGAN, FOUND = "2026-08-03", "2026-11-23"
MEMBERS = ("小朱", "小林", "小郭", "小罗", "小谢")
Go = Callable[[str], Page]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, at(BEGAN, "09:00"))
    made.open()
    made.people("老周", *MEMBERS)
    yield made
    made.close()


@pytest.fixture
def go(chromium: Browser, world: World, size: str) -> Iterator[Go]:
    """`go("老周")` is the person's private talk with the bot, `go("/office/cleanup")` a page; none scrolls sideways."""
    width, height = SIZES[size]
    contexts: list[Any] = []
    problems: list[str] = []

    def open_page(where: str) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height}, base_url=world.url)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if "Content Security" in said.text else None)
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(where if where.startswith(("/", "http")) else f"/playground?as={where}#/@{where}")
        return page

    yield open_page
    for context in contexts:
        for page in context.pages:
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if wide > 0:
                problems.append(f"{page.url} is {wide} px wider than the window")
        context.close()
    assert problems == []


def silent(world: World, *names: str) -> dict[str, str]:
    """Groups of 老周 in which nobody says anything after the first day; room by name."""
    rooms = {name: world.group(name, "老周", *MEMBERS[: 5 - place]) for place, name in enumerate(names)}
    for room in rooms.values():
        world.says("老周", room, "各村把本周的台账核对一遍，放进共享盘。")
    return rooms


def office(go: Go, path: str = "/office/cleanup") -> Page:
    page = go(path)
    page.get_by_role("button", name="以演示机制办身份进入").click()
    expect(page.locator("h1")).to_have_text("群清理")
    # Keys are heard once its script runs.
    page.wait_for_load_state()
    return page


def days_later(desk: Page) -> None:
    """Nobody stays signed in for days."""
    desk.reload()
    desk.get_by_role("button", name="以演示机制办身份进入").click()
    expect(desk.locator(".office-bar")).to_be_visible()


def tab(page: Page, name: str) -> None:
    page.locator(".filters").get_by_role("link", name=name).click()
    expect(page.locator(".filters [aria-current]")).to_contain_text(name)


def look(page: Page, name: str, size: str) -> None:
    """A picture, where somebody wants to look at the pages."""
    folder = os.environ.get("QINGQUN_TEST_PICTURES")
    if folder:
        page.screenshot(path=f"{folder}/cleanup-{name}-{size}.png", full_page=True)


def test_a_zombie_group_is_closed_and_comes_back(world: World, go: Go, size: str) -> None:
    rooms = silent(world, "秸秆禁烧群", "防汛值守群")
    world.monday(FOUND)

    talk = go("老周")
    card = talk.locator(".card", has_text="您管理的 2 个群有清理事项")
    expect(card).to_be_visible()
    look(talk, "message", size)
    page = go(card.get_by_role("link", name="打开清理页面").get_attribute("href") or "")
    expect(page.locator("[data-pick]")).to_have_count(2)
    look(page, "admin", size)
    straw, flood = (page.locator("[data-pick]", has=page.get_by_role("heading", name=name)) for name in rooms)
    if size == "desk":
        straw.focus()
        page.keyboard.press("d")
    else:
        expect(page.locator("#many")).to_be_hidden()
        straw.get_by_role("button", name="解散").click()
    expect(page.get_by_role("status")).to_have_text("已记下 1 项。")
    expect(page.locator("article", has_text="秸秆禁烧群")).to_contain_text("解散")
    flood.get_by_text("保留……").click()
    flood.get_by_label("为什么保留").fill("汛期值守备用")
    flood.get_by_label("保留到哪一天").fill("2027-06-30")
    look(page, "keep", size)
    flood.get_by_role("button", name="保留", exact=True).click()
    expect(page.locator("main")).to_contain_text("没有等您决定的群")

    desk = office(go)
    expect(desk.locator("tbody tr")).to_have_count(2)
    expect(desk.locator("tbody")).to_contain_text("保留至2027年6月30日（汛期值守备用）")
    desk.get_by_label("全选").check()
    look(desk, "confirm", size)
    desk.get_by_role("button", name="确认").click()
    expect(desk.get_by_role("status")).to_have_text("已办 2 项。")
    tab(desk, "冷静期 1")
    expect(desk.locator("tbody")).to_contain_text("豁免")

    world.monday("2026-11-30")
    talk.reload()
    expect(talk.locator(".card").last).to_contain_text("“秸秆禁烧群”：解散已确认，请您办理")
    world.now = at("2026-12-01", "10:00")
    world.dissolves("老周", rooms["秸秆禁烧群"])
    days_later(desk)
    tab(desk, "冷静期 2")
    expect(desk.locator("tr", has_text="秸秆禁烧群")).to_contain_text("亲见，2026-12-31 期满")
    look(desk, "cooling", size)

    world.now = at("2026-12-21", "10:00")
    world.group("禁烧工作群（新）", "小朱", "老周", *MEMBERS[1:])
    world.night("2027-01-01")
    days_later(desk)
    tab(desk, "已销号 2")
    look(desk, "closed", size)

    world.monday("2027-01-04")
    days_later(desk)
    tab(desk, "回头看 1")
    desk.get_by_role("link", name="秸秆禁烧群").click()
    expect(desk.locator(".facts")).to_contain_text("已转下一轮")
    expect(desk.locator(".steps")).to_contain_text("发现反弹：原群成员又在“禁烧工作群（新）”里")
    steps = desk.locator(".steps li b").all_inner_texts()
    assert steps == [
        "发现", "私下征求意见", "提出处理意见", "机制办确认", "告知可以办理", "核查通过，进入冷静期", "销号",
        "回头看：转下一轮",
    ]  # fmt: skip
    look(desk, "history", size)
    desk.get_by_role("link", name="“禁烧工作群（新）”第 2 轮").click()
    expect(desk.locator("h1")).to_contain_text("反弹")
    expect(desk.locator(".steps")).to_contain_text("小朱")

    new = go("小朱")
    expect(new.locator(".card", has_text="“禁烧工作群（新）”需要您定一下去留")).to_be_visible()


def test_one_group_is_answered_on_its_card(world: World, go: Go, size: str) -> None:
    silent(world, "秸秆禁烧群")
    world.monday(FOUND)
    talk = go("老周")
    card = talk.locator(".card", has_text="“秸秆禁烧群”需要您定一下去留")
    expect(card.get_by_role("button")).to_have_text(["解散", "规范"])
    expect(card.get_by_role("link")).to_have_text(["合并到……", "保留（写理由）"])
    look(talk, "card", size)
    card.get_by_role("button", name="规范").click()
    expect(talk.locator(".card", has_text="已记下：“秸秆禁烧群”规范")).to_be_visible()
    card.get_by_role("button", name="解散").click()
    expect(talk.locator(".card", has_text="已记下：“秸秆禁烧群”解散")).to_be_visible()
    page = go(card.get_by_role("link", name="保留（写理由）").get_attribute("href") or "")
    expect(page.locator("main")).to_contain_text("已决定，等机制办确认")
    page.get_by_role("button", name="撤回，重新决定").click()
    expect(page.locator("[data-pick]")).to_have_count(1)


@pytest.mark.parametrize("size", ["desk"])
def test_many_are_decided_and_returned_by_the_keyboard(world: World, go: Go, size: str) -> None:
    silent(world, "秸秆禁烧群", "招商对接群", "人口抽样群")
    world.monday(FOUND)
    page = go(world.house.links.cleanup_url("playground:老周"))
    for key in ("j", "x", "j", "j", "x", "l"):
        page.keyboard.press(key)
    page.keyboard.type("年底备用")
    page.locator("#ends-many").fill("2027-03-01")
    look(page, "many", size)
    page.locator("#many").get_by_role("button", name="保留", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("已记下 2 项。")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[data-pick]")).to_have_count(1)
    desk = office(go)
    desk.keyboard.press("a")
    desk.keyboard.press("t")
    desk.keyboard.type("请写明备用到什么时候为止")
    look(desk, "return", size)
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("status")).to_have_text("已办 2 项。")
    tab(desk, "待群主决定 3")


def test_what_is_late_is_marked_for_the_office_and_told_to_nobody(world: World, go: Go, size: str) -> None:
    silent(world, "秸秆禁烧群")
    world.monday(FOUND)
    world.night("2026-12-08")
    desk = office(go, "/office/cleanup?tab=owner")
    tab(desk, "待群主决定 1")
    expect(desk.locator("tbody")).to_contain_text("已超期")
    desk.get_by_label("只看已超期（1）").click()
    expect(desk.locator("#many")).to_be_visible()
    expect(desk.get_by_label("只看已超期（1）")).to_be_checked()
    desk.locator(".pick-box").check()
    look(desk, "late", size)
    desk.get_by_role("button", name="规范").click()
    tab(desk, "执行中 1")
    talk = go("老周")
    expect(talk.locator(".card")).to_have_count(1)

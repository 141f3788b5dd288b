"""The dashboard in a browser: curves that are drawn, tables without a script, a keyboard, and paper."""

from __future__ import annotations

import io
import re
import unicodedata

import pypdf
import pytest
from playwright.sync_api import Page, expect

from tests.flows.conftest import Open
from tests.flows.test_browser_office import office

pytestmark = pytest.mark.browser
# Of each drawing: its size, and how many lines and bars it has.
DRAWN = """() => [...document.querySelectorAll("[data-chart] svg")].map((one) => {
  const box = one.getBoundingClientRect();
  return [box.width, box.height, one.querySelectorAll("path").length];
})"""
CHARTS = ("groups", "load", "saved", "flags")


def is_as_wide_as_the_window(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_the_curves_are_drawn_and_nothing_complains(opened: Open, size: str) -> None:
    page = opened("/office/signin")
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.get_by_role("button", name="以演示机制办身份进入").click()
    expect(page.locator("[data-chart] svg")).to_have_count(len(CHARTS))
    for width, height, paths in page.evaluate(DRAWN):
        assert width > 250
        assert height > 150
        assert paths > 3
    assert is_as_wide_as_the_window(page)
    page.set_viewport_size({"width": 390 if size == "desk" else 1280, "height": 800})
    expect(page.locator("[data-chart='load'] svg")).to_be_visible()
    page.wait_for_function(
        "[...document.querySelectorAll('[data-chart]')].every((one) => one.firstChild.clientWidth === one.clientWidth)"
    )
    assert is_as_wide_as_the_window(page)
    assert complaints == []


def test_a_point_says_its_week_and_its_figures(opened: Open) -> None:
    page = office(opened)
    expect(page.locator("[data-chart='groups'] svg")).to_be_visible()
    width = page.locator("[data-chart='groups']").evaluate("one => one.clientWidth")
    for left in (60, 32):
        page.locator("[data-chart='groups']").hover(position={"x": width - left, "y": 120})
    last = page.locator("#h-curve ~ details tbody tr").first
    week, number = (last.locator(one).text_content() or "" for one in ("th", "td >> nth=0"))
    expect(page.locator("[data-chart='groups'] svg")).to_contain_text(week.split("（")[0])
    expect(page.locator("[data-chart='groups'] svg")).to_contain_text(f"工作群　{number}")


def test_every_curve_has_its_table_and_a_keyboard_opens_it(opened: Open) -> None:
    page = office(opened)
    for heading in ("h-curve", "h-load", "h-saved", "h-flags"):
        table = page.locator(f"#{heading} ~ details table")
        expect(table).not_to_be_visible()
        page.locator(f"#{heading} ~ details summary").focus()
        page.keyboard.press("Enter")
        expect(table).to_be_visible()
        assert table.locator("tbody tr").count() > 8
    assert is_as_wide_as_the_window(page)
    figure = page.locator("#h-curve ~ details .fig").first
    text = figure.inner_text()
    figure.focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("现有工作群")
    expect(page.locator(".sum strong")).to_have_text(text)


def test_without_a_script_every_figure_is_in_a_table(opened: Open) -> None:
    page = office(opened, "/office")
    drawn = page.locator("#h-curve ~ details tbody tr").first.text_content()
    bare = opened("/office/signin", java_script_enabled=False)
    bare.get_by_role("button", name="以演示机制办身份进入").click()
    expect(bare.locator("[data-chart]").first).to_be_hidden()
    expect(bare.locator("[data-print]")).to_be_hidden()
    for heading in ("h-reduction", "h-units", "h-curve", "h-load", "h-saved", "h-flags", "h-categories", "h-open"):
        expect(bare.locator(f"section:has(#{heading}) table").first).to_be_visible()
    assert bare.locator("#h-curve ~ details tbody tr").first.text_content() == drawn


@pytest.mark.parametrize("name", ["清理前（基数）", "现有", "已清理", "新增", "净减少"])
def test_the_figures_of_the_reduction_open_to_their_rows(opened: Open, name: str) -> None:
    page = office(opened)
    heads = page.locator("section:has(#h-reduction) thead th").all_inner_texts()
    row = page.locator("section:has(#h-reduction) tbody tr").first
    figure = row.locator("th, td").nth(heads.index(name)).locator(".fig")
    text = figure.inner_text()
    figure.click()
    expect(page.locator(".sum strong")).to_have_text(text)
    expect(page.locator("table.rows tbody tr").first).to_be_visible()
    assert is_as_wide_as_the_window(page)


def test_it_fits_on_paper(opened: Open, size: str) -> None:
    page = office(opened)
    expect(page.locator("[data-chart] svg")).to_have_count(len(CHARTS))
    page.emulate_media(media="print")
    for absent in (".top", ".office-bar", "#appeals", ".dash-head .button >> nth=0"):
        expect(page.locator(absent).first).to_be_hidden()
    inside = "[...document.querySelectorAll('[data-chart]')].every((one) => one.querySelector('svg').clientWidth <= one.clientWidth)"
    assert page.evaluate(inside)
    paper = pypdf.PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    assert len(paper.pages) <= 3
    assert [round(float(side)) for side in paper.pages[0].mediabox[2:]] == [595, 842]
    text = unicodedata.normalize("NFKC", re.sub(r"\s", "", "".join(one.extract_text() for one in paper.pages)))
    for heading in ("机制办看板", "精简情况", "各单位情况", "人均负担", "提示，按类别和周", "数据缺口"):
        assert unicodedata.normalize("NFKC", heading) in text
    page.emulate_media(media="screen")

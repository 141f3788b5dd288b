"""Take the README's pictures from a running demonstration: `python docs/pictures.py http://127.0.0.1:8790`."""

from __future__ import annotations

import sys
from pathlib import Path
from shutil import which

from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent / "pictures"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def page_of(browser: Browser, base: str, width: int, height: int) -> Page:
    return browser.new_context(viewport={"width": width, "height": height}, base_url=base).new_page()


def take(base: str) -> None:
    HERE.mkdir(exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=which("chromium"), args=FLAGS)
        phone = page_of(browser, base, 390, 780)
        phone.goto("/playground?as=p12")
        phone.get_by_text("柳湾镇工作群", exact=True).first.click()
        phone.wait_for_timeout(1500)
        phone.locator(".card").last.evaluate("card => card.scrollIntoView({block: 'center'})")
        phone.wait_for_timeout(500)
        phone.screenshot(path=HERE / "playground.png")
        office = page_of(browser, base, 1280, 900)
        office.goto("/office/signin")
        office.get_by_text("以演示机制办身份进入").click()
        office.wait_for_timeout(500)
        for path, name in (("/office", "office"), ("/office/inventory", "inventory")):
            office.goto(path)
            office.wait_for_timeout(500)
            office.screenshot(path=HERE / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    take(sys.argv[1])

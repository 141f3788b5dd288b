"""A real bot with the demonstration city, and a real Chromium to use it with."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"phone": (390, 844), "desk": (1280, 800)}
READY_SECONDS = 90
# A loaded machine is slow, not wrong.
expect.set_options(timeout=20_000)
COMMAND = ["-m", "bot", "run", "--demo", "--port", "0"]

Open = Callable[..., Page]


def _chromium() -> str | None:
    return which("chromium") or which("chromium-browser") or which("google-chrome")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Closed after each module: while it is open, playwright's own event loop runs and no async test could."""
    path = _chromium()
    if path is None:
        sentence = "没有找到 chromium：apt-get install chromium 之后再跑浏览器流程。"
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running demonstration."""
    data = tmp_path_factory.mktemp("city")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("QINGQUN_")}
    # Whatever the hour of the run, it is working time: what may wait for the working day does not wait.
    environ |= {"QINGQUN_WORK__START": "00:00", "QINGQUN_WORK__END": "23:59"}
    environ |= {"QINGQUN_ACKNOWLEDGE__REVISE_SECONDS": "0.2", "PYTHONUNBUFFERED": "1"}
    with (data / "output").open("wb") as output:
        command = [sys.executable, *COMMAND, "--data", str(data / "data")]
        bot = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environ, cwd=data)
        try:
            yield _address(bot, data / "output")
        finally:
            bot.terminate()
            bot.wait(20)


def _address(bot: subprocess.Popen[bytes], output: Path) -> str:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and bot.poll() is None:
        found = re.search(r"已启动（演示数据）：(http://\S+?)/\s", output.read_text("utf-8"))
        if found:
            return found[1]
        time.sleep(0.1)
    pytest.fail(f"the bot did not start:\n{output.read_text('utf-8')[-2000:]}")


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(chromium: Browser, city: str, size: str) -> Iterator[Open]:
    """`opened("/playground?as=p14")` gives a page of its own; none may show an error or scroll sideways."""
    width, height = SIZES[size]
    contexts: list[Any] = []
    problems: list[str] = []

    def open_page(path: str, **options: Any) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height}, base_url=city, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if "Content Security" in said.text else None)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        for page in context.pages:
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if wide > 0:
                problems.append(f"{page.url} is {wide} px wider than the window")
        context.close()
    assert problems == []

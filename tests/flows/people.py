"""One persona with the playground open, by what they see and press."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from bot.demo.city import BY_NAME
from tests.flows.conftest import Open


class Persona:
    def __init__(self, opened: Open, name: str) -> None:
        self.id = BY_NAME[name]
        self.page = opened(f"/playground?as={self.id}")

    def enter(self, room: str) -> None:
        self.page.evaluate(f"location.hash = '#/{room}'")
        expect(self.page.locator("#composer, .empty").first).to_be_visible()

    def enter_private(self) -> None:
        self.enter(f"@{self.id}")
        expect(self.page.locator("#room-name")).to_have_text("轻群")

    def say(self, text: str) -> None:
        self.page.fill("#text", text)
        self.page.click("#send")
        expect(self.page.locator(".bubble", has_text=text[:20]).last).to_be_visible()

    def card(self, words: str) -> Locator:
        return self.page.locator(".card", has_text=words).last

    def press(self, words: str, label: str) -> None:
        self.card(words).get_by_role("button", name=label, exact=True).click()

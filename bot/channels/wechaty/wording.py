"""Cards as WeChat can show them: a link card in the group, plain words in private; there are no buttons."""

from __future__ import annotations

from collections.abc import Callable

from handlers.cards import Card, Link

TITLE_LENGTH = 60
DESCRIPTION_LENGTH = 120


def body(card: Card) -> str:
    """The whole card in words."""
    details = [f"{name}：{value}" for name, value in card.details]
    parts = [card.title, card.text, *card.lines, *details, card.note]
    return "\n".join(part for part in parts if part)


def description(card: Card) -> str:
    """The small print below a link card's title."""
    parts = [*card.lines, card.note] if card.text.startswith(card.title.rstrip("…")) else [card.text, *card.lines]
    return _cut(" ".join(part for part in parts if part), DESCRIPTION_LENGTH)


def title(card: Card) -> str:
    return _cut(card.title, TITLE_LENGTH)


def private_links(card: Card, address: Callable[[Link], str]) -> list[str]:
    """`label：address` of every page of a private card, each page once; a card with buttons has its page, where they
    can be pressed."""
    links = list(card.links)
    for button in card.buttons:
        known = {(link.page, link.subject) for link in links}
        if ("cleanup", button.subject) in known:
            links.append(Link(label=button.label, page="cleanup", subject=button.subject))
        elif button.action == "ack" and ("notice", button.subject) not in known:
            links.append(Link(label=button.label, page="notice", subject=button.subject))
        elif button.action != "ack" and not any(link.page == "mine" for link in links):
            links.append(Link(label="/".join(one.label for one in card.buttons), page="mine"))
    pages: dict[str, list[str]] = {}
    for link in links:
        pages.setdefault(address(link), []).append(link.label)
    return [f"{'/'.join(labels)}：{page}" for page, labels in pages.items()]


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"

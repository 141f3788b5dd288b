"""The form of one row of the register: its columns in the order of policy.md §5, what was typed, what somebody else did."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.reports.cells import MAX_TEXT, READERS
from bot.reports.columns import platform
from bot.reports.register_import import APPS, GROUPS
from bot.reports.register_rows import HEADERS, channel_of
from bot.web.forms import Form
from config.wording import Wording
from storage.register import written

# The order of the columns in the register; what is computed from what the bot sees is not edited.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "groups": (
        "name", "channel", "unit", "owner", "admins", "phone", "members", "created", "purpose", "kind", "matter", "ends",
        "last_work_day", "messages_30d", "disposition", "responsible", "due", "checker", "closed", "note",
    ),
    "apps": (
        "unit", "name", "kind", "handler", "basis", "functions", "updated", "monthly_active", "similar", "filing",
        "disposition", "closed",
    ),
}  # fmt: skip
KINDS: Mapping[str, Mapping[str, str]] = {
    book: {column.name: column.kind for column in columns} for book, columns in (("groups", GROUPS), ("apps", APPS))
}
CHOICES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("groups", "kind"): ("综合", "业务", "临时", "议事协调机构"),
    ("groups", "disposition"): ("解散", "合并", "保留", "规范"),
    ("groups", "channel"): ("微信", "企业微信", "钉钉", "飞书", "QQ", "网页试用台"),
    ("apps", "kind"): ("APP", "小程序", "快应用", "公众号"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One field as the page shows it; `theirs` is what somebody else has made of it meanwhile."""

    name: str
    label: str
    kind: str
    value: str
    was: str
    choices: Sequence[str] = ()
    problem: str = ""
    theirs: str | None = None


def shown(book: str, name: str, value: Any, say: Wording) -> str:
    """A cell as people write it."""
    if name == "extra":
        return "；".join(f"{column} {text}" for column, text in json.loads(value or "{}").items())
    return platform(value, say) if name == "channel" and value else written(value)


def boxes(book: str, row: Any, say: Wording) -> list[Box]:
    """The row as it is."""
    return [_box(book, name, (now := shown(book, name, getattr(row, name), say)), now) for name in FIELDS[book]]


def blank(book: str, form: Mapping[str, str], problems: Mapping[str, str]) -> list[Box]:
    """Of a row that is not there yet: what was typed so far."""
    return [_box(book, name, form.get(name, "").strip(), "", problems.get(name, "")) for name in FIELDS[book]]


def merged(book: str, row: Any, form: Form, problems: Mapping[str, str], say: Wording) -> list[Box]:
    """What was typed stays; what was not touched is as it is now; what both have touched shows both."""
    found = []
    for name in FIELDS[book]:
        now, mine, was = shown(book, name, getattr(row, name), say), form.get(name).strip(), form.get(f"was_{name}")
        touched, others = mine != was, now != was and now != mine
        value = mine if touched else now
        theirs = now if others else None
        found.append(_box(book, name, value, now, problems.get(name, ""), theirs))
    return found


def _box(book: str, name: str, value: str, was: str, problem: str = "", theirs: str | None = None) -> Box:
    return Box(
        name=name, label=HEADERS[book][name], kind=KINDS[book].get(name, "text"), value=value, was=was,
        choices=CHOICES.get((book, name), ()), problem=problem, theirs=theirs,
    )  # fmt: skip


def typed(book: str, form: Form, say: Wording) -> tuple[dict[str, str], dict[str, str]]:
    """The fields that were changed, as the register writes them; and a sentence for each that cannot be read."""
    values, problems = {}, {}
    for name in FIELDS[book]:
        text = form.get(name).strip()
        if text == form.get(f"was_{name}"):
            continue
        if name == "name" and not text:
            problems[name] = say("register.no_name")
        elif len(text) > MAX_TEXT:
            problems[name] = say("register.too_long", limit=MAX_TEXT, length=len(text))
        elif not text:
            values[name] = ""
        elif name == "channel":
            values[name] = channel_of(text)
        else:
            value, why = READERS[KINDS[book][name]](text)
            if value is None:
                problems[name] = why
            values[name] = written(value)
    return values, problems

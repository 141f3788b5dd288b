"""The rows of a register file as the register keeps them: under a key that stays the same from file to file."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from types import SimpleNamespace
from typing import Any

from bot.reports.register_import import APPS, GROUPS, Register, RegisterRow
from config.wording import load_wording
from storage import register
from storage.register import Live, What, folded

# What registers call a platform → the channel.
CHANNELS: Mapping[str, str] = {
    "微信": "wechat", "微信群": "wechat", "企业微信": "wecom", "政务微信": "wecom", "钉钉": "dingtalk",
    "钉钉群": "dingtalk", "政务钉钉": "dingtalk", "飞书": "feishu", "qq": "qq", "qq群": "qq",
    "网页试用台": "playground", "未注明": "other",
}  # fmt: skip
UNKNOWN_CHANNEL = "other"
# The table's column → its header; what no header fills has a name of its own.
HEADERS: Mapping[str, Mapping[str, str]] = {
    what: {column.name: column.header for column in columns if column.name}
    | {"channel": "平台", "group": "对应的在管群", "extra": "其他列"}
    for what, columns in (("groups", GROUPS), ("apps", APPS))
}


def prepared(read: Register, what: What, live: Sequence[Live]) -> list[dict[str, Any]]:
    """Each row as JSON may hold it: `told` goes into the register, a `skipped` one says why it does not.

    The second row of one key is skipped.
    """
    first: dict[str, int] = {}
    by_native: dict[str, list[str]] = {}
    for group in live:
        for given in (group.id, group.id.split(":", 1)[1]):
            by_native.setdefault(given, []).append(group.id)
    rows: list[dict[str, Any]] = []
    for row in read.rows:
        told = {} if row.skipped else _told(row, read, what, by_native)
        if told and (before := first.setdefault(told["id"], row.number)) != row.number:
            row.skipped, told = load_wording()("import.twice", row=before), {}
        rows.append({
            "number": row.number,
            "name": str(row.values.get("name", "")),
            "told": {name: value.isoformat() if isinstance(value, date) else value for name, value in told.items()},
            "skipped": row.skipped,
            "problems": [[one.cell, one.column, one.why] for one in row.problems],
        })  # fmt: skip
    notes = _notes([row["told"] for row in rows if row["told"]], live)
    return [{**row, "note": notes.get(row["told"].get("id", ""), "")} for row in rows]


def _told(row: RegisterRow, read: Register, what: What, by_native: Mapping[str, list[str]]) -> dict[str, Any]:
    """The cells that the file has; an empty one empties, one that could not be read leaves what was known."""
    columns = read.columns | ({"ends"} if "matter" in read.columns else set())
    told = {name: row.values.get(name) for name in columns - row.unread - {"platform", "native"}}
    if row.extra or read.unknown:
        told["extra"] = json.dumps(row.extra, ensure_ascii=False, sort_keys=True)
    told |= {"id": _key(row, what), "position": row.number}
    if what == "groups":
        told["channel"] = _channel(row)
        native = row.values.get("native", "")
        if native:
            named = by_native.get(native, [])
            told["group"] = named[0] if len(named) == 1 else None
    return told


def _channel(row: RegisterRow) -> str:
    return channel_of(row.values.get("platform", ""))


def channel_of(platform: str) -> str:
    """The channel of a platform as people call it."""
    text = unicodedata.normalize("NFKC", platform).lower().replace(":", "").strip()
    return CHANNELS.get(text, text[:40]) or UNKNOWN_CHANNEL


def _key(row: RegisterRow, what: What) -> str:
    native = row.values.get("native", "")
    if native:
        head = _channel(row) if what == "groups" else "app"
        return str(native) if ":" in native else f"{head}:{native}"
    return key_of(what, {**row.values, "channel": _channel(row)})


def key_of(what: What, told: Mapping[str, Any]) -> str:
    """Of a row without a number of its own, the same from file to file: by platform, unit and name."""
    head = told["channel"] if what == "groups" else "app"
    named = ("unit", "name") if what == "groups" else ("unit", "name", "kind")
    text = "\n".join(folded(told.get(name, "")) for name in named)
    return f"{head}:r{hashlib.sha256(text.encode()).hexdigest()[:15]}"


def _notes(rows: Sequence[Mapping[str, Any]], live: Sequence[Live]) -> dict[str, str]:
    """Which live group a row was matched to, or that it could not be."""
    say = load_wording()
    asked = [
        SimpleNamespace(id=row["id"], group=row.get("group"), name=row["name"], unit=row.get("unit") or "")
        for row in rows
    ]
    pairs = register.pair(asked, live)
    names = Counter(folded(one.name) for one in live if one.living)
    notes = {row.id: say("import.ambiguous") for row in asked if names[folded(row.name)] > 1}
    return notes | {row: say("import.matched", group=group) for row, group in pairs.items()}

"""What is to be dealt with, as the tables behind a bulletin or a letter: register order, no ranking, nobody's name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.reports.paper import NAME_LIMIT, REASON_LIMIT, Annex, annex_labels, plain
from config.wording import Wording
from handlers.inventory import QUIET

Row = Mapping[str, Any]
# Anything else that a register says is somebody's note, and not for a circular.
DISPOSITIONS = ("解散", "合并", "规范", "保留", "注销")
WIDTHS = (10.0, 33.0, 33.0, 17.0, 46.0, 17.0)
MIDDLE = frozenset((0, 3, 5))
# Official Chinese has no blank beside a figure; what is quoted stays as it is.
BLANK = re.compile(r"“[^”]*”|(?<=[\d%]) (?=[^\x00-\xff])|(?<=[^\x00-\xff]) (?=\d)")


def closed_up(text: str) -> str:
    return BLANK.sub(lambda found: found[0].strip(" "), text)


def asking(rows: Sequence[Row]) -> list[Row]:
    """Those whose verdict asks for something, in their order."""
    return [one for one in rows if one["verdict"] not in QUIET]


def disposition(row: Row) -> str:
    """One of DISPOSITIONS, or empty: the register says something of its own."""
    told = str(row["disposition"]).strip().removeprefix("建议")
    return told if told in DISPOSITIONS else ""


def annexes(groups: Sequence[Row], apps: Sequence[Row], say: Wording) -> tuple[Annex, ...]:
    """One table for groups and one for apps; none where there is nothing to list."""
    kinds = [
        (say("bulletin.annex.groups"), ("group", "unit"), "inventory.verdict", groups),
        (say("bulletin.annex.apps"), ("app", "owner"), "inventory.app_verdict", apps),
    ]
    filled = [kind for kind in kinds if kind[3]]
    labels = annex_labels(say("bulletin.annex.label"), len(filled))
    return tuple(
        _annex(label, title, columns, verdict, rows, say)
        for label, (title, columns, verdict, rows) in zip(labels, filled, strict=True)
    )


def mentions(tables: Sequence[Annex], say: Wording) -> tuple[str, ...]:
    """The lines of 附件说明: numbered when there is more than one."""
    names = [table.title for table in tables]
    if len(names) > 1:
        names = [f"{number}. {name}" for number, name in enumerate(names, start=1)]
    return tuple(say("bulletin.annex.mention", name=name) if name is names[0] else name for name in names)


def _annex(label: str, title: str, columns: tuple[str, str], verdict: str, rows: Sequence[Row], say: Wording) -> Annex:
    head = ("number", *columns, "verdict", "reasons", "disposition")
    return Annex(
        label=label,
        title=title,
        head=tuple(say(f"bulletin.annex.{name}") for name in head),
        widths=WIDTHS,
        middle=MIDDLE,
        rows=tuple(_cells(number, row, verdict, say) for number, row in enumerate(rows, start=1)),
    )


def _cells(number: int, row: Row, verdict: str, say: Wording) -> tuple[str, ...]:
    cut = say("bulletin.annex.cut", text="")
    reasons = "；".join(closed_up(one["text"]) for one in row["reasons"])
    return (
        str(number),
        plain(row["name"], NAME_LIMIT, cut),
        plain(row["unit"], NAME_LIMIT, cut) or say("bulletin.annex.no_unit"),
        # What follows in brackets says no more than the last column.
        say(f"{verdict}.{row['verdict']}").partition("（")[0],
        plain(reasons, REASON_LIMIT, cut),
        disposition(row) or say("bulletin.annex.filed"),
    )

"""The rows of the summary sheet: figures, the formula of 清理率, the load beside it, thresholds, gaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.reports.columns import platform
from config.wording import Wording

# A style for the middle cell, and one cell (over the whole width) or three.
SummaryRow = tuple[str, tuple[Any, ...]]
# The order of seriousness, the quiet ones last.
VERDICTS = ("dissolve", "overdue", "empty", "duplicate", "suspected", "watch", "insufficient", "alive", "exempt")
GAPS_SHOWN = 40


def summary_rows(snapshot: Mapping[str, Any], say: Wording) -> Iterator[SummaryRow]:
    own = snapshot.get("scope") == "own"
    end = datetime.fromisoformat(snapshot["at"]) - timedelta(seconds=1)
    yield "subtitle", (say("inventory.sheet.until", day=_day(end)),)
    yield "head", tuple(say(f"inventory.sheet.head_{part}") for part in ("item", "value", "note"))
    yield from _overall(snapshot, own, say)
    if not own:
        yield from _reduced(snapshot, say)
        yield from _load(snapshot["load"], say)
        yield from _merging(snapshot.get("merging"), say)
    yield from _rules(snapshot["rules"], say)
    if not own:
        yield from _sources(snapshot["sources"]["gaps"], say)


def _day(at: datetime) -> str:
    return f"{at.year}年{at.month}月{at.day}日"


def _line(style: str, name: str, value: Any, say: Wording, **values: Any) -> SummaryRow:
    """An item, its figure, and its explanation where the wording has one."""
    note, known = f"inventory.sheet.{name}_note", say.keys()
    explained = say(note, **values) if note in known else ""
    return style, (say(f"inventory.sheet.{name}"), value, explained)


def _overall(snapshot: Mapping[str, Any], own: bool, say: Wording) -> Iterator[SummaryRow]:
    totals = snapshot["totals"]
    yield "section", (say("inventory.sheet.overall"),)
    if own:
        yield "whole", (say("inventory.sheet.count_groups"), totals["groups"], "")
    else:
        yield _line("whole", "count_groups", totals["groups"], say, **snapshot["sources"])
    yield _line("whole", "zombie_groups", totals["zombie_groups"], say)
    note = say("inventory.sheet.by_verdict_note")
    for judged in VERDICTS:
        if number := snapshot["verdicts"].get(judged):
            label = say(f"inventory.verdict.{judged}")
            yield "whole", (say("inventory.sheet.by_verdict", verdict=label), number, note)
            note = ""
    if not own:
        yield _line("whole", "count_apps", totals["apps"], say)
        yield _line("whole", "zombie_apps", totals["zombie_apps"], say)


def _reduced(snapshot: Mapping[str, Any], say: Wording) -> Iterator[SummaryRow]:
    totals, reduction = snapshot["totals"], snapshot["reduction"]
    yield "section", (say("inventory.sheet.reduced"),)
    note = say("inventory.sheet.baseline_none")
    if reduction["baseline_at"]:
        last = datetime.fromisoformat(reduction["baseline_at"]) - timedelta(seconds=1)
        note = say("inventory.sheet.baseline_note", day=_day(last))
    yield "whole", (say("inventory.sheet.baseline"), totals["baseline_groups"], note)
    for evidence, number in reduction["closed"].items():
        yield _line("whole", f"closed_{evidence}", number, say)
    yield _line("whole", "added", reduction["added"], say, rebounds=reduction["rebounds"])
    if moved := reduction.get("moved"):
        yield _line("whole", "moved", moved, say)
    yield _line("whole", "now", totals["groups"], say)
    yield _line("whole", "net", totals["reduced_groups"], say)
    yield "share", (say("inventory.sheet.rate"), totals["reduction_rate"], reduction["formula"])


def _load(load: Mapping[str, Any], say: Wording) -> Iterator[SummaryRow]:
    yield "section", (say("inventory.sheet.load"),)
    for name, value in load.items():
        yield _line("whole" if name == "people" else "number", name, value, say)


def _merging(merging: Mapping[str, Any] | None, say: Wording) -> Iterator[SummaryRow]:
    """Beside the load, because that is what a merger costs; a snapshot of before there was advice tells nothing."""
    if merging is None:
        return
    fewer, more = merging["people_fewer"], merging["people_more"]
    yield "whole", (say("inventory.sheet.merge_proposals"), merging["proposals"], f"{merging['text']}。")
    yield _line("whole", "merge_saves", merging["saves_groups"], say)
    yield _line("whole", "merge_fewer", fewer["people"], say)
    yield _line("number", "merge_fewer_each", fewer["notices_weekly"], say)
    yield _line("whole", "merge_more", more["people"], say)
    yield _line("number", "merge_more_each", more["messages_daily"], say)
    yield _line("whole", "merge_held", merging["held"], say)


def _rules(rules: list[Mapping[str, Any]], say: Wording) -> Iterator[SummaryRow]:
    yield "section", (say("inventory.sheet.rules"),)
    yield "head", tuple(say(f"inventory.sheet.head_{part}") for part in ("rule", "threshold", "source"))
    for rule in rules:
        threshold = say(f"inventory.sheet.threshold_{rule['unit']}", threshold=rule["threshold"])
        yield "middle", (say(f"inventory.rule_name.{rule['code']}"), threshold, f"{rule['text']}。{rule['source']}。")


def _sources(gaps: list[Mapping[str, str]], say: Wording) -> Iterator[SummaryRow]:
    yield "section", (say("inventory.sheet.sources"),)
    if not gaps:
        yield "middle", (say("inventory.sheet.no_gaps"), "", "")
    for gap in gaps[-GAPS_SHOWN:]:
        since, until = (datetime.fromisoformat(gap[side]) for side in ("since", "until"))
        hours = (until - since) / timedelta(hours=1)
        yield "middle", (
            say("inventory.sheet.gap", channel=platform(gap["channel"], say)),
            say("inventory.sheet.gap_hours", hours=hours),
            say("inventory.sheet.gap_note", since=f"{since:%Y-%m-%d %H:%M}", until=f"{until:%Y-%m-%d %H:%M}"),
        )
    if len(gaps) > GAPS_SHOWN:
        yield "middle", (say("inventory.sheet.gap_more", number=len(gaps) - GAPS_SHOWN), "", "")

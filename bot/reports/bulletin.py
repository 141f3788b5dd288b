"""The week's inventory as a 通报: figures with their formula, what was found, what is suggested; names no person.

Composed from a snapshot, which it queries nothing beside; every figure is one of the snapshot or a count of its rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.reports.annex import annexes, asking, closed_up, disposition, mentions
from bot.reports.columns import platform
from bot.reports.paper import Document, Heading, Paragraph, day_in_words, plain
from config.settings import Settings
from config.wording import Wording, load_wording

Row = Mapping[str, Any]
Snapshot = Mapping[str, Any]
# What a second-level heading is made of: the wording's key, and the text below it.
Point = tuple[str, str]
# Verdict → the rules that lead to it, in the order of how serious they are.
GROUP_RULES: Mapping[str, tuple[str, ...]] = {
    "dissolve": ("silent_180",),
    "overdue": ("task_ended",),
    "empty": ("never_used", "no_owner"),
    "duplicate": ("member_overlap", "similar_name"),
    "suspected": ("silent_90",),
    "watch": ("silent_30", "only_rollcall"),
}
APP_RULES: Mapping[str, tuple[str, ...]] = {
    "suspected": ("app", "account"),
    "dissolve": ("app", "account"),
    "banned": ("banned_function",),
    "duplicate": ("similar_app",),
    "watch": ("few_users",),
}
# Told of a group beside its verdict, each with its rule and source.
HINTS = ("over_limit", "unregistered", "rebound")
ADVICE: Mapping[str, str] = {"解散": "dissolve", "合并": "merge", "规范": "tidy", "保留": "keep"}
FILED = "filed"
GAPS_SHOWN = 3
FIGURES = "一二三四五六七八九十"
UNIT_LIMIT = 100


def compose(snapshot: Snapshot, settings: Settings) -> Document:
    """Of a snapshot of some groups or units only (`scope`): an extract, addressed and signed by nobody."""
    say = load_wording()
    own = "scope" in snapshot
    at = datetime.fromisoformat(snapshot["at"])
    tables = annexes(asking(snapshot["groups"]), asking(snapshot["apps"]), say)
    return Document(
        title=tuple(_dated("bulletin.title_own" if own else "bulletin.title", snapshot, say).split("|")),
        to="" if own else say("bulletin.to", addressees="、".join(settings.office.addressees)),
        body=tuple(_body(snapshot, own, settings, say)),
        mentions=mentions(tables, say),
        signer="" if own else settings.office_name,
        date="" if own else day_in_words(at),
        annexes=tables,
        at=at,
    )


def last_day(snapshot: Snapshot) -> str:
    """A week ends at midnight, which belongs to its last day."""
    return day_in_words(datetime.fromisoformat(snapshot["at"]) - timedelta(seconds=1))


def _dated(key: str, snapshot: Snapshot, say: Wording, **values: Any) -> str:
    year, number = snapshot["week"].split("-W")
    return say(key, year=year, number=int(number), **values)


def _body(snapshot: Snapshot, own: bool, settings: Settings, say: Wording) -> Iterator[Heading | Paragraph]:
    intro = "bulletin.intro_own" if own else "bulletin.intro"
    yield Paragraph(_dated(intro, snapshot, say, day=last_day(snapshot), bot=settings.bot_name))
    yield Heading(say("bulletin.overall"))
    yield from _points("overall_of", _overall(snapshot, own, say), say)
    yield Heading(say("bulletin.found"))
    groups, *others = _points("found_of", _found(snapshot, own, say), say)
    yield groups
    yield from _verdicts(snapshot, say)
    yield from others
    yield Heading(say("bulletin.advice"))
    yield from _points("advice_of", _advice(snapshot, settings.bot_name, say), say)


def _points(part: str, points: Iterator[Point], say: Wording) -> Iterator[Paragraph]:
    """（一）…。 and so on, in their order."""
    for number, (name, text) in zip(FIGURES, points, strict=False):
        lead = say("bulletin.number", number=number) + say(f"bulletin.{part}.{name}_lead")
        yield Paragraph(text, lead=lead)


def _overall(snapshot: Snapshot, own: bool, say: Wording) -> Iterator[Point]:
    totals = snapshot["totals"]
    if own:
        yield "known", say("bulletin.overall_of.known_own", **totals)
        return
    yield "known", say("bulletin.overall_of.known", **totals, **_sources(snapshot))
    moved = snapshot["reduction"].get("moved")
    more = say("bulletin.overall_of.moved", number=moved) if moved else ""
    yield "reduced", _reduced(totals, snapshot["reduction"], say) + more
    load = snapshot["load"]
    yield "load", say("bulletin.overall_of.load" if load["people"] else "bulletin.overall_of.load_none", **load)


def _sources(snapshot: Snapshot) -> dict[str, int]:
    return {name: snapshot["sources"][name] for name in ("seen", "imported")}


def _reduced(totals: Row, reduction: Row, say: Wording) -> str:
    formula = reduction["formula"].rstrip("。")
    if not reduction["baseline_at"]:
        return say("bulletin.overall_of.no_baseline", formula=formula)
    net, closed = totals["reduced_groups"], reduction["closed"]
    more = "bulletin.overall_of.net_more" if net < 0 else "bulletin.overall_of.net"
    return say(
        "bulletin.overall_of.reduced",
        baseline=totals["baseline_groups"],
        day=day_in_words(datetime.fromisoformat(reduction["baseline_at"]) - timedelta(seconds=1)),
        closed=sum(closed.values()),
        **closed,
        added=reduction["added"],
        rebounds=reduction["rebounds"],
        now=totals["groups"],
        net=say(more, number=abs(net)),
        formula=formula,
    )


def _found(snapshot: Snapshot, own: bool, say: Wording) -> Iterator[Point]:
    number = len(asking(snapshot["groups"]))
    text = say("bulletin.found_of.groups" if number else "bulletin.found_of.groups_none", number=number)
    if exempt := snapshot["verdicts"].get("exempt"):
        text += say("bulletin.found_of.exempt", number=exempt)
    yield "groups", text
    if hints := _hints(snapshot, say):
        yield "hints", hints
    if not own:
        yield "apps", _apps(snapshot, say)
    yield "gaps", _gaps(snapshot, own, say)


def _verdicts(snapshot: Snapshot, say: Wording) -> Iterator[Paragraph]:
    """1. 2. 3. by verdict, with the rules in the words of the snapshot, and below where they come from."""
    counted = [(judged, number) for judged in GROUP_RULES if (number := snapshot["verdicts"].get(judged))]
    for place, (judged, number) in enumerate(counted, start=1):
        rule = _told("text", snapshot, _codes(judged, snapshot))
        text = say("bulletin.found_of.verdict", name=say(f"inventory.verdict.{judged}"), number=number)
        text += say("bulletin.found_of.rule", rule=rule) if rule else ""
        yield Paragraph(say("bulletin.listed", number=place, text=text))
    if source := _told("source", snapshot, [code for judged, _ in counted for code in _codes(judged, snapshot)]):
        yield Paragraph(say("bulletin.found_of.source", source=source))


def _hints(snapshot: Snapshot, say: Wording) -> str:
    """How many groups touch each rule that does not decide alone, with the rule and its source; empty for none."""
    found = Counter(code for one in snapshot["groups"] for code in {reason["code"] for reason in one["reasons"]})
    codes = [code for code in HINTS if found[code] and _told("text", snapshot, [code])]
    if not codes:
        return ""
    counts = (
        say("bulletin.counted", name=say(f"inventory.rule_name.{code}"), number=found[code])
        + f"（{_told('text', snapshot, [code])}）"
        for code in codes
    )
    return say("bulletin.found_of.hints", counts="、".join(counts), source=_told("source", snapshot, codes))


def _codes(judged: str, snapshot: Snapshot) -> list[str]:
    """The rules that lead to a verdict, those among them that do so by a setting."""
    return [*GROUP_RULES[judged], *(one["code"] for one in snapshot["rules"] if one.get("verdict") == judged)]


def _told(what: str, snapshot: Snapshot, codes: Sequence[str]) -> str:
    """The text or the source of these rules, as they were in force when the snapshot was taken."""
    rules = {one["code"]: one for one in snapshot["rules"]}
    told = "；".join(rules[code][what] for code in dict.fromkeys(codes) if code in rules)
    # Most rules have the same source, and say it once.
    return closed_up("；".join(dict.fromkeys(told.split("；"))) if what == "source" else told)


def _apps(snapshot: Snapshot, say: Wording) -> str:
    found = asking(snapshot["apps"])
    if not found:
        return say("bulletin.found_of.apps_none")
    counts = _counts((say(f"inventory.app_verdict.{one['verdict']}") for one in found), say)
    text = say("bulletin.found_of.apps", number=len(found), counts=counts)
    codes = [code for judged, listed in APP_RULES.items() if judged in {one["verdict"] for one in found} for code in listed]
    rule, source = (_told(what, snapshot, codes) for what in ("text", "source"))
    return text + (say("bulletin.found_of.rule_source", rule=rule, source=source) if rule else "")


def _counts(names: Iterator[str], say: Wording) -> str:
    return "、".join(say("bulletin.counted", name=name, number=number) for name, number in Counter(names).items())


def _gaps(snapshot: Snapshot, own: bool, say: Wording) -> str:
    """When nothing was heard, and which groups and apps could therefore not be judged in full."""
    parts = [] if own else [_deaf(snapshot["sources"]["gaps"], say)]
    parts.append(_thin(snapshot["groups"], say))
    if unknown := sum(1 for one in snapshot["apps"] if _gap_of(one) is not None):
        parts.append(say("bulletin.found_of.thin_apps", number=unknown))
    return "".join(parts) or say("bulletin.found_of.thin_none")


def _deaf(gaps: Sequence[Row], say: Wording) -> str:
    if not gaps:
        return say("bulletin.found_of.gaps_none")
    spans = [_span(one, say) for one in gaps[-GAPS_SHOWN:]]
    if len(gaps) > GAPS_SHOWN:
        spans.append(say("bulletin.found_of.gap_more", number=len(gaps) - GAPS_SHOWN))
    return say("bulletin.found_of.gaps", number=len(gaps), spans="；".join(spans))


def _span(gap: Row, say: Wording) -> str:
    since, until = (datetime.fromisoformat(gap[side]) for side in ("since", "until"))
    return say(
        "bulletin.found_of.gap",
        channel=plain(platform(gap["channel"], say), UNIT_LIMIT, ""),
        since=_moment(since),
        until=_moment(until),
        hours=(until - since) / timedelta(hours=1),
    )


def _moment(at: datetime) -> str:
    return f"{day_in_words(at)}{at.hour}时" + (f"{at.minute}分" if at.minute else "")


def _gap_of(row: Row) -> Row | None:
    """The evidence of 数据不足; None for a row that is known well enough."""
    return next((one["evidence"] for one in row["reasons"] if one["code"] == "data_gap"), None)


def _thin(groups: Sequence[Row], say: Wording) -> str:
    gaps = [gap for one in groups if (gap := _gap_of(one)) is not None]
    deaf = [gap["days"] for gap in gaps if "heard_days" in gap]
    late = sum("first_seen" in gap for gap in gaps)
    unreported = len(gaps) - len(deaf) - late
    parts = []
    if deaf:
        least, most = min(deaf), max(deaf)
        days = say("bulletin.found_of.days", least=least, most=most) if least < most else most
        parts.append(say("bulletin.found_of.thin_gap", number=len(deaf), days=days))
    parts += [say("bulletin.found_of.thin_late", number=late)] if late else []
    parts += [say("bulletin.found_of.thin_unreported", number=unreported)] if unreported else []
    return say("bulletin.found_of.thin", number=len(gaps), parts="、".join(parts)) if gaps else ""


def _advice(snapshot: Snapshot, bot: str, say: Wording) -> Iterator[Point]:
    """Only what there is something to be done about, and what nobody needs to do for it."""
    groups, apps = asking(snapshot["groups"]), asking(snapshot["apps"])
    wanted = Counter(ADVICE.get(disposition(one), FILED) for one in groups)
    for name in (*ADVICE.values(), FILED):
        text = say(f"bulletin.advice_of.{name}", number=wanted[name]) if wanted[name] else ""
        if text := text + (_merging(snapshot, say) if name == "merge" else ""):
            yield name, text
    if apps:
        shown = (disposition(one) or say("bulletin.annex.filed") for one in apps)
        yield "apps", say("bulletin.advice_of.apps", counts=_counts(shown, say))
    if rebounds := snapshot.get("reduction", {}).get("rebounds"):
        yield "rebound", say("bulletin.advice_of.rebound", number=rebounds)
    if groups or apps or snapshot.get("merges"):
        yield "light", say("bulletin.advice_of.light", bot=bot)
    else:
        yield "good", say("bulletin.advice_of.good")


def _merging(snapshot: Snapshot, say: Wording) -> str:
    """What the mergers would save and cost, in the snapshot's own words; empty when there is none."""
    merging = snapshot.get("merging")
    if merging is None or not (merging["proposals"] or merging["held"]):
        return ""
    return say("bulletin.advice_of.merge_counted", text=closed_up(merging["text"]))

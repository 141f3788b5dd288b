"""Which groups and apps have fallen silent, lost their owner or outlived their task; reasons first, then the verdict.

Thresholds are settings. No official number was found for groups (policy.md §4): all of theirs are 本地口径.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from config.settings import InventorySettings
from handlers.rules.week import local_day, midnight

# The most serious first.
SERIOUSNESS = ("dissolve", "overdue", "empty", "duplicate", "suspected", "watch", "insufficient", "alive")
# What a reason makes of a group, by `code_variant` or by code; one that is not here is told and changes nothing.
VERDICT_OF: Mapping[str, str] = {
    "silent_180": "dissolve",
    "task_ended": "overdue",
    "never_used": "empty",
    "no_owner": "empty",
    "member_overlap": "duplicate",
    "silent_90": "suspected",
    "silent_30": "watch",
    "only_rollcall": "watch",
    "similar_name_purpose": "duplicate",
    "data_gap_silence": "insufficient",
    "data_gap_unused": "insufficient",
    "data_gap_late": "insufficient",
    "data_gap_unreported": "insufficient",
}
# What being one group too many makes of it where a setting says so.
OVER_LIMIT: Mapping[str, str] = {"over_limit": "watch"}
SUGGESTED: Mapping[str, str] = {
    "dissolve": "解散",
    "overdue": "解散",
    "empty": "解散",
    "duplicate": "合并",
    "suspected": "规范",
    "watch": "规范",
    "insufficient": "核实",
    "alive": "保留",
    "exempt": "保留",
}
# Below so many messages a share of 收到 says nothing.
ROLLCALL_LEAST = 10
ACCOUNT_KINDS = ("公众", "订阅号", "服务号", "视频号", "微博", "抖音", "头条", "新媒体")
# 政务新媒体 without an update for more than a year is 僵尸号 (policy.md §4).
APP_DEAD_DAYS = 365
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# Whoever was deaf for so long may have missed the message that ended a silence; shorter outages are only not counted.
LONG = DAY
# So many spans are named in the evidence; the channel's own list holds all.
SPANS = 60


@dataclass(frozen=True, slots=True)
class Reason:
    """`evidence` holds dates, numbers and names; `variant` picks one of several sentences for one code."""

    code: str
    evidence: Mapping[str, Any]
    variant: str = ""


class Gaps:
    """When a channel was deaf; spans may overlap."""

    def __init__(self, spans: Iterable[tuple[datetime, datetime]] = ()) -> None:
        self._spans: list[tuple[datetime, datetime]] = []
        for since, until in sorted(spans):
            if self._spans and since <= self._spans[-1][1]:
                self._spans[-1] = (self._spans[-1][0], max(until, self._spans[-1][1]))
            else:
                self._spans.append((since, until))
        self._starts = [since for since, _ in self._spans]
        self._before = [timedelta()]
        for since, until in self._spans:
            self._before.append(self._before[-1] + (until - since))

    @property
    def spans(self) -> list[tuple[datetime, datetime]]:
        return list(self._spans)

    def within(self, since: datetime, until: datetime) -> timedelta:
        """How long the channel was deaf between the two moments."""
        return self._until(until) - self._until(since)

    def quiet(self, since: datetime, until: datetime) -> timedelta:
        """How long before `until` it was heard to be quiet: from the last LONG span on, without the shorter ones."""
        start = max((stop for begin, stop in self.between(since, until) if stop - begin >= LONG), default=since)
        return until - start - self.within(start, until)

    def days(self, since: datetime, until: datetime) -> list[tuple[date, date]]:
        """The deaf days between the moments, as (first, last); a day of which less than an hour is missing is none."""
        found: list[tuple[date, date]] = []
        for start, stop in self.between(since, until):
            if stop - start < HOUR:
                continue
            first, last = local_day(start), local_day(stop - timedelta(microseconds=1))
            if found and first <= found[-1][1] + DAY:
                found[-1] = (found[-1][0], max(last, found[-1][1]))
            else:
                found.append((first, last))
        return found

    def _until(self, at: datetime) -> timedelta:
        place = bisect_right(self._starts, at)
        if not place:
            return timedelta()
        since, until = self._spans[place - 1]
        return self._before[place - 1] + (min(at, until) - since)

    def between(self, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
        """The deaf spans, cut to the two moments."""
        first = max(bisect_right(self._starts, since) - 1, 0)
        cut = ((max(start, since), min(end, until)) for start, end in self._spans[first:] if start < until)
        return [(start, end) for start, end in cut if start < end]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A group as it is known at a week's end. `first_seen` is None when only the register knows it.

    `messages` and `rollcalls` are of the last 30 days; `owner` is "unknown" until a roster or the register tells.
    `matter` is what the group exists for, in the register's words; `over` when they say that it has ended.
    """

    first_seen: datetime | None
    created: date | None
    last_work: datetime | None
    messages: int
    rollcalls: int
    owner: Literal["there", "none", "left", "unknown"]
    ends: date | None
    gaps: Gaps
    matter: str = ""
    over: bool = False
    body: bool = False


def judge(known: Known, end: datetime, rules: InventorySettings) -> list[Reason]:
    """What a group's own facts say at `end`."""
    silence = _never_used(known, end, rules) if known.last_work is None else _silent(known, end, rules)
    return [*silence, *_owner(known), *_task(known, end, rules), *_rollcalls(known, rules)]


def verdict(reasons: Sequence[Reason], exempt: bool = False, limited: bool = False) -> str:
    """The most serious one that a reason makes; an exemption stands above all. `limited`: over_limit counts, too."""
    if exempt:
        return "exempt"
    verdicts = {**VERDICT_OF, **OVER_LIMIT} if limited else VERDICT_OF
    found = (verdicts.get(f"{one.code}_{one.variant}") or verdicts.get(one.code, "alive") for one in reasons)
    return min(found, key=SERIOUSNESS.index, default="alive")


def suggestion(reasons: Sequence[Reason], judged: str) -> str:
    """One of 解散、合并、规范、保留, or 核实 where too little is known.

    A group that only lacks an owner, or its place in the register, wants that.
    """
    codes = {reason.code for reason in reasons}
    if (judged == "empty" and "never_used" not in codes) or (judged == "alive" and "unregistered" in codes):
        return "规范"
    return SUGGESTED[judged]


def _silent(known: Known, end: datetime, rules: InventorySettings) -> list[Reason]:
    """A silence is believed as far as it was heard; where that would make a difference the group is 数据不足."""
    assert known.last_work is not None
    silence = end - known.last_work
    gaps = known.gaps if known.first_seen else Gaps()
    deaf = gaps.within(known.last_work, end)
    level, proven = _level(silence, rules), _level(gaps.quiet(known.last_work, end), rules)
    if level != proven:
        told = {"last_work_message": known.last_work, "silence_days": silence.days, "threshold": level and level[1]}
        return [_gap(gaps, known.last_work, end, "silence", **told)]
    reasons = []
    if level:
        evidence = {"last_work_message": known.last_work, "days": silence.days, "threshold": level[1]}
        reasons.append(Reason(level[0], evidence))
    if deaf and (deaf >= DAY or silence >= rules.watch_days * DAY):
        reasons.append(_gap(gaps, known.last_work, end))
    return reasons


def _level(silence: timedelta, rules: InventorySettings) -> tuple[str, int] | None:
    """The longest of the three silences that it reaches, and its days."""
    levels = (
        ("silent_180", rules.dissolve_days),
        ("silent_90", rules.suspected_days),
        ("silent_30", rules.watch_days),
    )
    return next(((code, days) for code, days in levels if silence >= days * DAY), None)


def _never_used(known: Known, end: datetime, rules: InventorySettings) -> list[Reason]:
    """空壳 once it is older than the grace; a bot that came late, or was deaf, must have listened for `watch_days`."""
    if known.first_seen is None:
        return [] if known.messages else [Reason("data_gap", {}, "unreported")]
    grace = rules.empty_grace_days * DAY
    made = midnight(known.created) if known.created else known.first_seen
    if end - made <= grace:
        return []
    deaf = known.gaps.within(known.first_seen, end)
    observed = end - known.first_seen
    came_late = known.first_seen - made > grace
    whole = known.gaps.quiet(known.first_seen, end) == observed - deaf
    heard_all = whole and not came_late and end - made - deaf > grace
    proven = heard_all or known.gaps.quiet(known.first_seen, end) >= rules.watch_days * DAY
    reasons = [Reason("never_used", {"since": local_day(made), "days": (end - made).days})] if proven else []
    if not proven and observed < rules.watch_days * DAY and came_late:
        reasons.append(Reason("data_gap", {"first_seen": known.first_seen, "days": observed.days}, "late"))
    if deaf and (deaf >= DAY or not proven):
        reasons.append(_gap(known.gaps, known.first_seen, end, "" if proven else "unused"))
    return reasons


def _gap(gaps: Gaps, since: datetime, until: datetime, variant: str = "", **more: Any) -> Reason:
    """`days` deaf, `heard_days` not; `quiet_days` are the last ones, all of which were heard."""
    deaf = gaps.within(since, until)
    longest = sorted(gaps.between(since, until), key=lambda span: span[0] - span[1])[:SPANS]
    evidence = {
        "days": max(1, round(deaf / DAY)),
        "heard_days": max(0, (until - since - deaf).days),
        "quiet_days": gaps.quiet(since, until).days,
        "spans": sorted(longest),
        **more,
    }
    return Reason("data_gap", evidence, variant)


def _owner(known: Known) -> list[Reason]:
    return [Reason("no_owner", {"owner": known.owner}, known.owner)] if known.owner in ("none", "left") else []


def _task(known: Known, end: datetime, rules: InventorySettings) -> list[Reason]:
    """A day tells for how long the task has been over; a register that only says that it is over is believed."""
    matter = {"matter": known.matter} if known.matter else {}
    variant = "matter" if matter else "body" if known.body else ""
    if known.ends is None:
        return [Reason("task_ended", matter, "over" if matter else "over_unnamed")] if known.over else []
    if midnight(known.ends) + rules.overdue_days * DAY >= end:
        return []
    days = (end - midnight(known.ends)).days
    evidence = {"ends": known.ends, "days": days, "threshold": rules.overdue_days, **matter}
    return [Reason("task_ended", evidence, variant)]


def _rollcalls(known: Known, rules: InventorySettings) -> list[Reason]:
    spoken = known.messages + known.rollcalls
    if spoken < ROLLCALL_LEAST or known.rollcalls / spoken < rules.rollcall_share:
        return []
    evidence = {"rollcalls": known.rollcalls, "messages": spoken, "share": round(known.rollcalls / spoken, 4)}
    return [Reason("only_rollcall", {**evidence, "threshold": rules.rollcall_share})]


def judge_app(kind: str, updated: date | None, end: datetime, rules: InventorySettings) -> tuple[str, list[Reason]]:
    """By the last update; one that lies after the week's end is not known yet."""
    if updated is None or midnight(updated) >= end:
        return "alive", [Reason("data_gap", {}, "update_unknown")]
    account = any(word in kind for word in ACCOUNT_KINDS)
    threshold = rules.account_days if account else rules.app_days
    silence = end - midnight(updated)
    if silence < threshold * DAY:
        return "alive", []
    evidence = {"updated": updated, "days": silence.days, "threshold": threshold}
    return ("dissolve" if silence > APP_DEAD_DAYS * DAY else "suspected"), [Reason("not_updated", evidence)]

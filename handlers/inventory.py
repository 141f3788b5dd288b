"""Take the week's inventory, once; give it to whoever may see it: an admin their own groups', the office all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection

from config.settings import Settings
from config.wording import load_wording
from handlers import figures, grounds
from handlers.actions import Action, SendFile, Whisper
from handlers.cards import Card, Link
from handlers.context import Context
from handlers.events import MessageReceived, WeekEnded
from handlers.listing import merges_of, of_keys, part
from handlers.rules.week import first_day, midnight, week_before
from handlers.rules.zombie import SERIOUSNESS
from handlers.snapshot import compute, opinions, take
from storage import groups, inventories
from storage.inventories import Listed

ASKED = ("清理报告",)
# Verdicts that ask nothing of anybody.
QUIET = ("alive", "exempt", "insufficient")
SHOWN = 20


class WeekError(ValueError):
    """There is no inventory of what was asked for; the message is a Chinese sentence."""


def take_snapshot(event: WeekEnded, context: Context) -> list[Action]:
    """Saved by the first process that comes; the others, and a second event, change nothing."""
    db, week = context.db, event.week
    if inventories.is_saved(db, week):
        return []
    taking = inventories.ready(db, week)
    if taking is None:
        taking = f"{week}/here"
        inventories.begin(db, week, taking)
        take(db, context.settings, week, context.say, partial(inventories.add, db, taking))
    inventories.amend(db, taking, opinions(db, week, context.say))
    inventories.seal(db, week, event.at, taking)
    return []


def snapshot_for(db: Connection, settings: Settings, week: str | None, now: datetime) -> dict[str, Any]:
    """The same as `opened_for` with all of its rows in memory."""
    found = opened_for(db, settings, week, now)
    return {name: list(value) if isinstance(value, Listed) else value for name, value in found.items()}


def opened_for(db: Connection, settings: Settings, week: str | None, now: datetime) -> dict[str, Any]:
    """The saved snapshot, or one of the facts as they are known, which is not saved; no week: the last ended one.

    The lists of a saved one read their rows when they are asked for them, as long as the connection is open.
    A week that is going on is taken as if nothing more happened in it. Now is the later of `now` and the newest event,
    because a replay may be ahead of the clock. WeekError for what is no week and for one that has not begun.
    """
    say = load_wording()
    week = week_for(db, week, now)
    return grounds.explained(inventories.opened(db, week) or compute(db, settings, week, say), say)


def week_for(db: Connection, week: str | None, now: datetime) -> str:
    """The week that is asked for, checked."""
    say = load_wording()
    now = max(now, inventories.newest_event(db) or now)
    week = week or week_before(now)
    try:
        begins = midnight(first_day(week))
    except ValueError:
        raise WeekError(say("inventory.bad_week", week=week[:20], example=week_before(now))) from None
    if begins > now:
        raise WeekError(say("inventory.future_week", week=week, last=week_before(now)))
    return week


def only_groups(snapshot: Mapping[str, Any], keys: Collection[str], others: bool = True) -> dict[str, Any]:
    """The part of a snapshot that is about these groups (`channel:id`): no apps, no figures of the whole city.

    Whoever runs a group may read the names of `others` with the same people, to merge with; a unit's admin may not.
    """
    wanted = set(keys)
    own = of_keys(snapshot["groups"], wanted)
    if not others:
        own = [{**one, "similar": [two for two in one["similar"] if f"{two['channel']}:{two['id']}" in wanted]} for one in own]
    nothing = dict.fromkeys(("apps", "zombie_apps", "baseline_groups", "reduced_groups"), 0)
    return {
        "week": snapshot["week"],
        "at": snapshot["at"],
        "scope": "own",
        "totals": {"groups": len(own), "zombie_groups": figures.zombies(own), **nothing, "reduction_rate": 0.0},
        "verdicts": figures.verdicts(own),
        "rules": snapshot["rules"],
        "groups": own,
        "apps": [],
        "merges": merges_of(snapshot.get("merges", ()), wanted),
    }


def report(event: MessageReceived, context: Context) -> list[Action]:
    """`清理报告`, asked in private: what there is to clean up, and the list as a file."""
    if event.group is not None or event.kind != "text" or event.text.strip() not in ASKED:
        return []
    person = groups.person(context.db, event.sender.id)
    office = person is not None and person.role == "office"
    keys = groups.run_by(context.db, event.sender.id)
    if not office and not keys:
        card = Card(title=context.say("inventory.report_not_admin"))
        return [Whisper(key=f"report:{event.id}", person=event.sender.id, card=card)]
    snapshot = opened_for(context.db, context.settings, None, event.at)
    what = f"inventory/{snapshot['week']}.xlsx"
    if not office:
        snapshot = only_groups(snapshot, keys)
        what += "?groups=" + quote(",".join(keys))
    name = context.say("inventory.report_file", week=snapshot["week"])
    return [
        Whisper(key=f"report:{event.id}", person=event.sender.id, card=_card(snapshot, office, context)),
        SendFile(key=f"report:{event.id}:file", person=event.sender.id, what=what, name=name),
    ]


def _card(snapshot: Mapping[str, Any], office: bool, context: Context) -> Card:
    """The groups in their order in the register, never by any figure."""
    say = context.say
    asking = part(snapshot["groups"], [judged for judged in SERIOUSNESS if judged not in QUIET])
    found = asking.number()
    lines = [
        say(
            "inventory.report_line",
            name=one["name"],
            verdict=say(f"inventory.verdict.{one['verdict']}"),
            reasons="；".join(reason["text"] for reason in one["reasons"]),
        )
        for _, one in asking.cut(0, SHOWN)
    ]
    if found > SHOWN:
        lines.append(say("inventory.report_more", number=found - SHOWN))
    return Card(
        title=say("inventory.report_title_all" if office else "inventory.report_title", week=snapshot["week"]),
        text=say("inventory.report_counts", groups=len(snapshot["groups"]), found=found) if found
        else say("inventory.report_none_all" if office else "inventory.report_none"),
        lines=tuple(lines),
        links=(Link(label=say("inventory.report_page"), page="inventory", subject=snapshot["week"]),),
        tone="notice" if found else "done",
    )

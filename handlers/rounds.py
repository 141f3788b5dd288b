"""What time does to the groups that are to be cleaned up: found, asked about, escalated, verified, closed, looked at again.

The week's saved snapshot is all that is judged by. Nobody is asked twice about the same, and each person gets one
message a week with everything of theirs. Whatever is late goes to the office's list and nowhere else.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

from handlers.actions import Action, Whisper
from handlers.cleanupbook import Book, Round, round_id
from handlers.cleanupcards import weekly_card
from handlers.context import Context
from handlers.events import DayEnded, Event, GroupDissolved, WeekEnded
from handlers.rules.cleanup import ENDING, QUIET, UNDECIDED, UNDER_WAY, Standing, Step, asks, is_clear, suggested
from handlers.rules.week import local_day, week_before
from handlers.rules.zombie import SERIOUSNESS
from storage import cleanups, inventories

FACTS = {
    "group": (
        "channel", "source", "owner", "members", "created", "purpose", "last_work_message", "last_work_source",
        "messages_30d", "per_person_daily", "similar",
    ),
    "app": ("kind", "handler", "updated", "monthly_active", "functions"),
}  # fmt: skip
Key = tuple[str, str]
FIRST = itemgetter(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A group or an app as the week's snapshot has it, and its place in the register's order."""

    kind: str
    subject: str
    one: Mapping[str, Any]
    unit_place: int
    place: int

    @property
    def key(self) -> Key:
        return self.kind, self.subject


def weekly(event: WeekEnded, context: Context) -> list[Action]:
    """Only the newest week is acted on; a snapshot that comes late changes nothing."""
    snapshot = inventories.opened(context.db, event.week)
    if not context.settings.cleanup.enabled or snapshot is None or event.week != inventories.weeks(context.db)[0]:
        return []
    book = Book(context)
    busy = book.adopt(cleanups.hold_in(context.db, UNDER_WAY))
    units = _units(snapshot)
    cleanups.place_units(context.db, units)
    subjects = [one.subject for one in busy if one.kind == "group"]
    seen = {one.key: one for one in _sightings(snapshot, subjects, units, book.rules.leave)}
    _compare(book, seen, event)
    _revive(book, event)
    _rebound(book, seen, event)
    _find(book, seen, event)
    _pass_time(book, event)
    actions = _ask(book, event)
    book.save()
    return actions


def daily(event: DayEnded, context: Context) -> list[Action]:
    """What is due, and which groups speak again that were said to be gone."""
    book = Book(context)
    _revive(book, event)
    _pass_time(book, event)
    book.save()
    return []


def dissolved(event: GroupDissolved, context: Context) -> list[Action]:
    """核查: the bot saw it, whether or not it was decided; the strongest evidence."""
    book = Book(context)
    for one in book.adopt(cleanups.hold_of(context.db, "group", [event.group], UNDER_WAY)):
        if one.state != "cooling":
            book.take(one, Step(step="verified", at=event.at, evidence="seen", choice="dissolve"))
        elif one.standing.choice in ENDING and one.standing.evidence == "declared":
            book.take(one, Step(step="witnessed", at=event.at, evidence="seen"))
            cleanups.witness(context.db, event.group)
    book.save()
    return []


def _units(snapshot: Mapping[str, Any]) -> dict[str, int]:
    """The units in the order of the register, as the groups and then the apps stand in it."""
    units = {unit: place for place, unit in enumerate(snapshot["groups"].units())}
    for one in snapshot["apps"]:
        units.setdefault(one["unit"], len(units))
    return units


def _sightings(
    snapshot: Mapping[str, Any], subjects: Collection[str], units: Mapping[str, int], leave: Collection[str]
) -> Iterable[Sighting]:
    """In the snapshot's order, whatever may ask for something, and what is under way: of a million groups that is few."""
    groups = snapshot["groups"]
    marks = [judged for judged in SERIOUSNESS if judged not in QUIET and judged not in leave]
    found = dict(groups.placed(subjects)) | dict(groups.marked(marks)) | dict(groups.marked(parts=inventories.GOES_ON))
    rows = [(place, "group", f"{one['channel']}:{one['id']}", one) for place, one in sorted(found.items(), key=FIRST)]
    rows += [(place, "app", one["id"], one) for place, one in enumerate(snapshot["apps"], len(groups))]
    for place, kind, subject, one in rows:
        yield Sighting(kind=kind, subject=subject, one=one, unit_place=units[one["unit"]], place=place)


def _compare(book: Book, seen: Mapping[Key, Sighting], event: WeekEnded) -> None:
    """核查 by the snapshot: what is gone from it, what is in order again, what is not any more."""
    say, leave = book.context.say, book.rules.leave
    gone = _gone(book, seen)
    for one in book.rounds(*UNDER_WAY):
        sighting = seen.get((one.kind, one.subject))
        if one.id in gone:
            book.take(one, Step(step="verified", at=event.at, evidence=gone[one.id], choice="dissolve"))
        elif sighting is None or one.previous:
            # A group that came back is in order only when people say so.
            continue
        elif is_clear(sighting.one, leave):
            note = say("cleanup.note.clear", week=event.week)
            if one.state in UNDECIDED:
                book.take(one, Step(step="lapsed", at=event.at, evidence=event.week, note=note))
            elif one.state == "doing" and one.standing.choice == "tidy":
                book.take(one, Step(step="verified", at=event.at, evidence="seen", note=note))
        elif one.state == "cooling" and one.standing.choice == "tidy" and asks(sighting.one, leave):
            note = say("cleanup.note.again", week=event.week)
            book.take(one, Step(step="undone", at=event.at, evidence="seen", note=note))


def _gone(book: Book, seen: Mapping[Key, Sighting]) -> dict[str, str]:
    """By round that is not verified yet and whose group or app is in no list any more: the evidence of its end."""
    missing = [one for one in book.rounds(*UNDER_WAY) if one.state != "cooling" and (one.kind, one.subject) not in seen]
    found: dict[str, str] = {}
    for kind in FACTS:
        names = {one.subject: one.name for one in missing if one.kind == kind}
        ended = cleanups.ended(book.db, kind, names)
        found |= {one.id: ended[one.subject] for one in missing if one.kind == kind and one.subject in ended}
    return found


def _revive(book: Book, event: Event) -> None:
    """A group that was declared gone and in which people speak of work again: 冷静期 ends, a closed round is reopened."""
    say = book.context.say
    for one in book.adopt(cleanups.hold_spoken(book.db, ENDING)):
        if one.state not in ("cooling", "closed"):
            continue
        cleanups.revive(book.db, "group", one.subject)
        note = say("cleanup.note.spoken")
        if book.take(one, Step(step="undone", at=event.at, evidence="seen", note=note)):
            continue
        book.take(one, Step(step="reopened", at=event.at, evidence="seen", note=note))
        reason = {"code": "spoken_again", "text": note, "evidence": {}}
        _reopen(book, replace(one, verdict="revived", facts=_json({**one.known, "reasons": [reason]})), one, event)


def _rebound(book: Book, seen: Mapping[Key, Sighting], event: WeekEnded) -> None:
    """回头看: the members of a closed group are together again; the new group is a new round of the old one."""
    back: dict[str, list[Sighting]] = defaultdict(list)
    for sighting in seen.values():
        for reason in sighting.one["reasons"]:
            # To go on under another name within days is to come back, too: what was to be closed is not.
            if reason["code"] in ("rebound", "moved"):
                channel = reason["evidence"].get("channel", sighting.one["channel"])
                back[f"{channel}:{reason['evidence']['closed']}"].append(sighting)
    states = ("cooling", "closed")
    for one in book.adopt(cleanups.hold_of(book.db, "group", list(back), states)):
        if one.state not in states or one.standing.choice not in ENDING:
            continue
        sighting = back[one.subject][0]
        note = book.context.say("cleanup.note.rebound", name=sighting.one["name"], week=event.week)
        book.take(one, Step(step="reopened", at=event.at, evidence=event.week, note=note))
        if not any(other.subject == sighting.subject for other in book.rounds(*UNDER_WAY)):
            _reopen(book, replace(_round(sighting, event.week, 1), verdict="rebound"), one, event)


def _reopen(book: Book, found: Round, before: Round, event: Event) -> None:
    """A new round after one that did not hold."""
    latest = cleanups.rounds(book.db, found.kind, [found.subject]).get(found.subject, 0)
    number = max(before.round, latest) + 1
    new = replace(
        found, id=round_id(found.kind, found.subject, number), round=number, previous=before.id,
        week=week_before(event.at), suggestion="dissolve", standing=Standing(),
    )  # fmt: skip
    book.open(new, Step(step="found", at=event.at, evidence="seen", note=book.context.say("cleanup.note.round")))


def _find(book: Book, seen: Mapping[Key, Sighting], event: WeekEnded) -> None:
    """发现: what asks for something and is not under way already."""
    busy = {(one.kind, one.subject) for one in book.rounds(*UNDER_WAY)}
    busy |= cleanups.kept(book.db, local_day(event.at))
    new = [one for one in seen.values() if one.key not in busy and asks(one.one, book.rules.leave)]
    before = {kind: cleanups.rounds(book.db, kind, [one.subject for one in new if one.kind == kind]) for kind in FACTS}
    for sighting in new:
        number = before[sighting.kind].get(sighting.subject, 0) + 1
        book.open(_round(sighting, event.week, number), Step(step="found", at=event.at, evidence=event.week))


def _round(sighting: Sighting, week: str, number: int) -> Round:
    one = sighting.one
    facts = _json({name: one.get(name) for name in ("reasons", *FACTS[sighting.kind])})
    return Round(
        id=round_id(sighting.kind, sighting.subject, number), kind=sighting.kind, subject=sighting.subject,
        round=number, previous="", name=one["name"], unit=one["unit"], unit_place=sighting.unit_place,
        place=sighting.place, week=week, verdict=one["verdict"], suggestion=suggested(one["disposition"]),
        facts=facts, standing=Standing(),
    )  # fmt: skip


def _json(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, ensure_ascii=False)


def _pass_time(book: Book, event: Event) -> None:
    """What did not arrive, then what is due."""
    lost = cleanups.undelivered(book.db)
    for one in book.adopt(cleanups.hold(book.db, lost)):
        step = ("untold" if one.state == "doing" else "unsaid") if "stale" in lost[one.id] else "unreached"
        book.take(one, Step(step=step, at=event.at, note=book.context.say(f"cleanup.note.{step}")))
    due = [one for one in book.adopt(cleanups.hold_due(book.db, event.at)) if _is_due(one, event)]
    said = cleanups.warnings(book.db, [one.id for one in due])
    week = next(iter(inventories.weeks(book.db)), "")
    for one in due:
        if one.state in ("asked", "doing") and one.id in said:
            book.take(one, Step(step="escalated", at=event.at, evidence=said[one.id]))
        elif one.state == "cooling":
            book.take(one, Step(step="closed", at=event.at, evidence=one.standing.evidence))
        elif one.state == "closed":
            note = book.context.say("cleanup.note.looked")
            book.take(one, Step(step="looked", at=event.at, evidence=week, note=note))


def _is_due(one: Round, event: Event) -> bool:
    return one.standing.due is not None and one.standing.due <= event.at


def _ask(book: Book, event: WeekEnded) -> list[Action]:
    """建议: one message a person, only to whom there is something new to say."""
    book.save()
    deserted = cleanups.deserted(book.db)
    news = [one for one in book.rounds("found", "returned", "asked", "doing") if _is_news(one, deserted)]
    news.sort(key=lambda one: (one.unit_place, one.place, one.id))
    charge = cleanups.in_charge(book.db, [one.subject for one in news if one.kind == "group"])
    told: dict[str, list[Round]] = defaultdict(list)
    for one in news:
        people = charge.get(one.subject, []) if one.kind == "group" else []
        if not people:
            _refer(book, one, event)
        for person in people:
            told[person].append(one)
    actions: list[Action] = []
    for person, theirs in told.items():
        key = f"cleanup:{event.week}:{person}"
        card = weekly_card(book.context.say, theirs, event.at, book.rules)
        actions.append(Whisper(key=key, person=person, card=card, urgent=False))
    for person, theirs in told.items():
        for one in theirs:
            step = "told" if one.state == "doing" else "asked"
            book.take(one, Step(step=step, at=event.at, whom=person, evidence=f"cleanup:{event.week}:{person}"))
    return actions


def _is_news(one: Round, deserted: Collection[str]) -> bool:
    """An answer that is awaited is no news, unless whoever was asked is gone; a confirmed decision is told once."""
    if one.state == "doing":
        return one.standing.due is None and one.standing.late_at is None
    return one.state != "asked" or one.id in deserted


def _refer(book: Book, one: Round, event: Event) -> None:
    """Nobody can be asked: the office decides."""
    if one.kind == "app":
        book.take(one, Step(step="referred", at=event.at, note=book.context.say("cleanup.note.app")))
    elif one.state != "doing":
        known = one.known.get("source") != "imported"
        note = book.context.say("cleanup.note.no_owner" if known else "cleanup.note.unknown_owner")
        book.take(one, Step(step="no_owner", at=event.at, note=note))

"""Take an acknowledgement: a click, a tap on the link, a typed 收到, a deputy's word; and its undo."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from handlers.actions import Action, Wake, Whisper
from handlers.cards import Card
from handlers.context import Context
from handlers.events import ButtonClicked, MessageReceived, Woke
from handlers.noticecards import revisions, summary_card, tally_of
from handlers.rules.receipt import is_receipt
from handlers.rules.tally import Pressed, Tally, standing
from storage import groups, notices

DEPUTY = re.compile(r"^\s*代\s*(?P<name>[\w·]{2,12}?)\s*+(?:(?:回复|确认)\s*+)?(?:收到|已阅|确认)\s*+[。.!！]?\s*+$")

LATE = "ack.undo_late"


def click(event: ButtonClicked, context: Context) -> list[Action]:
    """A press counts once; outside the frozen roster it is refused politely, to the one who pressed."""
    notice = _noticed(event, context)
    if notice is None:
        return []
    refusal = _refusal(notice, event, context)
    if refusal == LATE:
        # Kept all the same: an acknowledgement that arrives later may be the one that it undoes in time.
        late = _press(notice, event.person, event, event.action, event.via, event.deputy, context)
        return [*late, _answer(event, context.say(refusal, title=notice.title))]
    if refusal:
        return [_answer(event, context.say(refusal, title=notice.title))]
    _admit(notice, event.person, event.group, context)
    return _press(notice, event.person, event, event.action, event.via, event.deputy, context)


def typed(event: MessageReceived, context: Context) -> list[Action]:
    """A typed 收到 acknowledges the notice it quotes, or else the newest open one here; it is answered by silence."""
    if event.group is None:
        return []
    named = DEPUTY.match(event.text) if event.kind == "text" else None
    if not named and not (event.kind in ("text", "sticker") and is_receipt(event.text)):
        return []
    if named:
        return _for_another(named["name"], event, context)
    notice = _meant(event, context)
    if notice is None:
        return []
    _admit(notice, event.sender.id, event.group.id, context)
    return _press(notice, event.sender.id, event, "ack", "typed", None, context)


def _for_another(name: str, event: MessageReceived, context: Context) -> list[Action]:
    """“代某某收到”: by a member of the same roster (or the sender), for one whose name is there once."""
    assert event.group is not None
    waiting = notices.open_here_for(context.db, event.group.id, event.sender.id)
    theirs = [row for row in waiting if row.mine or row.sender == event.sender.id]
    notice = _quoted(event, context) or next(iter(theirs), None)
    if notice is None or notice.id not in {row.id for row in theirs}:
        return []
    meant = [row for row in notices.audience(context.db, notice.id) if row.name == name]
    if len(meant) != 1:
        key = "ack.deputy_unknown" if not meant else "ack.deputy_ambiguous"
        return [_answer(event, context.say(key, name=name))]
    row = notices.get_for(context.db, notice.id, meant[0].person)
    return _press(row, meant[0].person, event, "ack", "typed", event.sender.id, context)


def _noticed(event: ButtonClicked, context: Context) -> Any:
    """The notice and what it is to the one who pressed (`notices.get_for`)."""
    notice = event.notice
    if not notice and event.message:
        found = notices.of_message(context.db, event.message)
        notice = found.id if found is not None else None
    return notices.get_for(context.db, notice, event.person) if notice else None


def _quoted(event: MessageReceived, context: Context) -> Any:
    """The notice that is answered to; None when it is none, or one that takes no answer."""
    quoted = notices.of_message(context.db, event.quotes) if event.quotes else None
    return quoted if quoted is not None and quoted.state != "cancelled" and quoted.reply_wanted else None


def _meant(event: MessageReceived, context: Context) -> Any:
    """The quoted notice, or else the newest open one here that this person may still answer."""
    assert event.group is not None
    quoted = _quoted(event, context)
    if quoted is not None:
        theirs = notices.get_for(context.db, quoted.id, event.sender.id)
        return theirs if theirs is not None and (theirs.mine or not theirs.roster_known) else None
    waiting = notices.open_here_for(context.db, event.group.id, event.sender.id)
    open_to_them = [row for row in waiting if row.mine or not row.roster_known]
    # A second 收到 says nothing new; one that was said earlier and arrives late does.
    newest = next((row for row in open_to_them if not row.acked or event.at < row.first_at), None)
    return notices.get_for(context.db, newest.id, event.sender.id) if newest else None


def _refusal(notice: Any, event: ButtonClicked, context: Context) -> str:
    """The key of the sentence that refuses, or nothing. After the deadline an acknowledgement still counts."""
    if notice.state == "cancelled":
        return "ack.cancelled"
    if not notice.reply_wanted:
        return "ack.not_needed"
    if not notice.roster_known:
        return ""
    if notice.mine:
        return _late_undo(notice, event, context)
    return "ack.own" if notice.sender == event.person else "ack.outside"


def _late_undo(notice: Any, event: ButtonClicked, context: Context) -> str:
    if event.action != "undo":
        return ""
    within = timedelta(minutes=context.settings.acknowledge.undo_minutes)
    return LATE if notice.acked and event.at - notice.acked_at > within else ""


def _admit(notice: Any, person: str, group: str | None, context: Context) -> None:
    """While the roster is not known, whoever answers belongs to it."""
    if notice.roster_known or notice.sender == person:
        return
    known = groups.person(context.db, person)
    places = notices.places(context.db, notice.id)
    notices.freeze(context.db, notice.id, group or places[0].group, [(person, known.name if known else person)])


def _press(
    notice: Any, person: str, event: ButtonClicked | MessageReceived, action: str, via: str, deputy: str | None,
    context: Context,
) -> list[Action]:
    """`notice` says as well whether this person pressed before and whether that counts (`notices.get_for`)."""
    if not notices.press(context.db, notice.id, person, event.at, action, via, deputy):
        return []
    within = timedelta(minutes=context.settings.acknowledge.undo_minutes)
    presses = [Pressed(at=event.at, action=action, via=via, deputy=deputy)]
    if notice.pressed:
        rows = notices.presses(context.db, notice.id, person)
        presses = [Pressed(at=r.at, action=r.action, via=r.via, deputy=r.deputy) for r in rows]
    now = standing(presses, within)
    if now is None:
        return []
    values = {
        "acked": now.acked, "first_at": now.first_at, "acked_at": now.acked_at, "via": now.via, "deputy": now.deputy
    }
    notices.save_receipt(context.db, notice.id, person, values)
    if bool(notice.acked) == now.acked:
        return []
    pause = timedelta(seconds=context.settings.acknowledge.revise_seconds)
    soon = max(event.at, notice.revised_at + pause) if notice.revised_at else event.at + pause
    return [Wake(kind="revise", subject=notice.id, at=soon)]


def count(event: Woke, context: Context) -> list[Action]:
    """Once for all presses since the card was last revised: a press costs the same however many were before it."""
    notice = notices.get(context.db, event.subject) if event.kind == "revise" else None
    if notice is None or notice.state == "cancelled":
        return []
    tally = tally_of(context.db, notice.id)
    if notice.state == "open" and tally.everybody and tally.done == tally.everybody and notice.roster_known:
        notices.change_state(context.db, notice.id, "complete", event.at)
    elif notice.state == "complete" and tally.done < tally.everybody:
        notices.set_values(context.db, notice.id, state="open", closed_at=None)
    return _milestones(notice, tally, context)


def _milestones(notice: Any, tally: Tally, context: Context) -> list[Action]:
    """The sender is told of them only, and of each once."""
    if not notice.roster_known or not tally.everybody:
        return []
    most = tally.done >= tally.everybody * context.settings.acknowledge.summary_at
    stage = "complete" if tally.done == tally.everybody else "most" if most else ""
    told = notice.summaries.split()
    if not stage or stage in told or "complete" in told:
        return []
    return _tell_sender(notice, stage, tally, (), context)


def _tell_sender(
    notice: Any, stage: str, tally: Tally, names: tuple[str, ...], context: Context
) -> list[Action]:
    """Who sent it through the API or the page reads the figures there; nobody can be whispered to a token."""
    notices.set_values(context.db, notice.id, summaries=f"{notice.summaries} {stage}".strip())
    if notice.sender.startswith("token:"):
        return []
    card = summary_card(context.say, notice, tally, stage, names)
    return [Whisper(key=f"summary:{notice.id}:{stage}", person=notice.sender, card=card, urgent=notice.emergency)]


def close(event: Woke, context: Context) -> list[Action]:
    """At the deadline: the notice closes, its card is revised a last time, its sender gets the figures."""
    notice = notices.get(context.db, event.subject) if event.kind == "deadline" else None
    if notice is None or not notices.change_state(context.db, notice.id, "closed", event.at):
        return []
    tally = tally_of(context.db, notice.id)
    names: tuple[str, ...] = ()
    if notice.emergency and context.settings.acknowledge.pending_names == "emergency":
        names = tuple(row.name for row in notices.pending(context.db, notice.id))
    shown = revisions(context.db, context.say, notice.id, "closed")
    return [*shown, *_tell_sender(notice, "deadline", tally, names, context)]


def _answer(event: ButtonClicked | MessageReceived, text: str) -> Action:
    person = event.person if isinstance(event, ButtonClicked) else event.sender.id
    return Whisper(key=f"answer:{event.key}", person=person, card=Card(title=text))

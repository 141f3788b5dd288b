"""The faces of a notice: its card in the group, and what its sender is told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from config.settings import TIMEZONE
from config.wording import Wording
from handlers.actions import Action, Revise
from handlers.cards import Button, Card, Link
from handlers.rules.notice import heading
from handlers.rules.tally import Tally
from storage import notices

TONES = {"complete": "done", "closed": "plain", "cancelled": "plain"}


def moment(at: datetime) -> str:
    """As people write it: 11月23日 17:00."""
    local = at.astimezone(TIMEZONE)
    return f"{local.month}月{local.day}日 {local:%H:%M}"


def tally_of(db: Connection, notice: str) -> Tally:
    return Tally(*notices.counts(db, notice), typed=notices.ways(db, notice)["typed"])


def notice_card(say: Wording, notice: Any, tally: Tally) -> Card:
    """The one card of a notice: a count, never a name."""
    title, text = heading(notice.title, notice.text)
    title = title or say("notice.untitled", sender=notice.sender_name)
    if not notice.reply_wanted:
        return Card(title=title, text=text, note=say("notice.no_reply"), tone="notice")
    buttons: tuple[Button, ...] = ()
    if notice.state in ("open", "complete"):
        label = say("notice.button_act" if notice.kind == "act" else "notice.button_read")
        buttons = (
            Button(label=label, action="ack", subject=notice.id, style="primary"),
            Button(label=say("notice.button_undo"), action="undo", subject=notice.id),
        )
    lines = (say("notice.deadline", at=moment(notice.deadline)),) if notice.deadline else ()
    return Card(
        title=title,
        text=text,
        lines=lines,
        note=say(f"notice.note_{notice.state}", saved=tally.saved),
        progress=tally.progress,
        buttons=buttons,
        links=(Link(label=say("notice.open_page"), page="notice", subject=notice.id),),
        tone=_tone(notice),
    )


def _tone(notice: Any) -> Any:
    if notice.state == "open" and notice.emergency:
        return "emergency"
    return TONES.get(notice.state, "notice")


def summary_card(say: Wording, notice: Any, tally: Tally, stage: str, names: tuple[str, ...] = ()) -> Card:
    """What the sender alone is told; names only of an emergency notice."""
    done, everybody = tally.done, tally.everybody
    lines = [say("summary.saved", number=tally.saved)]
    if names:
        lines.append(say("summary.pending_names", names="、".join(names)))
    return Card(
        title=say(f"summary.{stage}", title=notice.title),
        text=say("summary.counts", done=done, everybody=everybody, pending=everybody - done),
        lines=tuple(lines),
        progress=tally.progress,
        tone="done" if done == everybody else "notice",
    )


def revisions(db: Connection, say: Wording, notice_id: str, version: str) -> list[Action]:
    """The newest card in every group of the notice; one version is shown once."""
    card = notice_card(say, notices.get(db, notice_id), tally_of(db, notice_id))
    return [
        Revise(
            key=f"revise:{notice_id}:{place.group}:{version}",
            post=f"notice:{notice_id}:{place.group}",
            group=place.group,
            card=card,
        )
        for place in notices.places(db, notice_id)
    ]

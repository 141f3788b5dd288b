"""Bind a browser to a person: a code shown there, sent by them, and confirmed there.

Who could bind whom wrongly, and why they cannot:
- *Somebody sends a code that they saw in the group.* It was claimed by its first sender; nobody after them counts.
- *Somebody sends it before the reader does* (over their shoulder). The page then asks “您是 <their name> 吗”, and the
  reader says no: nothing is bound, and no receipt is written before that answer.
- *Somebody guesses codes.* A hit would put their own name on a stranger's page, where it is refused; after five wrong
  codes in an hour nothing they send counts.
- *Somebody gets another to send the code of their own page.* The sender is told in private what they have allowed, and
  解绑 ends it. This is the one thing that only people can refuse; the page says so beside the code.
- *A copied link.* It holds no code and no person: the binding hangs on the browser's own cookie, of which only a hash
  is kept here.
"""

from __future__ import annotations

from datetime import timedelta

from handlers.actions import Action, Whisper
from handlers.cards import Card
from handlers.context import Context
from handlers.events import CodeShown, DayEnded, DeviceAnswered, MessageReceived
from handlers.rules.binding import code_in, is_unbinding
from storage import bindings

LIFETIME = timedelta(minutes=10)
# So few of the million codes are ever alive that guessing stays hopeless.
MOST_CODES = 5_000
WRONG_CODES, WITHIN = 5, timedelta(hours=1)


def show(event: CodeShown, context: Context) -> list[Action]:
    """The code lives for a few minutes; one that is taken is not given twice, the page then asks for another."""
    if bindings.living(context.db, event.at) < MOST_CODES:
        bindings.show(context.db, event.code, event.device, event.at, event.at + LIFETIME)
    return []


def hear(event: MessageReceived, context: Context) -> list[Action]:
    """“绑定 483920” claims the code for its sender; “解绑” frees all their devices. Said in a group or in private."""
    if event.kind != "text":
        return []
    if is_unbinding(event.text):
        number = bindings.unbind(context.db, event.sender.id)
        return [_tell(event, context, "bind.unbound" if number else "bind.none")]
    code = code_in(event.text)
    if code is None or bindings.tries(context.db, event.sender.id, event.at - WITHIN) >= WRONG_CODES:
        return []
    if not bindings.claim(context.db, code, event.sender.id, event.channel, event.at):
        bindings.note_try(context.db, event.sender.id, event.at)
        return [_tell(event, context, "bind.wrong")]
    return [_tell(event, context, "bind.claimed")]


def answer(event: DeviceAnswered, context: Context) -> list[Action]:
    """Only the device itself makes the binding: with “me”, for the person who has sent its code."""
    if event.answer == "forget":
        bindings.unbind_device(context.db, event.device)
        return []
    code = bindings.code_of(context.db, event.device, event.at)
    if code is None or code.state != "claimed":
        return []
    mine = event.answer == "me"
    if bindings.settle(context.db, code.code, "done" if mine else "refused") and mine:
        bindings.bind(context.db, event.device, code.person, code.channel, event.at)
    return []


def forget(event: DayEnded, context: Context) -> list[Action]:
    bindings.forget(context.db, event.at - timedelta(days=1))
    return []


def _tell(event: MessageReceived, context: Context, key: str) -> Action:
    return Whisper(key=f"bind:{event.id}", person=event.sender.id, card=Card(title=context.say(key)))

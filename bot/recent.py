"""What each sender said last in a group, for one minute and in memory only: a demand may be spread over two messages.

After a restart, or when another process takes the group over, the first half is not known: a hint less, nothing lost.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import NamedTuple

from handlers.events import MessageReceived
from handlers.rules.secrecy import is_marked

MINUTE = timedelta(minutes=1)
# One word of so many people is kept; an older one leaves for a newer.
MOST = 4096
LONGEST = 200


class Said(NamedTuple):
    at: datetime
    message: str
    text: str
    # What was answered: a transaction that is run again gets the same.
    before: str = ""


class Recent:
    def __init__(self) -> None:
        self._said: OrderedDict[tuple[str, str], Said] = OrderedDict()

    def before(self, event: MessageReceived) -> str:
        """The sender's previous words, "" without any; remembers the present ones. The same message twice is one."""
        if event.group is None or event.kind != "text" or is_marked(event.text):
            return ""
        self._forget(event.at)
        who = (event.group.id, event.sender.id)
        last = self._said.pop(who, None)
        if last is not None and last.message == event.id:
            self._said[who] = last
            return last.before
        before = last.text if last and timedelta() <= event.at - last.at <= MINUTE else ""
        self._said[who] = Said(event.at, event.id, event.text[-LONGEST:], before)
        return before

    def _forget(self, now: datetime) -> None:
        while self._said:
            oldest = next(iter(self._said))
            if len(self._said) <= MOST and now - self._said[oldest].at <= MINUTE:
                return
            del self._said[oldest]

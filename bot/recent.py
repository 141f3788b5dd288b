"""What each sender said last in a group, for one minute and in memory only: a demand may be spread over two messages.

After a restart, or when another process takes the group over, the first half is not known: a hint less, nothing lost.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from handlers.events import MessageReceived
from handlers.rules.secrecy import is_marked

MINUTE = timedelta(minutes=1)
# One word of so many people is kept; an older one leaves for a newer.
MOST = 4096
LONGEST = 200


class Recent:
    def __init__(self) -> None:
        # Who → when, which message, its words, and what was said before it.
        self._said: OrderedDict[tuple[str, str], tuple[datetime, str, str, str]] = OrderedDict()

    def before(self, event: MessageReceived) -> str:
        """The sender's previous words, "" without any; remembers the present ones.

        The same message twice is one and has the same answer: a decision that failed is made again.
        """
        if event.group is None or event.kind != "text" or is_marked(event.text):
            return ""
        self._forget(event.at)
        who = (event.group.id, event.sender.id)
        at, message, text, before = self._said.pop(who, (event.at, "", "", ""))
        if message != event.id:
            before = text if timedelta() <= event.at - at <= MINUTE else ""
        self._said[who] = (event.at, event.id, event.text[-LONGEST:], before)
        return before

    def _forget(self, now: datetime) -> None:
        while self._said:
            oldest = next(iter(self._said))
            if len(self._said) <= MOST and now - self._said[oldest][0] <= MINUTE:
                return
            del self._said[oldest]

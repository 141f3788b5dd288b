"""What happens: frozen facts with an id and an aware time, in no platform's words.

Groups, people and messages carry keys of the form `channel:native-id`; only a channel's own file takes them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

MessageKind = Literal["text", "image", "file", "link", "sticker", "system", "recall"]
Role = Literal["cadre", "admin", "office"]
Via = Literal["card", "link", "typed"]
GROUP_KINDS = ("综合", "业务", "临时", "议事协调机构")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`id` is unique per kind of event and stays the same however often the event is delivered."""

    id: str
    at: datetime

    @property
    def key(self) -> str:
        """What the event is claimed by: delivered twice, it has one effect."""
        return f"{type(self).__name__}:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    id: str
    name: str
    unit: str = ""
    role: Role | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFacts:
    id: str
    name: str
    unit: str | None = None
    created: date | None = None
    purpose: str | None = None
    kind: str | None = None
    ends: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived(Event):
    """Somebody said something; `group` is None in a private talk with the bot.

    `quotes` is the message answered to; of a recall, the message taken back.
    """

    channel: str
    group: GroupFacts | None
    sender: Person
    kind: MessageKind = "text"
    text: str = ""
    mentions: tuple[str, ...] = ()
    quotes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterReceived(Event):
    """The whole membership of a group at this moment; `owner` None means: it has none, if `owner_known`."""

    channel: str
    group: GroupFacts
    owner: str | None
    members: tuple[Person, ...]
    owner_known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonClicked(Event):
    """A press on a notice: `notice` is its id, or else `message` the message it was spotted in.

    `deputy` is who pressed it for `person`; None when they did so themselves.
    """

    channel: str
    group: str | None
    person: str
    notice: str | None = None
    message: str | None = None
    action: Literal["ack", "undo"] = "ack"
    via: Via = "card"
    deputy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDissolved(Event):
    channel: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeIssued(Event):
    """A notice that comes through the API or the page; its id is the notice's id."""

    groups: tuple[str, ...]
    text: str
    sender: str
    sender_name: str
    title: str = ""
    deadline: datetime | None = None
    kind: Literal["read", "act"] = "read"
    emergency: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeCancelled(Event):
    notice: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagAnswered(Event):
    """The flagged person's word: taken back, misjudged (`share` = the text may be read by the office), understood.

    A platform that knows no flags names its message instead.
    """

    flag: str = ""
    message: str = ""
    person: str
    answer: Literal["withdraw", "misjudged", "understood"]
    share: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealDecided(Event):
    """The office upholds the flag or dismisses it."""

    flag: str
    by: str
    decision: Literal["uphold", "dismiss"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekEnded(Event):
    """`week` is an ISO week such as 2026-W47; `at` is the slot, not the week's end."""

    week: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkdayEnding(Event):
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class DayEnded(Event):
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Woke(Event):
    """A moment that a handler asked for by `Wake` has come."""

    kind: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelDeaf(Event):
    """A channel heard nothing from `since` to `until`; of one group alone when `group` is given."""

    channel: str
    since: datetime
    until: datetime
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeShown(Event):
    """A page shows a device the code that binds it; `device` is a hash of the browser's cookie."""

    device: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAnswered(Event):
    """The one who reads the page says whether the person who sent the code is they; `forget` unbinds the device."""

    device: str
    answer: Literal["me", "stranger", "forget"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupDecided(Event):
    """What is to become of groups: `who` is a person's key, or `office:<name>` where nobody else decides.

    `target` is the group to merge into; `ends` is the last day of what is kept.
    """

    items: tuple[str, ...]
    who: str
    choice: Literal["dissolve", "merge", "tidy", "keep"]
    reason: str = ""
    target: str = ""
    ends: date | None = None
    via: Via = "card"


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupReviewed(Event):
    """The office confirms decisions, or returns them with a reason; returning also undoes what was confirmed."""

    items: tuple[str, ...]
    who: str
    decision: Literal["confirm", "return"]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupDeclared(Event):
    """Somebody in charge says that it is done."""

    items: tuple[str, ...]
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupWithdrawn(Event):
    """A person in charge takes their decision back."""

    items: tuple[str, ...]
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectRated(Event):
    """Somebody, whom nothing in here names, says whether `group:<key>` or `app:<id>` is of use.

    `voter` is a keyed hash of the person for this subject and round; `at` is the beginning of the week, not the moment.
    """

    subject: str
    voter: str
    answer: Literal["useful", "useless", "unsure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationMade(Event):
    """A link that makes an account; with `account`, one that sets its password anew. `link` is a hash of it."""

    link: str
    role: str
    name: str
    by: str
    until: datetime
    unit: str = ""
    groups: tuple[str, ...] = ()
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationAccepted(Event):
    """`password` is a hash; `account` is the id of the new account, or of the one whose password it is."""

    link: str
    account: str
    login: str
    password: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSwitched(Event):
    account: str
    by: str
    disabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountIntroduced(Event):
    """A single sign-on says who this is and what they are; told at every sign-in, so that it stays true."""

    account: str
    login: str
    name: str
    role: str
    unit: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged(Event):
    """`password` is a hash; `session` goes on, the account's other ones end. `login` is as in SessionOpened."""

    account: str
    password: str
    session: str
    login: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigninTried(Event):
    """A password is about to be looked at; `login` and `address` are hashes."""

    login: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpened(Event):
    """`session` is a hash of the cookie, `replaces` that of the one it takes the place of.

    Of an account, or of a `bearer` (JSON); `login` is the hash under which wrong tries are forgiven.
    """

    session: str
    until: datetime
    account: str = ""
    bearer: str = ""
    login: str = ""
    replaces: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUsed(Event):
    session: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionClosed(Event):
    session: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalDataRead(Event):
    """Somebody with an office's page or token was shown who people are; `scope` is what they may see."""

    who: str
    name: str
    what: str
    subject: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterEdited(Event):
    """Somebody filled in the page of a row: `fields` and `values` belong together, in pairs; "" empties a cell.

    `version` is that of the row which they saw: of a row that has changed since, nothing is written. "" is a row that is
    not there yet, and comes last.
    """

    book: Literal["groups", "apps"]
    row: str
    who: str
    version: str
    fields: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterPartReceived(Event):
    """Some of the rows of a file, as JSON; there are `parts` of them, counted from 0. Nothing is written yet."""

    draft: str
    book: Literal["groups", "apps"]
    file: str
    sha256: str
    who: str
    number: int
    parts: int
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterImportConfirmed(Event):
    """The file is to be written as it was shown; `shown` is the digest of the difference that they saw."""

    draft: str
    shown: str
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonErased(Event):
    """Everything about a person is to go; `request` is the number under which the receipt is kept.

    `talks` rows about them have gone in the playground's own file before.
    """

    person: str
    request: str
    who: str
    talks: int = 0

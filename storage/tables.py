"""Every table; portable between SQLite and PostgreSQL (no arrays, no vendor JSON, lower-case names)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect, Index, MetaData, Text, UniqueConstraint
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(moment: datetime) -> int:
    """Since 1970 UTC, as the database holds it; naive ones are refused."""
    if moment.tzinfo is None:
        raise ValueError("naive datetime")
    return (moment - EPOCH) // timedelta(milliseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored as whole milliseconds since 1970 UTC; naive ones are refused."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else milliseconds(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + timedelta(milliseconds=value)


class Table(SQLModel):
    """Names its constraints, so that a migration can name them too."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def instant(**options: Any) -> Any:
    return Field(sa_type=Instant, **options)


def long_text(default: str = "") -> Any:
    return Field(default=default, sa_type=Text)


class Group(Table, table=True):
    """A work group as last known; how it was at a past moment is in `group_versions`."""

    __tablename__ = "groups"
    id: str = Field(primary_key=True)
    channel: str
    name: str
    unit: str = ""
    purpose: str = ""
    kind: str = ""
    created: date | None = None
    ends: date | None = None
    owner: str | None = None
    first_seen: datetime = instant()
    roster_at: datetime | None = instant(default=None)
    dissolved_at: datetime | None = instant(default=None, index=True)
    evidence: str = ""
    # seen: the bot was told by the platform; imported: only the register knows it.
    source: str = "seen"


class GroupVersion(Table, table=True):
    """What changed about a group, append-only; the newest version not after a moment is how it was then."""

    __tablename__ = "group_versions"
    group: str = Field(primary_key=True)
    at: datetime = instant(primary_key=True)
    name: str
    unit: str = ""
    purpose: str = ""
    kind: str = ""
    created: date | None = None
    ends: date | None = None
    owner: str | None = None
    owner_known: bool = False


class PersonRow(Table, table=True):
    __tablename__ = "persons"
    id: str = Field(primary_key=True)
    channel: str
    name: str
    unit: str = Field(default="", index=True)
    role: str = ""


class Member(Table, table=True):
    """One stay of a person in a group: open while `left_at` is None."""

    __tablename__ = "members"
    group: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    joined_at: datetime = instant(primary_key=True)
    left_at: datetime | None = instant(default=None)
    role: str = ""
    __table_args__ = (Index(None, "person"),)


class Activity(Table, table=True):
    """One group's day (Asia/Shanghai): `work` counts what people said and showed, `rollcall` 收到 and its kin."""

    __tablename__ = "activity"
    group: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    work: int = 0
    rollcall: int = 0
    other: int = 0
    last_work_at: datetime | None = instant(default=None)
    last_by: str = ""


class Notice(Table, table=True):
    __tablename__ = "notices"
    id: str = Field(primary_key=True)
    title: str
    text: str = long_text()
    kind: str = "read"
    emergency: bool = False
    reason: str = ""
    emergency_until: datetime | None = instant(default=None)
    sender: str
    sender_name: str
    at: datetime = instant()
    deadline: datetime | None = instant(default=None)
    # open, complete (everybody), closed (deadline or end), cancelled
    state: str = "open"
    closed_at: datetime | None = instant(default=None)
    fingerprint: str = Field(default="", index=True)
    reply_wanted: bool = True
    roster_known: bool = True
    summaries: str = ""
    revised_at: datetime | None = instant(default=None)
    revision: int = 0


class NoticeGroup(Table, table=True):
    __tablename__ = "notice_groups"
    notice: str = Field(primary_key=True)
    group: str = Field(primary_key=True, index=True)
    message: str | None = Field(default=None, index=True)
    at: datetime = instant()


class Audience(Table, table=True):
    """The roster of a notice, frozen when it was opened in the person's group."""

    __tablename__ = "audience"
    notice: str = Field(primary_key=True)
    person: str = Field(primary_key=True, index=True)
    group: str
    name: str


class RosterChange(Table, table=True):
    """Who came or left while a notice was open; the frozen roster itself never changes."""

    __tablename__ = "roster_changes"
    notice: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    at: datetime = instant(primary_key=True)
    change: str


class Press(Table, table=True):
    """Every acknowledgement and undo as it was pressed; their order of arrival does not matter."""

    __tablename__ = "presses"
    notice: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    at: datetime = instant(primary_key=True)
    action: str = Field(primary_key=True)
    via: str
    deputy: str | None = None


class Receipt(Table, table=True):
    """Where the presses of one person lead: `first_at` is kept for ever."""

    __tablename__ = "receipts"
    notice: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    acked: bool
    first_at: datetime = instant()
    acked_at: datetime = instant()
    via: str
    deputy: str | None = None


class Reminder(Table, table=True):
    __tablename__ = "reminders"
    notice: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    day: date = Field(index=True)


class Digest(Table, table=True):
    """What a person's end-of-day digests have named already; nothing is named twice."""

    __tablename__ = "digests"
    person: str = Field(primary_key=True)
    notice: str = Field(primary_key=True)
    day: date


class Flag(Table, table=True):
    """A flagged span and a hash of its message; the text only when the flagged person shared it for an appeal."""

    __tablename__ = "flags"
    id: str = Field(primary_key=True)
    group: str = Field(index=True)
    unit: str = ""
    person: str
    message: str = Field(index=True)
    at: datetime = instant(index=True)
    category: str
    rule: str
    span: str = ""
    clause: str = long_text()
    why: str = long_text()
    suggestion: str = long_text()
    digest: str
    # open, withdrawn, understood, appealed, upheld, dismissed, cleared (the message was recalled)
    state: str = "open"
    text: str = long_text()
    answered_at: datetime | None = instant(default=None)


class Outgoing(Table, table=True):
    """The outbox: written with the decision, spoken after it."""

    __tablename__ = "outbox"
    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    channel: str
    # post, whisper, revise, file, roster
    kind: str
    target: str
    about: str = ""
    payload: str = long_text()
    at: datetime = instant()
    not_before: datetime = instant()
    # waiting, sent, failed, stale, replayed, superseded
    state: str = "waiting"
    attempts: int = 0
    sent_at: datetime | None = instant(default=None)
    reference: str = ""
    error: str = ""
    # Which process is about to say it, and until when nobody else may.
    claimed_by: str | None = None
    claimed_until: datetime | None = instant(default=None)
    __table_args__ = (Index(None, "state", "not_before"), Index(None, "about"), Index(None, "channel", "sent_at"))


class WakeRow(Table, table=True):
    __tablename__ = "wakes"
    kind: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    at: datetime = instant(index=True)


class Slot(Table, table=True):
    """A scheduled moment that has fired; written by whoever was first."""

    __tablename__ = "slots"
    job: str = Field(primary_key=True)
    at: datetime = instant(primary_key=True)


class Claim(Table, table=True):
    __tablename__ = "claims"
    key: str = Field(primary_key=True)
    at: datetime = instant(index=True)


class Trouble(Table, table=True):
    """A handler that failed on an event; no message text in here."""

    __tablename__ = "troubles"
    id: int | None = Field(default=None, primary_key=True)
    event: str
    handler: str
    error: str
    at: datetime = instant()


class Snapshot(Table, table=True):
    """The inventory of a week, as it was made; pages, files and the API render this and nothing else.

    `body` holds the figures as JSON; the rows are those of its `taking` in `snapshot_rows`, `lists` how many of what.
    """

    __tablename__ = "snapshots"
    week: str = Field(primary_key=True)
    at: datetime = instant()
    body: str = long_text()
    taking: str = ""
    # JSON: list → {"rows": how many, of groups also "loaded": how many have a worth, "worth": the sum of them}
    lists: str = long_text("{}")


class Taking(Table, table=True):
    """A snapshot that is being taken; `whole` once its figures are there. It goes when its week is sealed."""

    __tablename__ = "takings"
    taking: str = Field(primary_key=True)
    week: str = Field(index=True)
    whole: bool = False
    body: str = long_text()
    lists: str = long_text("{}")


class SnapshotRow(Table, table=True):
    """A row of a list of a snapshot: what is asked for by index has a column, everything of it is in `body`.

    Nobody sees it before the week's line in `snapshots` names its taking.
    """

    __tablename__ = "snapshot_rows"
    taking: str = Field(primary_key=True)
    # units, groups, apps, changes, app_changes, merges
    list: str = Field(primary_key=True)
    # Its place in the list, from 0.
    position: int = Field(primary_key=True)
    # channel:id of a group, the id of an app, the target of a merger, the name of a unit
    key: str = ""
    unit: str = ""
    # The verdict; of a change, its part.
    mark: str = ""
    # Of a group: kept, added or rebound since the baseline.
    part: str = ""
    # Of a group: what its messages of 30 days were to all of its people, None where they are not known; of a unit: how
    # many groups it had at the baseline.
    worth: int | None = Field(default=None, sa_type=BigInteger)
    body: str = long_text()
    __table_args__ = (
        Index(None, "taking", "list", "key"),
        Index(None, "taking", "list", "mark", "position"),
        Index(None, "taking", "list", "unit", "position"),
        Index(None, "taking", "list", "worth", "position"),
    )


class RegisterGroup(Table, table=True):
    """A row of the imported register of groups (policy.md §5); `extra` keeps unknown columns as JSON."""

    __tablename__ = "register_groups"
    id: str = Field(primary_key=True)
    # The row's place in the file it came from: lists keep the register's order.
    position: int = 0
    group: str | None = Field(default=None, index=True)
    name: str
    channel: str = ""
    unit: str = ""
    owner: str = ""
    admins: str = ""
    phone: str = ""
    members: int | None = None
    created: date | None = None
    purpose: str = ""
    kind: str = ""
    matter: str = ""
    ends: date | None = None
    last_work_day: date | None = None
    messages_30d: int | None = None
    disposition: str = ""
    responsible: str = ""
    due: str = ""
    checker: str = ""
    closed: date | None = None
    note: str = ""
    extra: str = long_text("{}")
    imported_at: datetime = instant()


class App(Table, table=True):
    """A row of the imported register of apps, mini-programs and accounts."""

    __tablename__ = "apps"
    id: str = Field(primary_key=True)
    position: int = 0
    name: str
    unit: str = ""
    kind: str = ""
    handler: str = ""
    basis: str = ""
    functions: str = ""
    updated: date | None = None
    monthly_active: int | None = None
    similar: str = ""
    filing: str = ""
    disposition: str = ""
    closed: date | None = None
    extra: str = long_text("{}")
    imported_at: datetime = instant()


class AppUpdate(Table, table=True):
    """A day on which an account's own record, a file that its unit gave, says that something was published."""

    __tablename__ = "app_updates"
    app: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    file: str = ""


class Ballot(Table, table=True):
    """One answer to 有用吗 in a round that is open; `voter` is a keyed hash, and goes with the row when it closes."""

    __tablename__ = "ballots"
    round: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    voter: str = Field(primary_key=True)
    # useful, useless, unsure
    answer: str
    # The week of the answer, never its time.
    week: str


class Rating(Table, table=True):
    """What is shown of a subject's answers from the end of `week` on; nothing of fewer than five is ever written here."""

    __tablename__ = "ratings"
    subject: str = Field(primary_key=True)
    week: str = Field(primary_key=True)
    round: str
    useful: int = 0
    useless: int = 0
    unsure: int = 0


class RatingInvite(Table, table=True):
    """Who has been asked in a quarter, so that nobody is asked twice; not whether they answered."""

    __tablename__ = "rating_invites"
    person: str = Field(primary_key=True)
    round: str = Field(primary_key=True)


class RegisterChange(Table, table=True):
    """What became of a cell of a register, append-only; of a new row one entry without a field."""

    __tablename__ = "register_changes"
    id: int | None = Field(default=None, primary_key=True)
    # groups, apps; and the row's id there
    book: str
    row: str
    field: str = ""
    before: str = long_text()
    after: str = long_text()
    at: datetime = instant()
    # office:<name>, command or bot
    who: str = ""
    # page, import, bot
    via: str = ""
    # The file that it came from, and its SHA-256.
    file: str = ""
    sha256: str = ""
    # The edit or the import that did it.
    act: str = Field(default="", index=True)
    __table_args__ = (Index(None, "book", "row", "id"),)


class RegisterImport(Table, table=True):
    """A file that was read: shown as a difference first, taken when somebody confirms, accounted for row by row."""

    __tablename__ = "register_imports"
    id: str = Field(primary_key=True)
    book: str
    file: str
    sha256: str
    who: str
    at: datetime = instant(index=True)
    parts: int
    taken_at: datetime | None = instant(default=None)
    taken_by: str = ""
    # What became of every row, as JSON; empty until it is taken.
    account: str = long_text()


class RegisterPart(Table, table=True):
    """Some rows of a file that waits to be confirmed, as JSON; they go when it is taken."""

    __tablename__ = "register_parts"
    draft: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    body: str = long_text()


class Erasure(Table, table=True):
    """That somebody was erased on request, and what was done; whose it was, only they can prove."""

    __tablename__ = "erasures"
    id: str = Field(primary_key=True)
    at: datetime = instant()
    who: str
    # The receipt as JSON.
    body: str = long_text()


class Gap(Table, table=True):
    """A time in which a channel heard nothing, so that silence proves nothing."""

    __tablename__ = "gaps"
    channel: str = Field(primary_key=True)
    since: datetime = instant(primary_key=True)
    until: datetime = instant()


class Exemption(Table, table=True):
    __tablename__ = "exemptions"
    group: str = Field(primary_key=True)
    reason: str
    approver: str = ""
    since: date | None = None
    until: date | None = None


class Meta(Table, table=True):
    __tablename__ = "meta"
    name: str = Field(primary_key=True)
    value: str = long_text()


class Binding(Table, table=True):
    """A browser that stands for a person; only a hash of its cookie is kept."""

    __tablename__ = "bindings"
    device: str = Field(primary_key=True)
    person: str = Field(index=True)
    channel: str
    at: datetime = instant()


class BindCode(Table, table=True):
    """A code shown on a device: waiting, claimed (somebody has sent it), done, refused."""

    __tablename__ = "bind_codes"
    code: str = Field(primary_key=True)
    device: str = Field(index=True)
    state: str = "waiting"
    person: str = ""
    channel: str = ""
    at: datetime = instant()
    expires: datetime = instant(index=True)


class BindTry(Table, table=True):
    """A code that somebody has sent and that was none; too many and nothing they send counts for a while."""

    __tablename__ = "bind_tries"
    person: str = Field(primary_key=True)
    at: datetime = instant(primary_key=True)


class Case(Table, table=True):
    """A message shared for an appeal, after the office's word on one category of it; not whose it was, nor where."""

    __tablename__ = "cases"
    id: str = Field(primary_key=True)
    text: str = long_text()
    at: datetime = instant()
    category: str
    # upheld: it does demand this; dismissed: it does not
    demands: bool
    decided_at: datetime = instant()


class Cleanup(Table, table=True):
    """One round of a group or an app from finding to closing (销号); its state is also what its steps lead to."""

    __tablename__ = "cleanups"
    id: str = Field(primary_key=True)
    # group, app
    kind: str
    # The group's key, or the app's id in the register.
    subject: str
    round: int = 1
    # The round that came back as this one.
    previous: str = Field(default="", index=True)
    name: str
    unit: str = ""
    # Where the unit and the group stand in the register's order.
    unit_place: int = 0
    place: int = 0
    # The week in which it was found, and what was found: reasons and figures of that week's snapshot as JSON.
    week: str
    verdict: str
    suggestion: str = ""
    facts: str = long_text("{}")
    # See handlers.rules.cleanup.
    state: str
    # dissolve, merge, tidy, keep; what follows it says why, into which group, until when and who chose.
    choice: str = ""
    reason: str = long_text()
    target: str = ""
    ends: date | None = None
    chosen_by: str = ""
    # seen, declared, imported, exemption; and the day on which it was known.
    evidence: str = ""
    verified: date | None = None
    at: datetime = instant()
    # When time alone takes the next step; None: it does not.
    due: datetime | None = instant(default=None, index=True)
    late_at: datetime | None = instant(default=None)
    steps: int = 0
    __table_args__ = (
        UniqueConstraint("kind", "subject", "round"),
        Index(None, "subject"),
        Index(None, "state", "unit_place", "unit", "place"),
        Index(None, "state", "late_at"),
        Index(None, "unit", "state"),
    )


class CleanupStep(Table, table=True):
    """What happened to a round, append-only: who, when, by which evidence."""

    __tablename__ = "cleanup_steps"
    item: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    at: datetime = instant()
    step: str
    # bot, office:<name>, or a person's key
    who: str = Field(index=True)
    # The person who was asked or told.
    whom: str = Field(default="", index=True)
    # seen, declared, imported, exemption; a week; of what was said, its key in the outbox.
    evidence: str = Field(default="", index=True)
    choice: str = ""
    target: str = ""
    ends: date | None = None
    note: str = long_text()


class Account(Table, table=True):
    """Who may sign in to the office's pages; nothing else of a person than a name is kept."""

    __tablename__ = "accounts"
    id: str = Field(primary_key=True)
    name: str
    # As it is typed; `oidc:<hash>` for who comes from a single sign-on and has no password here.
    login: str = Field(unique=True)
    # argon2id
    password: str = long_text()
    # office, unit, group
    role: str
    # Of an office or a unit's account: it sees this unit and what is under it; empty: everything.
    unit: str = ""
    # Of a group's account: the keys of its groups as JSON.
    groups: str = long_text("[]")
    at: datetime = instant()
    disabled_at: datetime | None = instant(default=None)
    last_at: datetime | None = instant(default=None)


class Invitation(Table, table=True):
    """A link that makes one account, or sets its password anew; only a hash of it is kept."""

    __tablename__ = "invitations"
    id: str = Field(primary_key=True)
    role: str
    name: str
    unit: str = ""
    groups: str = long_text("[]")
    # The account whose password it sets.
    account: str = Field(default="", index=True)
    by: str
    at: datetime = instant()
    until: datetime = instant(index=True)
    used_at: datetime | None = instant(default=None)


class SessionRow(Table, table=True):
    """Somebody who is signed in; only a hash of the cookie is kept."""

    __tablename__ = "sessions"
    id: str = Field(primary_key=True)
    # Empty: signed in with a token, and `bearer` says as whom.
    account: str = Field(default="", index=True)
    bearer: str = long_text()
    at: datetime = instant()
    until: datetime = instant(index=True)
    seen: datetime = instant()


class SigninTry(Table, table=True):
    """A password that somebody tried; hashes of the login and the address, never the password."""

    __tablename__ = "signin_tries"
    id: str = Field(primary_key=True)
    at: datetime = instant(index=True)
    login: str
    address: str
    # tried, refused (it came too early and was not looked at), forgiven (the right password came after it)
    state: str
    until: datetime | None = instant(default=None)
    __table_args__ = (Index(None, "login", "at"), Index(None, "address", "at"))


class AuditRow(Table, table=True):
    """Who of the office read whose data and when, append-only."""

    __tablename__ = "audit"
    id: int | None = Field(default=None, primary_key=True)
    at: datetime = instant(index=True)
    who: str = Field(index=True)
    name: str
    what: str
    subject: str = ""
    # What the reader may see: a unit, groups; empty: everything.
    scope: str = ""

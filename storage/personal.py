"""Where a person stands in what is stored: as a key, inside an event's id, as a name that somebody wrote down."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Row, literal, or_, select
from sqlmodel import SQLModel

from storage.database import table
from storage.tables import (
    Account,
    Activity,
    App,
    Audience,
    BindCode,
    Binding,
    BindTry,
    Claim,
    Cleanup,
    CleanupStep,
    Digest,
    Flag,
    Group,
    GroupVersion,
    Member,
    Notice,
    Outgoing,
    PersonRow,
    Press,
    RatingInvite,
    Receipt,
    RegisterGroup,
    Reminder,
    RosterChange,
    Trouble,
)

PERSONS, MEMBERS, GROUPS, VERSIONS = table(PersonRow), table(Member), table(Group), table(GroupVersion)
NOTICES, AUDIENCE, REGISTER, APPS = table(Notice), table(Audience), table(RegisterGroup), table(App)
ACCOUNTS = table(Account)

# A row is about the one whose key stands here.
OWN: Mapping[type[SQLModel], str] = {
    Audience: "person", BindCode: "person", BindTry: "person", Binding: "person", Digest: "person", Member: "person",
    Outgoing: "target", PersonRow: "id", Press: "person", RatingInvite: "person", Receipt: "person", Reminder: "person",
    RosterChange: "person",
}  # fmt: skip
# A row is about something else and names a person here.
NAMED: Sequence[tuple[type[SQLModel], str]] = (
    (Activity, "last_by"), (Cleanup, "chosen_by"), (CleanupStep, "who"), (CleanupStep, "whom"), (Flag, "person"),
    (Group, "owner"), (GroupVersion, "owner"), (Notice, "sender"), (Press, "deputy"), (Receipt, "deputy"),
)  # fmt: skip
# The id of an event, or the key of what was said, may have a person's id in it.
TRACES: Sequence[tuple[type[SQLModel], str]] = (
    (Claim, "key"), (CleanupStep, "evidence"), (Outgoing, "key"), (Trouble, "event"),
)  # fmt: skip
# Cells of the register of groups in which people write names; the phone is the owner's.
CELLS = ("owner", "admins", "responsible", "checker", "note", "extra")
# Of the apps.
APP_CELLS = ("handler", "extra")
# The history of these cells has names in it.
NAMING = frozenset({*CELLS, *APP_CELLS})
# The key of somebody of whom only the name stands in the register.
BY_NAME = "name:"
# The key of somebody who signs in to the office's pages, before the account's id.
BY_ACCOUNT = "account:"
# One character may stand in any word.
SHORTEST = 2


@dataclass(frozen=True)
class Subject:
    """One person: all their names, the newest first, and the groups in which a name of theirs means them.

    `groups` are keys of groups that they were in or owned, and of those groups' rows in the register. `longer` are
    other people's names that have one of theirs in them.
    """

    key: str
    names: tuple[str, ...]
    groups: frozenset[str]
    notices: frozenset[str]
    longer: tuple[str, ...] = ()
    # Where an app's 经办人 of that name is they.
    units: frozenset[str] = frozenset()

    @cached_property
    def _written(self) -> re.Pattern[str] | None:
        names = sorted((name for name in self.names if len(name) >= SHORTEST), key=len, reverse=True)
        every = "|".join(map(re.escape, sorted(self.longer, key=len, reverse=True)))
        own = "|".join(map(re.escape, names))
        return re.compile(f"(?:{every})|(?P<own>{own})" if every else f"(?P<own>{own})") if names else None

    @cached_property
    def _id(self) -> re.Pattern[str]:
        channel, _, native = self.key.partition(":")
        return re.compile(rf"(?<!\w)(?:{re.escape(channel)}:)?{re.escape(native)}(?!\w)")

    def without(self, text: str, instead: str) -> str:
        """The text with another word for the name; a cell that is nothing but the name is emptied."""
        if text.strip() in self.names:
            return ""
        if self._written is None:
            return text
        return self._written.sub(lambda found: instead if found["own"] else found[0], text)

    def untraced(self, text: str, instead: str) -> str:
        """An event's id without the person's; ids of other channels stay as they are."""
        return self._id.sub(instead, text) if f"{self.key.partition(':')[0]}:" in text else text

    def cells(self, row: Mapping[str, Any], instead: str = "") -> dict[str, str]:
        """The cells of a register's row in which the person stands, as they are without them."""
        found = {name: row[name] for name in CELLS if isinstance(row.get(name), str)}
        changed = {name: new for name, old in found.items() if (new := self.without(old, instead)) != old}
        if found.get("owner", "").strip() in self.names and row.get("phone"):
            changed["phone"] = ""
        return changed


def resolve(db: Connection, given: str) -> Sequence[Row[Any]]:
    """The people (id, name, unit) that this key, this id in a channel or, where no id is so, this name may mean.

    Whoever signs in under that name may be meant, too, and is somebody else until the office says so.
    """
    people = select(PERSONS.c.id, PERSONS.c.name, PERSONS.c.unit).order_by(PERSONS.c.id)
    exact = db.execute(people.where(PERSONS.c.id == given)).all()
    if exact:
        return exact
    ending = db.execute(people.where(PERSONS.c.id.endswith(f":{given}", autoescape=True))).all()
    own = [row for row in ending if row.id.split(":", 1)[1] == given]
    named = literal(BY_ACCOUNT).concat(ACCOUNTS.c.id).label("id")
    holders = select(named, ACCOUNTS.c.name, ACCOUNTS.c.unit).where((ACCOUNTS.c.name == given) | (ACCOUNTS.c.login == given))
    if own:
        return own
    called = people.where(PERSONS.c.name == given)
    return [*db.execute(called), *db.execute(holders.order_by(ACCOUNTS.c.id))]


def registered(db: Connection, name: str) -> bool:
    """Whether this name stands in the register, though nobody is known by it."""
    who = subject(db, BY_NAME + name)
    return bool(who.groups or who.units)


def subject(db: Connection, key: str) -> Subject:
    """What is known of this key, also when no row of `persons` has it."""
    if key.startswith(BY_NAME):
        return _named(db, key)
    found = [*db.execute(select(PERSONS.c.name, PERSONS.c.unit).where(PERSONS.c.id == key)), *_account(db, key)]
    names = [
        *(row.name for row in found),
        *db.execute(select(AUDIENCE.c.name).where(AUDIENCE.c.person == key).distinct()).scalars(),
        *db.execute(select(NOTICES.c.sender_name).where(NOTICES.c.sender == key).distinct()).scalars(),
    ]
    names = list(dict.fromkeys(name for name in names if name))
    units = frozenset(row.unit for row in found if row.unit)
    asked = db.execute(select(AUDIENCE.c.notice).where(AUDIENCE.c.person == key)).scalars()
    sent = db.execute(select(NOTICES.c.id).where(NOTICES.c.sender == key)).scalars()
    return Subject(
        key=key, names=tuple(names), groups=_groups(db, key) | _of_units(db, names, units),
        notices=frozenset([*asked, *sent]), longer=_longer(db, names), units=units,
    )  # fmt: skip


def _account(db: Connection, key: str) -> Sequence[Row[Any]]:
    """The name of whoever has this account; their unit is what they see, not where an app of their name is theirs."""
    if not key.startswith(BY_ACCOUNT):
        return ()
    nowhere = literal("").label("unit")
    return db.execute(select(ACCOUNTS.c.name, nowhere).where(ACCOUNTS.c.id == key.removeprefix(BY_ACCOUNT))).all()


def _named(db: Connection, key: str) -> Subject:
    """Somebody of whom there is but a name: wherever it stands in a register, it is they."""
    name = key.removeprefix(BY_NAME)
    who = Subject(key=key, names=(name,), groups=frozenset(), notices=frozenset(), longer=_longer(db, [name]))
    rows = db.execute(select(REGISTER).where(or_(*(REGISTER.c[cell].contains(name, autoescape=True) for cell in CELLS))))
    groups = frozenset(row.id for row in rows if who.cells(row._asdict()))
    apps = db.execute(select(APPS.c.unit).where(APPS.c.handler.contains(name, autoescape=True))).scalars()
    return replace(who, groups=groups, units=frozenset(apps))


def _of_units(db: Connection, names: Sequence[str], units: frozenset[str]) -> frozenset[str]:
    """Rows of the register of the person's own unit in which their name is the whole of a cell."""
    cells = [REGISTER.c[cell].in_(names) for cell in CELLS]
    query = select(REGISTER.c.id).where(REGISTER.c.unit.in_(units), or_(*cells))
    return frozenset(db.execute(query).scalars()) if names and units else frozenset()


def _groups(db: Connection, key: str) -> frozenset[str]:
    """A row of the register that is matched to no group means the one of its name and unit."""
    was_in = select(MEMBERS.c.group).where(MEMBERS.c.person == key)
    owned = select(VERSIONS.c.group).where(VERSIONS.c.owner == key)
    mine = or_(GROUPS.c.owner == key, GROUPS.c.id.in_(was_in), GROUPS.c.id.in_(owned))
    found = db.execute(select(GROUPS.c.id, GROUPS.c.name, GROUPS.c.unit).where(mine)).all()
    keys, called = {row.id for row in found}, {(row.name, row.unit) for row in found}
    rows = db.execute(select(REGISTER.c.id, REGISTER.c.group, REGISTER.c.name, REGISTER.c.unit))
    told = {row.id for row in rows if row.group in keys or (row.group is None and (row.name, row.unit) in called)}
    return frozenset(keys | told)


def _longer(db: Connection, names: Sequence[str]) -> tuple[str, ...]:
    within = [PERSONS.c.name.contains(name, autoescape=True) for name in names if len(name) >= SHORTEST]
    if not within:
        return ()
    found = db.execute(select(PERSONS.c.name).where(or_(*within)).distinct()).scalars()
    return tuple(sorted(set(found) - set(names)))

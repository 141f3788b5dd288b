"""Where a person stands in what is stored: as a key, inside an event's id, as a name that somebody wrote down."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Row, or_, select
from sqlmodel import SQLModel

from storage.database import table
from storage.tables import (
    Activity,
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
    Receipt,
    RegisterGroup,
    Reminder,
    RosterChange,
    Trouble,
)

PERSONS, MEMBERS, GROUPS, VERSIONS = table(PersonRow), table(Member), table(Group), table(GroupVersion)
NOTICES, AUDIENCE, REGISTER = table(Notice), table(Audience), table(RegisterGroup)

# A row is about the one whose key stands here.
OWN: Mapping[type[SQLModel], str] = {
    Audience: "person", BindCode: "person", BindTry: "person", Binding: "person", Digest: "person", Member: "person",
    Outgoing: "target", PersonRow: "id", Press: "person", Receipt: "person", Reminder: "person", RosterChange: "person",
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
    """The people (id, name, unit) that this key, this id in a channel or, where no id is so, this name may mean."""
    people = select(PERSONS.c.id, PERSONS.c.name, PERSONS.c.unit).order_by(PERSONS.c.id)
    exact = db.execute(people.where(PERSONS.c.id == given)).all()
    if exact:
        return exact
    ending = db.execute(people.where(PERSONS.c.id.endswith(f":{given}", autoescape=True))).all()
    own = [row for row in ending if row.id.split(":", 1)[1] == given]
    return own or db.execute(people.where(PERSONS.c.name == given)).all()


def subject(db: Connection, key: str) -> Subject:
    """What is known of this key, also when no row of `persons` has it."""
    names = [
        *db.execute(select(PERSONS.c.name).where(PERSONS.c.id == key)).scalars(),
        *db.execute(select(AUDIENCE.c.name).where(AUDIENCE.c.person == key).distinct()).scalars(),
        *db.execute(select(NOTICES.c.sender_name).where(NOTICES.c.sender == key).distinct()).scalars(),
    ]
    names = list(dict.fromkeys(name for name in names if name))
    asked = db.execute(select(AUDIENCE.c.notice).where(AUDIENCE.c.person == key)).scalars()
    sent = db.execute(select(NOTICES.c.id).where(NOTICES.c.sender == key)).scalars()
    return Subject(
        key=key, names=tuple(names), groups=_groups(db, key), notices=frozenset([*asked, *sent]),
        longer=_longer(db, names),
    )  # fmt: skip


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

"""The groups as they were known at a week's end: what the bot saw, completed by the imported register.

Only facts from before that moment count, whenever the census is taken: the newest version of a group before it, the
stays of its members at it, the days of activity up to Sunday, an end that had come. A row of the register counts from
its 建群时间 on (without one: always), whenever it was imported.

The groups stand in the order of the register, those that are gone behind the others. What is compared with other
groups is held here as columns; everything else of a group is read when it is its turn (`entries`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import islice, pairwise
from typing import Any, Literal

import numpy as np
from sqlalchemy import Connection

from handlers import rosters
from handlers.rosters import Numbers, Rosters
from handlers.rules import matter
from handlers.rules.merge import BODY
from handlers.rules.moves import Move, left_behind
from handlers.rules.reduction import EVIDENCE, Lifetime
from handlers.rules.week import local_day, midnight
from handlers.rules.zombie import DAY, Gaps, Known
from storage import clockwork, facts, register, registerimports
from storage.facts import Outline, Portrait
from storage.register import Live
from storage.tables import EPOCH

RECENT_DAYS = 30
# What a register says where there is no owner.
OWNERLESS = ("无", "空缺", "无群主", "暂缺")
# Groups that are judged between two looks into the register.
TOGETHER = 2_000
UNLISTED = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One living group; `place` is its place in the census. `people` are its members that are known by name, `members`
    their number, which the register may tell too.
    """

    place: int
    key: str
    channel: str
    name: str
    unit: str
    purpose: str
    kind: str
    owner: str
    people: int
    members: int
    members_source: Literal["roster", "register", "unknown"]
    last_source: Literal["seen", "imported", ""]
    others: int
    known: Known
    row: Any = None
    exemption: Any = None
    # Names that it had, the oldest first; and what it was before it moved.
    formerly: tuple[str, ...] = ()
    moved: Move | None = None


@dataclass(slots=True, kw_only=True)
class Heard:
    """By place: the last work message (ms, -1 for none), and what was said in RECENT_DAYS."""

    last: Numbers
    work: Numbers
    rollcalls: Numbers
    others: Numbers


@dataclass(slots=True, kw_only=True)
class Census:
    """The first `living` places are of the living groups. `began` is a day's ordinal, 0 where nobody tells.

    `units` gives each unit of the register its place in it; `unit_names` are those of the groups, in that order.
    """

    end: datetime
    living: int
    keys: list[str]
    names: list[str]
    unit_names: list[str]
    unit_of: Numbers
    began: Numbers
    ended: list[tuple[datetime, str]]
    rosters: Rosters
    heard: Heard
    pairs: dict[str, str]
    lone: Sequence[str]
    places: Mapping[str, int]
    gaps: dict[str, Gaps] = field(default_factory=dict)
    # Names that groups had before: by group as the bot saw them, by row as they were in the register.
    former: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    written: Mapping[str, Sequence[str]] = field(default_factory=dict)
    # By group that goes on what it was, and those that go on as others: they are counted nowhere.
    moves: Mapping[str, Move] = field(default_factory=dict)
    left: frozenset[str] = frozenset()
    units: dict[str, int] = field(default_factory=dict)
    registered: bool = False

    def place(self, unit: str) -> tuple[int, str]:
        """Units as they first stand in the register, then the others by name; never by any figure."""
        return self.units.get(unit, len(self.units)), unit

    def unit(self, place: int) -> str:
        return self.unit_names[int(self.unit_of[place])]

    def began_on(self, place: int) -> date:
        """Its 建群时间; not told: when it was first heard of; a row of the register without one: always."""
        return date.fromordinal(int(self.began[place]) or 1)

    def by_unit(self) -> Iterator[tuple[int, int]]:
        """The places of each unit's living groups, which stand together: the first, and the one after the last."""
        firsts = np.flatnonzero(np.diff(self.unit_of[: self.living], prepend=-1))
        return pairwise([*firsts.tolist(), self.living])

    def lifetime(self, place: int, members: bool = False) -> Lifetime:
        ended, evidence = self.ended[place - self.living] if place >= self.living else (None, "")
        told = Lifetime(
            id=self.keys[place],
            began=date.fromordinal(int(self.began[place])) if self.began[place] else None,
            ended=ended,
            evidence=evidence,
            members=self.rosters.of(place) if members else frozenset(),
            unit=self.unit(place),
        )
        return left_behind(told) if told.id in self.left else told

    def chain(self, key: str) -> Iterator[str]:
        """What the group was, the last one first; each began earlier, so that this ends."""
        while key in self.moves:
            key = self.moves[key].old
            yield key

    def lifetimes(self) -> Iterator[Lifetime]:
        """Of all groups, also those that are gone, without their members."""
        return map(self.lifetime, range(len(self.keys)))


@dataclass(slots=True)
class _Found:
    """A group before it has its place."""

    key: str
    name: str
    unit: str
    position: int
    began: int
    ended: datetime | None
    evidence: str


def take(db: Connection, end: datetime) -> Census:
    """The census of the moment `end`, a Monday 0:00; groups in the order of the register, then of unit and name."""
    sunday = local_day(end) - DAY
    rows = [row for row in register.outlines(db) if row.created is None or row.created <= sunday]
    units: dict[str, int] = {}
    for row in rows:
        units.setdefault(row.unit, len(units))
    former = facts.former_names(db, end)
    pairs = register.pair(rows, _lives(db, rows, former, end))
    census = _ordered(db, end, rows, pairs, units)
    census.former, census.written = former, registerimports.former_names(db, "groups")
    census.gaps = _gaps(db, end)
    census.rosters = _rosters(db, census)
    census.heard = _heard(db, census, sunday)
    return census


def _lives(
    db: Connection, rows: Sequence[Any], former: Mapping[str, tuple[str, ...]], end: datetime
) -> Iterator[Live]:
    """The groups that a row of the register may be about."""
    if not rows:
        return
    named = {row.id for row in rows} | {row.group for row in rows}
    alike = {register.folded(row.name) for row in rows}
    moment = facts.millis(end)
    for one in facts.outlines(db, end):
        before = former.get(one.id, ())
        if one.id in named or any(register.folded(name) in alike for name in (one.name, *before)):
            living = one.dissolved_at is None or one.dissolved_at >= moment
            yield Live(id=one.id, name=one.name, unit=one.unit, living=living, former=before)


def _ordered(
    db: Connection, end: datetime, rows: Sequence[Any], pairs: Mapping[str, str], units: dict[str, int]
) -> Census:
    of_group = {pairs[row.id]: row for row in rows if row.id in pairs}
    closed = [group for group, row in of_group.items() if row.closed]
    last_days = facts.last_days(db, local_day(end) - DAY, closed)
    names = _Shared()
    living: list[tuple[str, int, str, str, int]] = []
    gone: list[tuple[str, int, str, str, int, datetime, str]] = []
    for one in facts.outlines(db, end):
        row = of_group.get(one.id)
        created = one.created or (row.created if row else None)
        began = (created or local_day(_instant(one.first_seen))).toordinal()
        unit = names[one.unit or (row.unit if row else "")]
        ended, evidence = _ended(one, row, last_days.get(one.id), end)
        position = row.position if row else UNLISTED
        if ended is None:
            living.append((unit, position, one.name, one.id, began))
        else:
            gone.append((unit, position, one.name, one.id, began, ended, evidence))
    for row in rows:
        if row.id not in pairs:
            began = row.created.toordinal() if row.created else 0
            if row.closed and midnight(row.closed) < end:
                gone.append((names[row.unit], row.position, row.name, row.id, began, midnight(row.closed), "imported"))
            else:
                living.append((names[row.unit], row.position, row.name, row.id, began))
    place = {
        unit: number for number, unit in enumerate(sorted(names, key=lambda unit: (units.get(unit, len(units)), unit)))
    }
    living.sort(key=lambda one: (place[one[0]], one[1:4]))
    gone.sort(key=lambda one: (place[one[0]], one[1:4]))
    listed: list[Any] = [*living, *gone]
    number = len(living)
    del living
    keys = [one[3] for one in listed]
    return Census(
        end=end,
        living=number,
        keys=keys,
        names=[one[2] for one in listed],
        unit_names=list(place),
        unit_of=np.fromiter((place[one[0]] for one in listed), dtype=np.int64, count=len(listed)),
        began=np.fromiter((one[4] for one in listed), dtype=np.int64, count=len(listed)),
        ended=[(one[5], one[6]) for one in listed[number:]],
        rosters=Rosters(np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int32)),
        heard=Heard(last=_none(0), work=_none(0), rollcalls=_none(0), others=_none(0)),
        pairs={group: row.id for group, row in of_group.items()},
        lone=[row.id for row in rows if row.id not in pairs],
        places={key: at for at, key in enumerate(keys)},
        units=units,
        registered=bool(rows),
    )


class _Shared(dict[str, str]):
    """One object for each text, however often it is read."""

    def __missing__(self, text: str) -> str:
        self[text] = text
        return text


def _none(number: int) -> Numbers:
    return np.zeros(number, dtype=np.int64)


def _instant(at: int) -> datetime:
    return EPOCH + timedelta(milliseconds=at)


def _ended(one: Outline, row: Any, last_day: date | None, end: datetime) -> tuple[datetime | None, str]:
    """The dissolution that was seen or declared; or 销号 by the register, when nobody spoke after it."""
    if one.dissolved_at is not None and _instant(one.dissolved_at) < end:
        return _instant(one.dissolved_at), one.evidence if one.evidence in EVIDENCE else "declared"
    closed = row.closed if row else None
    if closed and midnight(closed) < end and not (last_day and last_day > closed):
        return midnight(closed), "imported"
    return None, ""


def near_an_end(census: Census, days: int) -> list[Lifetime]:
    """With their members: the groups that are gone, and those that began within so many days of an end."""
    gone = range(census.living, len(census.keys))
    if not gone:
        return []
    ends = np.unique([local_day(at).toordinal() for at, _ in census.ended])
    began = census.began[: census.living]
    after = np.searchsorted(ends, began)
    nearest = np.minimum(
        np.abs(began - ends[np.minimum(after, len(ends) - 1)]), np.abs(began - ends[np.maximum(after - 1, 0)])
    )
    near = np.flatnonzero(nearest <= days).tolist()
    return [census.lifetime(place, members=True) for place in (*near, *gone)]


def by_name(db: Connection, census: Census, groups: Sequence[Lifetime]) -> list[Lifetime]:
    """The same groups with the names of their members, who go by other numbers on another platform."""
    seen = [one.id for one in groups if one.evidence in ("seen", "declared")]
    others = [one.id for one in groups if one.evidence not in ("seen", "declared")]
    names = facts.names_in(db, census.end, others) | facts.last_names_in(db, seen)
    return [replace(one, members=names.get(one.id, frozenset())) for one in groups]


def follow(census: Census, moves: Mapping[str, Move]) -> None:
    """What went on elsewhere is one group: it has the life, the row and the names of what it was."""
    census.moves, census.left = moves, frozenset(move.old for move in moves.values())
    for key in moves:
        chain = list(census.chain(key))
        census.began[census.places[key]] = census.began[census.places[chain[-1]]]
        row = next((census.pairs[old] for old in chain if old in census.pairs), None)
        if row is not None:
            census.pairs.setdefault(key, row)


def _formerly(census: Census, key: str, row: Any, now: str) -> tuple[str, ...]:
    """As the register had it and as the bot saw it, each name once, the oldest first; and those of what it was."""
    was = [census.names[census.places[old]] for old in reversed(list(census.chain(key)))]
    told = [*(census.written.get(row.id, ()) if row else ()), *census.former.get(key, ())]
    if row and row.name not in told:
        told.insert(0, row.name)
    return tuple(one for one in dict.fromkeys([*was, *told]) if register.folded(one) != register.folded(now))


def _gaps(db: Connection, end: datetime) -> dict[str, Gaps]:
    since = facts.first_seen(db, end) or end
    spans: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for row in clockwork.gaps(db, since, end):
        spans[row.channel].append((row.since, min(row.until, end)))
    return {channel: Gaps(found) for channel, found in sorted(spans.items())}


def _rosters(db: Connection, census: Census) -> Rosters:
    """Of a group that was dissolved those who were in it then, of all others those who were in it at the moment."""
    dissolved = {
        census.keys[place]: place
        for place, (_, evidence) in enumerate(census.ended, start=census.living)
        if evidence in ("seen", "declared")
    }
    there = census.places
    if dissolved:
        there = {key: place for key, place in there.items() if key not in dissolved}
    streams = (facts.rosters(db, census.end), there), (facts.last_rosters(db, census.end), dissolved)
    return rosters.read(streams, len(census.keys), facts.BREAK)


def _heard(db: Connection, census: Census, sunday: date) -> Heard:
    number = len(census.keys)
    found = Heard(last=_none(number) - 1, work=_none(number), rollcalls=_none(number), others=_none(number))
    last, work, rollcalls, others = found.last, found.work, found.rollcalls, found.others
    for one in facts.heard(db, sunday, sunday - timedelta(days=RECENT_DAYS - 1)):
        place = census.places.get(one.group)
        if place is not None:
            last[place] = -1 if one.last_work_at is None else one.last_work_at
            work[place], rollcalls[place], others[place] = one.work, one.rollcall, one.other
    return found


def purposes(db: Connection, census: Census, keys: Container[str]) -> dict[str, str]:
    """Of these groups, what each says it is for, or else what the register says; "" where nobody tells."""
    told = {key: purpose for key, purpose in facts.purposes(db, census.end) if key in keys}
    missing = {row: key for key, row in census.pairs.items() if key in keys and key not in told}
    missing |= {key: key for key in census.lone if key in keys}
    told |= {missing[row]: one.purpose for row, one in _rows(db, list(missing)).items()}
    return defaultdict(str, told)


def exempt(db: Connection, census: Census) -> Mapping[str, Any]:
    """By group, what exempts it at the week's end."""
    return facts.exemptions_on(db, local_day(census.end) - DAY)


def entries(db: Connection, census: Census) -> Iterator[Entry]:
    """Every living group once, in no order: first those that the bot heard of, then those only the register knows."""
    exemptions = exempt(db, census)
    sizes = census.rosters.sizes
    for some in _batches(facts.portraits(db, census.end)):
        rows = _rows(db, [census.pairs[one.id] for one in some if one.id in census.pairs])
        for one in some:
            place = census.places[one.id]
            if place < census.living:
                row = rows.get(census.pairs.get(one.id, ""))
                yield _live(census, one, place, row, int(sizes[place]), exemptions.get(one.id))
    for keys in _batches(census.lone):
        for key, row in _rows(db, keys).items():
            place = census.places[key]
            if place < census.living:
                yield _imported(census, row, place, exemptions.get(key))


def _rows(db: Connection, keys: Sequence[str]) -> Mapping[str, Any]:
    return {row.id: row for row in register.group_rows(db, keys)} if keys else {}


def _batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    stream = iter(rows)
    while some := list(islice(stream, TOGETHER)):
        yield some


def _live(census: Census, one: Portrait, place: int, row: Any, people: int, exemption: Any) -> Entry:
    last, source = _last_work(_heard_last(census, place), row, census.end)
    kind = one.kind or (row.kind if row else "")
    known = Known(
        first_seen=_instant(one.first_seen),
        created=one.created or (row.created if row else None),
        last_work=last,
        messages=int(census.heard.work[place]),
        rollcalls=int(census.heard.rollcalls[place]),
        owner=_owner(one, people),
        ends=one.ends or (row.ends if row else None),
        gaps=_gaps_of(census, one),
        **_task(row, kind),
    )
    return Entry(
        place=place,
        key=one.id,
        channel=one.channel,
        name=one.name,
        unit=census.unit(place),
        purpose=one.purpose or (row.purpose if row else ""),
        kind=kind,
        owner=(row.owner if row else "") or one.owner_name,
        people=people,
        **_members(one.owner_known, row, people),
        last_source=source,
        others=int(census.heard.others[place]),
        known=known,
        row=row,
        exemption=exemption,
        formerly=_formerly(census, one.id, row, one.name),
        moved=census.moves.get(one.id),
    )


def _heard_last(census: Census, place: int) -> datetime | None:
    at = int(census.heard.last[place])
    return None if at < 0 else _instant(at)


_EAR = Gaps()


def _gaps_of(census: Census, one: Portrait) -> Gaps:
    """When nothing of this group was heard: its channel was deaf, or the bot was not in the group."""
    own, channel = census.gaps.get(one.id), census.gaps.get(one.channel)
    if own is None or channel is None:
        return own or channel or _EAR
    return Gaps([*own.spans, *channel.spans])


def _members(counted: bool, row: Any, people: int) -> dict[str, Any]:
    """A roster counts, an empty one too; without one, what the register says."""
    if counted:
        return {"members": people, "members_source": "roster"}
    told = (row.members if row else None) or 0
    return {"members": told, "members_source": "register" if told else "unknown"}


def _task(row: Any, kind: str) -> dict[str, Any]:
    """What the register's 关联事项及截止日 says beside the day."""
    if row is None:
        return {"matter": "", "over": False, "body": kind.startswith(BODY)}
    return {"matter": matter.name_of(row.matter), "over": matter.is_over(row.matter), "body": kind.startswith(BODY)}


def _last_work(heard: datetime | None, row: Any, end: datetime) -> tuple[datetime | None, Any]:
    """The later of what was heard and what the register says, which knows no more than the day."""
    told = row.last_work_day if row else None
    if told is None or midnight(told) >= end or (heard and heard >= midnight(told)):
        return heard, "seen" if heard else ""
    return midnight(told), "imported"


def _owner(one: Portrait, people: int) -> Any:
    if not one.owner_known:
        return "unknown"
    if one.owner is None:
        return "none"
    return "left" if people and not one.owner_inside else "there"


def _imported(census: Census, row: Any, place: int, exemption: Any) -> Entry:
    known, source = _known_imported(row, census.end)
    return Entry(
        place=place,
        key=row.id,
        channel=row.channel,
        name=row.name,
        unit=row.unit,
        purpose=row.purpose,
        kind=row.kind,
        owner=row.owner,
        people=0,
        **_members(False, row, 0),
        last_source=source,
        others=0,
        known=known,
        row=row,
        exemption=exemption,
        formerly=_formerly(census, row.id, row, row.name),
    )


def _known_imported(row: Any, end: datetime) -> tuple[Known, Any]:
    """The register's number of messages is of its own 30 days: it is void when its last day lies further back."""
    last, source = _last_work(None, row, end)
    stale = last is not None and end - last > RECENT_DAYS * DAY
    known = Known(
        first_seen=None,
        created=row.created,
        last_work=last,
        messages=0 if stale else row.messages_30d or 0,
        rollcalls=0,
        owner="none" if row.owner in OWNERLESS else "unknown",
        ends=row.ends,
        gaps=_EAR,
        **_task(row, row.kind),
    )
    return known, source

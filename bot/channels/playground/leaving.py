"""What leaves the playground's own file: everything as rows for an export, or one person for good."""

from __future__ import annotations

from collections.abc import Iterator
from sqlite3 import Connection
from typing import Any

from bot.channels.playground.talk import private_room

# Not the invitations, which let somebody in, nor the files' contents, which are inventories and letters.
TABLES = {
    "people": ("id", "name", "unit", "role", "post"),
    "groups": ("id", "name", "unit", "purpose", "kind", "created", "ends", "owner", "dissolved_at"),
    "members": ("grp", "person", "role"),
    "messages": ("id", "room", "sender", "kind", "text", "quotes", "at", "card", "version", "recalled_at"),
}
# In this order: what is asked for must still be there.
GOING = (
    "update groups set heard = 0 where dissolved_at is null and id in (select grp from members where person = :person)",
    "update groups set owner = null where owner = :person",
    "update messages set quotes = null"
    " where quotes in (select id from messages where sender = :person or room = :own)",
    "delete from files where message in (select id from messages where sender = :person or room = :own)",
    "delete from messages where sender = :person or room = :own",
    "delete from members where person = :person",
    "delete from seen where person = :person",
    "delete from invitations where person = :person",
    "delete from people where id = :person",
)
# One character may stand in any word.
SHORTEST = 2


def rows(db: Connection, table: str) -> Iterator[dict[str, Any]]:
    columns = TABLES[table]
    for row in db.execute(f"select {', '.join(columns)} from {table} order by rowid"):  # noqa: S608 - names of ours
        yield dict(row)


def count(db: Connection, person: str) -> int:
    """How many rows `erase` would touch."""
    own = private_room(person)
    queries = (
        ("select count(*) from people where id = ?", person),
        ("select count(*) from members where person = ?", person),
        ("select count(*) from seen where person = ?", person),
        ("select count(*) from invitations where person = ?", person),
        ("select count(*) from messages where sender = ?", person),
        ("select count(*) from messages where room = ? and sender != ?", own, person),
        ("select count(*) from groups where owner = ?", person),
    )
    return sum(int(db.execute(query, given).fetchone()[0]) for query, *given in queries)


def erase(db: Connection, person: str, instead: str) -> int:
    """Their account, memberships, private talk and what they said; cards name them no more. What others said stays.

    Gives the number of rows. The groups they were in are heard again without them.
    """
    db.execute("pragma secure_delete = on")
    row = db.execute("select name from people where id = ?", (person,)).fetchone()
    number, own = count(db, person), private_room(person)
    for query in GOING:
        db.execute(query, {"person": person, "own": own})
    if row is not None and len(row["name"]) >= SHORTEST:
        changed = "update messages set card = replace(card, ?, ?) where sender = '' and instr(card, ?) > 0"
        others = db.execute("select 1 from people where instr(name, ?) > 0", (row["name"],)).fetchone()
        if others is None:
            number += db.execute(changed, (row["name"], instead, row["name"])).rowcount
    return number

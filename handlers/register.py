"""The register is edited and files are taken into it: by people of the office, never silently and never over each other.

What is told of one register is decided in one line, whichever process it came to (bot.bus.partition_of).
"""

from __future__ import annotations

from handlers.actions import Action
from handlers.context import Context
from handlers.events import RegisterEdited, RegisterImportConfirmed, RegisterPartReceived
from storage import register, registerimports
from storage.register import By


def edit(event: RegisterEdited, context: Context) -> list[Action]:
    """All of it or nothing: a row that somebody has changed since the page was opened stays as it is."""
    row = register.row(context.db, event.book, event.row)
    if event.version != (register.version(row) if row is not None else ""):
        return []
    told = register.read_back(event.book, dict(zip(event.fields, event.values, strict=True)))
    if not told.get("name", "" if row is None else row.name):
        return []
    if row is None:
        told["position"] = register.last_position(context.db, event.book) + 1
    by = By(who=event.who, via="page", act=event.id)
    register.save(context.db, event.book, [{**told, "id": event.row}], event.at, by)
    return []


def keep_part(event: RegisterPartReceived, context: Context) -> list[Action]:
    """A file comes in parts that a broker can carry; the register does not change by it."""
    draft = {"id": event.draft, "book": event.book, "file": event.file, "sha256": event.sha256, "who": event.who}
    registerimports.keep(context.db, {**draft, "at": event.at, "parts": event.parts}, event.number, event.body)
    return []


def take(event: RegisterImportConfirmed, context: Context) -> list[Action]:
    """Exactly what was shown: when the register has changed since, nothing is written, and a new page shows why."""
    draft = registerimports.get(context.db, event.draft)
    if draft is None or draft.taken_at is not None:
        return []
    rows = registerimports.rows_of(context.db, draft)
    if rows is None:
        return []
    found = registerimports.difference(context.db, draft.book, registerimports.told(draft.book, rows))
    if found.digest == event.shown:
        registerimports.take(context.db, draft, rows, found, event.at, event.who)
    return []

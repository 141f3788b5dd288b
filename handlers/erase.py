"""Somebody asks that everything about them go: it goes, and a receipt stays that says what went and what did not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from config.settings import TIMEZONE
from config.wording import Wording
from handlers.actions import Action
from handlers.context import Context
from handlers.events import PersonErased
from storage import erasure
from storage.erasure import Erased, Words

# Of scrypt: so much work for one guess at whose receipt it is.
COST: Mapping[str, int] = {"n": 2**14, "r": 8, "p": 1}
STAYS = ("counts", "register", "office", "audit", "ratings", "logs", "backups", "platform", "again")


def erase(event: PersonErased, context: Context) -> list[Action]:
    """Nothing is said to anybody: the receipt is asked for by its number."""
    carry_out(context.db, event.person, event.at, event.who, event.request, event.talks, context.say)
    return []


def words(say: Wording) -> Words:
    return Words(someone=say("erase.someone"), sender=say("erase.sender"))


def carry_out(
    db: Connection, person: str, at: datetime, who: str, request: str, talks: int, say: Wording
) -> dict[str, Any]:
    """In the caller's transaction; `talks` rows went in the playground's own file. The receipt is kept and given."""
    done = erasure.erase(db, person, words(say), at)
    receipt = receipt_for(person, done, at, request, talks, say)
    erasure.keep_receipt(db, request, at, who, receipt)
    return receipt


def receipt_for(
    person: str, done: Erased, at: datetime, request: str, talks: int, say: Wording
) -> dict[str, Any]:
    """Whoever knows the key can tell that it is meant; the receipt does not name it."""
    salt = hashlib.sha256(request.encode()).digest()[:16]
    named = hashlib.scrypt(person.encode(), salt=salt, dklen=32, n=COST["n"], r=COST["r"], p=COST["p"]).hex()
    names = sorted({*done.deleted, *done.changed})
    tables = [
        {"table": name, "title": say(f"export.table.{name}"), "deleted": done.deleted[name], "changed": done.changed[name]}
        for name in names
    ]
    if talks:
        tables.append({"table": "playground", "title": say("erase.playground"), "deleted": talks, "changed": 0})
    receipt: dict[str, Any] = {
        "receipt": request,
        "at": at.astimezone(TIMEZONE).isoformat(timespec="seconds"),
        "person": {"hash": named, "salt": salt.hex(), "method": "scrypt n=16384 r=8 p=1"},
        "tables": tables,
        "deleted": sum(one["deleted"] for one in tables),
        "changed": sum(one["changed"] for one in tables),
        "elsewhere": done.elsewhere,
        "stays": [say(f"erase.stays.{what}") for what in STAYS],
    }
    return {**receipt, "checksum": checksum(receipt)}


def checksum(receipt: Mapping[str, Any]) -> str:
    """SHA-256 over everything else on the receipt, so that a changed one is found out."""
    told = {name: value for name, value in receipt.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(told, ensure_ascii=False, sort_keys=True).encode()).hexdigest()

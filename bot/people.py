"""Who is meant, when somebody names a person by a platform's number or by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from bot.exporting import Refused
from config.wording import load_wording
from storage import personal


def one_person(db: Connection, given: str) -> str:
    """Their key; one that stands in no list of people may still stand elsewhere, or by name alone in the register."""
    say, found = load_wording(), personal.resolve(db, given)
    if len(found) > 1:
        raise Refused("\n".join([say("export.several", given=given), *_candidates(found)]))
    if found:
        return str(found[0].id)
    if ":" in given:
        return given
    if personal.registered(db, given):
        return personal.BY_NAME + given
    raise Refused(say("export.nobody", given=given))


def _candidates(found: Any) -> Iterator[str]:
    say = load_wording()
    return (say("export.candidate", id=one.id, name=one.name, unit=one.unit) for one in found)

"""Files by name, made when they are sent: `inventory/2026-W47.xlsx`, .docx or .pdf, optionally of some groups or units only."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from sqlalchemy import Connection

from bot.house import House
from bot.reports import formats
from handlers.inventory import only_groups, opened_for
from handlers.within import only_units


async def render_file(house: House, what: str) -> bytes:
    """`inventory/<week>.<kind>[?groups=key,key[&others=no] | ?unit=…&unit=…]`; the kinds are those of `formats.MEDIA`."""
    parts = urlsplit(what)
    week, kind = parts.path.removeprefix("inventory/").rsplit(".", 1)
    # An empty list is a list: whoever may see no group gets an empty file, never the whole one.
    query = parse_qs(parts.query, keep_blank_values=True)
    wanted, units = query.get("groups"), query.get("unit")

    def make(db: Connection) -> bytes:
        snapshot = opened_for(db, house.settings, week, house.now())
        if units is not None:
            snapshot = only_units(db, snapshot, units)
        if wanted is not None:
            snapshot = only_groups(snapshot, wanted[0].split(","), others="others" not in query)
        return formats.render(kind, snapshot, house.settings)

    # The rows of a saved snapshot are read while they are written.
    return await house.store.study(make)

"""Pages from Jinja2 templates: autoescaped, and every page of a demonstration says so."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup
from starlette.requests import Request

from bot.house import House
from config.settings import TIMEZONE
from config.wording import load_wording
from handlers.noticecards import moment
from handlers.rules.notice import heading

# Under no-referrer a browser hides where a form comes from, and the check for our own pages could not see it.
FORMS = {"cache-control": "no-store", "referrer-policy": "same-origin"}
FOLDER = Path(__file__).with_name("templates")
# Invisible characters that could turn the text after them around.
POSTING = re.compile(r'<form\b(?:[^>{]|\{\{.*?\}\}|\{%.*?%\})*?method="post"(?:[^>{]|\{\{.*?\}\}|\{%.*?%\})*>')
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(value: object) -> str:
    """A name as it may be shown: whatever a platform let through, it cannot turn the page around."""
    return UNSEEN.sub("", str(value or ""))


def head_of(notice: Any) -> str:
    """A notice's headline; what has none of its own goes by its sender."""
    return heading(notice.title, notice.text)[0] or load_wording()("notice.untitled", sender=notice.sender_name)


def body_of(notice: Any) -> str:
    """The text below the headline, without what the headline has said."""
    return heading(notice.title, notice.text)[1]


def percent(value: float | None) -> str:
    """45.53 %, as the official figures are published; a dash when there is none."""
    return "—" if value is None else f"{value * 100:.2f}%"


def moment_of(value: datetime | str) -> str:
    """As people write it: 11月23日 17:00; also of a snapshot's ISO text."""
    return moment(datetime.fromisoformat(value) if isinstance(value, str) else value)


def day(value: date | datetime | str | None) -> str:
    if not value:
        return "—"
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        value = value.astimezone(TIMEZONE).date()
    return f"{value.year}-{value.month:02d}-{value.day:02d}"


class OwnForms(Extension):
    """Puts the session's own word into every form that posts, so that none can be forgotten."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return POSTING.sub(r"\g<0>{{ csrf_field }}", source)


def csrf_field(request: Request) -> Markup:
    """Nothing where nobody is signed in."""
    token = getattr(request.state, "csrf", "")
    return Markup('<input type="hidden" name="csrf" value="{}">').format(token) if token else Markup()


def clock(value: datetime) -> str:
    return f"{value.astimezone(TIMEZONE):%H:%M}"


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[OwnForms],
    )
    made.filters.update(plain=plain, percent=percent, day=day, clock=clock, moment=moment_of, head=head_of, body=body_of)
    made.globals["say"] = load_wording()
    return made


ENVIRONMENT = _environment()


def render(name: str, request: Request, /, **context: Any) -> str:
    """The page; `house` comes from the application's state when it is not given."""
    house: House | None = context.pop("house", None) or getattr(request.app.state, "house", None)
    about = {
        "house": house,
        "demo": bool(house and house.demo),
        "bot_name": house.settings.bot_name if house else "轻群",
        "office_name": house.settings.office_name if house else "",
        "complaint": house.settings.complaint if house else "",
        "path": request.url.path,
        "csrf_field": csrf_field(request),
    }
    return ENVIRONMENT.get_template(name).render({**about, **context})

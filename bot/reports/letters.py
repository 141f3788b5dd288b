"""提示函: one letter per 分管战线 about what its units may put in order, from a draft that the office can rewrite."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

from bot.reports import docx
from bot.reports.annex import annexes, asking, mentions
from bot.reports.bulletin import last_day
from bot.reports.paper import Document, Heading, Paragraph, day_in_words, plain
from config.settings import Settings
from config.wording import Wording, load_wording

Row = Mapping[str, Any]
PLACE = re.compile(r"\{([^{}]*)\}")
KNOWN = ("战线", "主送", "年", "周", "统计日", "日期", "事项", "群数", "应用数", "机关", "机器人", "联系方式")
FIRST_LEVEL = re.compile(r"[一二三四五六七八九十]+、[^。；]{1,30}")
SECOND_LEVEL = re.compile(r"(（[一二三四五六七八九十]+）[^。]{1,30}。)(.*)")
# More units than these are addressed together.
ADDRESSED = 8
TEXT_LIMIT = 2_000
# Title, addressee, and one paragraph at least.
LEAST_LINES = 3
NO_NAME = re.compile(r'[\\/:*?"<>|.\s]+')


class DraftError(ValueError):
    """A draft that cannot be used; the message is a Chinese sentence that names the line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the draft and its number in the file."""

    number: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one 分管战线 has to do; `name` is empty where there is none, or for the rest."""

    name: str
    file: str
    groups: list[Row]
    apps: list[Row]

    @property
    def units(self) -> list[str]:
        """In the order of the register; a group whose unit nobody knows has none."""
        return list(dict.fromkeys(row["unit"] for row in (*self.groups, *self.apps) if row["unit"]))


def render(snapshot: Row, settings: Settings) -> list[tuple[str, bytes]]:
    """File names and contents; a line that has nothing to do gets no letter. DraftError for a draft that is unusable."""
    say = load_wording()
    draft = read_draft(settings.office.letter)
    return [
        (share.file, docx.render(_letter(draft, share, snapshot, settings, say)))
        for share in shares(snapshot, settings.office.lines, say)
    ]


def shares(snapshot: Row, lines: Mapping[str, Sequence[str]], say: Wording) -> list[Share]:
    """In the order of the setting, the rest at the end; without the setting, one share of everything."""
    groups, apps = asking(snapshot["groups"]), asking(snapshot["apps"])
    week = snapshot["week"]
    if not lines:
        one = Share(name="", file=say("letter.file_all", week=week), groups=groups, apps=apps)
        return [one] if groups or apps else []
    rest = say("letter.rest")
    line_of = {unit.strip(): name for name, units in lines.items() for unit in units}
    found: list[Share] = []
    for name in dict.fromkeys((*lines, rest)):
        own = [[row for row in rows if line_of.get(row["unit"].strip(), rest) == name] for rows in (groups, apps)]
        if any(own):
            file = say("letter.file", week=week, line=_file_part(name, len(found) + 1))
            shown = "" if name == rest else plain(name, TEXT_LIMIT, "")
            found.append(Share(name=shown, file=file, groups=own[0], apps=own[1]))
    return found


def unassigned(snapshot: Row, lines: Mapping[str, Sequence[str]]) -> list[str]:
    """Units with something to do that no line names; none where there are no lines."""
    assigned = {unit.strip() for units in lines.values() for unit in units}
    rows = [*asking(snapshot["groups"]), *asking(snapshot["apps"])]
    units = dict.fromkeys(row["unit"] for row in rows if row["unit"] and row["unit"].strip() not in assigned)
    return list(units) if lines else []


def _file_part(name: str, number: int) -> str:
    """The name as a part of a file's name; its number keeps two apart that look alike then."""
    return f"{number:02d}-{NO_NAME.sub('_', plain(name, 40, ''))}"


def read_draft(path: Path | None) -> list[Line]:
    """The lines that count, without a path of the shipped draft; every placeholder in them is a known one."""
    say = load_wording()
    shown = path or Path("letter.txt")
    text = _text_of(path, say)
    numbered = (Line(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1))
    lines = [line for line in numbered if line.text and not line.text.startswith("#")]
    for line in lines:
        _check(line, shown, say)
    if len(lines) < LEAST_LINES:
        raise DraftError(say("letter.too_short", path=shown))
    return lines


def _text_of(path: Path | None, say: Wording) -> str:
    if path is None:
        return resources.files("config").joinpath("letter.txt").read_text(encoding="utf-8")
    try:
        content = path.read_bytes()
    except OSError:
        raise DraftError(say("letter.missing", path=path)) from None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DraftError(say("letter.encoding", path=path))


def _check(line: Line, path: Path, say: Wording) -> None:
    for name in PLACE.findall(line.text):
        if name.strip() not in KNOWN:
            known = "".join(f"{{{one}}}" for one in KNOWN)
            raise DraftError(say("letter.unknown", path=path, line=line.number, name=name[:20], known=known))
    if set("{}") & set(PLACE.sub("", line.text)):
        raise DraftError(say("letter.unpaired", path=path, line=line.number, example=KNOWN[0]))


def _letter(draft: Sequence[Line], share: Share, snapshot: Row, settings: Settings, say: Wording) -> Document:
    values = _values(share, snapshot, settings, say)
    title, to, *body = (_filled(line.text, values) for line in draft)
    tables = annexes(share.groups, share.apps, say)
    return Document(
        title=tuple(title.split("|")),
        to=to,
        body=tuple(_blocks(body)),
        mentions=mentions(tables, say),
        signer=settings.office_name,
        date=values["日期"],
        annexes=tables,
        at=datetime.fromisoformat(snapshot["at"]),
    )


def _filled(text: str, values: Mapping[str, str]) -> str:
    """A value is put in as it is: braces in it are no placeholders."""
    return plain(PLACE.sub(lambda found: values[found[1].strip()], text), TEXT_LIMIT, "")


def _blocks(lines: Sequence[str]) -> Iterator[Heading | Paragraph]:
    for line in lines:
        if FIRST_LEVEL.fullmatch(line):
            yield Heading(line)
        elif second := SECOND_LEVEL.fullmatch(line):
            yield Paragraph(second[2], lead=second[1])
        elif line:
            yield Paragraph(line)


def _values(share: Share, snapshot: Row, settings: Settings, say: Wording) -> dict[str, str]:
    year, week = snapshot["week"].split("-W")
    matters = [
        say(f"letter.matters_{name}", number=len(rows))
        for name, rows in (("groups", share.groups), ("apps", share.apps))
        if rows
    ]
    named = all(row["unit"] for row in (*share.groups, *share.apps)) and len(share.units) <= ADDRESSED
    contact = say("letter.contact", complaint=settings.complaint) if settings.complaint else ""
    return {
        "战线": share.name,
        "主送": "、".join(share.units if named else settings.office.addressees),
        "年": year,
        "周": str(int(week)),
        "统计日": last_day(snapshot),
        "日期": day_in_words(datetime.fromisoformat(snapshot["at"])),
        "事项": "、".join(matters),
        "群数": str(len(share.groups)),
        "应用数": str(len(share.apps)),
        "机关": settings.office_name,
        "机器人": settings.bot_name,
        "联系方式": contact,
    }

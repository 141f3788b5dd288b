"""Names and notices as attackers write them, and where they appear: cards, WeChat, pages, xlsx, docx, the register."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from bot.channels.playground import heard
from bot.channels.playground.people import Someone
from bot.channels.playground.talk import Message
from bot.channels.wechaty import wording
from bot.house import House
from bot.reports import formats
from bot.reports.cells import text_of
from bot.reports.xlsx import quoted
from bot.web.templates import ENVIRONMENT
from config.settings import load_settings
from handlers.cards import Card, Link
from tests.conftest import MONDAY, Town
from tests.reports.test_xlsx import app, group, snapshot
from tests.web.conftest import Client, client  # noqa: F401 - a fixture

FORMULAS = ["=cmd|'/c calc'!A1", "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", "＝1", "＋1", "－1", "＠A1", " =1"]
MARKUP = '<script>alert(1)</script><img src=x onerror="alert(1)">{{7*7}}${7*7}[x](javascript:alert(1))**粗**'
BIDI = "甲\u202e乙\u2066丙\u200f丁\x1b[31m\x00\x07"
ODD = [c for c in BIDI if not c.isprintable()]
EVERYBODY = "@所有人 @all ＠全体成员"


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_in_any_cell_of_the_workbook_stays_text(name: str) -> None:
    body = snapshot([group(name=name, unit=name, owner=name, purpose=name)], [app(name=name, unit=name, functions=name)])
    book = openpyxl.load_workbook(io.BytesIO(formats.render("xlsx", body, load_settings(environ={}))))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert not [cell for cell in cells if cell.data_type == "f"]
    # So that it stays text in a CSV made of it, too.
    assert not [cell.value for cell in cells if cell.value.startswith(tuple("=+-@＝＋－＠"))]


@pytest.mark.parametrize("name", FORMULAS[:4])
def test_what_the_export_quotes_the_import_reads_again(name: str) -> None:
    assert text_of(quoted(name)) == name


def test_no_file_holds_a_link_a_macro_or_an_external_part() -> None:
    hostile = 'http://evil.example/ =HYPERLINK("http://evil.example") INCLUDEPICTURE'
    body = snapshot([group(name=hostile, unit=hostile)], [app(name=hostile)])
    for kind in ("xlsx", "docx"):
        with zipfile.ZipFile(io.BytesIO(formats.render(kind, body, load_settings(environ={})))) as archive:
            for name in archive.namelist():
                part = archive.read(name).decode("utf-8", "ignore")
                assert 'TargetMode="External"' not in part, (kind, name)
                assert "vbaProject" not in name
                assert not re.search(r"<f>|<w:hyperlink|<hyperlink ", part), (kind, name)


@pytest.mark.parametrize("kind", ["xlsx", "docx"])
def test_bidi_and_control_characters_reach_no_file(kind: str) -> None:
    body = snapshot([group(name=BIDI, unit=BIDI)], [app(name=BIDI)])
    with zipfile.ZipFile(io.BytesIO(formats.render(kind, body, load_settings(environ={})))) as archive:
        parts = "".join(archive.read(name).decode("utf-8", "ignore") for name in archive.namelist() if name.endswith(".xml"))
    assert "甲乙丙丁" in parts
    assert not [char for char in ODD if char in parts]


@pytest.fixture
async def hostile(house: House, town: Town) -> Town:
    await town.tell(
        type="roster", at=town.at(0), owner="boss", group={"id": "g1", "name": MARKUP + BIDI},
        members=[{"id": "boss", "name": f"老周{MARKUP}{BIDI}{EVERYBODY}", "role": "admin"}, {"id": "p1", "name": EVERYBODY}],
    )  # fmt: skip
    sender = {"id": "boss", "name": f"老周{MARKUP}{BIDI}{EVERYBODY}"}
    text = f"请大家收到回复 {MARKUP} {BIDI}"
    await town.tell(type="message", at=town.at(1), group={"id": "g1", "name": MARKUP + BIDI}, sender=sender, kind="text",
                    text=text, mentions=[])  # fmt: skip
    return town


async def test_every_page_shows_names_as_words(house: House, hostile: Town, client: Client) -> None:  # noqa: F811
    notice = (await hostile.the_notice()).id
    nobody, office = client(None), client()
    links = house.links
    addresses = [
        f"/n/{links.notice_token(notice, 'playground:p1')}",
        links.mine_url("playground:p1").removeprefix(links.base_url),
        f"/c/{notice}",
    ]
    pages = [await nobody.get(one) for one in addresses]
    door = await office.post("/office/signin", data={"token": links.bearer("office", MARKUP, ())})
    assert door.status_code == 303
    cookie = {"cookie": "; ".join(f"{one.name}={one.value}" for one in office.cookies.jar)}
    pages += [await office.get(one, headers=cookie) for one in ("/office/notices", f"/office/notices/{notice}", "/office")]
    told = 0
    for page in pages:
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert "7*7" in page.text or "49" not in page.text
        assert not [char for char in ODD if char in page.text], page.url
        told += "&lt;script&gt;" in page.text
    assert told >= 4


async def test_a_card_carries_words_only(house: House, hostile: Town) -> None:
    """Cards are data; the playground's page writes them by textContent, WeChat shows plain words."""
    for one in await hostile.said():
        assert not [char for char in ODD if char in one.card.get("title", "")]
        card = Card.from_dict(one.card) if one.kind in ("post", "whisper") else None
        if card:
            assert "<script>alert" in wording.body(card) or "script" not in wording.body(card)


def test_the_playgrounds_page_never_writes_markup() -> None:
    static = Path(__file__).parents[2] / "bot/web/static"
    for script in static.rglob("*.js"):
        if "vendor" not in script.parts:
            found = re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|srcdoc", script.read_text())
            assert not found, (script.name, found)


def test_templates_escape_and_trust_nothing() -> None:
    assert ENVIRONMENT.autoescape is True
    assert ENVIRONMENT.from_string("{{ x }}").render(x=MARKUP).count("<") == 0
    for template in (Path(__file__).parents[2] / "bot/web/templates").rglob("*.html"):
        text = template.read_text()
        assert not re.search(r"\|\s*safe\b|autoescape\s+false|Markup", text), template.name


async def test_everybody_in_a_name_or_a_notice_calls_nobody(house: House, hostile: Town) -> None:
    """What the bot says has no mentions at all: there is no way to call everybody through it."""
    for one in await hostile.said():
        assert "mentions" not in one.card
    # On WeChat a mention is a list of ids beside the text; the channel gives none.
    source = (Path(__file__).parents[2] / "bot/channels/wechaty/sending.py").read_text()
    assert "mention" not in source.lower()


def test_a_name_that_says_everybody_mentions_only_its_bearer() -> None:
    """In the playground `@所有人` in a text is its sender's own word; a member's name cannot put it there."""
    message = Message(room="g1", sender="u1", kind="text", text="@小王 请看", quotes=None, at=MONDAY, heard=False, said_as=None)
    members = [(Someone(id="u1", name="@所有人"), ""), (Someone(id="u2", name="小王"), "")]
    told: Any = heard.message_event(message, members[0][0], None, members)
    assert told.mentions == ("playground:u2",)


def test_wechat_titles_are_cut_and_lines_stay_their_own() -> None:
    card = Card(title="开会" * 99, text=MARKUP, lines=("甲", "乙"), links=(Link(label="确认", page="mine"),))
    assert len(wording.title(card)) <= wording.TITLE_LENGTH
    assert len(wording.description(card)) <= wording.DESCRIPTION_LENGTH
    [line] = wording.private_links(card, lambda link: "http://127.0.0.1/mine/x")
    assert line == "确认：http://127.0.0.1/mine/x"


async def test_json_in_a_page_cannot_end_its_script(house: House, hostile: Town) -> None:
    told = ENVIRONMENT.from_string('<script type="application/json">{{ x|tojson }}</script>').render(x={"n": "</script>" + MARKUP})
    assert told.count("</script>") == 1
    assert json.loads(told.removeprefix('<script type="application/json">').removesuffix("</script>"))["n"].endswith("**粗**")

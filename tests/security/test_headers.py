"""Headers, cookies and templates: every route of the application answers with the same guard, and no page runs a script of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest
from starlette.routing import Mount, Route

from bot.house import House
from bot.web.app import HEADERS, create_app
from tests.web.conftest import Client, client  # noqa: F401 - a fixture

WEB = Path(__file__).parents[2] / "bot/web"
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))


def addresses(house: House) -> Iterator[tuple[str, str]]:
    """Every method and path, its parameters filled with something that is nothing."""
    for route in create_app(house).routes:
        if isinstance(route, Route):
            path = re.sub(r"\{\w+:int\}", "1", route.path)
            path = re.sub(r"\{\w+\}", "none", path)
            yield from ((method, path) for method in sorted((route.methods or {"GET"}) - {"HEAD"}))
        elif isinstance(route, Mount):
            yield "GET", f"{route.path}/site.css"
            yield "GET", f"{route.path}/none"


async def test_every_route_answers_with_every_header_to_everybody(house: House, client: Client) -> None:  # noqa: F811
    asked = 0
    for visitor in (client(None), client()):
        for method, path in [*addresses(house), ("DELETE", "/"), ("GET", "/none")]:
            answer = await visitor.request(method, path)
            asked += 1
            for name, value in HEADERS:
                if name == b"referrer-policy":
                    assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin"), path
                else:
                    assert answer.headers[name.decode()] == value.decode(), (method, path)
            assert "server" not in answer.headers
            assert "x-powered-by" not in answer.headers
            assert answer.headers.get("access-control-allow-origin") is None, path
    assert asked > 100


def test_the_policy_lets_no_inline_script_and_no_stranger_in() -> None:
    policy = dict(HEADERS)[b"content-security-policy"].decode()
    assert "unsafe" not in policy
    assert "*" not in policy
    for needed in ("default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "object-src 'none'"):
        assert needed in policy


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_holds_inline_script_or_style(template: Path) -> None:
    text = template.read_text("utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", text)
    assert not re.search(r"<style|\sstyle\s*=|javascript:", text, re.IGNORECASE)
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text, re.IGNORECASE)
    assert not re.search(r"(?:src|href|action)\s*=\s*[\"'](?:https?:)?//", text), "nothing from another host"
    assert not re.search(r"target=\"_blank\"(?![^>]*rel=)", text)


def flags(answer: httpx.Response) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for line in answer.headers.get_list("set-cookie"):
        for name, morsel in SimpleCookie(line).items():
            found[name] = {key: str(value) for key, value in morsel.items()}
    return found


@pytest.mark.parametrize("secure", [True, False])
async def test_every_cookie_is_closed_to_scripts_and_to_other_sites(house: House, client: Client, secure: bool) -> None:  # noqa: F811
    from bot.web.playground_api import Page

    house.links.base_url = "https://jzb.example.gov.cn" if secure else "http://127.0.0.1:8790"
    visitor = client(None)
    found = flags(await visitor.post("/office/signin", data={"token": house.links.bearer("office", "机制办", ())}))
    from tests.conftest import Town

    town = Town(house)
    await town.roster()
    await town.says("boss", "明天上午九点开会，收到请回复。")
    found |= flags(await visitor.get(f"/c/{(await town.the_notice()).id}"))
    assert set(found) == {"qingqun_office", "qingqun_device"}
    for name, told in found.items():
        assert told["httponly"] == "True", name
        assert told["samesite"] in ("strict", "lax"), name
        assert bool(told["secure"]) is secure, name
        assert told["path"] in ("/office", "/c/"), name
        assert not told["domain"]
    assert Page(house).secure() is secure


def test_every_place_that_sets_a_cookie_says_all_of_its_flags() -> None:
    import ast

    places = 0
    for path in WEB.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "set_cookie":
                given = {one.arg: one.value for one in node.keywords}
                assert {"httponly", "samesite", "secure", "path", "max_age"} <= given.keys(), path.name
                assert getattr(given["httponly"], "value", None) is True
                places += 1
    assert places == 4


async def test_what_is_of_one_person_is_kept_by_no_cache(house: House, client: Client) -> None:  # noqa: F811
    links = house.links
    for path in (links.mine_url("playground:p1"), links.cleanup_url("playground:p1")):
        answer = await client(None).get(path.removeprefix(links.base_url))
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin")

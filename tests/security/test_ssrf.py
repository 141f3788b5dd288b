"""SSRF: what the product connects to comes from the settings alone; no field of a request, message or file is fetched."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from bot.house import House
from bot.web.openapi import document
from config.settings import Settings, load_settings
from tests.conftest import Town
from tests.web.conftest import Client, client  # noqa: F401 - a fixture

ROOT = Path(__file__).parents[2]
# Every place that opens a connection outwards → the setting that says where to.
OUTWARD = {
    "bot/oidc.py": "office.oidc.issuer",
    "bot/bus/jetstream.py": "bus",
    "bot/channels/wechaty/swift.py": "channels.wechaty.endpoint",
    "bot/channels/wechaty/compat.py": "channels.wechaty.endpoint",
    "storage/postgresql.py": "database",
    "storage/locks.py": "database",
    "storage/transfer.py": "database",
}
CONNECTS = re.compile(
    r"\b(urlopen|HTTPAdapter\(|create_connection|open_connection|httpx|aiohttp|nats\.connect\(|create_async_engine\("
    r"|smtplib|ftplib|urllib\.request|socket\.connect|requests\.(get|post|request|Session))"
)


def test_every_connection_outwards_belongs_to_a_setting() -> None:
    found = {
        str(path.relative_to(ROOT))
        for package in ("bot", "handlers", "storage", "config")
        for path in (ROOT / package).rglob("*.py")
        if CONNECTS.search("\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")))
    }
    assert found == set(OUTWARD)


def test_handlers_and_rules_import_nothing_that_could_fetch() -> None:
    nets = {"socket", "http", "urllib", "requests", "ssl", "asyncio", "subprocess", "ftplib", "smtplib", "httpx"}
    for path in (ROOT / "handlers").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] in nets and name != "urllib.parse"], path.name


def test_the_api_takes_no_address() -> None:
    """No parameter and no field of a body is a URL; what looks like one is an answer of ours."""
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            told = repr(operation.get("requestBody", "")) + repr(operation.get("parameters", ""))
            assert not re.search(r"'(url|uri|callback|webhook|address|endpoint)'", told), (method, path)


@pytest.mark.parametrize(
    "issuer", ["http://sso.example", "file:///etc/passwd", "gopher://x", "https://a b", "//evil", "http://127.0.0.1.evil.example"]
)
def test_an_issuer_is_https_or_this_machine(issuer: str) -> None:
    from config.settings import SettingsError

    oidc = {"issuer": issuer, "client_id": "c", "role_claim": "r", "roles": {"a": "office"}}
    with pytest.raises(SettingsError):
        load_settings(flags={"office": {"oidc": oidc}}, environ={})


async def test_addresses_in_words_are_words(
    house: House, town: Town, client: Client, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    """A message, a name and a notice full of addresses: nobody opens a socket."""
    import socket

    asked: list[object] = []
    real = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", lambda self, to: asked.append(to) or real(self, to))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *to, **more: asked.append(to) or [])
    bait = "http://169.254.169.254/latest/meta-data/ http://127.0.0.1:1/ file:///etc/passwd"
    await town.roster(name=bait)
    await town.says("boss", f"请都点开 {bait} 收到请回复", kind="link")
    body = {"groups": ["g1"], "text": bait, "title": bait}
    assert (await client().post("/api/v1/notices", json=body)).status_code == 201
    assert (await client().post("/api/v1/check", json={"text": bait})).status_code == 200
    assert not asked


async def test_the_way_back_after_signing_in_stays_here() -> None:
    from bot.web.signin import back_of

    for given in ("//evil.example", "https://evil.example", "/\\evil.example", "/office//../..//evil", "javascript:x", "/officeevil"):
        back = back_of(given)
        assert back.startswith("/office"), given
        assert not back.startswith("//")


def test_every_setting_that_is_an_address_is_known_here() -> None:
    """A new one has to be thought about."""
    from config.settings import known_keys

    addresses = {key for key in known_keys(Settings) if re.search(r"url|endpoint|issuer|host$|database|^bus$", key)}
    assert addresses == {"database", "bus", "host", "public_url", "channels.wechaty.endpoint", "office.oidc.issuer"}

"""Secrets are compared in constant time, or as hashes looked up by a database; never by `==`."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECRET = re.compile(r"(?:^|_)(?:token|secret|signature|password|csrf|cookie|mac|hmac|nonce|digest|voter|bearer)s?$")
# Compared with ==, and why that is no secret.
KNOWN = {
    "bot/archive.py": "a checksum of a file, known to whoever has the file",
    "handlers/flag.py": "the hash of one's own message, given by its own sender",
    "handlers/register.py": "the checksum of a difference, shown to whoever confirms it",
    "bot/web/invite.py": "the same password typed twice",
    "bot/web/signin.py": "the same password typed twice",
}

# For how long to wait before the next attempt: nobody's secret.
PAUSES = ("delivery.py", "postgresql.py", "duties.py", "supervisor.py")


def named(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Subscript):
        return named(node.value)
    return ""


def test_no_secret_is_compared_by_equals() -> None:
    found: set[str] = set()
    for path in (one for package in ("bot", "handlers", "config") for one in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
                sides = [node.left, *node.comparators]
                constant = any(isinstance(one, ast.Constant) for one in sides)
                if not constant and any(SECRET.search(named(one)) for one in sides):
                    found.add(str(path.relative_to(ROOT)))
    assert found <= set(KNOWN), found


def test_the_forms_word_is_compared_in_constant_time() -> None:
    assert "hmac.compare_digest(given.encode(), request.state.csrf.encode())" in (ROOT / "bot/web/auth.py").read_text()


def test_what_is_kept_of_a_cookie_a_link_or_a_token_is_a_hash() -> None:
    """A database looks up the hash: how long that takes says nothing about the word."""
    from bot.invitations import hash_of

    assert len(hash_of("x")) == 64
    for path in ("bot/web/auth.py", "bot/web/invite.py"):
        assert "hash_of(" in (ROOT / path).read_text(), path
    assert "_digest(token)" in (ROOT / "bot/channels/playground/people.py").read_text()


def test_randomness_of_secrets_is_that_of_the_system() -> None:
    for path in (one for package in ("bot", "handlers", "storage", "config") for one in (ROOT / package).rglob("*.py")):
        if "demo" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                assert "random" not in names or path.name in PAUSES, path

"""The line: bot → handlers → storage → config; read from the source, without exceptions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINE = ("bot", "handlers", "storage", "config")
FILES = sorted(path for package in LINE for path in (ROOT / package).rglob("*.py"))
# What routes.py routes to; everything else in handlers/ is vocabulary, or a part of one feature.
FEATURES = {
    alias.name
    for node in ast.walk(ast.parse((ROOT / "handlers/routes.py").read_text(encoding="utf-8")))
    if isinstance(node, ast.ImportFrom) and node.module == "handlers"
    for alias in node.names
}
RULES_MAY = {"jieba"}
SDKS = {"wechaty", "wechaty_puppet", "wechaty_puppet_service", "wechaty_grpc", "grpclib"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every imported module of a file, and whether the import stands at the top of it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in top
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports relatively"
            for alias in node.names:
                yield f"{node.module}.{alias.name}", id(node) in top


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_package_leans_only_on_itself_and_those_to_its_right(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    allowed = LINE[LINE.index(package) :]
    for module, _ in imports(path):
        head = module.split(".")[0]
        assert head not in LINE or head in allowed, f"{name_of(path)} imports {module}"
        assert head != "tests", f"{name_of(path)} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_there_is_no_back_door_for_types(path: Path) -> None:
    assert "TYPE_CHECKING" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted((ROOT / "handlers/rules").glob("*.py")), ids=name_of)
def test_rules_are_pure(path: Path) -> None:
    import sys

    for module, _ in imports(path):
        head = module.split(".")[0]
        if module.startswith(("handlers.rules", "config.")):
            continue
        if head in RULES_MAY:
            assert path.name == "tokens.py", f"{name_of(path)} imports {module}"
            continue
        assert head in sys.stdlib_module_names, f"{name_of(path)} imports {module}"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await), f"{name_of(path)} waits"


@pytest.mark.parametrize("feature", sorted(FEATURES))
def test_features_meet_only_in_routes(feature: str) -> None:
    for module, _ in imports(ROOT / "handlers" / f"{feature}.py"):
        parts = module.split(".")
        if parts[0] == "handlers" and parts[1] != "rules":
            assert parts[1] not in FEATURES - {feature}, f"{feature} imports {module}"


@pytest.mark.parametrize("path", sorted((ROOT / "handlers").rglob("*.py")), ids=name_of)
def test_handlers_wait_for_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", sorted((ROOT / "bot/channels").rglob("*.py")), ids=name_of)
def test_channels_know_neither_each_other_nor_storage(path: Path) -> None:
    parts = path.relative_to(ROOT / "bot/channels").parts
    own = parts[0].removesuffix(".py")
    for module, _ in imports(path):
        assert not module.startswith("storage"), f"{name_of(path)} imports {module}"
        if module.startswith("bot.channels.") and own != "__init__":
            neighbour = module.split(".")[2]
            known = {entry.stem for entry in (ROOT / "bot/channels").iterdir()} - {own, "__init__"}
            assert neighbour not in known, f"{name_of(path)} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_platforms_sdk_is_imported_only_in_its_own_channel(path: Path) -> None:
    if "channels/wechaty" in path.as_posix():
        return
    assert not {module.split(".")[0] for module, _ in imports(path)} & SDKS


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[len(ROOT.parts)] != "bot"], ids=name_of)
def test_the_clock_is_read_in_bot_only(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today", "time_ns"):
            owner = node.value
            assert not (isinstance(owner, ast.Name) and owner.id in ("datetime", "date", "time")), name_of(path)


@pytest.mark.parametrize("path", sorted((ROOT / "bot/web").rglob("*.py")), ids=name_of)
def test_the_web_writes_only_by_telling_an_event(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr == "write":
            assert not ast.unparse(node).endswith("store.write"), f"{name_of(path)} writes to the store"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_module_says_in_a_docstring_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), name_of(path)


@pytest.mark.parametrize("word", ["utils", "common", "helpers", "manager", "base"])
def test_no_module_is_named_after_nothing(word: str) -> None:
    assert not [name_of(path) for path in FILES if path.stem == word]

"""docs/security.md names a test for every threat; a test that is not there is a promise that nobody keeps."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text("utf-8")
ROWS = re.findall(r"^\| (?P<threat>[^|]+?) \| (?P<answer>[^|]+?) \| (?P<test>tests/\S+::\w+) \|$", PAGE, re.MULTILINE)
# What the brief of the product asks for by name.
WANTED = (
    "伪造链接", "改动链接", "重放", "过期", "转发", "IDOR", "CSRF", "会话固定", "猜密码", "SSRF", "路径穿越", "压缩炸弹", "XML 实体",
    "公式注入", "Markdown", "@所有人", "双向控制符", "正则", "日志", "安全头", "Cookie", "页内脚本", "计时", "存得太久", "依赖",
)  # fmt: skip


@cache
def named_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize(("threat", "answer", "test"), ROWS, ids=[row[0] for row in ROWS])
def test_every_threat_has_a_test_that_exists(threat: str, answer: str, test: str) -> None:
    file, name = test.split("::")
    assert name.startswith("test_")
    assert name in named_in(ROOT / file), f"{threat}: {test}"
    assert answer


def test_every_line_of_the_table_is_read_and_nothing_asked_for_is_missing() -> None:
    lines = [line for line in PAGE.split("## 威胁 → 怎么办 → 测试")[1].split("\n规则引擎")[0].splitlines() if line.startswith("| ")]
    assert len(ROWS) == len(lines) - 1
    assert len({row[0] for row in ROWS}) == len(ROWS)
    threats = " ".join(row[0] for row in ROWS)
    for word in WANTED:
        assert word in threats, word


def test_every_file_of_these_tests_is_named() -> None:
    for path in Path(__file__).parent.glob("test_*.py"):
        assert path == Path(__file__) or f"tests/security/{path.name}::" in PAGE, path.name

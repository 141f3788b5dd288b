"""Write the pages that follow from the code: docs/settings.md and docs/rules.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, SecretStr

from bot.reports.rulesdoc import render
from config.rulebook import load_rulebook
from config.settings import Section, Settings

HERE = Path(__file__).parent
HEAD = """# 设置

由 `make docs` 从 `config/settings.py` 生成。次序：`qingqun.toml`（当前目录，或 `--config FILE`），然后是环境变量
`QINGQUN_…`（小节用 `__` 连接，例如 `QINGQUN_ACKNOWLEDGE__UNDO_MINUTES=3`；密钥可用 `…_FILE` 指向文件），
然后是命令行参数。不认识的设置会让启动停下，并说出最接近的名字。
"""


def pages() -> dict[str, str]:
    """File name → content."""
    return {"settings.md": settings_page(), "rules.md": render(load_rulebook())}


def settings_page() -> str:
    return HEAD + "\n".join(_tables(Settings, ""))


def _tables(model: type[BaseModel], prefix: str) -> Iterator[str]:
    yield f"\n## {f'[{prefix[:-1]}]' if prefix else '总则'}\n\n| 设置 | 默认 | 说明 |\n|---|---|---|"
    sections: list[tuple[type[BaseModel], str]] = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            sections.append((kind, f"{prefix}{name}."))
        else:
            yield f"| `{name}` | {_shown(field.default)} | {field.description} |"
    for kind, path in sections:
        yield from _tables(kind, path)


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return f"`{value}`" if value not in ("", None, [], {}) else "（空）"


if __name__ == "__main__":
    for name, content in pages().items():
        (HERE / name).write_text(content, encoding="utf-8")

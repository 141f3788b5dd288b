"""docs/rules.md: the rulebook in plain words. `python -m bot.reports.rulesdoc` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from config.rulebook import Category, Rulebook, load_rulebook

TARGET = Path(__file__).parents[2] / "docs" / "rules.md"

_HEAD = """# 规则

> 本页由 `python -m bot.reports.rulesdoc` 从 `config/rulebook.toml` 生成，请勿手改。规则手册版本：{version}。

轻群只把提醒发给发消息的本人。判断看整句的意思：先由规则找出可能的要求，再看说法（禁止、取消、转述、提问、求助……）和例外，
最后由学习得到的权重复核；每条提醒都写明碰到的词、条款、理由和改写建议。
"""
_FORCES = {
    "self": "这样说本身就是要求",
    "demand": "句中还要有催促或面向众人的话",
    "deadline": "与时限连用，且不足2个工作日",
    "posted": "在非工作时间发出",
    "file": "只看文件消息的名字",
}


def render(rulebook: Rulebook) -> str:
    """The whole page; depends on nothing but the rulebook."""
    parts = [_HEAD.format(version=rulebook.version)]
    for category in rulebook.categories.values():
        parts.append("\n".join(_category(category, rulebook)))
    parts.append("\n".join(_exceptions(rulebook)))
    return "\n".join(parts)


def _category(category: Category, rulebook: Rulebook) -> Iterator[str]:
    mark = "（提示性，群里默认不提醒）" if category.informational else ""
    yield f"## {category.title} `{category.id}`{mark}\n"
    yield f"- 条款：{category.clause}"
    yield f"- {category.suggestion}"
    for text in category.yes:
        yield f"- 算：“{text}”"
    for text in category.no:
        yield f"- 不算：“{text}”"
    yield "\n| 规则 | 说明 | 条件 |\n|---|---|---|"
    for rule in rulebook.rules:
        if rule.category == category.id:
            yield f"| `{rule.id}` | {rule.about} | {_FORCES[rule.force]} |"
    yield ""


def _exceptions(rulebook: Rulebook) -> Iterator[str]:
    yield "## 不算要求的说法\n"
    for speech in rulebook.speech:
        if speech.reason:
            yield f"- `{speech.id}`：{speech.reason.replace('{word}', '……')}"
    yield "\n## 政策例外\n"
    for exemption in rulebook.exemptions:
        yield f"- `{exemption.id}`：{exemption.reason.replace('{word}', '……')}。{exemption.source}"
    yield ""


def main() -> None:
    """Write the page."""
    TARGET.write_text(render(load_rulebook(learned=False)), "utf-8")


if __name__ == "__main__":
    main()

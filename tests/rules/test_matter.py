"""What a register's 关联事项及截止日 says beside its day."""

from __future__ import annotations

import pytest

from handlers.rules.matter import is_over, name_of


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("防汛值守，截至2026年9月30日", "防汛值守"),
        ("防汛（2026.9.30前）", "防汛"),
        ("河长制，至2026-12-31止", "河长制"),
        ("百日攻坚，2026年8月1日至2026年11月1日", "百日攻坚"),
        ("土地确权 截止日：2026年11月1日", "土地确权"),
        ("防汛，已于2026年9月30日结束", "防汛"),
        ("创卫指挥部（已撤销）", "创卫指挥部"),
        ("2026年9月30日", ""),
        ("创建5A景区", "创建5A景区"),
        ("", ""),
    ],
)
def test_the_name_stands_without_its_days(written: str, name: str) -> None:
    assert name_of(written) == name


@pytest.mark.parametrize(
    ("written", "over"),
    [
        ("创卫指挥部（已撤销）", True),
        ("抗旱指挥部已撤销，并入应急局", True),
        ("土地调查已经结束", True),
        ("任务已完成80%", False),
        ("尚未结束", False),
        ("已完成情况统计", False),
        ("防汛", False),
    ],
)
def test_that_it_has_ended_is_said_and_not_guessed(written: str, over: bool) -> None:
    assert is_over(written) is over

"""A mere acknowledgement is no work message; anything more is."""
# ruff: noqa: E501 (Chinese words count twice, and a table is read by its rows)

import pytest

from handlers.rules.receipt import is_receipt


@pytest.mark.parametrize(
    "text",
    ["收到", "收到！", "收到，谢谢", "收到收到", "好的收到", "收到，辛苦了", "已收到", "1", "11", "+1", "１", "OK", "ok", "Ok👌", "已阅", "知悉",
     "好的", "好嘞", "好的领导", "👌", "👍👍", "[OK]", "[抱拳]", "收到[玫瑰]", "明白", "嗯嗯", "行", "遵命", "青石村收到", "柳湾社区 王芳 收到",
     "@张主任 收到", "收到 ", "  收到\n", "1.张三\n2.李四\n3.王五", "#接龙\n防汛通知\n1. 张三\n2. 李四", "3. 赵六", "了解", "马上落实", "yes", "到"],
)  # fmt: skip
def test_an_acknowledgement_is_one(text: str) -> None:
    assert is_receipt(text)


@pytest.mark.parametrize(
    "text",
    ["", "收到请回复", "收到没有？", "收到？", "好的，我下午把名单报给你", "1点开会", "12户", "明白人都知道这事不好办", "行不行？", "到村部集合",
     "好的方案都在附件", "收到化肥款12万", "在群里接龙", "ok，表格我改好了发你", "知道的举手", "收到通知的村明天来人", "1.把表填好\n2.明天下午三点交到办公室来",
     "可以的话帮我带份材料", "嗯，这个方案不行", "赞成的写理由"],
)  # fmt: skip
def test_what_says_more_is_none(text: str) -> None:
    assert not is_receipt(text)


def test_a_huge_message_is_decided_at_once() -> None:
    assert not is_receipt("收到" * 500_000)
    assert is_receipt("#接龙\n" + "1. 张三\n" * 100)

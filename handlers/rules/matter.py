"""关联事项及截止日 as a register writes it in one cell: what the matter is, and whether it is said to be over."""

from __future__ import annotations

import re

_BEFORE, _AFTER = r"[（(\[【，,；;、:：\s]*", r"[）)\]】]?"
_DAY = re.compile(
    _BEFORE
    + r"(?:已?于|截止日期|截止日|截止|截至|期限|至|到)?[:：\s]*(?:19|20)\d\d\s?[年./\-]\s?\d{1,2}(?:\s?[月./\-]\s?(?:\d{1,2}\s?[日号]?)?)?"
    + r"(?:24时)?(?:之?前|为?止|截止|到期|结束|完成)*"
    + _AFTER
)
_OVER = re.compile(
    _BEFORE + "已经?(?:撤销|结束|终止|到期|办结|完成|取消|停止|停办|解散)了?" + _AFTER + r"(?=$|[，,；;、。\s])"
)


def name_of(matter: str) -> str:
    """The matter without its days and without what is said of its end."""
    return _OVER.sub("", _DAY.sub("", matter)).strip("，,；;、。:： ")


def is_over(matter: str) -> bool:
    """Whether it says that the matter has ended; 已完成80% does not."""
    return _OVER.search(matter) is not None

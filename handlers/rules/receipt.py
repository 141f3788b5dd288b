"""Is a message itself a mere acknowledgement? Such messages are no work messages."""
# ruff: noqa: E501 (Chinese words count twice, and a table is read by its rows)

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# What one says to acknowledge, alone or with a courtesy; longest first where one begins another.
_WORD = (
    r"(?:已经?|均已?|都已?)?(?:收到(?:了|啦|哈|哒|喽|咯|呢|嘞|的|通知|文件|信息|消息)?|收悉|收阅|已阅(?:知|悉)?|阅(?:知|悉)|已读|知悉|知晓|知道(?:了|啦)?|晓得(?:了|啦)?|获悉|"
    r"明白(?:了|啦)?|清楚(?:了)?|了解(?:了)?|懂了|遵命|得令|照办|坚决照办|马上(?:办|落实|照办)|按要求(?:落实|执行|办理)|立即落实|抓好落实|"
    r"好(?:的|嘞|咧|哒|滴|呢|呀|吧|好|勒)*|嗯+(?:呐|哪|呢)?|行|可以|没问题|okk*|k|okay|roger|yes|到|在|1+|6+|[+＋]1|壹|赞|（抱拳）|\(抱拳\))"
)
_COURTESY = r"(?:谢谢?(?:您|你|大家)?|感谢|辛苦(?:了|啦|您)?|多谢|麻烦(?:了|您)?|领导|书记|主任|镇长|局长|处长|科长|所长|老师|各位|哈|呢|啊|哦|的|了)"
_FACE = r"\[[^\[\]\s]{1,6}\]|[\U0001F44C\U0001F44D\U0001F64F\U0001F91D\U0001F4AA\U0001FAE1\U00002705\U00002714\U0001F197\U0001F44F\U00002764\U0001F339\U0001F602\U0001F600-\U0001F64A]"
_SKIP = r"[\s，,。.!！~～、;；:：\-—_“”\"'…·\ufe0f\U0001F3FB-\U0001F3FF]*"
_WHO = r"(?:[\u4e00-\u9fff]{2,8}(?:村|社区|组|镇|乡|街道|局|办|科|所|中心|单位|学校|支部)?[\s：:\-—]{0,2}[\u4e00-\u9fff]{0,4}[\s，,]{0,2})?"
_RECEIPT = re.compile(rf"{_SKIP}(?:@\S{{1,16}}\s)*{_SKIP}(?:(?:{_WORD}|{_FACE}){_SKIP}(?:{_COURTESY}{_SKIP})*)+")
_SIGNED = re.compile(rf"{_SKIP}{_WHO}(?:收到|已阅|已收到|知悉|已知悉|收悉){_SKIP}(?:{_COURTESY}{_SKIP}|{_FACE}{_SKIP})*")
# 接龙: a heading line at most, then numbered names, nothing else.
_NAME = r"[\u4e00-\u9fff·]{2,6}(?:[ 　:：,，\-+]{1,2}[\u4e00-\u9fff·]{2,6}){0,2}(?:[ ,，]?(?:收到|已阅|知悉|\d{1,3}人?|√|✅|到))?"
_LINE = rf"\s*\d{{1,3}}[.、．:： ]\s*{_NAME}\s*"
_CHAIN = re.compile(rf"(?:#?接龙[^\n]{{0,40}}\n)?(?:[^\n]{{0,40}}\n)?{_LINE}(?:\n{_LINE})*")
_LONGEST = 600


@lru_cache(maxsize=16)
def is_receipt(text: str) -> bool:
    """True for 收到 / 好的，谢谢 / 1 / 👌 / [OK] / a 接龙 line; False for anything that says or asks something more.

    Several handlers ask it of the same message, one after the other.
    """
    if len(text) > _LONGEST:
        return bool(text.lstrip().startswith("#接龙"))
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    if not plain or plain.endswith(("?", "？")):
        return False
    if len(plain) > 40:
        return _CHAIN.fullmatch(plain) is not None
    return any(pattern.fullmatch(plain) for pattern in (_RECEIPT, _SIGNED, _CHAIN))

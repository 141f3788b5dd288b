"""atheris on the rule engine: `python tests/security/fuzz_rules.py [-max_total_time=60]`; any exception is a finding.

Not a test of the suite: atheris has wheels for Linux only, .ci/run installs it apart and says so where there is none.
"""

# ruff: noqa: E501 (words stand in a row)

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import atheris  # type: ignore[import-not-found,unused-ignore]

sys.path.insert(0, str(Path(__file__).parents[2]))

with atheris.instrument_imports(include=["handlers.rules", "bot.wire", "bot.reports.cells"]):
    from bot import wire
    from bot.reports import cells
    from config.calendar import SHANGHAI, Calendar
    from config.rulebook import load_rulebook
    from handlers.rules import deadline, demand, notice, receipt, secrecy

BOOK, CALENDAR = load_rulebook(), Calendar()
AT = datetime(2026, 3, 10, 10, 0, tzinfo=SHANGHAI)
# Pieces that lead somewhere, so that a minute is enough to get beyond the gate.
PIECES = (
    "请", "各村", "今天", "下班前", "截图", "发群里", "收到请回复", "排名", "通报", "打卡", "下载", "APP", "转发", "点赞", "接龙", "@所有人 ",
    "不用回复", "应急", "11月3日", "17:00前", "，", "。", "\n", "秘密★", "代张三收到", "1. 张三\n", "ＡＰＰ", "jie图", "截*图", "\u200b", "👌",
)  # fmt: skip
READERS = (receipt.is_receipt, secrecy.is_marked, notice.no_reply_wanted, notice.title_of, notice.fingerprint,
           cells.read_day, cells.read_number, cells.last_day_in)  # fmt: skip


def one(data: bytes) -> None:
    source = atheris.FuzzedDataProvider(data)
    parts = []
    for _ in range(source.ConsumeIntInRange(0, 40)):
        pick = source.ConsumeIntInRange(0, len(PIECES) + 4)
        parts.append(PIECES[pick] if pick < len(PIECES) else source.ConsumeUnicodeNoSurrogates(12))
    text = "".join(parts) + source.ConsumeUnicode(200)
    judged = demand.judge(
        text, at=AT, kind="file" if source.ConsumeBool() else "text", rulebook=BOOK, calendar=CALENDAR, informational=True,
        before=source.ConsumeUnicode(20),
    )  # fmt: skip
    for finding in judged.findings:
        assert text[finding.start : finding.end] == finding.text
    for read in READERS:
        read(text)
    list(deadline.find(text, AT, CALENDAR))
    assert not {"\u202e", "\x00"} & set(wire.clean(text))


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()

"""How fast is the judgement: python -m bench.judge [MESSAGES]. One run, one core, chat with 5 % and 25 % trigger words.

The chat is drawn from the corpus: ordinary messages, and messages with trigger words, half of them demands. Beside it:
jieba over everything, the bare scan for trigger words (the limit), and NoneBot2 with the categories as keyword matchers.
"""
# ruff: noqa: E402 (the clock starts before the imports)

from __future__ import annotations

import random
import re
import resource
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

_START = time.perf_counter()

from config.calendar import Calendar
from config.rulebook import Rulebook, load_rulebook
from handlers.rules.demand import judge

_CORPUS = Path(__file__).with_name("corpus")
_SLOW = 20


def corpus(count: int, share: float, seed: int = 1) -> list[tuple[str, datetime]]:
    from bench.corpus import load
    from bench.evaluate import KEYWORDS

    choose = random.Random(seed)
    trigger = re.compile("|".join(KEYWORDS.values()))
    everything = load(sorted(_CORPUS.glob("*.jsonl")))
    hits = [m for m in everything if trigger.search(m["text"])]
    demands, others = [m for m in hits if m["labels"]], [m for m in hits if not m["labels"]]
    chat = [m for m in load([_CORPUS / "p.jsonl"]) if not trigger.search(m["text"])]
    kinds = choose.choices((chat, demands, others), (1 - share, share / 2, share / 2), k=count)
    return [(m["text"], m["at"]) for m in map(choose.choice, kinds)]


def rate(name: str, work: Callable[[], object], count: int, limit: float = 0.0) -> float:
    start = time.perf_counter()
    work()
    speed = count / (time.perf_counter() - start)
    print(f"  {name:24s} {speed:12,.0f} 条/秒" + (f"   为只扫描的 {speed / limit:.4f}" if limit else ""))
    return speed


def slowest(rulebook: Rulebook, calendar: Calendar) -> None:
    """Messages made to be slow."""
    for name, text in {
        "1 MB 截图": "截图" * 500_000,
        "1 MB 各村请": "各村请，" * 250_000,
        "1 MB 全角": "ＡＰＰ　" * 250_000,
        "1 MB 零宽": "截\u200b" * 500_000,
        "2000 字时限": "明天下午三点前报" * 250,
        "2000 字截.图": "截.图 " * 500,
    }.items():
        start = time.perf_counter()
        judge(text, rulebook=rulebook, calendar=calendar, informational=True)
        took = (time.perf_counter() - start) * 1000
        print(f"  {name:24s} {took:8.1f} 毫秒" + (f"   超过 {_SLOW} 毫秒！" if took > _SLOW else ""))


def compare(rulebook: Rulebook, calendar: Calendar, count: int, share: float) -> None:
    from bench.evaluate import KEYWORDS
    from handlers.rules import tokens

    chat = corpus(count, share)
    texts = [text for text, _ in chat]
    print(f"触发词占 {share:.0%}（{count} 条，平均 {sum(map(len, texts)) / count:.0f} 字）")
    bare = re.compile("|".join(KEYWORDS.values()))
    limit = rate("只扫描触发词（上限）", lambda: [bare.search(text) for text in texts], count)
    speed = rate(
        "整个判断", lambda: [judge(text, at=at, rulebook=rulebook, calendar=calendar) for text, at in chat], count, limit
    )
    rate("全部用 jieba 分词", lambda: [tokens.cut(text) for text in texts[: count // 10]], count // 10, limit)
    try:
        from bench.peer import application

        answer, close = application()
    except ImportError:
        print("  没有装 nonebot2，略去这一项比较（pip install nonebot2）")
        return
    some = texts[: count // 50]
    peer = rate("NoneBot2 关键词响应器", lambda: answer(some), len(some), limit)
    close()
    print(f"  整个判断是 NoneBot2 的 {speed / peer:.1f} 倍")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rulebook, calendar = load_rulebook(), Calendar()
    judge("请各村今天报截图", rulebook=rulebook, calendar=calendar)
    print(f"启动到第一次判断 {time.perf_counter() - _START:.2f} 秒")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for share in (0.05, 0.25):
        compare(rulebook, calendar, count, share)
    print("最慢的消息")
    slowest(rulebook, calendar)
    print(f"内存：装好规则和权重 {memory:.0f} MB，跑完 {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()

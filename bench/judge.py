"""How fast is the judgement: python -m bench.judge [MESSAGES]. One run, one core, generated chat with 5 % and 25 % triggers."""
# ruff: noqa: E501 (Chinese words count twice, and a table is read by its rows)

from __future__ import annotations

import random
import re
import resource
import sys
import time

_START = time.perf_counter()

from bench import grammar  # noqa: E402
from config.calendar import Calendar  # noqa: E402
from config.rulebook import Rulebook, load_rulebook  # noqa: E402
from handlers.rules import tokens  # noqa: E402
from handlers.rules.demand import judge  # noqa: E402

_CHAT = "好的|收到|中午吃什么|我到楼下了|会议改到三点|明天下雨记得带伞|谢谢大家|材料放你桌上了|车在门口等|刚才那个电话是谁|孩子放学我去接|食堂今天有鱼|空调修好了|哈哈哈|老王在吗|周末愉快"


def corpus(count: int, share: float, seed: int = 1) -> list[str]:
    """Ordinary chat, and that share of messages with trigger words, half of them demands."""
    choose = random.Random(seed)
    hits = [s["text"] for s in grammar.sentences(2)]
    chat = _CHAT.split("|")
    return [
        choose.choice(hits) if choose.random() < share else choose.choice(chat) + choose.choice(chat)
        for _ in range(count)
    ]


def rate(name: str, work: object, messages: list[str]) -> float:
    start = time.perf_counter()
    for message in messages:
        work(message)  # type: ignore[operator]
    speed = len(messages) / (time.perf_counter() - start)
    print(f"  {name:28s} {speed:12,.0f} 条/秒")
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
        print(f"  {name:28s} {(time.perf_counter() - start) * 1000:8.1f} 毫秒")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rulebook, calendar = load_rulebook(), Calendar()
    judge("请各村今天报截图", rulebook=rulebook, calendar=calendar)
    print(f"启动到第一次判断 {time.perf_counter() - _START:.2f} 秒")
    bare = re.compile("|".join(re.escape(w) for w in sorted(_triggers(), key=len, reverse=True)))
    for share in (0.05, 0.25):
        messages = corpus(count, share)
        print(f"触发词占 {share:.0%}")
        rate("只扫描触发词（上限）", bare.search, messages)
        rate("整个判断", lambda m: judge(m, rulebook=rulebook, calendar=calendar), messages)
        rate("全部用 jieba 分词", tokens.cut, messages[: count // 10])
    print("最慢的消息")
    slowest(rulebook, calendar)
    print(f"内存 {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def _triggers() -> set[str]:
    words = "截图 照片 排名 通报 收到 接龙 打卡 签到 定位 下载 注册 关注 点赞 转发 投票 日报 周报 报送 下班前 填报 进群 扫码 今晚 周末 承诺书 责任书"
    return set(words.split())


if __name__ == "__main__":
    main()

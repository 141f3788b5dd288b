"""How good is the judgement: python -m bench.evaluate FILE.jsonl … [--show CATEGORY|all] [--cv AUTHORFILE …].

Prints each category's precision and recall and the negatives flagged, beside the rules alone and a keyword list; with
--linear FILE … also a linear model over jieba tokens trained on those files. Messages whose voice is "reported" are not counted.
"""


from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.corpus import INFORMATIONAL, load
from config.calendar import Calendar
from config.rulebook import load_rulebook
from handlers.rules import tokens
from handlers.rules.demand import judge

Message = dict[str, Any]
Answer = Callable[[Message], set[str]]

# What people write who have not read the messages: the categories' own names.
KEYWORDS = {
    "screenshot": "截图|截屏|拍照|照片|视频",
    "ranking": "排名|通报|点名|倒数|考核",
    "rollcall": "收到|接龙|回复",
    "checkin": "打卡|签到|定位",
    "forced_app": "下载|安装|注册|关注|登录|APP|app",
    "forced_share": "点赞|转发|评论|投票|朋友圈",
    "tight_deadline": "下班前|今天|马上|立即|小时内",
    "periodic_report": "日报|周报|每天|每日|每周|零报告",
    "repeat_form": "重新|再报|重复|填表",
    "new_group": "建群|进群|入群|拉群|新群",
    "off_hours": "今晚|周末|加班|24小时|秒回",
}


class Score:
    """Counts per category, and the negatives that were flagged at all."""

    def __init__(self) -> None:
        self.hit, self.extra, self.missed = Counter[str](), Counter[str](), Counter[str]()
        self.negatives = self.flagged = 0

    def add(self, got: set[str], want: set[str]) -> None:
        got = {c for c in got if c not in INFORMATIONAL}
        main = {c for c in want if c not in INFORMATIONAL}
        self.hit.update(got & main)
        self.extra.update(got - main)
        self.missed.update(main - got)
        if not want:
            self.negatives += 1
            self.flagged += bool(got)

    def line(self, name: str, categories: list[str]) -> str:
        hit, extra, missed = (sum(c[k] for k in categories) for c in (self.hit, self.extra, self.missed))
        return f"{name:22s} P {hit / max(hit + extra, 1):.3f}  R {hit / max(hit + missed, 1):.3f}  ({hit}/{extra}/{missed})"


def measure(messages: list[Message], answer: Answer) -> Score:
    score = Score()
    for message in messages:
        if message.get("voice") != "reported":
            score.add(answer(message), message["labels"])
    return score


def engine(learned: bool) -> Answer:
    rulebook, calendar = load_rulebook(learned=learned), Calendar()

    def answer(message: Message) -> set[str]:
        kind = message.get("kind", "text")
        judgement = judge(message["text"], at=message["at"], kind=kind, rulebook=rulebook, calendar=calendar)
        return {finding.category for finding in judgement.findings}

    return answer


def keywords(message: Message) -> set[str]:
    return {category for category, words in KEYWORDS.items() if re.search(words, message["text"])}


def linear(files: list[Path]) -> Answer:
    """One logistic regression a category over the set of jieba tokens."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    train = load(files)
    vectorizer = CountVectorizer(analyzer=tokens.cut, binary=True)
    x = vectorizer.fit_transform([m["text"] for m in train])
    models = {c: LogisticRegression(max_iter=500).fit(x, [c in m["labels"] for m in train]) for c in KEYWORDS}

    def answer(message: Message) -> set[str]:
        row = vectorizer.transform([message["text"]])
        return {c for c, model in models.items() if model.predict(row)[0]}

    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--linear", nargs="*", type=Path, default=[])
    options = parser.parse_args()
    messages = load(options.files)
    ways: dict[str, Answer] = {"规则＋学习": engine(True), "只用规则": engine(False), "关键词表": keywords}
    if options.linear:
        ways["jieba 词线性模型"] = linear(options.linear)
    everything = list(KEYWORDS)
    for name, answer in ways.items():
        score = measure(messages, answer)
        print(score.line(name, everything), f" 反例误报 {score.flagged}/{score.negatives}")
        if name == "规则＋学习":
            for category in everything:
                if score.hit[category] + score.extra[category] + score.missed[category]:
                    print("   " + score.line(category, [category]))


if __name__ == "__main__":
    main()

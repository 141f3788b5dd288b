"""`qingqun check`: judge one text, or a stream of JSON lines."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bot.wire import WireError, instant
from config.calendar import Calendar
from config.rulebook import Rulebook, load_rulebook
from config.settings import Settings
from handlers.rules.demand import Judgement, judge

NEEDS_STORE = False
KINDS = ("text", "image", "file", "link")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="?", metavar="TEXT", help="要检查的文字；不写则从标准输入读")
    parser.add_argument("--jsonl", action="store_true", help="逐行读写 JSON")
    parser.add_argument("--why", action="store_true", help="同时列出考虑过但排除的")


def run(args: argparse.Namespace, settings: Settings) -> int:
    checker = Checker(settings)
    if args.jsonl:
        sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr]
        return checker.stream(sys.stdin, args.why)
    text = sys.stdin.read() if args.text is None else args.text
    if not text.strip():
        print("请写出要检查的文字，例如：qingqun check \"请大家截图发群里\"", file=sys.stderr)
        return 2
    checker.show(text, args.why)
    return 0


class Checker:
    def __init__(self, settings: Settings) -> None:
        self._rulebook: Rulebook = load_rulebook(extra=settings.flags.rulebooks)
        self._calendar = Calendar(settings.work.days, (settings.work.start, settings.work.end))

    def judge(self, text: str, at: datetime | None = None, kind: str = "text", *, why: bool = False) -> Judgement:
        book, calendar = self._rulebook, self._calendar
        return judge(text, at=at, kind=kind, rulebook=book, calendar=calendar, informational=True, thorough=why)

    def stream(self, lines: Iterable[str], why: bool) -> int:
        """One answer a line, in order; a bad line is answered too, and makes the exit status 2."""
        bad = False
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                answer = self._answer(line, why)
            except WireError as error:
                bad = True
                answer = {"id": None, "line": number, "error": str(error)}
            print(json.dumps(answer, ensure_ascii=False), flush=True)
        return 2 if bad else 0

    def _answer(self, line: str, why: bool) -> dict[str, Any]:
        try:
            asked = json.loads(line)
        except (ValueError, RecursionError):
            raise WireError("不是正确的 JSON。") from None
        if not isinstance(asked, dict) or not isinstance(asked.get("text"), str) or "id" not in asked:
            raise WireError('每行应是 {"id", "text", "at"?, "kind"?}。')
        kind = asked.get("kind") or "text"
        if kind not in KINDS:
            raise WireError(f"kind 应是 {'、'.join(KINDS)} 之一。")
        at = instant(asked["at"], "at") if asked.get("at") is not None else None
        judged = self.judge(asked["text"], at, kind, why=why)
        answer: dict[str, Any] = {"id": asked["id"], "flags": [asdict(one) for one in judged.findings]}
        if why:
            answer["considered"] = [asdict(one) for one in judged.considered]
        return answer

    def show(self, text: str, why: bool) -> None:
        judged = self.judge(text, why=why)
        if not judged.findings:
            print("没有发现不当要求。")
        for one in judged.findings:
            print(f"“{one.text}”（{one.category}）\n  为什么：{one.why}\n  依据：{one.clause}\n  可以这样说：{one.suggestion}")
        for rejected in judged.considered if why else ():
            print(f"考虑过“{rejected.text}”（{rejected.category}），排除：{rejected.reason}")

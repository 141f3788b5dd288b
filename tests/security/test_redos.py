"""Regular expressions that explode: ours grow with the text, a unit's own are bounded when they are read."""
# ruff: noqa: E501 (adversaries stand in a row)

from __future__ import annotations

import ast
import contextlib
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot import wire
from bot.channels.wechaty.translate import QUOTED
from bot.reports import cells
from bot.reports.feeds import DECLARED
from bot.web.templates import POSTING
from config.calendar import SHANGHAI, Calendar
from config.patterns import MOST, WINDOW, PatternError, _parser, _sequence, check_pattern
from config.rulebook import SHIPPED, Rulebook, RulebookError, load_rulebook
from config.settings import load_settings
from handlers.acknowledge import DEPUTY
from handlers.rules import deadline, demand, matter, notice, receipt, secrecy, tokens

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 3, 10, 10, 0, tzinfo=SHANGHAI)
# What makes a backtracking engine go back: the same thing again and again, and no end that fits.
ADVERSARIES = (
    "收到", "1", "1. 张三\n", "好的，", "@所有人 ", "各村", "请", "，", " ", "\n", "a", "=", "<", "[", "（", "截图发群里", "收到请回复",
    "不用再一一", "转发：", "2026年11月", "11月3日前", "今天下班前", "谢谢", "[OK]", "👌", "·", "\u200b", "ａ", "下周……", "临时随时", "密", "(",
)  # fmt: skip
# Twice the text may take this many times as long; a square would take 4, and on a busy machine a line is not straight.
MOST_GROWTH = 3.4


@pytest.fixture(scope="module")
def book() -> Rulebook:
    return load_rulebook()


def took(work: Callable[[str], object], text: str) -> float:
    """Of the processor, not of the clock on the wall: the best of three."""
    spent = []
    for _ in range(3):
        begun = time.process_time()
        work(text)
        spent.append(time.process_time() - begun)
    return min(spent)


def grows_linearly(work: Callable[[str], object], make: Callable[[int], str], size: int) -> bool:
    """Compared is 4n with n: for a line 4, for a square 16; too little to be measured is no growth."""
    few, many = took(work, make(size)), took(work, make(4 * size))
    return many < 0.02 or many < few * MOST_GROWTH**2


def attempts() -> Iterator[tuple[str, Callable[[int], str]]]:
    for one in ADVERSARIES:
        yield one, lambda n, one=one: (one * (n // len(one) + 1))[:n] + "！x"  # type: ignore[misc]


ENGINES: dict[str, Callable[[Rulebook], Callable[[str], object]]] = {
    "deadline": lambda book: lambda text: list(deadline.find(text, AT, Calendar())),
    "receipt": lambda book: receipt.is_receipt.__wrapped__,
    "command": lambda book: lambda text: notice.command(text, "轻群", ("通知", "应急通知")),
    "no_reply": lambda book: notice.no_reply_wanted,
    "title": lambda book: notice.title_of,
    "fingerprint": lambda book: notice.fingerprint,
    "secrecy": lambda book: secrecy.is_marked,
    "tokens": lambda book: lambda text: tokens.read(text, book),
    "clean": lambda book: wire.clean,
    "cell": lambda book: cells.text_of,
    "day": lambda book: cells.read_day,
    "days in a text": lambda book: cells.last_day_in,
    "number": lambda book: cells.read_number,
    "deputy": lambda book: lambda text: [DEPUTY.match(one + text) for one in ("", "代", "代张三", "代张三确认")],
    "quotation": lambda book: lambda text: [QUOTED.match(one + text) for one in ("", "「甲：", "「甲：乙」", "「甲：乙」\n- - - - -")],
    "form": lambda book: lambda text: POSTING.sub("", "<form " + text),
    "xml declaration": lambda book: lambda text: DECLARED.match(("<?xml " + text).encode()),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_takes_twice_as_long_for_twice_the_text(book: Rulebook, engine: str) -> None:
    work = ENGINES[engine](book)
    for label, make in attempts():
        assert grows_linearly(work, make, 10_000), f"{engine}: {label!r}"


def test_a_megabyte_is_judged_no_longer_than_ten_thousand_characters(book: Rulebook) -> None:
    """The judgement reads both ends of a long message only."""
    for label, make in attempts():
        ten, mega = make(10_000), make(1_000_000)
        judge = lambda text: demand.judge(text, at=AT, rulebook=book, calendar=Calendar())  # noqa: E731
        few, many = took(judge, ten), took(judge, mega)
        assert many < max(few * MOST_GROWTH**2, 0.05), label


def shipped_patterns(book: Rulebook) -> Iterator[tuple[str, re.Pattern[str]]]:
    for table in (book.rules, book.speech, book.exemptions):
        for one in table:
            yield one.id, one.pattern
            if one.unless is not None:
                yield f"{one.id}.unless", one.unless
    yield from book.groups.items()


def test_no_shipped_rule_goes_back_without_end(book: Rulebook) -> None:
    """By the same measure that a unit's own rules are refused by, alternative by alternative; and on texts of the window."""
    for rule in book.rules:
        for _, part in rule.parts:
            assert _sequence(_parser.parse(part.pattern)) <= MOST, rule.id
    worst = 0.0
    for _, make in attempts():
        text = make(WINDOW)
        for name, pattern in shipped_patterns(book):
            spent = took(pattern.search, text)
            worst = max(worst, spent)
            assert spent < 0.5 or grows_linearly(pattern.search, make, WINDOW // 2), name


MODULES = [path for package in ("bot", "handlers", "storage", "config") for path in (ROOT / package).rglob("*.py")]


def literals() -> Iterator[tuple[str, str]]:
    """Every pattern that stands in the code as a plain string."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "re":
                given = node.args[0] if node.args else None
                if isinstance(given, ast.Constant) and isinstance(given.value, str):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", given.value


# Read by us at the start only, or bounded by what they are given.
TRUSTED = ("bot/web/templates.py", "bot/channels/wechaty/translate.py:36")


def test_patterns_in_the_code_nest_no_repeats() -> None:
    found = list(literals())
    assert len(found) > 20
    for place, pattern in found:
        if not place.startswith(TRUSTED):
            # Some unlimited repeats in a row may be (what they read is short, or an engine above); one in another may not.
            assert _sequence(_parser.parse(pattern)) < 30, (place, pattern)


EXPLODING = [
    r"(?:各+)+照", r"(?:各|各各)+照", r"(?:a?a?)*b", r"(?:.*,)*x", r"(?:\w+\s?)*$", r"(?:[各村]{1,50}){1,50}照", r".*报.*表.*", r"(?:各*)*照",
    r"(?=(?:各+)+照)截图", r"(?:(?:各|村)*)*照",
]  # fmt: skip
HARMLESS = [r"截图", r"各……照", r"各.*照", r"(?:各村)+照", r"(?:甲|乙|丙)+交", r"[各村]{1,20}照", r"各…村…照……交", r"(?<!不)交<all>", r"各村?组?社?照"]


def rulebook(path: Path, pattern: str, key: str = "any") -> Path:
    more = 'any = ["x"]\n' if key != "any" else ""
    path.write_text(
        '[words]\nall = ["各位", "大家"]\n\n[[rule]]\nid = "unit.own"\ncategory = "screenshot"\nabout = "x"\nforce = "self"\n'
        f"{more}{key} = ['''{pattern}''']\n",
        "utf-8",
    )
    return path


@pytest.mark.parametrize("key", ["any", "unless"])
@pytest.mark.parametrize("pattern", EXPLODING)
def test_a_units_own_rule_that_explodes_stops_the_start(tmp_path: Path, pattern: str, key: str) -> None:
    from bot.app import make_house
    from storage.sqlite import SqliteStore

    path = rulebook(tmp_path / "本县.toml", pattern, key)
    settings = load_settings(flags={"data": tmp_path, "flags": {"rulebooks": [path]}}, environ={})
    with pytest.raises(RulebookError, match=rf"本县.toml 第 5 行“unit.own.{key}”：.*请改写"):
        make_house(settings, SqliteStore(tmp_path / "x.db"))


@pytest.mark.parametrize("word", ["(?:各+)+照", "(" * 3000 + ")" * 3000, "a{1,99999999999999}"])
def test_a_units_own_word_that_explodes_stops_the_start(tmp_path: Path, word: str) -> None:
    path = tmp_path / "本县.toml"
    path.write_text(f'[words]\nown = ["{word}"]\n', "utf-8")
    with pytest.raises(RulebookError, match="第 2 行"):
        load_rulebook(extra=[path], learned=False)


@pytest.mark.parametrize("pattern", HARMLESS)
def test_a_units_own_rule_that_ends_is_taken(tmp_path: Path, pattern: str) -> None:
    book = load_rulebook(extra=[rulebook(tmp_path / "own.toml", pattern)], learned=False)
    own = next(rule for rule in book.rules if rule.id == "unit.own")
    for _, make in attempts():
        assert took(own.pattern.search, make(WINDOW)) < 2


@pytest.mark.parametrize("pattern", EXPLODING)
def test_a_whole_rulebook_of_somebodys_own_is_looked_at_too(tmp_path: Path, pattern: str) -> None:
    text = SHIPPED.read_text("utf-8")
    path = tmp_path / "whole.toml"
    path.write_text(text + "\n" + rulebook(tmp_path / "part.toml", pattern).read_text("utf-8").split("\n\n", 1)[1], "utf-8")
    with pytest.raises(RulebookError, match=r"unit\.own\.any"):
        load_rulebook(path, learned=False)


def test_the_check_itself_ends() -> None:
    for pattern in ("(" * 400 + "a" + ")*" * 400, "(?:a|b)" * 5000, "a?" * 5000):
        with contextlib.suppress(PatternError, re.error):
            check_pattern(pattern)


def test_the_other_engines_take_megabytes() -> None:
    for text in ("各" * 1_000_000, "1. 张三\n" * 150_000, "2026-" * 200_000):
        works: tuple[Callable[[str], Any], ...] = (receipt.is_receipt.__wrapped__, notice.title_of, secrecy.is_marked, matter.is_over)
        for work in works:
            assert work(text) is not None

"""`qingqun rules`: try the rules on what was decided, compare a changed rulebook with the present one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.wire import WireError, instant
from config.calendar import Calendar
from config.rulebook import Rulebook, extends, load_rulebook
from config.settings import Settings
from config.wording import Wording, load_wording
from handlers.rules.demand import judge
from storage import cases
from storage.database import Store

BAD, WRONG = 2, 1
ACTIONS = ("test", "shadow", "forget")
_HELP = (
    "test：用规则手册的正反例和已裁定的申诉检验现行规则，有不符的返回 1；"
    "shadow：用改过的规则手册旁路试判，列出会变的，不影响现行规则；forget：删除一条已存的案例"
)


@dataclass(frozen=True, slots=True)
class Case:
    """`wanted` and `unwanted` are categories; what is in neither is not asked about."""

    id: str
    text: str
    at: datetime | None
    wanted: frozenset[str] = frozenset()
    unwanted: frozenset[str] = frozenset()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=ACTIONS, metavar="test|shadow|forget", help=_HELP)
    parser.add_argument("subject", nargs="?", metavar="RULEBOOK|ID", help="shadow：改过的规则手册或增补的规则文件；forget：案例编号")
    parser.add_argument("--cases", type=Path, metavar="FILE", help="再加上一个文件里的案例，每行 {id, text, at?, labels?}")


async def run(args: argparse.Namespace, settings: Settings, store: Store) -> int:
    say = load_wording()
    if (args.subject is None) != (args.what == "test"):
        print(say(f"rules.usage_{args.what}"), file=sys.stderr)
        return BAD
    if args.what == "forget":
        done = await store.write(lambda db: cases.forget(db, args.subject))
        said = say("rules.forgotten" if done else "rules.no_case", case=args.subject)
        print(said, file=sys.stdout if done else sys.stderr)
        return 0 if done else BAD
    present = load_rulebook(extra=settings.flags.rulebooks)
    try:
        found = [*_examples(present), *await store.read(_stored), *(_filed(args.cases, present) if args.cases else ())]
    except (OSError, WireError) as error:
        print(say("rules.bad_cases", path=args.cases, why=getattr(error, "strerror", None) or error), file=sys.stderr)
        return BAD
    calendar = Calendar(settings.work.days, (settings.work.start, settings.work.end))
    if args.what == "test":
        return _test(found, present, calendar, say)
    return _shadow(found, present, _changed(Path(args.subject), settings), calendar, say)


def _changed(path: Path, settings: Settings) -> Rulebook:
    """A file with categories is a whole rulebook; any other one adds to the present."""
    if extends(path):
        return load_rulebook(extra=[*settings.flags.rulebooks, path])
    return load_rulebook(path, extra=settings.flags.rulebooks)


def _examples(book: Rulebook) -> Iterator[Case]:
    for category in book.categories.values():
        for number, text in enumerate(category.yes, 1):
            yield Case(f"{category.id}+{number}", text, None, wanted=frozenset({category.id}))
        for number, text in enumerate(category.no, 1):
            yield Case(f"{category.id}-{number}", text, None, unwanted=frozenset({category.id}))


def _stored(db: Any) -> list[Case]:
    """A decision is about one category of the message."""
    return [
        Case(row.id, row.text, row.at, **{"wanted" if row.demands else "unwanted": frozenset({row.category})})
        for row in cases.every(db)
    ]


def _filed(path: Path, book: Rulebook) -> Iterator[Case]:
    """`labels` are all that the message demands; without them the case is only compared."""
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
        except ValueError:
            told = None
        if not isinstance(told, dict) or not isinstance(told.get("text"), str) or "id" not in told:
            raise WireError(f'第 {number} 行应是 {{"id", "text", "at"?, "labels"?}}。')
        at = instant(told["at"], "at") if told.get("at") is not None else None
        labels = told.get("labels")
        if labels is not None and not (isinstance(labels, list) and all(isinstance(one, str) for one in labels)):
            raise WireError(f"第 {number} 行的 labels 应是类别的列表。")
        wanted = frozenset(labels or ()) - {"none"}
        unwanted = frozenset(book.categories) - wanted if labels is not None else frozenset()
        yield Case(str(told["id"]), told["text"], at, wanted, unwanted)


def _test(found: Sequence[Case], book: Rulebook, calendar: Calendar, say: Wording) -> int:
    wrong = 0
    for case in found:
        got = _judged(case, book, calendar)
        for categories, key in ((case.wanted - got, "rules.missed"), (case.unwanted & got, "rules.extra")):
            if categories:
                print(say(key, case=case.id, text=case.text, categories=_titles(categories, book)))
        wrong += bool(case.wanted - got or case.unwanted & got)
    print(say("rules.tested", number=len(found), right=len(found) - wrong, wrong=wrong))
    return WRONG if wrong else 0


def _shadow(found: Sequence[Case], present: Rulebook, changed: Rulebook, calendar: Calendar, say: Wording) -> int:
    differ = 0
    for case in found:
        before, after = _judged(case, present, calendar), _judged(case, changed, calendar)
        if before == after:
            continue
        differ += 1
        print(say("rules.differs", case=case.id, text=case.text))
        for categories, key in ((after - before, "rules.gains"), (before - after, "rules.loses")):
            if categories:
                better = categories <= (case.wanted if key == "rules.gains" else case.unwanted)
                worse = bool(categories & (case.unwanted if key == "rules.gains" else case.wanted))
                mark = "rules.better" if better else "rules.worse" if worse else "rules.undecided"
                print(say(key, categories=_titles(categories, changed), mark=say(mark)))
    print(say("rules.shadowed", number=len(found), differ=differ, present=present.version, changed=changed.version))
    return 0


def _judged(case: Case, book: Rulebook, calendar: Calendar) -> frozenset[str]:
    judged = judge(case.text, at=case.at, rulebook=book, calendar=calendar, informational=True)
    return frozenset(one.category for one in judged.findings)


def _titles(categories: Iterable[str], book: Rulebook) -> str:
    return "、".join(book.categories[one].title if one in book.categories else one for one in sorted(categories))

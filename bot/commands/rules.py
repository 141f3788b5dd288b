"""`qingqun rules`: try the rules on what was decided, compare a changed rulebook with the present one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from bot import trial
from bot.trial import Case
from bot.wire import WireError
from config.calendar import Calendar
from config.rulebook import Rulebook, load_rulebook
from config.settings import Settings
from config.wording import Wording, load_wording
from storage import cases
from storage.database import Store

BAD, WRONG = 2, 1
ACTIONS = ("test", "shadow", "forget")
_HELP = (
    "test：用规则手册的正反例和已裁定的申诉检验现行规则，有不符的返回 1；"
    "shadow：用改过的规则手册旁路试判，列出会变的，不影响现行规则；forget：删除一条已存的案例"
)


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
        found = [*trial.examples(present), *await store.read(trial.stored), *(trial.filed(args.cases, present) if args.cases else ())]
    except (OSError, WireError) as error:
        print(say("rules.bad_cases", path=args.cases, why=getattr(error, "strerror", None) or error), file=sys.stderr)
        return BAD
    calendar = trial.calendar_of(settings)
    if args.what == "test":
        return _test(found, present, calendar, say)
    return _shadow(found, present, trial.changed_rulebook(Path(args.subject), settings), calendar, say)


def _test(found: Sequence[Case], book: Rulebook, calendar: Calendar, say: Wording) -> int:
    wrong = 0
    for one in trial.wrong_ones(found, book, calendar):
        wrong += 1
        for categories, key in ((one.missed, "rules.missed"), (one.extra, "rules.extra")):
            if categories:
                print(say(key, case=one.case.id, text=one.case.text, categories=_titles(categories, book)))
    print(say("rules.tested", number=len(found), right=len(found) - wrong, wrong=wrong))
    return WRONG if wrong else 0


def _shadow(found: Sequence[Case], present: Rulebook, changed: Rulebook, calendar: Calendar, say: Wording) -> int:
    differ = 0
    for one in trial.changes(found, present, changed, calendar):
        differ += 1
        print(say("rules.differs", case=one.case.id, text=one.case.text))
        for which, categories in (("gains", one.gains), ("loses", one.loses)):
            if categories:
                mark = say(f"rules.{one.mark(which)}")
                print(say(f"rules.{which}", categories=_titles(categories, changed), mark=mark))
    print(say("rules.shadowed", number=len(found), differ=differ, present=present.version, changed=changed.version))
    return 0


def _titles(categories: Iterable[str], book: Rulebook) -> str:
    return "、".join(book.categories[one].title if one in book.categories else one for one in sorted(categories))

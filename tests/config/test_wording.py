"""Every sentence that the code says exists, and every sentence that exists is said."""

from __future__ import annotations

import re
from pathlib import Path

from config.wording import load_wording

ROOT = Path(__file__).parent.parent.parent
SAID = re.compile(r"""(?:say|wording|_wording|words)\(\s*f?["']([a-z_]+\.[a-z_{}.]+)["']""")


def test_the_code_says_only_sentences_that_exist() -> None:
    keys = load_wording().keys()
    for path in [*ROOT.glob("handlers/**/*.py"), *ROOT.glob("bot/**/*.py")]:
        for key in SAID.findall(path.read_text(encoding="utf-8")):
            pattern = re.compile(re.sub(r"\\\{[^}]*\\\}", ".+", re.escape(key)))
            assert any(pattern.fullmatch(known) for known in keys), f"{path.name}: {key}"


def test_a_missing_sentence_is_a_programming_error() -> None:
    try:
        load_wording()("no.such.sentence")
    except KeyError:
        return
    raise AssertionError

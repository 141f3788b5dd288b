"""The rulebook: what is a demand, which clause it touches, what is exempt, how to say it better."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from config.model import Gate, Model, ModelError, load_gate, load_model
from config.patterns import PatternError, check_pattern

SHIPPED = Path(__file__).with_name("rulebook.toml")
_FORCES = frozenset({"self", "demand", "deadline", "posted", "file"})
_WHERES = frozenset({"mask", "before", "after", "sentence", "message"})
# Between the words of a pattern: “…” stays near, “……” stays in the sentence. Bounded, so that matching stays linear.
_GAPS = (("……", r"[^。！？!?\n]{0,24}?"), ("…", r"[^。！？!?\n]{0,10}?"))
_REFERENCE = re.compile(r"<([a-z_]+)>")


class RulebookError(ValueError):
    """A rulebook that cannot be used; the message names the file, the place and the reason, in Chinese."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One class of policy.md §2. `why` may use {words} {exempt} {deadline}, `suggestion` {allowed} {object} {next}."""

    id: str
    title: str
    clause: str
    why: str
    suggestion: str
    informational: bool = False
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`force`: "self" demands by itself, "demand" wants a demanding word beside it, the other two want time."""

    id: str
    category: str
    about: str
    force: str
    pattern: re.Pattern[str]
    parts: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = ()
    """The pattern's alternatives, each with the word lists it cannot do without: most need not be tried at all."""
    unless: re.Pattern[str] | None = None
    own: bool = False
    """Added by the unit: what the learned component thinks of it does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """A way of speaking that is not a demand, and where its words must stand relative to the trigger."""

    id: str
    where: str
    reason: str
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None = None
    spares: frozenset[str] = frozenset()
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """A case the policy itself excepts; `reason` is shown as what was considered."""

    id: str
    reason: str
    source: str
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None = None
    spares: frozenset[str] = frozenset()
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rulebook:
    version: str
    categories: Mapping[str, Category]
    rules: tuple[Rule, ...]
    speech: tuple[Speech, ...]
    exemptions: tuple[Exemption, ...]
    words: Mapping[str, str]
    evasions: Mapping[str, str] = field(default_factory=dict)
    evasion_patterns: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = ()
    """(a cheap sign that it may be there, the pattern): three kinds, hidden gaps, Latin letters, other characters."""
    simplified: Mapping[int, str] = field(default_factory=dict)
    model: Model | None = None
    gate: Gate | None = None
    phrases: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    """The word lists compiled, by name."""


def load_rulebook(path: Path | None = None, extra: Sequence[Path] = (), *, learned: bool = True) -> Rulebook:
    """`path` None is the shipped rulebook; each file of `extra` may add words, rules, speech and exemptions.

    `learned` False leaves the learned component out: the rules alone, to compare and to train.
    """
    book = _build(_parse(path or SHIPPED), path or SHIPPED, None)
    for more in extra:
        book = _build(_parse(more), more, book)
    try:
        groups = {name: re.compile(words) for name, words in book.words.items()}
        model = load_model() if learned else None
        # Other rules may speak of what the gate has never seen.
        gate = load_gate() if model and path is None and not extra else None
        return replace(book, model=model, gate=gate, groups=groups)
    except ModelError as error:
        raise RulebookError(str(error)) from None


def extends(path: Path) -> bool:
    """A file without categories of its own adds to a rulebook; one with them is a rulebook."""
    return "category" not in _parse(path)[0]


def _parse(path: Path) -> tuple[dict[str, Any], str]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RulebookError(f"规则手册 {path.name} 读不出来：{error}") from None
    try:
        return tomllib.loads(text), text
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"line (\d+)", str(error))
        line = f"第 {where[1]} 行" if where else "末尾"
        raise RulebookError(f"规则手册 {path.name} {line}不是合法的 TOML：{error}") from None


_TABLES = {"category": Category, "rule": Rule, "speech": Speech, "exemption": Exemption}
_TOP = {"version", "words", "phrases", *_TABLES}


@dataclass(slots=True)
class _Reader:
    """Reads one file; every complaint names file, line, key and reason."""

    path: Path
    text: str
    words: dict[str, str]
    own: bool = False

    def fail(self, key: str, reason: str, *, near: str = "") -> RulebookError:
        line = self._line(near or key)
        return RulebookError(f"规则手册 {self.path.name}{line}“{key}”：{reason}")

    def _line(self, near: str) -> str:
        for number, line in enumerate(self.text.splitlines(), 1):
            if near and near in line:
                return f" 第 {number} 行"
        return " "

    def add_words(self, table: object) -> None:
        if not isinstance(table, dict):
            raise self.fail("words", "应是一张表")
        for name, words in table.items():
            if not isinstance(words, list) or not all(isinstance(w, str) and w for w in words):
                raise self.fail(f"words.{name}", "应是一组非空的词", near=f"{name} =")
            joined = "(?:" + "|".join(words) + ")"
            self.compile(f"words.{name}", [joined], near=f"{name} =")
            self.words[name] = joined if name not in self.words else f"(?:{self.words[name]}|{joined})"

    def compile(self, key: str, patterns: object, *, near: str) -> re.Pattern[str]:
        if not isinstance(patterns, list) or not patterns or not all(isinstance(p, str) and p for p in patterns):
            raise self.fail(key, "应是至少一条的文字列表", near=near)
        expanded = [self.expand(key, p, near) for p in patterns]
        try:
            made = re.compile("|".join(f"(?:{one})" for one in expanded))
            # The shipped ones are looked at by the tests, not at every start.
            for one in expanded if self.path != SHIPPED else ():
                check_pattern(one)
        except (re.error, OverflowError, RecursionError) as error:
            raise self.fail(key, f"正则表达式写错了（{error}）", near=near) from None
        except PatternError as error:
            raise self.fail(key, str(error), near=near) from None
        return made

    def expand(self, key: str, pattern: str, near: str) -> str:
        def word(match: re.Match[str]) -> str:
            if match[1] not in self.words:
                raise self.fail(key, f"没有叫 <{match[1]}> 的词组", near=near)
            return self.words[match[1]]

        for sign, gap in _GAPS:
            pattern = pattern.replace(sign, gap)
        return _REFERENCE.sub(word, pattern)

    def entry(self, kind: str, raw: object, categories: Mapping[str, Category]) -> Any:
        if not isinstance(raw, dict) or not isinstance(raw.get("id"), str) or not raw["id"]:
            raise self.fail(kind, "每一项都要有 id", near=f"[[{kind}]]")
        near, values = f'"{raw["id"]}"', dict(raw)
        shape = _TABLES[kind]
        if kind != "category":
            patterns = values.pop("any", None)
            values["pattern"] = self.compile(f"{raw['id']}.any", patterns, near=near)
            if kind == "rule":
                values["parts"] = tuple((_needs(p), self.compile(raw["id"], [p], near=near)) for p in patterns)
            if "unless" in values:
                values["unless"] = self.compile(f"{raw['id']}.unless", values["unless"], near=near)
        for key in ("yes", "no"):
            if key in values:
                values[key] = tuple(values[key])
        if "spares" in values:
            values["spares"] = frozenset(values["spares"])
        known = {f.name for f in shape.__dataclass_fields__.values()} - {"own"}  # type: ignore[attr-defined]
        for key in values:
            if key not in known:
                raise self.fail(f"{raw['id']}.{key}", "没有这个键", near=near)
        self.check(raw["id"], values, categories, near)
        if kind != "category":
            values["own"] = self.own
        try:
            return shape(**values)
        except TypeError as error:
            raise self.fail(raw["id"], f"缺了必填的键（{error}）", near=near) from None

    def check(self, name: str, values: dict[str, Any], categories: Mapping[str, Category], near: str) -> None:
        for key, value in values.items():
            if key in _STRINGS and not isinstance(value, str):
                raise self.fail(f"{name}.{key}", "应是文字", near=near)
        if "force" in values and values["force"] not in _FORCES:
            raise self.fail(f"{name}.force", f"只能是 {'、'.join(sorted(_FORCES))}", near=near)
        if "where" in values and values["where"] not in _WHERES:
            raise self.fail(f"{name}.where", f"只能是 {'、'.join(sorted(_WHERES))}", near=near)
        for category in [values["category"]] if "category" in values else sorted(values.get("spares", ())):
            if category not in categories:
                raise self.fail(f"{name}", f"没有叫 {category} 的类别", near=near)


def _needs(pattern: str) -> tuple[str, ...]:
    """Word lists without which the pattern cannot match; none are claimed where it has alternatives of its own."""
    return () if "|" in pattern else tuple(re.findall(r"<([a-z_]+)>(?![?*{])", pattern))


_STRINGS = frozenset(
    {"id", "title", "clause", "why", "suggestion", "category", "about", "force", "where", "reason", "source"}
)


def _build(parsed: tuple[dict[str, Any], str], path: Path, base: Rulebook | None) -> Rulebook:
    raw, text = parsed
    reader = _Reader(path, text, dict(base.words) if base else {}, own=base is not None)
    for key in raw:
        if key not in _TOP:
            raise reader.fail(key, "没有这个表")
    reader.add_words(raw.get("words", {}))
    categories = dict(base.categories) if base else {}
    for entry in raw.get("category", []):
        made = reader.entry("category", entry, categories)
        categories[made.id] = made
    tables = {
        kind: tuple(reader.entry(kind, entry, categories) for entry in raw.get(kind, []))
        for kind in ("rule", "speech", "exemption")
    }
    if base:
        return replace(
            base,
            categories=categories,
            rules=base.rules + tables["rule"],
            speech=base.speech + tables["speech"],
            exemptions=base.exemptions + tables["exemption"],
            words=reader.words,
            version=f"{base.version}+{raw.get('version', path.stem)}",
        )
    evasions, patterns, simplified = load_words(path.with_name("words.txt") if path == SHIPPED else WORDS)
    return Rulebook(
        version=str(raw.get("version", path.stem)),
        categories=categories,
        rules=tables["rule"],
        speech=tables["speech"],
        exemptions=tables["exemption"],
        words=reader.words,
        evasions=evasions,
        evasion_patterns=patterns,
        simplified=simplified,
        phrases=dict(raw.get("phrases", {})),
    )


WORDS = Path(__file__).with_name("words.txt")
# What people put between two characters to hide a word; never what ends a clause.
_GAP = r"[ \t·•∙⋅.。*＊_＿\-－—~～|｜/／+^`'\"#=…]"


def load_words(
    path: Path,
) -> tuple[dict[str, str], tuple[tuple[re.Pattern[str], re.Pattern[str]], ...], dict[int, str]]:
    """Evasions → what is meant, one pattern that finds them and words with gaps inside, traditional → simplified."""
    evasions: dict[str, str] = {}
    simplified: dict[int, str] = {}
    meant_words: list[str] = []
    section = ""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            section = line.strip("[]")
        elif section == "traditional":
            simplified.update({ord(pair[0]): pair[1] for pair in line.split()})
        elif section == "evasions" and "=" in line:
            meant, variants = (part.strip() for part in line.split("=", 1))
            meant_words.append(meant)
            evasions.update(dict.fromkeys(variants.split(), meant))
        else:
            raise RulebookError(
                f"词表 {path.name} 第 {number} 行“{line[:20]}”：看不懂，应在 [traditional] 或 [evasions] 之下"
            )
    gapped = "|".join((_GAP + "{1,3}").join(map(re.escape, word)) for word in meant_words if len(word) > 1)
    longest_first = sorted(evasions, key=len, reverse=True)
    latin = "|".join(re.escape(v) for v in longest_first if v.isascii())
    other = "|".join(re.escape(v) for v in longest_first if not v.isascii())
    patterns = (
        (re.compile("[\u4e00-\u9fff]" + _GAP + "{1,3}[\u4e00-\u9fff]"), re.compile(gapped)),
        (re.compile("[a-z]"), re.compile(f"(?<![a-z])(?:{latin})(?![a-z])")),
        (re.compile(""), re.compile(other)),
    )
    return evasions, patterns, simplified

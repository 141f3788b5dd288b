"""The learned component as data: weights of readable features, for "is it a demand" and for each category."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import add
from pathlib import Path

SHIPPED = Path(__file__).with_name("model.tsv")
GATE = Path(__file__).with_name("gate.tsv")
LEXICON = Path(__file__).with_name("lexicon.tsv")
DEMAND = "demand"
# So many lines are kept as they were read; more would cost more memory than reading them again costs time.
KEPT = 30_000
# A feature's rarity, and (column, weight as it is, weight by rarity) for the columns it speaks to.
Weights = tuple[float, tuple[tuple[int, float, float], ...]]


class ModelError(ValueError):
    """A model file that cannot be read; names file, line and reason."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Model:
    """Two questions, both logistic: is this a demand at all (column "demand"), and if so, of this category?

    Each question is asked twice and the answers added: of the features as they are (`plain`), and of the features weighed by
    their rarity and divided by the length of their vector (`scaled`), so that a long message is not judged by its length.
    """

    columns: tuple[str, ...]
    bias: tuple[float, ...]
    thresholds: Mapping[str, float]
    lines: Mapping[str, str]
    """Feature → the rest of its line; read when the feature is first met, because a message holds few of them."""
    _read: dict[str, Weights] = field(default_factory=dict)

    def weights(self, feature: str) -> Weights:
        found = self._read.get(feature)
        if found is None:
            if len(self._read) >= KEPT:
                self._read.clear()
            found = self._read[feature] = _weights(feature, self.lines[feature])
        return found

    def probabilities(self, features: Iterable[str]) -> dict[str, float]:
        """For each category: that it is a demand, and of this category. Each feature counts once."""
        plain, scaled = list(self.bias), [0.0] * len(self.bias)
        length = 0.0
        # Sorted: the sum of floats depends on the order, and the same message must always be judged alike.
        for feature in sorted(self.lines.keys() & set(features)):
            rarity, cells = self.weights(feature)
            length += rarity**2
            for column, once, weighed in cells:
                plain[column] += once
                scaled[column] += weighed
        norm = math.sqrt(length) or 1.0
        chances = [_logistic(a + b / norm) for a, b in zip(plain, scaled, strict=True)]
        demand = chances[0]
        return {name: demand * demand * chance for name, chance in zip(self.columns[1:], chances[1:], strict=True)} | {
            DEMAND: demand
        }

    def weight(self, feature: str, column: str) -> float:
        """How much a feature speaks for a column, roughly; 0 for what was never seen."""
        wanted = self.columns.index(column)
        cells = self.weights(feature)[1] if feature in self.lines else ()
        return next((once + weighed / 20 for c, once, weighed in cells if c == wanted), 0.0)


@dataclass(frozen=True, slots=True, repr=False)
class Gate:
    """Characters and pairs of them, with what each speaks for a demand: tells at a glance what cannot be one.

    Most chat is. Whole numbers, so that the sum does not depend on the order; trained beside the model to let through what
    the model would flag (docs/judgement.md says how much it loses).
    """

    least: int
    marks: Mapping[str, int]

    def passes(self, text: str) -> bool:
        held = set(text)
        held.update(map(add, text, text[1:]))
        return sum(map(self.marks.__getitem__, self.marks.keys() & held)) >= self.least


def load_lexicon(path: Path = LEXICON) -> dict[str, int]:
    """Word → how often it is said, out of jieba's dictionary: the words of the training corpus."""
    rows = (line.split("\t") for line in path.read_text("utf-8").splitlines())
    return {word: int(number) for word, number in rows}


def load_gate(path: Path = GATE) -> Gate | None:
    """None when none is shipped: then every message is read in full."""
    if not path.exists():
        return None
    marks: dict[str, int] = {}
    for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
        mark, _, weight = line.rpartition("\t")
        if line:
            try:
                marks[mark] = int(weight)
            except ValueError:
                raise ModelError(f"模型文件 {path.name} 第 {number} 行读不懂。") from None
    return Gate(marks.pop("#least", 0), marks)


def _logistic(total: float) -> float:
    return 1 / (1 + math.exp(-max(min(total, 60.0), -60.0)))


def load_model(path: Path = SHIPPED) -> Model | None:
    """None when no model is shipped: then the rules decide alone."""
    if not path.exists():
        return None
    lines = dict(line.partition("\t")[::2] for line in path.read_text("utf-8").split("\n") if line)
    heads = {name: lines.pop(f"#{name}", "").split("\t") for name in _HEADS}
    columns = tuple(heads.get("columns", ()))
    try:
        bias = tuple(map(float, heads.get("bias", ())))
        thresholds = dict(zip(columns, map(float, heads.get("thresholds", ())), strict=True))
    except ValueError as error:
        raise ModelError(f"模型文件 {path.name} 的开头几行：{error}") from None
    if not columns or columns[0] != DEMAND or len(bias) != len(columns):
        raise ModelError(f"模型文件 {path.name} 的 #columns、#bias、#thresholds 不全或不一样长")
    return Model(columns=columns, bias=bias, thresholds=thresholds, lines=lines)


def _weights(feature: str, line: str) -> Weights:
    rarity, *cells = line.split("\t")
    try:
        return float(rarity), tuple((int(c), float(a), float(b)) for c, a, b in (cell.split(":") for cell in cells))
    except ValueError as error:
        raise ModelError(f"模型文件里“{feature}”这一行读不懂：{error}") from None


_HEADS = ("columns", "bias", "thresholds")

"""The learned component as data: a small network over readable features, for "is it a demand" and for each category."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import add
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SHIPPED = Path(__file__).with_name("model.tsv")
GATE = Path(__file__).with_name("gate.tsv")
LEXICON = Path(__file__).with_name("lexicon.tsv")
DEMAND = "demand"
# A number of a feature's vector is one printable character: ZERO is 0, and so many steps lie on either side of it.
ZERO, STEPS = "P", 46
# Rarities are written in hundredths.
RARITY_UNIT = 100
Numbers = NDArray[np.float64]


class ModelError(ValueError):
    """A model file that cannot be read; names file, line and reason."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Layers:
    """What reads the vector of a message: `scale` and `start` make it; a hidden layer and a direct one answer."""

    scale: Numbers
    start: Numbers
    hidden: Numbers
    lift: Numbers
    outer: Numbers
    direct: Numbers
    bias: Numbers

    def fit(self, columns: int) -> bool:
        """Whether the shapes belong together."""
        width, inner = self.hidden.shape if self.hidden.ndim == 2 else (0, 0)
        return (
            self.scale.shape == self.start.shape == (width,)
            and self.lift.shape == (inner,)
            and self.outer.shape == (inner, columns)
            and self.direct.shape == (width, columns)
            and self.bias.shape == (columns,)
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Opinion:
    """What the model thinks of one message, and what each feature says to it."""

    chances: Mapping[str, float]
    """How likely it is a demand at all; and for each category a score, low where either answer doubts."""
    columns: tuple[str, ...]
    layers: Layers
    features: tuple[str, ...]
    vectors: Numbers
    weights: Numbers
    awake: NDArray[np.bool_]
    """Which numbers of the hidden layer spoke."""

    def shares(self, column: str) -> dict[str, float]:
        """How much each feature speaks for a column in this message: its part of the sum, along the slope of the answer."""
        k, layers = self.columns.index(column), self.layers
        slope = layers.direct[:, k] + layers.hidden @ (layers.outer[:, k] * self.awake)
        said = (self.vectors @ (slope * layers.scale)) * self.weights
        return dict(zip(self.features, said.tolist(), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Model:
    """Every feature has a vector and a rarity; the vectors of a message, weighed by rarity and divided by the length of that

    (a long message is not judged by its length), are added up and read by the layers.
    """

    columns: tuple[str, ...]
    thresholds: Mapping[str, float]
    layers: Layers
    lines: Mapping[str, str]
    """Feature → the rest of its line; read when the feature is met, because a message holds few of them."""

    def opinion(self, features: Iterable[str]) -> Opinion:
        """Each feature counts once. The sum is of whole numbers (small enough for floats), so no order changes it."""
        layers = self.layers
        known = tuple(sorted(self.lines.keys() & set(features)))
        vectors, rarity = self._vectors(known)
        norm = math.sqrt(float(rarity @ rarity)) or 1.0
        seen = layers.start + (rarity @ vectors) * layers.scale / norm
        inner = seen @ layers.hidden + layers.lift
        answers = np.maximum(inner, 0) @ layers.outer + seen @ layers.direct + layers.bias
        demand, *chances = map(_logistic, answers.tolist())
        return Opinion(
            chances={DEMAND: demand} | {n: demand**2 * c for n, c in zip(self.columns[1:], chances, strict=True)},
            columns=self.columns,
            layers=layers,
            features=known,
            vectors=vectors,
            weights=rarity / norm,
            awake=inner > 0,
        )

    def _vectors(self, features: tuple[str, ...]) -> tuple[Numbers, Numbers]:
        """Whole numbers: of each feature its vector, and its rarity."""
        width = len(self.layers.scale)
        rarities: list[int] = []
        codes: list[str] = []
        for feature in features:
            code, _, rarity = self.lines[feature].partition("\t")
            if len(code) != width or not code.isascii() or not rarity.isdecimal():
                raise ModelError(f"模型文件里“{feature}”这一行读不懂")
            codes.append(code)
            rarities.append(int(rarity))
        numbers = np.frombuffer("".join(codes).encode("ascii"), np.uint8).reshape(len(codes), width)
        return numbers.astype(np.float64) - ord(ZERO), np.array(rarities, np.float64)


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
    columns = tuple(lines.pop("#columns", "").split("\t"))
    try:
        thresholds = dict(zip(columns, map(float, lines.pop("#thresholds", "").split("\t")), strict=True))
        layers = Layers(**{name: _numbers(lines.pop(f"#{name}", "")) for name in Layers.__slots__})
    except ValueError as error:
        raise ModelError(f"模型文件 {path.name} 的开头几行：{error}") from None
    if columns[0] != DEMAND or not layers.fit(len(columns)):
        raise ModelError(f"模型文件 {path.name} 开头的 #columns 和各层不全或不一样长")
    return Model(columns=columns, thresholds=thresholds, layers=layers, lines=lines)


def _numbers(line: str) -> Numbers:
    """The shape, as 48x96, then the numbers."""
    shape, _, numbers = line.partition("\t")
    return np.array(numbers.split(), np.float64).reshape([int(size) for size in shape.split("x")])

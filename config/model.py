"""The learned component as data: weights of readable features, for "is it a demand" and for each category."""


from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

SHIPPED = Path(__file__).with_name("model.tsv")
DEMAND = "demand"


class ModelError(ValueError):
    """A model file that cannot be read; names file, line and reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Two questions, both logistic: is this a demand at all (column "demand"), and if so, of this category?

    Each question is asked twice and the answers added: of the features as they are (`plain`), and of the features weighed by
    their rarity and divided by the length of their vector (`scaled`), so that a long message is not judged by its length.
    """

    columns: tuple[str, ...]
    bias: tuple[float, ...]
    thresholds: Mapping[str, float]
    rarity: Mapping[str, float]
    weights: Mapping[str, tuple[tuple[int, float, float], ...]]

    def probabilities(self, features: Iterable[str]) -> dict[str, float]:
        """For each category: that it is a demand, and of this category. Each feature counts once."""
        plain, scaled = list(self.bias), [0.0] * len(self.bias)
        length = 0.0
        # Sorted: the sum of floats depends on the order, and the same message must always be judged alike.
        for feature in sorted(self.rarity.keys() & set(features)):
            length += self.rarity[feature] ** 2
            for column, once, weighed in self.weights[feature]:
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
        return next((once + weighed / 20 for c, once, weighed in self.weights.get(feature, ()) if c == wanted), 0.0)


def _logistic(total: float) -> float:
    return 1 / (1 + math.exp(-max(min(total, 60.0), -60.0)))


def load_model(path: Path = SHIPPED) -> Model | None:
    """None when no model is shipped: then the rules decide alone."""
    if not path.exists():
        return None
    heads: dict[str, list[str]] = {}
    rarity: dict[str, float] = {}
    weights: dict[str, tuple[tuple[int, float, float], ...]] = {}
    for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
        name, *cells = line.split("\t")
        try:
            if name.startswith("#") and name[1:] in _HEADS:
                heads[name[1:]] = cells
            elif cells:
                rarity[name] = float(cells[0])
                weights[name] = tuple(
                    (int(c), float(a), float(b)) for c, a, b in (cell.split(":") for cell in cells[1:])
                )
        except ValueError as error:
            raise ModelError(f"模型文件 {path.name} 第 {number} 行“{name}”：{error}") from None
    columns = tuple(heads.get("columns", ()))
    try:
        bias = tuple(map(float, heads.get("bias", ())))
        thresholds = dict(zip(columns, map(float, heads.get("thresholds", ())), strict=True))
    except ValueError as error:
        raise ModelError(f"模型文件 {path.name} 的开头几行：{error}") from None
    if not columns or columns[0] != DEMAND or len(bias) != len(columns):
        raise ModelError(f"模型文件 {path.name} 的 #columns、#bias、#thresholds 不全或不一样长")
    return Model(columns=columns, bias=bias, thresholds=thresholds, rarity=rarity, weights=weights)


_HEADS = ("columns", "bias", "thresholds")

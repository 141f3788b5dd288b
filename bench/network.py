"""The network that is trained (config/model.py evaluates it): every feature has a short vector; the vectors of a message,

weighed by rarity and divided by the length of that, are added up; a hidden layer and a direct one read the sum. Some small
networks that began differently are joined into one, whose answer is the mean of theirs: it errs less than a single wide one.
"""


from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.linalg import block_diag
from torch import nn

SIBLINGS, WIDTH, HIDDEN, TURNS, TOGETHER = 2, 48, 96, 5, 64
# The vector of a message has this length: longer than one, so that the first steps are not lost.
LENGTH = 4.0
# In training a part of the features, and of every layer, is left out, so that none is relied on alone.
LEFT_OUT = 0.3
SPEED = 3e-3


class Network(nn.Module):
    def __init__(self, features: int, columns: int) -> None:
        super().__init__()
        self.vectors = nn.EmbeddingBag(features, WIDTH, mode="sum", sparse=True)
        nn.init.normal_(self.vectors.weight, 0, 0.1)
        self.start = nn.Parameter(torch.zeros(WIDTH))
        self.hidden = nn.Linear(WIDTH, HIDDEN)
        self.out = nn.Linear(HIDDEN, columns)
        self.direct = nn.Linear(WIDTH, columns)
        self.drop = nn.Dropout(LEFT_OUT)

    def forward(self, places: torch.Tensor, starts: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        seen = self.drop(self.vectors(places, starts, per_sample_weights=weights) + self.start)
        answer: torch.Tensor = self.out(self.drop(torch.relu(self.hidden(seen)))) + self.direct(seen)
        return answer


@dataclass
class Trained:
    """The network as arrays; `vectors` are those of features weighed and normed to length one."""

    vectors: Any
    layers: dict[str, Any]

    def answer(self, scaled: Any) -> Any:
        seen = scaled @ self.vectors + self.layers["start"]
        inner = np.maximum(seen @ self.layers["hidden"] + self.layers["lift"], 0)
        return inner @ self.layers["outer"] + seen @ self.layers["direct"] + self.layers["bias"]


def train(scaled: Any, truth: Any, weight: Any) -> Trained:
    """`scaled` are messages × features; `truth` and `weight` messages × columns (0 where a message does not say)."""
    torch.set_num_threads(1)
    return _joined([_train(scaled, truth, weight, seed) for seed in range(1, SIBLINGS + 1)])


def _train(scaled: Any, truth: Any, weight: Any, seed: int) -> Trained:
    torch.manual_seed(seed)
    choose = np.random.default_rng(seed)
    network = Network(scaled.shape[1], truth.shape[1])
    rest = [p for name, p in network.named_parameters() if not name.startswith("vectors")]
    optimizers = [torch.optim.SparseAdam(list(network.vectors.parameters())), torch.optim.AdamW(rest, weight_decay=1e-3)]
    right, counts = torch.from_numpy(truth.astype(np.float32)), torch.from_numpy(weight.astype(np.float32))
    loss = nn.BCEWithLogitsLoss(reduction="none")
    steps = [p for _ in range(TURNS) for p in _parts(choose.permutation(scaled.shape[0]))]
    for done, rows in enumerate(steps):
        for group in (g for o in optimizers for g in o.param_groups):
            group["lr"] = SPEED * (1 - done / len(steps))
        wrong = (loss(network(*_batch(scaled, rows, choose)), right[rows]) * counts[rows]).sum(1).mean()
        for optimizer in optimizers:
            optimizer.zero_grad()
        wrong.backward()
        for optimizer in optimizers:
            optimizer.step()
    return _arrays(network)


def _parts(rows: Any) -> list[Any]:
    return [rows[i : i + TOGETHER] for i in range(0, len(rows), TOGETHER)]


def _batch(scaled: Any, rows: Any, choose: np.random.Generator) -> tuple[torch.Tensor, ...]:
    here = scaled[rows]
    kept = choose.random(here.nnz) >= LEFT_OUT
    starts = np.concatenate([[0], np.cumsum(kept)])[here.indptr[:-1]]
    weights = here.data[kept].astype(np.float32) * (LENGTH / (1 - LEFT_OUT))
    return torch.from_numpy(here.indices[kept].astype(np.int64)), torch.from_numpy(starts), torch.from_numpy(weights)


def _arrays(network: Network) -> Trained:
    held = {name: value.detach().numpy().astype(float) for name, value in network.named_parameters()}
    return Trained(
        vectors=held["vectors.weight"] * LENGTH,
        layers={
            "start": held["start"],
            "hidden": held["hidden.weight"].T,
            "lift": held["hidden.bias"],
            "outer": held["out.weight"].T,
            "direct": held["direct.weight"].T,
            "bias": held["out.bias"] + held["direct.bias"],
        },
    )


def _joined(siblings: list[Trained]) -> Trained:
    """One network side by side: none sees the vectors of another, and the answers are averaged."""
    layers = {name: [one.layers[name] for one in siblings] for name in siblings[0].layers}
    share = 1 / len(siblings)
    return Trained(
        vectors=np.hstack([one.vectors for one in siblings]),
        layers={
            "start": np.concatenate(layers["start"]),
            "hidden": block_diag(*layers["hidden"]),
            "lift": np.concatenate(layers["lift"]),
            "outer": np.vstack(layers["outer"]) * share,
            "direct": np.vstack(layers["direct"]) * share,
            "bias": np.sum(layers["bias"], axis=0) * share,
        },
    )

"""Train the learned component from the corpus: python -m bench.train corpus/a.jsonl corpus/b.jsonl … [-o config/model.tsv].

Needs scikit-learn and PyTorch (no dependencies of the product). Thresholds are chosen on messages of authors left out of training.
"""


from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jieba
import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

from bench import grammar, network
from bench.corpus import load
from config.calendar import Calendar
from config.model import DEMAND, GATE, LEXICON, RARITY_UNIT, SHIPPED, STEPS, ZERO
from config.rulebook import Rulebook, load_rulebook
from handlers.rules.candidates import candidates
from handlers.rules.demand import HEAD, TAIL
from handlers.rules.features import ngrams, structure, terms
from handlers.rules.reading import Reading, take
from handlers.rules.tokens import read, tokenizer
from handlers.rules.weigh import TAKEN, takes_rest

SEEN_AT_LEAST = 7.9
# Of each phrase of the grammar so many demands and so many non-demands, each counting so much of a real message.
GRAMMAR_EACH, GRAMMAR_WEIGHT = 2, 0.4
# A grammar sentence does not know what else it asks: when and until when are learned from real messages only.
REAL_ONLY = ("off_hours", "tight_deadline")
# A few numbers of a few vectors are cut to what all but so many of them stay below, so that the others are written finely.
CUT = 0.0005


def examples(rulebook: Rulebook) -> Iterator[dict[str, Any]]:
    """The rulebook's own yes and no, in each of the weekday mornings of the grammar."""
    for category in rulebook.categories.values():
        for texts, labels in ((category.yes, {category.id}), (category.no, set())):
            for text in texts * 3:
                yield {"author": "grammar", "text": text, "at": grammar.WORKING, "labels": labels}


def features(message: dict[str, Any], rulebook: Rulebook, calendar: Calendar) -> set[str]:
    reading = taken(message, rulebook, calendar)
    found, rejected = candidates(reading, rulebook, calendar)
    return {*ngrams(reading), *terms(reading), *structure(reading, rulebook, found, rejected, calendar)}


def taken(message: dict[str, Any], rulebook: Rulebook, calendar: Calendar) -> Reading:
    return take(read(message["text"], rulebook), message["at"], rulebook, calendar)


class Table:
    """Messages as a matrix: rows are messages, columns features; labels and authors beside it."""

    def __init__(self, messages: list[dict[str, Any]], rulebook: Rulebook, calendar: Calendar) -> None:
        rows = [features(m, rulebook, calendar) for m in messages]
        # A phrase of the grammar comes back in four sentences: what only they hold must be held by several phrases.
        seen: Counter[str] = Counter()
        for message, row in zip(messages, rows, strict=True):
            seen.update(dict.fromkeys(row, 0.17 if message["author"] == "grammar" else 1.0))
        self.rest = np.array([takes_rest(taken(m, rulebook, calendar), rulebook) for m in messages])
        self.plain = [read(m["text"], rulebook).plain[: HEAD + TAIL] for m in messages]
        self.vectorizer = DictVectorizer()
        x = self.vectorizer.fit_transform(
            [{f: 1 for f in row if seen[f] >= SEEN_AT_LEAST} for row in rows]
        ).tocsr()
        self.rarity = np.log(len(rows) / (1 + np.asarray(x.sum(0))[0])) + 0.5
        self.scaled = normalize(x.multiply(self.rarity).tocsr())
        self.categories = list(rulebook.categories)
        self.y = np.array([[c in m["labels"] for c in self.categories] for m in messages])
        self.demand = self.y.any(1)
        self.author = np.array([m["author"] for m in messages])
        self.real = self.author != "grammar"
        self.weight = np.where(self.real, 1.0, GRAMMAR_WEIGHT)


def fit(table: Table, rows: Any) -> network.Trained:
    """Is it a demand, and for each category: is it a demand of this category."""
    truth = np.column_stack([table.demand, table.y])
    weight = np.repeat(table.weight[:, None], truth.shape[1], axis=1)
    for category in REAL_ONLY:
        weight[~table.real & table.demand, 1 + table.categories.index(category)] = 0
    return network.train(table.scaled[rows], truth[rows], weight[rows])


def predict(trained: network.Trained, table: Table, rows: Any) -> Any:
    """As config/model.py and handlers/rules/weigh.py reckon."""
    chances = 1 / (1 + np.exp(-trained.answer(table.scaled[rows])))
    demand, scores = chances[:, 0], chances[:, :1] ** 2 * chances[:, 1:]
    off = table.categories.index("off_hours")
    scores[:, off] = np.maximum(scores[:, off], demand**3 * TAKEN * table.rest[rows])
    return scores


def cross_validate(table: Table, folds: int) -> Any:
    """Each author's messages judged by a model that has not read that author, nor the others of the same fold."""
    scores = np.zeros(table.y.shape)
    for left_out in left_outs(table, folds):
        scores[left_out] = predict(fit(table, ~left_out), table, left_out)
    return scores


def left_outs(table: Table, folds: int) -> Iterator[Any]:
    authors = sorted(set(table.author[table.real]))
    for fold in range(folds):
        yield np.isin(table.author, authors[fold::folds])


def threshold(scores: Any, truth: Any, precision: float) -> float:
    """From which score on all flags together are right with this probability, on authors unseen.

    One for the measured categories and one for the informational: one for each was fitted more closely to these authors and
    no better on others.
    """
    order = np.argsort(-scores, axis=None, kind="stable")
    right = np.cumsum(truth.ravel()[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(right >= precision)
    return float(scores.ravel()[order[enough[-1]]]) if len(enough) else 1.0


def write_lexicon(path: Path, messages: list[dict[str, Any]], rulebook: Rulebook) -> int:
    """What jieba's own dictionary finds in the messages: those words, and every character, with its frequencies."""
    full = jieba.Tokenizer()
    frequencies, _ = full.gen_pfdict(full.get_dict_file())
    cutter = tokenizer({word: number for word, number in frequencies.items() if number})
    plain = [read(m["text"], rulebook).plain for m in messages]
    found = {word for text in plain for word in cutter.cut(text, HMM=False)} | set("".join(plain))
    known = {word: frequencies[word] for word in found if frequencies.get(word)}
    path.write_text("".join(f"{word}\t{number}\n" for word, number in sorted(known.items())), "utf-8")
    return len(known)


# Of the messages that would be flagged, so many may be lost at the gate, on authors left out.
GATE_LOSES = 0.005
GATE_UNIT = 1000


def gate(table: Table, flagged: Any, folds: int) -> tuple[int, dict[str, int], float, float]:
    """Characters and pairs that tell at a glance what cannot be a demand.

    Gives the least sum, the weight of each mark, and on authors left out: the share of flagged messages lost, and the share
    of the other messages that still pass.
    """
    marks = CountVectorizer(analyzer="char", lowercase=False, ngram_range=(1, 2), binary=True, min_df=3)
    x = marks.fit_transform(table.plain)
    wanted = table.demand | flagged
    weight = table.real.astype(float)
    sums = np.zeros(len(wanted))
    for left_out in left_outs(table, folds):
        sums[left_out] = _gate(x, wanted, weight, ~left_out).decision_function(x[left_out])
    least = float(np.quantile(sums[table.real & flagged], GATE_LOSES))
    passed = sums[table.real & ~flagged] > least
    fitted = _gate(x, wanted, weight, np.ones(len(wanted), bool))
    weights = np.rint(fitted.coef_[0] * GATE_UNIT).astype(int)
    names = marks.get_feature_names_out()
    told = {n: int(w) for n, w in zip(names, weights, strict=True) if abs(w) >= GATE_SMALLEST and not set(n) & set("\t\n")}
    return int((least - fitted.intercept_[0]) * GATE_UNIT), told, GATE_LOSES, float(passed.mean())


GATE_SMALLEST = 20


def _gate(x: Any, wanted: Any, weight: Any, rows: Any) -> LogisticRegression:
    return LogisticRegression(C=0.3, solver="liblinear").fit(x[rows], wanted[rows], sample_weight=weight[rows])


def write_gate(path: Path, least: int, marks: dict[str, int]) -> None:
    lines = [f"#least\t{least}", *(f"{mark}\t{weight}" for mark, weight in sorted(marks.items()))]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def write(path: Path, trained: network.Trained, table: Table, thresholds: Any) -> int:
    scale = np.quantile(np.abs(trained.vectors), 1 - CUT, axis=0) / STEPS
    codes = np.rint(trained.vectors / scale).clip(-STEPS, STEPS).astype(int) + ord(ZERO)
    lines = [
        "#columns\t" + "\t".join([DEMAND, *table.categories]),
        "#thresholds\t" + "\t".join(["0.5", *(f"{t:.4f}" for t in thresholds)]),
        *(f"#{name}\t{_shape(numbers)}" for name, numbers in ({"scale": scale} | trained.layers).items()),
    ]
    heads = len(lines)
    for name, rarity, code in zip(table.vectorizer.get_feature_names_out(), table.rarity, codes, strict=True):
        if not set(name) & set("\t\n\r"):
            lines.append(f"{name}\t{''.join(map(chr, code))}\t{rarity * RARITY_UNIT:.0f}")
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return len(lines) - heads


def _shape(numbers: Any) -> str:
    return "x".join(map(str, numbers.shape)) + "\t" + " ".join(f"{n:.5g}" for n in numbers.ravel())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=SHIPPED)
    parser.add_argument("--precision", type=float, default=0.965, help="of all flags together, on authors left out")
    parser.add_argument("--folds", type=int, default=8, help="authors are left out in so many turns")
    parser.add_argument("--keep", action="store_true", help="keep the cross-validated scores beside the model")
    options = parser.parse_args()
    rulebook, calendar = load_rulebook(learned=False), Calendar()
    messages = load(options.corpus)
    made = [*grammar.sentences(GRAMMAR_EACH), *grammar.harmless(GRAMMAR_EACH), *grammar.prose()]
    everything = [*messages, *made, *examples(rulebook)]
    print(write_lexicon(LEXICON, everything, rulebook), "words")
    table = Table(everything, rulebook, calendar)
    scores = cross_validate(table, options.folds)
    real = table.real
    informational = np.array([rulebook.categories[c].informational for c in table.categories])
    thresholds = np.zeros(len(informational))
    for part in (~informational, informational):
        thresholds[part] = threshold(scores[real][:, part], table.y[real][:, part], options.precision)
    got, want = (scores >= thresholds)[real][:, ~informational], table.y[real][:, ~informational]
    flagged = got[~table.demand[real]].any(1).mean()
    right = (got & want).sum()
    np.savez(options.output.with_suffix(".cv.npz"), scores=scores[real], truth=table.y[real]) if options.keep else None
    print(f"留一作者交叉验证：精确率 {right / got.sum():.3f} 召回率 {right / want.sum():.3f} 反例误报 {flagged:.3%}")
    for k, name in enumerate(table.categories):
        hit, truth = scores[real, k] >= thresholds[k], table.y[real, k]
        both = (hit & truth).sum()
        print(f"  {name:22s} t={thresholds[k]:.3f} P={both / max(hit.sum(), 1):.2f} R={both / truth.sum():.2f}")
    flagged = (scores >= thresholds).any(1)
    least, marks, lost, passes = gate(table, flagged, options.folds)
    print(f"门：漏过 {lost:.2%} 本该提示的，其余消息放行 {passes:.1%}，{len(marks)} 个字和字对")
    write_gate(options.output.with_name(GATE.name), least, marks)
    everyone = np.ones(len(table.author), bool)
    print(write(options.output, fit(table, everyone), table, thresholds), "features →", options.output)


if __name__ == "__main__":
    main()

"""Train the learned component from the corpus: python -m bench.train corpus/a.jsonl corpus/b.jsonl … [-o config/model.tsv].

Needs scikit-learn (not a dependency of the product). Thresholds are chosen on messages of authors left out of training.
"""


from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jieba
import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

from bench import grammar
from bench.corpus import load
from config.calendar import Calendar
from config.model import DEMAND, GATE, LEXICON, SHIPPED
from config.rulebook import Rulebook, load_rulebook
from handlers.rules.candidates import candidates
from handlers.rules.demand import HEAD, TAIL
from handlers.rules.features import ngrams, structure, terms
from handlers.rules.reading import Reading, take
from handlers.rules.tokens import read, tokenizer
from handlers.rules.weigh import TAKEN, takes_rest

SEEN_AT_LEAST = 4.9
# Of each phrase of the grammar so many demands and so many non-demands, each counting so much of a real message.
GRAMMAR_EACH, GRAMMAR_WEIGHT = 2, 0.4
# A grammar sentence does not know what else it asks: when and until when are learned from real messages only.
REAL_ONLY = ("off_hours", "tight_deadline")
# Smaller weights change hardly a decision (2 of 435 flags) and would double the file.
SMALLEST = 0.1


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
        self.x = self.vectorizer.fit_transform(
            [{f: 1 for f in row if seen[f] >= SEEN_AT_LEAST} for row in rows]
        ).tocsr()
        self.rarity = np.log(len(rows) / (1 + np.asarray(self.x.sum(0))[0])) + 0.5
        self.scaled = normalize(self.x.multiply(self.rarity).tocsr())
        self.categories = list(rulebook.categories)
        self.y = np.array([[c in m["labels"] for c in self.categories] for m in messages])
        self.demand = self.y.any(1)
        self.author = np.array([m["author"] for m in messages])
        self.real = self.author != "grammar"
        self.weight = np.where(self.real, 1.0, GRAMMAR_WEIGHT)


@dataclass
class Question:
    """Asked of the plain and of the scaled features; the answers are brought to one spread and added."""

    plain: LogisticRegression
    scaled: LogisticRegression
    spread: tuple[float, float]

    def answer(self, table: Table, rows: Any) -> Any:
        return (
            self.plain.decision_function(table.x[rows]) * self.spread[0]
            + self.scaled.decision_function(table.scaled[rows]) * self.spread[1]
        )


def ask(table: Table, rows: Any, truth: Any, strength: tuple[float, float], balance: str | None) -> Question:
    weight = table.weight[rows]
    plain = LogisticRegression(C=strength[0], solver="liblinear", class_weight=balance)
    scaled = LogisticRegression(C=strength[1], solver="liblinear", class_weight=balance)
    plain.fit(table.x[rows], truth[rows], sample_weight=weight)
    scaled.fit(table.scaled[rows], truth[rows], sample_weight=weight)
    return Question(plain, scaled, SPREAD_DEMAND if balance is None else SPREAD_CATEGORY)


# Twice and one and a half times the inverse of the standard deviations on authors left out.
SPREAD_DEMAND, SPREAD_CATEGORY = (0.93, 1.5), (0.6, 0.9)


def fit(table: Table, rows: Any) -> list[Question]:
    """The demand question, then one a category asked among demands only."""
    questions = [ask(table, rows, table.demand, (0.2, 20.0), None)]
    among = rows & table.demand
    for k, category in enumerate(table.categories):
        here = among & table.real if category in REAL_ONLY else among
        questions.append(ask(table, here, table.y[:, k], (0.3, 20.0), "balanced"))
    return questions


def predict(questions: list[Question], table: Table, rows: Any) -> Any:
    chances = [1 / (1 + np.exp(-q.answer(table, rows))) for q in questions]
    off = 1 + table.categories.index("off_hours")
    chances[off] = np.maximum(chances[off], TAKEN * table.rest[rows])
    return np.stack([chances[0] ** 2 * c for c in chances[1:]], axis=1)


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
    """Where one more flag would be right with this probability, on authors unseen; the same for every category,

    so that no category buys its recall with another's precision. Between 0.5 and 0.975: the corpus is small.
    """
    likely = IsotonicRegression(out_of_bounds="clip").fit_transform(scores, truth)
    return min(max(float(scores[likely >= precision].min(initial=1.0)), 0.5), 0.975)


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


def write(path: Path, questions: list[Question], table: Table, thresholds: list[float]) -> int:
    names = table.vectorizer.get_feature_names_out()
    plain = np.stack([q.plain.coef_[0] * q.spread[0] for q in questions])
    scaled = np.stack([q.scaled.coef_[0] * q.spread[1] * table.rarity for q in questions])
    bias = [q.plain.intercept_[0] * q.spread[0] + q.scaled.intercept_[0] * q.spread[1] for q in questions]
    lines = [
        "#columns\t" + "\t".join([DEMAND, *table.categories]),
        "#bias\t" + "\t".join(f"{b:.4f}" for b in bias),
        "#thresholds\t" + "\t".join(f"{t:.3f}" for t in [0.5, *thresholds]),
    ]
    for j, name in enumerate(names):
        if set(name) & set("\t\n\r"):
            continue
        pairs = zip(plain[:, j], scaled[:, j], strict=True)
        cells = [f"{k}:{a:.3f}:{b:.2f}" for k, (a, b) in enumerate(pairs) if abs(a) + abs(b) / 20 >= SMALLEST]
        lines.append("\t".join([name, f"{table.rarity[j]:.2f}", *cells]))
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return len(lines) - 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=SHIPPED)
    parser.add_argument("--precision", type=float, default=0.85, help="of the least certain flag")
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
    thresholds = [threshold(scores[real, k], table.y[real, k], options.precision) for k in range(len(table.categories))]
    main_part = [k for k, c in enumerate(table.categories) if not rulebook.categories[c].informational]
    got, want = scores[real][:, main_part] >= np.array(thresholds)[main_part], table.y[real][:, main_part]
    flagged = got[~table.demand[real]].any(1).mean()
    np.savez(options.output.with_suffix(".cv.npz"), scores=scores[real], truth=table.y[real]) if options.keep else None
    print(
        f"留一作者交叉验证：精确率 {(got & want).sum() / got.sum():.3f} 召回率 {(got & want).sum() / want.sum():.3f} 反例误报 {flagged:.3%}"
    )
    for k, name in enumerate(table.categories):
        hit, truth = scores[real, k] >= thresholds[k], table.y[real, k]
        both = (hit & truth).sum()
        print(f"  {name:22s} t={thresholds[k]:.2f} P={both / max(hit.sum(), 1):.2f} R={both / truth.sum():.2f}")
    flagged = (scores >= np.array(thresholds)).any(1)
    least, marks, lost, passes = gate(table, flagged, options.folds)
    print(f"门：漏过 {lost:.2%} 本该提示的，其余消息放行 {passes:.1%}，{len(marks)} 个字和字对")
    write_gate(options.output.with_name(GATE.name), least, marks)
    everyone = np.ones(len(table.author), bool)
    print(write(options.output, fit(table, everyone), table, thresholds), "features →", options.output)


if __name__ == "__main__":
    main()

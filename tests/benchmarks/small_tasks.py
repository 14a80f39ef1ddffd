"""What an acquisition function saves on small tasks that end within minutes on one core.

    python tests/benchmarks/small_tasks.py [--rules herding falcun] [--seeds 10] [--budget 300]

scikit-learn's digits (as they are; one of ten as a rare class, 2.5 %; near-duplicates; a long tail;
a tenth of the labels wrong) and its breast cancer set, with logistic regression, from ten labels, in
batches of ten. Per seed both arms share split, test set and first labels. Prints for each rule the
labels that random needs over the labels that it needs to 95 % of the score with all labels (an arm
that never gets there counts with its budget), the gain in mean score over the whole budget and over each
half of it, its worst seed and an exact Wilcoxon test.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import wilcoxon
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, balanced_accuracy_score
from sklearn.preprocessing import StandardScaler

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from learning.acquisition import ACQUISITIONS, Need, PoolScores, select  # noqa: E402

START, BATCH, TEST = 10, 10, 500
TARGET = 0.95
RULES = ["herding", "falcun", "margin", "power_margin", "badge", "kcenter", "typiclust", "entropy"]


@dataclass(frozen=True)
class Task:
    points: np.ndarray
    answers: np.ndarray
    test_points: np.ndarray
    test_answers: np.ndarray
    ranked: bool = False
    """Scored by average precision of the second class, else by balanced accuracy."""

    def model(self, rows: np.ndarray) -> LogisticRegression:
        return LogisticRegression(max_iter=150).fit(self.points[rows], self.answers[rows])

    def score(self, model: LogisticRegression) -> float:
        if self.ranked:
            sure = model.predict_proba(self.test_points)[:, 1]
            return float(average_precision_score(self.test_answers, sure))
        said = model.predict(self.test_points)
        return float(balanced_accuracy_score(self.test_answers, said))


def digits(rng: np.random.Generator) -> Task:
    points, answers = load_digits(return_X_y=True)
    points, order = points / 16, rng.permutation(len(points))
    test, pool = order[:TEST], order[TEST:]
    return Task(points[pool], answers[pool], points[test], answers[test])


def rare(rng: np.random.Generator) -> Task:
    whole = digits(rng)
    sick = whole.answers == 8
    rows = rng.permutation(np.concatenate([np.flatnonzero(sick)[:30], np.flatnonzero(~sick)]))
    return Task(
        whole.points[rows],
        sick[rows].astype(int),
        whole.test_points,
        (whole.test_answers == 8).astype(int),
        ranked=True,
    )


def near_duplicates(rng: np.random.Generator) -> Task:
    whole = digits(rng)
    rows = np.repeat(np.arange(300), rng.integers(1, 10, 300))
    copies = whole.points[rows] + 0.02 * rng.normal(size=(len(rows), whole.points.shape[1]))
    return Task(copies, whole.answers[rows], whole.test_points, whole.test_answers)


def long_tail(rng: np.random.Generator) -> Task:
    whole = digits(rng)
    kept = rng.random(len(whole.answers)) < 20.0 ** (-whole.answers / 9)
    return Task(whole.points[kept], whole.answers[kept], whole.test_points, whole.test_answers)


def wrong_labels(rng: np.random.Generator) -> Task:
    whole = digits(rng)
    wrong = rng.random(len(whole.answers)) < 0.1
    said = np.where(wrong, rng.integers(0, 10, len(wrong)), whole.answers)
    return Task(whole.points, said, whole.test_points, whole.test_answers)


def breast_cancer(rng: np.random.Generator) -> Task:
    points, answers = load_breast_cancer(return_X_y=True)
    points, order = StandardScaler().fit_transform(points), rng.permutation(len(points))
    test, pool = order[:180], order[180:]
    return Task(points[pool], answers[pool], points[test], answers[test])


TASKS: dict[str, Callable[[np.random.Generator], Task]] = {
    "digits": digits,
    "rare": rare,
    "near_duplicates": near_duplicates,
    "long_tail": long_tail,
    "wrong_labels": wrong_labels,
    "breast_cancer": breast_cancer,
}


def first_labels(task: Task, rng: np.random.Generator) -> np.ndarray:
    """Drawn at random, with at least one case of the class that is rarest among all."""
    rows = rng.permutation(len(task.answers))
    values, counts = np.unique(task.answers, return_counts=True)
    rarest = rows[task.answers[rows] == values[counts.argmin()]][:1]
    return np.concatenate([rarest, rows[rows != rarest[0]]])[:START]


def curve(
    make: Callable[[np.random.Generator], Task], rule: str, seed: int, budget: int
) -> list[float]:
    """The score on the test cases with START, START + BATCH, … labels."""
    rng = np.random.default_rng(seed)
    task = make(rng)
    labelled, everyone = first_labels(task, rng), np.arange(len(task.answers))
    classes = int(max(task.answers.max(), task.test_answers.max())) + 1
    values = []
    while len(labelled) <= min(budget, len(everyone) - BATCH):
        model = task.model(labelled)
        values.append(task.score(model))
        waiting = np.setdiff1d(everyone, labelled)
        said = np.zeros((len(waiting), classes))
        said[:, model.classes_] = model.predict_proba(task.points[waiting])
        pool = PoolScores(
            said, embeddings=task.points[waiting], labelled=task.points[labelled], ids=waiting
        )
        picks = select(rule, pool, BATCH, seed=1000 * seed + len(labelled)).indices
        labelled = np.concatenate([labelled, waiting[picks]])
    return values


def aligned(curves: list[list[float]]) -> np.ndarray:
    """[seeds, steps]: as far as the smallest of the seeds' pools goes."""
    return np.array([values[: min(map(len, curves))] for values in curves])


def labels_to(target: float, values: np.ndarray) -> int:
    reached = np.flatnonzero(values >= target)
    return START + BATCH * int(reached[0] if len(reached) else len(values))


def report(name: str, rules: list[str], seeds: int, budget: int) -> dict[str, float]:
    """Prints the task's lines; rule → labels of random over labels of the rule."""
    make = TASKS[name]
    arms = {
        rule: aligned([curve(make, rule, seed, budget) for seed in range(seeds)])
        for rule in ["random", *rules]
    }
    whole = [make(np.random.default_rng(seed)) for seed in range(seeds)]
    full = [task.score(task.model(np.arange(len(task.answers)))) for task in whole]
    print(f"{name}: with all labels {np.mean(full):.3f}, random {arms['random'].mean():.3f}")
    ratios = {}
    for rule in rules:
        gains = arms[rule] - arms["random"]
        gain, half = gains.mean(axis=1), gains.shape[1] // 2
        needed = [
            labels_to(TARGET * full[s], arms["random"][s])
            / labels_to(TARGET * full[s], arms[rule][s])
            for s in range(seeds)
        ]
        ratios[rule] = float(np.exp(np.mean(np.log(needed))))
        print(
            f"  {rule:14s} labels {ratios[rule]:5.2f} x  score {gain.mean():+.4f}"
            f" ({gains[:, :half].mean():+.4f} early, {gains[:, half:].mean():+.4f} late)"
            f"  worst seed {gain.min():+.4f}  p {wilcoxon(gain).pvalue:.4f}",
            flush=True,
        )
    return ratios


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    able = [
        name
        for name, entry in ACQUISITIONS.items()
        if entry.needs <= {Need.PROBABILITIES, Need.EMBEDDINGS} and name != "random"
    ]
    parser.add_argument("--rules", nargs="+", default=RULES, choices=able)
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--budget", type=int, default=300)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    found = [report(name, options.rules, options.seeds, options.budget) for name in options.tasks]
    print("all tasks, geometric mean of labels of random over labels of the rule:")
    for rule in options.rules:
        mean = np.exp(np.mean([np.log(ratios[rule]) for ratios in found]))
        print(f"  {rule:14s} {mean:5.2f} x, worst task {min(r[rule] for r in found):.2f} x")


if __name__ == "__main__":
    main()

"""What an acquisition function saves on real images with frozen features and the fast loop's head.

    python tests/benchmarks/real_images.py [--sets tuberculosis] [--rules auto falcun] [--seeds 20]
    python tests/benchmarks/real_images.py --report [--plot curves.svg]

Chest radiographs (tuberculosis, paediatric pneumonia) and breast ultrasound, in folders of --data with
images/ and labels.csv (see SETS for their names and columns), each as a
histogram of oriented gradients (128 × 128 pixels, cells of 16, nine directions) on its 64 principal
components. A third of the patients is the test set, drawn anew for each seed; both arms share it, the
first ten labels and the head (learning.head.Logistic); batches of ten. "auto" is what a recipe without
a function gets. Curves are kept in RESULTS, so that a run may go in pieces; --report makes the table:
labels of random over labels of the rule to 95 % of the score with all labels (bootstrap over seeds),
gain in mean score (AUROC), exact Wilcoxon test with Holm's correction over the sets, worst seed.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.stats import wilcoxon
from sklearn.metrics import roc_auc_score

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from small_tasks import BATCH, START, TARGET, Task, first_labels, labels_to  # noqa: E402

from learning.acquisition import PoolScores, choose, select  # noqa: E402
from learning.head import Logistic, Scale  # noqa: E402

SIDE, CELL, DIRECTIONS, COMPONENTS = 128, 16, 9, 64
DATA = ROOT / "var/data"
RESULTS = ROOT / "var/real_images.json"
SETS = {
    "tuberculosis": ("cxr-tb-nlm128", ("normal", "tuberculosis"), "upstream_id"),
    "pneumonia": ("cxr-pneumonia-kermany224", ("normal", "pneumonia"), "patient_key"),
    "ultrasound": ("us-breast-busi", ("normal", "benign", "malignant"), "similarity_group"),
}
RULES = ["auto", "herding", "falcun", "margin", "entropy", "kcenter"]


def oriented_gradients(image: np.ndarray) -> np.ndarray:
    """[SIDE, SIDE] grey values → a histogram of directions in each cell, even over its neighbours."""
    down, right = np.gradient(image)
    angle = np.mod(np.arctan2(down, right), np.pi) / np.pi * DIRECTIONS
    size = np.hypot(down, right)
    cells = SIDE // CELL
    row, column = np.mgrid[:SIDE, :SIDE] // CELL
    found = np.zeros((cells, cells, DIRECTIONS))
    low, part = np.floor(angle).astype(int), angle % 1
    np.add.at(found, (row, column, low % DIRECTIONS), size * (1 - part))
    np.add.at(found, (row, column, (low + 1) % DIRECTIONS), size * part)
    around = np.pad(found, ((1, 1), (1, 1), (0, 0)))
    lengths = sum(
        (around[r : r + cells, c : c + cells] ** 2).sum(axis=2) for r in range(3) for c in range(3)
    )
    return (found / np.sqrt(lengths + 1e-6)[:, :, None]).ravel()


@cache
def images(name: str, data: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(features [N, COMPONENTS], classes [N], patients [N])."""
    folder, classes, patient = SETS[name]
    rows, answers, patients = [], [], []
    with (data / folder / "labels.csv").open() as file:
        for row in csv.DictReader(file):
            picture = Image.open(data / folder / "images" / row["image"]).convert("L")
            grey = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR), float) / 255
            rows.append(oriented_gradients(grey))
            answers.append(classes.index(row["label"]))
            patients.append(row[patient])
    points = np.array(rows) - np.mean(rows, axis=0)
    axes = np.linalg.svd(points, full_matrices=False)[2][:COMPONENTS]
    return points @ axes.T, np.array(answers), np.unique(patients, return_inverse=True)[1]


@dataclass(frozen=True)
class Said:
    """The head in the words of scikit-learn."""

    head: Logistic
    scale: Scale
    classes_: np.ndarray

    def predict_proba(self, points: np.ndarray) -> np.ndarray:
        rows = self.scale(points)
        return self.head.predictive(self.head.logits(rows), self.head.posterior.variance(rows))


class OfImages(Task):
    def model(self, rows: np.ndarray) -> Said:
        scale = Scale.of([np.concatenate([self.points, self.test_points]).astype(np.float32)])
        count = int(self.test_answers.max()) + 1
        head = Logistic.fit(scale(self.points[rows]), self.answers[rows], count)
        return Said(head, scale, np.arange(count))

    def score(self, model: Said) -> float:
        said = model.predict_proba(self.test_points)
        if said.shape[1] == 2:
            return float(roc_auc_score(self.test_answers, said[:, 1]))
        return float(roc_auc_score(self.test_answers, said, multi_class="ovr"))


def task(name: str, data: Path, rng: np.random.Generator) -> OfImages:
    points, answers, patients = images(name, data)
    test = np.isin(patients, rng.permutation(np.unique(patients))[: patients.max() // 3])
    return OfImages(points[~test], answers[~test], points[test], answers[test])


def rule_at(rule: str, labelled: int, pool: int, classes: int) -> str:
    if rule != "auto":
        return rule
    return choose(
        "classification", labelled=labelled, pool=pool, networks=1, classes=classes, embeddings=True
    )[0]


def curve(
    make: Callable[[np.random.Generator], OfImages], rule: str, seed: int, budget: int
) -> list[float]:
    """AUROC on the test patients with START, START + BATCH, … labels; the last with all."""
    rng = np.random.default_rng(seed)
    asked = make(rng)
    labelled, everyone = first_labels(asked, rng), np.arange(len(asked.answers))
    values = []
    while len(labelled) <= min(budget, len(everyone) - BATCH):
        model = asked.model(labelled)
        values.append(asked.score(model))
        waiting = np.setdiff1d(everyone, labelled)
        said = model.predict_proba(asked.points[waiting])
        name = rule_at(rule, len(labelled), len(waiting), said.shape[1])
        pool = PoolScores(
            said, embeddings=asked.points[waiting], labelled=asked.points[labelled], ids=waiting
        )
        picks = select(name, pool, BATCH, seed=1000 * seed + len(labelled)).indices
        labelled = np.concatenate([labelled, waiting[picks]])
    return [*values, asked.score(asked.model(everyone))]


def kept() -> dict[str, list[float]]:
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def run(options: argparse.Namespace) -> None:
    for name in options.sets:
        for seed in range(options.seeds):
            for rule in ["random", *options.rules]:
                key, done = f"{name} {rule} {seed}", kept()
                if key not in done:
                    made = curve(partial(task, name, options.data), rule, seed, options.budget)
                    done[key] = [round(value, 5) for value in made]
                    RESULTS.parent.mkdir(exist_ok=True)
                    RESULTS.write_text(json.dumps(done))
        print(f"{name}: {options.seeds} seeds are there", flush=True)


def curves(name: str, rule: str, found: dict[str, list[float]]) -> np.ndarray:
    """[seeds, steps + 1], as far as all seeds go; the last column with all labels."""
    rows = [values for key, values in found.items() if key.rsplit(" ", 1)[0] == f"{name} {rule}"]
    steps = min(map(len, rows)) - 1
    return np.array([[*values[:steps], values[-1]] for values in rows])


def interval(logs: np.ndarray) -> tuple[float, float, float]:
    """The geometric mean and its 95 % interval over drawn seeds."""
    rng = np.random.default_rng(0)
    drawn = logs[rng.integers(0, len(logs), (4000, len(logs)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(np.exp(logs.mean())), float(np.exp(low)), float(np.exp(high))


def holm(values: list[float]) -> list[float]:
    order, found, worst = np.argsort(values), [0.0] * len(values), 0.0
    for place, at in enumerate(order):
        worst = max(worst, min(1.0, values[at] * (len(values) - place)))
        found[at] = worst
    return found


def report(plot: Path | None) -> None:
    found = kept()
    names = [name for name in SETS if any(key.startswith(name) for key in found)]
    rules = [rule for rule in RULES if any(f" {rule} " in key for key in found)]
    lines: dict[str, list[str]] = {}
    for rule in rules:
        logs_of, tested = [], []
        for name in names:
            random, ours = curves(name, "random", found), curves(name, rule, found)
            steps = min(random.shape[1], ours.shape[1]) - 1
            needed = np.array(
                [
                    [labels_to(TARGET * arm[seed, -1], arm[seed, :steps]) for arm in (random, ours)]
                    for seed in range(len(ours))
                ]
            )
            logs = np.log(needed[:, 0] / needed[:, 1])
            gains = (ours[:, :steps] - random[: len(ours), :steps]).mean(axis=1)
            mean, low, high = interval(logs)
            logs_of.append(logs)
            tested.append(float(wilcoxon(gains).pvalue))
            lines.setdefault(name, []).append(
                f"  {rule:9s} labels {mean:.2f} x ({low:.2f} to {high:.2f})  AUROC"
                f" {gains.mean():+.4f}  worst seed {gains.min():+.4f}"
                f"  median labels {np.median(needed[:, 1]):.0f} v. {np.median(needed[:, 0]):.0f}"
            )
        for name, value in zip(names, holm(tested), strict=True):
            lines[name][-1] += f"  p {value:.4f}"
        mean, low, high = interval(np.mean(logs_of, axis=0))
        lines.setdefault("all sets", []).append(
            f"  {rule:9s} {mean:.2f} x ({low:.2f} to {high:.2f})"
        )
    for name, said in lines.items():
        if name in SETS:
            whole = curves(name, "random", found)
            said.insert(0, f"  with all labels {whole[:, -1].mean():.3f}, {len(whole)} seeds")
        print("\n".join([name, *said]))
    if plot is not None:
        plot.write_text(drawn(names, [rule for rule in ("random", "auto", "margin") if rule in
                                      ["random", *rules]], found))  # fmt: skip


def drawn(names: list[str], rules: list[str], found: dict[str, list[float]]) -> str:
    """Mean curves, one picture for each set; told apart by dashes as well as by colour."""
    looks = {"random": ("#8a8f98", "2 4"), "auto": ("#2f7dd1", ""), "margin": ("#c2762b", "8 4")}
    wide, high, parts = 300, 210, []
    for place, name in enumerate(names):
        means = {rule: curves(name, rule, found)[:, :-1].mean(axis=0) for rule in rules}
        low, top = (f(min(v.min() for v in means.values()), max(v.max() for v in means.values()))
                    for f in (min, max))  # fmt: skip
        steps = max(map(len, means.values()))
        left = 50 + place * (wide + 60)
        x = partial(np.interp, xp=[0, steps - 1], fp=[left, left + wide])
        y = partial(np.interp, xp=[low, top], fp=[high + 30, 40])
        parts.append(f'<text x="{left}" y="22" font-weight="600">{name}</text>')
        parts.append(
            f'<path d="M{left} 36V{high + 34}H{left + wide}" fill="none" stroke="#8a8f98"/>'
        )
        parts += [
            f'<text x="{left - 6}" y="{y(value) + 4:.0f}" text-anchor="end">{value:.2f}</text>'
            for value in np.linspace(low, top, 4)
        ]
        parts += [
            f'<text x="{x(step):.0f}" y="{high + 52}" text-anchor="middle">'
            f"{START + BATCH * step}</text>"
            for step in np.linspace(0, steps - 1, 4).astype(int)
        ]
        parts += [_line(means[rule], x, y, *looks[rule]) for rule in means]
    for place, rule in enumerate(rules):
        colour, dash = looks[rule]
        at = 50 + 130 * place
        parts.append(
            f'<path d="M{at} {high + 80}h30" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
            f'<text x="{at + 38}" y="{high + 84}">{rule}</text>'
        )
    width = 50 + len(names) * (wide + 60)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {high + 100}" '
        f'font-family="sans-serif" font-size="12" fill="#666"><title>AUROC against labels</title>'
        f"{''.join(parts)}</svg>\n"
    )


def _line(values: np.ndarray, x: Callable, y: Callable, colour: str, dash: str) -> str:
    points = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in enumerate(values))
    return (
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"'
        f' stroke-dasharray="{dash}"/>'
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--rules", nargs="+", default=RULES, choices=RULES)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--budget", type=int, default=200)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.report:
        report(options.plot)
    else:
        run(options)


if __name__ == "__main__":
    main()

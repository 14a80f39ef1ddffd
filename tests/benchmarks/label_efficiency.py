"""What an acquisition function saves: AUROC against labels on the tuberculosis demo, beside random.

    python tests/benchmarks/label_efficiency.py [--rule falcun] [--seeds 5] [--rounds 5]

Per seed both arms share hold-out, starting labels and the networks' seeds; only the choice of the
next labels differs. Takes some fifteen seconds of processor time for each arm, round and seed.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.stats import wilcoxon

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from learning.acquisition import PoolScores, select  # noqa: E402
from learning.engine import checkpoint, determinism, loop, metrics, spec  # noqa: E402
from learning.engine.predict import Predictions, predict  # noqa: E402

DEMO = ROOT / "deploy/demo/tuberculosis"
CLASSES = ("normal", "tuberculosis")
HOLDOUT, START = 110, 24


def read_samples(folder: Path) -> list[spec.Sample]:
    samples = []
    with (DEMO / "labels.csv").open() as file:
        for number, row in enumerate(csv.DictReader(file)):
            image = np.asarray(Image.open(DEMO / "images" / row["image"]).convert("L"), np.float32)
            path = folder / f"{number}.npy"
            np.save(path, image)
            target = CLASSES.index(row["label"])
            samples.append(spec.Sample(number, row["image"], path, target=target))
    return samples


def trained(
    recipe: spec.Recipe, labelled: list[spec.Sample], asked: list[spec.Sample]
) -> Predictions:
    """What two networks trained on ``labelled`` say of the cases ``asked``."""
    networks = {}
    for name in recipe.networks:
        with tempfile.TemporaryDirectory() as folder:
            result = loop.train(recipe, name, labelled, validation=[], checkpoint_dir=Path(folder))
            weights = checkpoint.extract_weights(result.checkpoint, Path(folder) / "w", {})
            networks[name] = checkpoint.load_weights(weights)[0]
    return predict(networks, recipe, asked)


def scores(found: Predictions, rows: slice, labelled: int) -> PoolScores:
    return PoolScores(
        ensemble=found.ensemble.probabilities[rows],
        probabilities={name: out.probabilities[rows] for name, out in found.networks.items()},
        embeddings=found.embeddings[rows],
        labelled=found.embeddings[rows.stop : rows.stop + labelled],
        ids=np.array(found.ids[rows]),
    )


def curve(
    rule: str, samples: list[spec.Sample], recipe: spec.Recipe, rounds: int, seed: int
) -> list[float]:
    """Hold-out AUROC of the ensemble after each round."""
    order = np.random.default_rng(seed).permutation(len(samples))
    holdout = [samples[i] for i in order[:HOLDOUT]]
    labelled = [samples[i] for i in order[HOLDOUT : HOLDOUT + START]]
    pool = [samples[i] for i in order[HOLDOUT + START :]]
    targets = np.array([sample.target for sample in holdout])
    values = []
    for number in range(rounds):
        found = trained(replace(recipe, seed=seed), labelled, [*holdout, *pool, *labelled])
        values.append(metrics.auroc(targets, found.ensemble.probabilities[:HOLDOUT, 1]))
        waiting = scores(found, slice(HOLDOUT, HOLDOUT + len(pool)), len(labelled))
        picks = select(rule, waiting, recipe.batch, seed=1000 * seed + number).indices
        labelled += [pool[i] for i in picks]
        pool = [sample for i, sample in enumerate(pool) if i not in set(picks.tolist())]
    return values


def labels_to(target: float, values: np.ndarray, labels: np.ndarray) -> float:
    """Labels at which the mean curve reaches ``target``; the budget where it never does."""
    reached = np.flatnonzero(values >= target)
    return float(labels[reached[0]] if len(reached) else labels[-1])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rule", default="falcun")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    determinism.limit_threads(options.threads)
    recipe = spec.parse(
        {
            "task": "classification",
            "classes": list(CLASSES),
            "networks": ["densenet", "vit"],
            "input_size": [96, 96],
            "batch": options.batch,
        }
    )
    arms: dict[str, list[list[float]]] = {options.rule: [], "random": []}
    with tempfile.TemporaryDirectory() as folder:
        samples = read_samples(Path(folder))
        for seed in range(options.seeds):
            for rule, curves in arms.items():
                curves.append(curve(rule, samples, recipe, options.rounds, seed))
                said = " ".join(f"{value:.3f}" for value in curves[-1])
                print(f"seed {seed}  {rule:12s} {said}", flush=True)
    report(arms, options.rule, START + options.batch * np.arange(options.rounds))


def report(arms: dict[str, list[list[float]]], rule: str, labels: np.ndarray) -> None:
    means = {name: np.mean(curves, axis=0) for name, curves in arms.items()}
    print(f"\nlabels            {'  '.join(f'{n:5d}' for n in labels)}")
    for name, values in means.items():
        print(f"{name:12s} mean {'  '.join(f'{value:.3f}' for value in values)}")
    areas = {name: np.mean(curves, axis=1) for name, curves in arms.items()}
    gain = areas[rule] - areas["random"]
    print(f"mean AUROC over the curve: {rule} - random = {gain.mean():+.4f} (sd {gain.std():.4f})")
    if len(gain) > 1 and gain.any():
        print(f"paired Wilcoxon over {len(gain)} seeds: p = {wilcoxon(gain).pvalue:.3f}")
    target = float(means["random"][-1])
    ratio = labels_to(target, means["random"], labels) / labels_to(target, means[rule], labels)
    print(f"labels to random's last AUROC ({target:.3f}): random / {rule} = {ratio:.2f}")


if __name__ == "__main__":
    main()

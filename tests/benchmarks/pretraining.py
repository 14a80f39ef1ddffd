"""What pretraining on unlabelled images is worth: how well cases lie beside their like, before a label.

    python tests/benchmarks/pretraining.py [--size 64] [--epochs 60] [--seeds 5] [--out FILE.json]

On the tuberculosis demo: both networks at random and pretrained from the same seed. Embeddings are
judged by the ten nearest neighbours and by a logistic regression, both on folds that neither saw,
which is what ``herding``, ``typiclust`` and a head on frozen features need. Intervals: over patients
(bootstrap of the mean over seeds), in pairs. Some four minutes of one core for each seed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "benchmarks")]

from label_efficiency import CLASSES, read_samples  # noqa: E402

from learning.engine import checkpoint, determinism, pretrain, spec  # noqa: E402
from learning.engine.nets import build  # noqa: E402
from learning.engine.predict import predict  # noqa: E402

NETWORKS = ("densenet", "vit")
BOTH = "both"
FOLDS, NEIGHBOURS, DRAWS = 5, 10, 2000
JUDGES = {
    "10 nearest": lambda: make_pipeline(StandardScaler(), KNeighborsClassifier(NEIGHBOURS)),
    "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)),
}
Scores = dict[str, NDArray[np.float64]]


def recipe_of(asked: argparse.Namespace, seed: int) -> spec.Recipe:
    return spec.parse(
        {
            "task": "classification",
            "classes": list(CLASSES),
            "networks": list(NETWORKS),
            "input_size": [asked.size, asked.size],
            "pretraining_epochs": asked.epochs,
            "seed": seed,
        }
    )


def embeddings(
    recipe: spec.Recipe, samples: list[spec.Sample], folder: Path, *, pretrained: bool
) -> dict[str, NDArray[np.float32]]:
    """Network → [N, D], and of both joined as the product joins them."""
    networks = {}
    for name in NETWORKS:
        determinism.seed_all(recipe.seed, name, "weights")
        networks[name] = build(name, recipe)
        if pretrained:
            blind = [spec.Sample(one.id, one.patient, one.image) for one in samples]
            done = pretrain.pretrain(recipe, name, blind, checkpoint_dir=folder / name)
            checkpoint.start_from(networks[name], done.checkpoint)
    found = {
        name: predict({name: network}, recipe, samples).embeddings
        for name, network in networks.items()
    }
    return {**found, BOTH: predict(networks, recipe, samples).embeddings}


def judged(points: NDArray[np.float32], targets: NDArray[np.int64], seed: int) -> Scores:
    """Judge → [N] scores, each from a fold that the case was not in."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    return {
        name: cross_val_predict(make(), points, targets, cv=folds, method="predict_proba")[:, 1]
        for name, make in JUDGES.items()
    }


def compared(before: list[Any], after: list[Any], targets: NDArray[np.int64]) -> dict[str, Any]:
    """Mean AUROC over seeds before and after, and the gain with its interval over patients."""
    rng = np.random.default_rng(0)
    pairs = [(_auroc(a, targets), _auroc(b, targets)) for a, b in zip(before, after, strict=True)]
    drawn = []
    while len(drawn) < DRAWS:
        rows = rng.integers(len(targets), size=len(targets))
        if len(np.unique(targets[rows])) == 2:
            gains = [
                _auroc(b[rows], targets[rows]) - _auroc(a[rows], targets[rows])
                for a, b in zip(before, after, strict=True)
            ]
            drawn.append(float(np.mean(gains)))
    random, learnt = (float(np.mean(part)) for part in zip(*pairs, strict=True))
    low, high = (float(value) for value in np.percentile(drawn, [2.5, 97.5]))
    better = sum(b > a for a, b in pairs)
    return {
        "random": random,
        "pretrained": learnt,
        "gain": learnt - random,
        "low": low,
        "high": high,
        "better": better,
        "seeds": len(pairs),
    }


def _auroc(scores: Any, targets: NDArray[np.int64]) -> float:
    return float(roc_auc_score(targets, scores))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    said: dict[tuple[str, str, bool], list[NDArray[np.float64]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        samples = read_samples(Path(folder))
        targets = np.array([sample.target for sample in samples])
        for seed in range(asked.seeds):
            recipe = recipe_of(asked, seed)
            for pretrained in (False, True):
                place = Path(folder) / f"{seed}"
                found = embeddings(recipe, samples, place, pretrained=pretrained)
                for network, points in found.items():
                    for judge, scores in judged(points, targets, seed).items():
                        said.setdefault((network, judge, pretrained), []).append(scores)
            report(asked, said, targets)


def report(asked: argparse.Namespace, said: dict[Any, Any], targets: NDArray[np.int64]) -> None:
    rows = [
        {
            "network": network,
            "judge": judge,
            **compared(said[network, judge, False], said[network, judge, True], targets),
        }
        for network in (*NETWORKS, BOTH)
        for judge in JUDGES
    ]
    print("| network | judged by | random | pretrained | gain (95 %) | better in |")
    print("| --- | --- | --- | --- | --- | --- |")
    for row in rows:
        gain = f"{row['gain']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"
        print(
            f"| {row['network']} | {row['judge']} | {row['random']:.3f} | {row['pretrained']:.3f} "
            f"| {gain} | {row['better']} of {row['seeds']} |"
        )
    print(flush=True)
    if asked.out:
        facts = {"size": asked.size, "epochs": asked.epochs, "torch": torch.__version__}
        asked.out.write_text(json.dumps({"facts": facts, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()

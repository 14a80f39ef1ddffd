"""Two networks of the engine on real films, patient by patient: what ``triage.py`` decides with.

    python tests/benchmarks/triage_films.py OUT.json [--folds 3] [--epochs 12] [--side 96] [--seed 0]

Trains both networks on all folds but one of the tuberculosis films in deploy/demo (Shenzhen and
Montgomery; one film of each patient) and writes what they say of the films of the last one: log-odds for
tuberculosis, the answer, the site. Every film is thus read by networks that never saw its patient.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from learning.engine import checkpoint, loop, predict, spec  # noqa: E402
from learning.engine.spec import Sample  # noqa: E402

FILMS = ROOT / "deploy" / "demo" / "tuberculosis"
NETWORKS = ("densenet", "vit")


def samples(folder: Path) -> tuple[list[Sample], list[str]]:
    """The films as arrays, and their sites."""
    found, sites = [], []
    with (FILMS / "labels.csv").open() as file:
        for number, row in enumerate(csv.DictReader(file)):
            path = folder / f"{number}.npy"
            with Image.open(FILMS / "images" / row["image"]) as image:
                np.save(path, np.asarray(image.convert("L"), np.float32))
            target = int(row["label"] == "tuberculosis")
            found.append(Sample(number, row["image"], path, target=target))
            sites.append(row["site"])
    return found, sites


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    recipe = spec.parse(
        {
            "task": "classification",
            "classes": ["normal", "tuberculosis"],
            "networks": list(NETWORKS),
            "input_size": [asked.side, asked.side],
            "epochs": asked.epochs,
            "seed": asked.seed,
            "mirror": True,
        }
    )
    rows: dict[int, dict[str, object]] = {}
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        films, sites = samples(Path(scratch))
        answers = np.array([film.target == 1 for film in films])
        strata = np.array([f"{site} {answer}" for site, answer in zip(sites, answers, strict=True)])
        folds = np.empty(len(films), int)
        rng = np.random.default_rng(asked.seed)
        for stratum in np.unique(strata):
            places = rng.permutation(np.flatnonzero(strata == stratum))
            folds[places] = np.arange(len(places)) % asked.folds
        for fold in range(asked.folds):
            learnt = [film for film, place in zip(films, folds, strict=True) if place != fold]
            held = [film for film, place in zip(films, folds, strict=True) if place == fold]
            said = _train_and_ask(recipe, learnt, held, Path(scratch) / f"fold-{fold}")
            for row, film in enumerate(said.ids):
                odds = {
                    name: float(output.logits[row, 1] - output.logits[row, 0])
                    for name, output in said.networks.items()
                }
                rows[film] = {
                    "log_odds": odds,
                    "positive": bool(answers[film]),
                    "site": sites[film],
                    "fold": fold,
                }
            print(f"fold {fold + 1}: {time.monotonic() - started:.0f} s", flush=True)
    about = {"seed": asked.seed, "folds": asked.folds, "epochs": asked.epochs, "side": asked.side}
    asked.out.write_text(
        json.dumps({"about": about, "films": [rows[film] for film in sorted(rows)]})
    )


def _train_and_ask(
    recipe: spec.Recipe, learnt: list[Sample], held: list[Sample], folder: Path
) -> predict.Predictions:
    networks = {}
    for name in recipe.networks:
        place = folder / name
        place.mkdir(parents=True)
        done = loop.train(recipe, name, learnt, validation=[], checkpoint_dir=place)
        weights = checkpoint.extract_weights(done.checkpoint, place, {})
        networks[name] = checkpoint.load_weights(weights)[0]
    return predict.predict(networks, recipe, held)


if __name__ == "__main__":
    main()

"""What is fitted on the calibration stream: temperatures, operating points; and the stop set's answers.

It loads torch, as evaluation does. Nothing of the hold-out is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learning import registry
from learning.curve import stop_set
from learning.engine import predict
from learning.engine.errors import NotComputable
from learning.engine.metrics import OperatingPoint
from learning.engine.metrics.operating import choose
from learning.engine.nets import Network
from learning.engine.predict import Predictions
from learning.engine.spec import Recipe, Sample
from learning.engine.tasks import TASKS
from learning.engine.tasks.learners import learner_of
from learning.leases import Lease
from learning.measuring.evaluation import Labelled
from learning.measuring.measures import measure_of

FEWEST = 8
"""Labels below which a temperature would be noise."""
FEWEST_FOR_A_POINT = 20
"""Labels below which a threshold would be noise."""
NO_SCALING = 1.0
USUAL = OperatingPoint(0.5, "One half: the calibration stream has too few labels to choose by.")


@dataclass(frozen=True)
class Calibrated:
    """By network, and of the ensemble. ``answers``: the ensemble's, on the stop set."""

    scaling: Mapping[str, float]
    points: Mapping[str, OperatingPoint] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)


def calibrate(
    lease: Lease, recipe: Recipe, networks: Mapping[str, Network], calibration: Labelled
) -> Calibrated:
    """Temperatures are 1 where the stream has too few labels, and where the task has none."""
    if not learner_of(recipe).calibrated:
        masks = recipe.task == "segmentation"
        answers = _masks(lease, recipe, networks, calibration) if masks else {}
        return Calibrated(dict.fromkeys(networks, NO_SCALING), answers=answers)
    samples = calibration.data.samples
    if not samples:
        return Calibrated(dict.fromkeys(networks, NO_SCALING), _usual(recipe, networks))
    said = predict.predict(networks, recipe, samples, on_batch=lease.check)
    scaling = _scaling(recipe, samples, said)
    if not TASKS[recipe.task].excludes:
        return Calibrated(scaling)
    truth = {sample.id: measure_of(recipe).truth(sample) for sample in samples}
    targets = np.array([truth[case] for case in said.ids])
    stated = _stated(recipe, said, scaling)
    return Calibrated(
        scaling,
        {name: _point(recipe, targets, of) for name, of in stated.items()},
        stop_set.of_classes(said.ids, stated[registry.ENSEMBLE]),
    )


def _scaling(recipe: Recipe, samples: Sequence[Sample], said: Predictions) -> dict[str, float]:
    """A network's own, where there are labels enough."""
    known = {sample.id: sample for sample in samples}
    if len(said.ids) < FEWEST:
        return dict.fromkeys(said.networks, NO_SCALING)
    truth, cases = measure_of(recipe).truth, [known[case] for case in said.ids]
    targets = [one.target if (held := truth(one)) is None else held for one in cases]
    learner = learner_of(recipe)
    return {
        name: learner.temperature(output, targets, recipe) for name, output in said.networks.items()
    }


def _stated(
    recipe: Recipe, said: Predictions, scaling: Mapping[str, float]
) -> dict[str, NDArray[Any]]:
    """Calibrated probabilities of each network, and their mean."""
    chances = learner_of(recipe).chances
    each = {name: chances(output.logits, scaling[name]) for name, output in said.networks.items()}
    return {**each, registry.ENSEMBLE: np.mean(list(each.values()), axis=0)}


def _point(recipe: Recipe, targets: NDArray[Any], stated: NDArray[Any]) -> OperatingPoint:
    wanted = recipe.operating
    if len(recipe.classes) != 2:
        return OperatingPoint(0.5)
    if wanted.at != "threshold" and len(targets) < FEWEST_FOR_A_POINT:
        return USUAL
    try:
        return choose(targets == 1, stated[:, 1], wanted.at, wanted.value)
    except NotComputable:
        return USUAL


def _usual(recipe: Recipe, networks: Mapping[str, Network]) -> dict[str, OperatingPoint]:
    point = USUAL if len(recipe.classes) == 2 else OperatingPoint(0.5)
    return dict.fromkeys([*networks, registry.ENSEMBLE], point)


def _masks(
    lease: Lease, recipe: Recipe, networks: Mapping[str, Network], calibration: Labelled
) -> dict[str, Any]:
    samples = sorted(calibration.data.samples, key=lambda sample: sample.id)
    answers: dict[str, Any] = {}

    def keep(case: int, mask: NDArray[np.uint8]) -> None:
        answers[str(case)] = stop_set.of_mask(mask)

    predict.predict(
        networks, recipe, samples[: stop_set.MOST_MASKS], on_batch=lease.check, on_mask=keep
    )
    return answers

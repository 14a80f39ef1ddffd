"""What trained networks are worth on labelled cases that they never saw. The only writer of Evaluation.

It loads torch: the web process reads the rows and never imports this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation.models import Stream

from . import artifacts, datasets, labels, registry
from .engine import checkpoint, metrics, predict, spec
from .engine.calibrate import fit_temperature
from .engine.metrics import Interval, Measured
from .engine.nets import Network
from .engine.spec import LeftOut, Recipe
from .leases import Lease
from .models import Evaluation, Round, TrainedModel

FEWEST_TO_CALIBRATE = 8
NO_SCALING = 1.0
BY_CASE = "by_case"

Array = NDArray[Any]


@dataclass(frozen=True)
class Labelled:
    """Cases of one stream with their targets, and the references that the targets come from."""

    data: datasets.Dataset
    references: Mapping[int, int]


@dataclass(frozen=True)
class CaseSaid:
    """What an ensemble said of one case: probabilities, or the voxels shared with the reference."""

    reference: int
    values: Any


@dataclass(frozen=True)
class Result:
    """Metrics by network and of the ensemble, with the case by case values of the ensemble."""

    measured: Mapping[str, list[Measured]]
    by_case: Mapping[int, CaseSaid]
    left_out: tuple[LeftOut, ...]

    def main(self, metric: str, network: str = registry.ENSEMBLE) -> Interval:
        rows = self.measured[network]
        return next(row.interval for row in rows if row.metric == metric and not row.subgroup)


def load(rows: Iterable[TrainedModel]) -> dict[str, Network]:
    return {
        row.network: checkpoint.load_weights(artifacts.weights_path(row.weights_sha256))[0]
        for row in rows
    }


def labelled(lease: Lease, round_: Round, recipe: Recipe, stream: Stream) -> Labelled:
    items = labels.items(registry.snapshot_of(round_), recipe, stream)
    data = datasets.of_items(items, recipe, after_each=datasets.pausing(lease))
    return Labelled(data, dict(items.values_list("case_id", "reference_id")))


def temperatures(
    lease: Lease, recipe: Recipe, networks: Mapping[str, Network], calibration: Labelled
) -> dict[str, float]:
    """One for each network; 1 where the calibration stream has too few labels, or for masks."""
    samples = calibration.data.samples
    if recipe.task == "segmentation" or len(samples) < FEWEST_TO_CALIBRATE:
        return dict.fromkeys(networks, NO_SCALING)
    said = predict.predict(networks, recipe, samples, on_batch=lease.check)
    known = {sample.id: sample.target for sample in samples}
    targets = np.array([known[case] for case in said.ids])
    return {name: fit_temperature(output.logits, targets) for name, output in said.networks.items()}


def measure(
    lease: Lease,
    recipe: Recipe,
    networks: Mapping[str, Network],
    scaling: Mapping[str, float],
    cases: Labelled,
    *,
    seed: int,
) -> Result:
    """Every network and the ensemble, on the same cases, with intervals over patients."""
    samples = {sample.id: sample for sample in cases.data.samples}
    said = predict.predict(
        networks,
        recipe,
        list(samples.values()),
        temperatures=scaling,
        on_batch=lease.check,
    )
    ids = list(said.ids)
    patients = [samples[case].patient for case in ids]
    targets = [samples[case].target for case in ids]
    outputs = {**said.networks, registry.ENSEMBLE: said.ensemble}
    values = {name: _values(output) for name, output in outputs.items()}
    measured = {
        name: _metrics(recipe, targets, array, patients, seed) for name, array in values.items()
    }
    by_case = {
        case: CaseSaid(cases.references[case], row.tolist())
        for case, row in zip(ids, values[registry.ENSEMBLE], strict=True)
    }
    return Result(measured, by_case, (*cases.data.left_out, *said.left_out))


def store(
    result: Result, rows: Mapping[str, TrainedModel], recipe: Recipe, *, note: str = ""
) -> None:
    """The models' rows on the hold-out; earlier ones, from a smaller hold-out, give way."""
    Evaluation.objects.filter(model__in=rows.values(), stream=Stream.HOLDOUT).delete()
    Evaluation.objects.bulk_create(
        Evaluation(
            model=rows[name],
            stream=Stream.HOLDOUT,
            metric=row.metric,
            subgroup=row.subgroup,
            value=row.interval.value,
            low=row.interval.low,
            high=row.interval.high,
            patients=row.interval.patients,
            note=" ".join(filter(None, [row.interval.note, note])),
            detail=row.detail | _by_case(result, name, row, recipe),
        )
        for name, measured in result.measured.items()
        for row in measured
    )


def by_case(model: TrainedModel) -> dict[int, CaseSaid]:
    """What an ensemble said of each case of the hold-out when it was measured last."""
    row = main_of(model)
    return {
        said["case"]: CaseSaid(said["reference"], said["values"]) for said in row.detail[BY_CASE]
    }


def main_of(model: TrainedModel) -> Evaluation:
    """The row of the metric that the model's recipe goes by."""
    metric = recipe_of(model).metric
    return model.evaluations.get(stream=Stream.HOLDOUT, metric=metric, subgroup="")


def recipe_of(model: TrainedModel) -> Recipe:
    return spec.parse(model.config["recipe"])


def truth(round_: Round, recipe: Recipe, cases: Sequence[int]) -> tuple[list[Array], list[str]]:
    """Targets and patients of hold-out cases in the given order; the overlap of masks needs no target."""
    items = labels.items(registry.snapshot_of(round_), recipe, Stream.HOLDOUT)
    rows = {
        case: (str(patient), target)
        for case, patient, target in items.values_list("case_id", "case__patient_id", "target")
    }
    patients = [rows[case][0] for case in cases]
    if recipe.task == "segmentation":
        return [], patients
    return [np.array([recipe.classes.index(rows[case][1]) for case in cases])], patients


def _by_case(result: Result, name: str, row: Measured, recipe: Recipe) -> dict[str, Any]:
    """The ensemble's main metric keeps what was said of each case, for a fair comparison later."""
    if name != registry.ENSEMBLE or row.metric != recipe.metric or row.subgroup:
        return {}
    return {
        BY_CASE: [
            {"case": case, "reference": said.reference, "values": said.values}
            for case, said in result.by_case.items()
        ]
    }


def _values(output: predict.Output) -> Array:
    return output.probabilities if output.overlap is None else output.overlap


def _metrics(
    recipe: Recipe, targets: list[Any], values: Array, patients: list[str], seed: int
) -> list[Measured]:
    if recipe.task == "segmentation":
        return metrics.segmentation(values, patients, classes=recipe.classes, seed=seed)
    return metrics.classification(
        np.array(targets, np.int64), values, patients, classes=recipe.classes, seed=seed
    )

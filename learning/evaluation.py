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

from . import artifacts, datasets, labels, network_agreement, registry, subgroups
from .engine import checkpoint, metrics, predict
from .engine.metrics import Interval, Measured, OperatingPoint
from .engine.nets import Network
from .engine.spec import LeftOut, Recipe
from .leases import Lease
from .models import Evaluation, Round, TrainedModel
from .said_of_cases import BY_CASE, CaseSaid, by_case, main_of, recipe_of

USUAL_THRESHOLD = 0.5

__all__ = ["CaseSaid", "Labelled", "Result", "by_case", "labelled", "load", "main_of", "measure"]
__all__ += ["recipe_of", "store", "truth"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Labelled:
    """Cases of one stream with their targets, and the references that the targets come from."""

    data: datasets.Dataset
    references: Mapping[int, int]


@dataclass(frozen=True)
class Result:
    """Metrics and case by case values, by network and of the ensemble."""

    measured: Mapping[str, list[Measured]]
    by_case: Mapping[str, Mapping[int, CaseSaid]]
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


def measure(
    lease: Lease,
    recipe: Recipe,
    networks: Mapping[str, Network],
    scaling: Mapping[str, float],
    cases: Labelled,
    *,
    seed: int,
    points: Mapping[str, OperatingPoint] | None = None,
) -> Result:
    """Every network and the ensemble, on the same cases, with intervals over patients.

    ``points``: from which probability on each calls a case positive; 0.5 where none is given.
    The ensemble also by subgroup, and how far its networks agree.
    """
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
    given = points or {}
    measured = {
        name: _metrics(
            recipe,
            targets,
            outputs[name],
            patients,
            seed,
            given.get(name, OperatingPoint(USUAL_THRESHOLD)).threshold,
        )
        for name in outputs
    }
    measured[registry.ENSEMBLE] += [
        *_in_subgroups(recipe, targets, values[registry.ENSEMBLE], patients, ids, seed),
        *network_agreement.measured(recipe, said, patients, seed=seed),
    ]
    by_case = {
        name: {
            case: CaseSaid(cases.references[case], row.tolist())
            for case, row in zip(ids, array, strict=True)
        }
        for name, array in values.items()
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
            grouping=row.grouping,
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
    """The main metric keeps what was said of each case, for a fair comparison later."""
    if row.metric != recipe.metric or row.subgroup:
        return {}
    return {
        BY_CASE: [
            {"case": case, "reference": said.reference, "values": said.values}
            for case, said in result.by_case[name].items()
        ]
    }


def _values(output: predict.Output) -> Array:
    return output.probabilities if output.overlap is None else output.overlap


def _metrics(
    recipe: Recipe,
    targets: list[Any],
    output: predict.Output,
    patients: list[str],
    seed: int,
    threshold: float,
) -> list[Measured]:
    if output.overlap is not None:
        return metrics.segmentation(
            output.overlap,
            patients,
            classes=recipe.classes,
            seed=seed,
            surfaces=output.surfaces,
        )
    return metrics.classification(
        np.array(targets, np.int64),
        output.probabilities,
        patients,
        classes=recipe.classes,
        seed=seed,
        threshold=threshold,
        prevalence=recipe.operating.prevalence,
    )


def _in_subgroups(
    recipe: Recipe,
    targets: list[Any],
    values: Array,
    patients: list[str],
    cases: Sequence[int],
    seed: int,
) -> list[Measured]:
    known = [] if recipe.task == "segmentation" else [np.array(targets, np.int64)]
    return subgroups.measure(
        recipe.metric,
        metrics.by_name(recipe.metric),
        [*known, values],
        patients,
        subgroups.members(cases, subgroups.of_cases(cases)),
        seed=seed,
    )

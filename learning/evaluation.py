"""What trained networks are worth on labelled cases that they never saw. The only writer of Evaluation.

It loads torch: the web process reads the rows and never imports this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotation.models import Stream

from . import artifacts, datasets, labels, registry
from .engine import checkpoint, predict, spec
from .engine.metrics import Interval, Measured
from .engine.nets import Network
from .engine.spec import LeftOut, Recipe
from .engine.tasks.learners import learner_of
from .leases import Lease
from .measures import measure_of
from .models import Evaluation, Round, TrainedModel

FEWEST_TO_CALIBRATE = 8
NO_SCALING = 1.0
BY_CASE = "by_case"


@dataclass(frozen=True)
class Labelled:
    """Cases of one stream with their targets, and the references that the targets come from."""

    data: datasets.Dataset
    references: Mapping[int, int]


@dataclass(frozen=True)
class CaseSaid:
    """What an ensemble said of one case, and what it is held against: see ``measures``."""

    reference: int
    values: Any
    truth: Any = None


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
    """One for each network; 1 where the calibration stream has too few labels, or the task has none."""
    samples, learner = calibration.data.samples, learner_of(recipe)
    if not learner.calibrated or len(samples) < FEWEST_TO_CALIBRATE:
        return dict.fromkeys(networks, NO_SCALING)
    said = predict.predict(networks, recipe, samples, on_batch=lease.check)
    known = {sample.id: sample for sample in samples}
    cases = [known[case] for case in said.ids]
    truth = measure_of(recipe).truth
    targets = [one.target if (held := truth(one)) is None else held for one in cases]
    return {
        name: learner.temperature(output, targets, recipe) for name, output in said.networks.items()
    }


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
    task, measured = measure_of(recipe), {}
    cases_said = [samples[case] for case in ids]
    truths = [task.truth(sample) for sample in cases_said]
    for name, output in {**said.networks, registry.ENSEMBLE: said.ensemble}.items():
        values = task.values(output, cases_said)
        measured[name] = task.rows(recipe, truths, values, patients, seed)
    by_case = {
        case: CaseSaid(cases.references[case], row, truth)
        for case, row, truth in zip(ids, values, truths, strict=True)
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
        said["case"]: CaseSaid(said["reference"], said["values"], said["truth"])
        for said in row.detail[BY_CASE]
    }


def main_of(model: TrainedModel) -> Evaluation:
    """The row of the metric that the model's recipe goes by."""
    metric = recipe_of(model).metric
    return model.evaluations.get(stream=Stream.HOLDOUT, metric=metric, subgroup="")


def recipe_of(model: TrainedModel) -> Recipe:
    return spec.parse(model.config["recipe"])


def patients_of(round_: Round, recipe: Recipe, cases: Sequence[int]) -> list[str]:
    """Of hold-out cases, in the given order."""
    items = labels.items(registry.snapshot_of(round_), recipe, Stream.HOLDOUT)
    known = {
        case: str(patient) for case, patient in items.values_list("case_id", "case__patient_id")
    }
    return [known[case] for case in cases]


def _by_case(result: Result, name: str, row: Measured, recipe: Recipe) -> dict[str, Any]:
    """The ensemble's main metric keeps what was said of each case, for a fair comparison later."""
    if name != registry.ENSEMBLE or row.metric != recipe.metric or row.subgroup:
        return {}
    return {
        BY_CASE: [
            {
                "case": case,
                "reference": said.reference,
                "values": said.values,
                "truth": said.truth,
            }
            for case, said in result.by_case.items()
        ]
    }

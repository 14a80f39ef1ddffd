"""What trained networks are worth on labelled cases that they never saw. The only writer of Evaluation.

It loads torch: the web process reads the rows and never imports this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotation.models import Stream
from learning import artifacts, datasets, labels, registry
from learning.engine import checkpoint, metrics, predict
from learning.engine.metrics import Interval, Measured, OperatingPoint
from learning.engine.nets import Network
from learning.engine.spec import LeftOut, Recipe
from learning.leases import Lease
from learning.measuring import network_agreement, subgroups
from learning.measuring.measures import Judged, measure_of
from learning.measuring.said_of_cases import BY_CASE, CaseSaid, by_case, main_of, recipe_of
from learning.models import Evaluation, Round, TrainedModel

USUAL_THRESHOLD = 0.5

__all__ = ["CaseSaid", "Labelled", "Result", "by_case", "labelled", "load", "main_of", "measure"]
__all__ += ["patients_of", "recipe_of", "store"]


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
    task, given = measure_of(recipe), points or {}
    held = [samples[case] for case in ids]
    truths = [task.truth(sample) for sample in held]
    outputs = {**said.networks, registry.ENSEMBLE: said.ensemble}
    values = {name: task.values(output, held) for name, output in outputs.items()}
    measured = {}
    for name, output in outputs.items():
        point = given.get(name, OperatingPoint(USUAL_THRESHOLD))
        judged = Judged(recipe, truths, values[name], patients, seed, output, point.threshold)
        measured[name] = task.rows(judged)
    known, array = task.arrays(recipe.metric, truths, values[registry.ENSEMBLE])
    groups = subgroups.members(ids, subgroups.of_cases(ids))
    metric = metrics.by_name(recipe.metric)
    measured[registry.ENSEMBLE] += [
        *subgroups.measure(recipe.metric, metric, [*known, array], patients, groups, seed=seed),
        *network_agreement.measured(recipe, said, patients, seed=seed),
    ]
    by_case = {
        name: {
            case: CaseSaid(cases.references[case], row, truth)
            for case, row, truth in zip(ids, rows, truths, strict=True)
        }
        for name, rows in values.items()
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


def patients_of(round_: Round, recipe: Recipe, cases: Sequence[int]) -> list[str]:
    """Of hold-out cases, in the given order."""
    items = labels.items(registry.snapshot_of(round_), recipe, Stream.HOLDOUT)
    known = {
        case: str(patient) for case, patient in items.values_list("case_id", "case__patient_id")
    }
    return [known[case] for case in cases]


def _by_case(result: Result, name: str, row: Measured, recipe: Recipe) -> dict[str, Any]:
    """The main metric keeps what was said of each case, for a fair comparison later."""
    if row.metric != recipe.metric or row.subgroup:
        return {}
    return {
        BY_CASE: [
            {
                "case": case,
                "reference": said.reference,
                "values": said.values,
                "truth": said.truth,
            }
            for case, said in result.by_case[name].items()
        ]
    }

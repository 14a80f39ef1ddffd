"""Fourth step: what the ensemble of all labels says of each case of the pool that is not read yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from annotation.models import Case, Project, Stream
from learning import artifacts, datasets, labels, recipes, registry, stages
from learning.engine import predict
from learning.engine.nets import Network
from learning.engine.predict import Predictions
from learning.engine.spec import LeftOut, Recipe
from learning.leases import Lease
from learning.measuring import evaluation
from learning.models import Round, RoundLog, TrainedModel
from learning.pool import lookalikes, scoring

SHARD = 64
NAMED = 20


@dataclass(frozen=True)
class Scorer:
    """One ensemble, loaded, in one slice of work."""

    lease: Lease
    recipe: Recipe
    model: TrainedModel
    networks: Mapping[str, Network]
    scaling: Mapping[str, float]

    def predict(self, cases: Sequence[int]) -> tuple[Predictions, list[LeftOut]]:
        data = datasets.of_cases(
            Case.objects.filter(pk__in=cases),
            self.recipe,
            after_each=datasets.pausing(self.lease),
        )
        said = predict.predict(
            self.networks,
            self.recipe,
            data.samples,
            temperatures=self.scaling,
            on_batch=self.lease.check,
        )
        return said, data.left_out

    def forget(self, cases: Sequence[int]) -> None:
        """Removes their arrays: a pool may be larger than the disk."""
        for path in datasets.arrays_of(Case.objects.filter(pk__in=cases), self.recipe):
            path.unlink(missing_ok=True)


def run(lease: Lease, round_: Round) -> bool:
    scorer = scorer_of(lease, round_)
    _score_pool(scorer, round_.project)
    _embed_labelled(scorer, round_)
    _compare(lease, scorer.model)
    _tell(lease, scorer.model)
    return True


def scorer_of(lease: Lease, round_: Round) -> Scorer:
    model = registry.ensemble(round_)
    members = list(registry.members(model))
    return Scorer(
        lease,
        recipes.of_round(round_),
        model,
        evaluation.load(members),
        {member.network: member.temperature for member in members},
    )


def _score_pool(scorer: Scorer, project: Project) -> None:
    waiting = scoring.waiting(project, scorer.model)
    total = left = waiting.count()
    for shard in shards(waiting):
        said, left_out = scorer.predict(shard)
        with scorer.lease.fenced():
            scoring.store(scorer.model, said, left_out)
        if artifacts.space_is_short():
            scorer.forget(shard)
        left = max(0, left - len(shard))
        scorer.lease.progress(stages.share_done(Round.Step.SCORE, 1 - left / max(1, total)))
        scorer.lease.pause()


def _embed_labelled(scorer: Scorer, round_: Round) -> None:
    """Functions that seek cases unlike the known ones need to know where those lie; and one image in two
    splits shows only if both are looked at.
    """
    items = labels.items(registry.snapshot_of(round_), scorer.recipe, *Stream)
    learnt = Case.objects.filter(pk__in=items.values("case"))
    for shard in shards(scoring.without_embedding(learnt, scorer.model)):
        said, left_out = scorer.predict(shard)
        with scorer.lease.fenced():
            scoring.store_embeddings(scorer.model, said, left_out)
        scorer.lease.pause()


def _compare(lease: Lease, model: TrainedModel) -> None:
    found = lookalikes.search(model)
    with lease.fenced() as locked:
        across = lookalikes.store(model, found)
        if across:
            text = (
                f"{across} pairs of cases look like one image although their patients are in "
                "different splits. The overview lists them."
            )
            RoundLog.objects.create(round=locked, text=text, level="warning")


def shards(cases: QuerySet[Case]) -> Iterator[list[int]]:
    """By ascending number: asked from the start again, the database would pass over all that is done."""
    last = 0
    while shard := list(
        cases.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:SHARD]
    ):
        yield shard
        last = shard[-1]


def _tell(lease: Lease, model: TrainedModel) -> None:
    failures = list(model.failures.order_by("case")[:NAMED])
    with lease.fenced() as locked:
        text = f"{model.scores.count()} cases of the pool are scored."
        RoundLog.objects.create(round=locked, text=text)
        if failures:
            named = ", ".join(f"{failure.case_id} ({failure.reason})" for failure in failures)
            text = f"{model.failures.count()} cases could not be scored: {named}"
            RoundLog.objects.create(round=locked, text=text, level="warning")

"""Fifth step: test on the calibration stream what two networks may decide alone, and let them."""

from __future__ import annotations

from annotation.models import Case, Stream
from learning import labels, registry
from learning.leases import Lease
from learning.models import Round
from learning.steps.score import Scorer, scorer_of, shards
from learning.triaging import certificates, evidence, lanes


def run(lease: Lease, round_: Round) -> bool:
    model = registry.ensemble(round_)
    if reason := evidence.misfit(model):
        lease.log(reason)
        return True
    _score_calibration(scorer_of(lease, round_), round_)
    with lease.fenced():
        made = certificates.renew(round_.project, model)
    if made is None:
        lease.log("Triage is off, so every case goes to a reader.")
        return True
    while lanes.accept_some(made):
        lease.pause()
    lease.log(certificates.summary(made))
    return True


def _score_calibration(scorer: Scorer, round_: Round) -> None:
    """What the networks say of cases that they never learnt from; scored once."""
    items = labels.items(registry.snapshot_of(round_), scorer.recipe, Stream.CALIBRATION)
    wanted = evidence.without_score(Case.objects.filter(pk__in=items.values("case")), scorer.model)
    for shard in shards(wanted):
        said, left_out = scorer.predict(shard)
        with scorer.lease.fenced():
            evidence.store(scorer.model, said, left_out)
        scorer.lease.pause()

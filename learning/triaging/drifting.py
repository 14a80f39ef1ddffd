"""Which cases are compared with which, to find drift: the arrays for ``triage.drift``.

Embeddings and scores are compared between the calibration stream and cases of the pool that no ranking
has touched: of the others, the ranking has taken the striking ones away. Sites and scanners need no
network, so all that came later is compared, read or not.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from annotation.models import Case, Slot, Stream
from learning.models import Embedding, GroupBy, TrainedModel, TriageCertificate
from learning.triage import drift
from learning.triage.certificate import score_of
from learning.triage.drift import MOST, Drift
from learning.triaging import evidence
from learning.triaging.trials import Tested

FEWEST = 50
"""Cases of each side below which a test would find nothing."""


def at_start(model: TrainedModel, found: Tested, group_by: str) -> list[Drift]:
    """The calibration stream against the untouched pool, when a certificate is made."""
    known, seed = found.calibration, model.round.seed
    untouched = set(
        Slot.objects.filter(case__in=found.pool.cases, generation=0).values_list("case", flat=True)
    )
    places = [place for place, case in enumerate(found.pool.cases) if case in untouched][:MOST]
    if len(places) < FEWEST or len(known.rows.cases) < FEWEST:
        return []
    later = [found.pool.cases[place] for place in places]
    tests = [
        drift.scores(
            score_of(known.rows.scaled(found.scalings)),
            score_of(found.pool.scaled(found.scalings))[places],
        )
    ]
    before, after = _embeddings(model, known.rows.cases), _embeddings(model, later)
    if min(len(before), len(after)) >= FEWEST:
        tests.append(drift.embeddings(before, after, seed=seed))
    tests += _mixes(known.rows.cases, later, seed)
    return drift.together(tests)


def arrivals(certificate: TriageCertificate) -> list[Drift]:
    """Sites and scanners of what came since the last look, against the calibration stream."""
    later = arrived(certificate)
    known = evidence.calibration(certificate.model, GroupBy.NONE).rows.cases
    return drift.together(_mixes(known, later, certificate.pk))


def arrived(certificate: TriageCertificate) -> list[int]:
    """The newest cases of the pool since the last look."""
    found = Case.objects.filter(
        project=certificate.project_id,
        stream=Stream.POOL,
        state=Case.State.READY,
        created_at__gt=_last_look(certificate),
    )
    return list(found.order_by("-pk").values_list("pk", flat=True)[:MOST])


def _last_look(certificate: TriageCertificate) -> datetime:
    last = certificate.drift_tests.order_by("-created_at").first()
    return certificate.created_at if last is None else last.created_at


def _mixes(before: list[int], after: list[int], seed: int) -> list[Drift]:
    return [
        drift.mix(
            f"{group}s",
            evidence.groups_of(before, group),
            evidence.groups_of(after, group),
            seed=seed,
        )
        for group in (GroupBy.SITE.value, GroupBy.SCANNER.value)
    ]


def _embeddings(model: TrainedModel, cases: list[int]) -> NDArray[np.float64]:
    rows = Embedding.objects.filter(model=model, case__in=cases).order_by("case")
    vectors = list(rows.values_list("vector", flat=True))
    return np.array(vectors, np.float64) if vectors else np.zeros((0, 0))

"""What of learning needs a worker now, read from the data: rounds that wait, rounds by rule, reads
after which the pool is ranked anew, suggestions for the cases that are read next, and what was accepted
without a reader.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Exists, OuterRef

from annotation.models import Project

from . import leases, rounds
from .assisting import suggesting
from .models import Round
from .pool import fast_loop
from .triaging import watch


def due() -> Iterator[tuple[str, int]]:
    """(actor, id) for each row that a lost message may have left waiting."""
    for round_id in leases.free(Round.objects.all()).values_list("pk", flat=True):
        yield rounds.ACTOR, round_id
    running = Round.objects.filter(project=OuterRef("pk"), state=Round.State.RUNNING)
    by_rule = Project.objects.filter(~Exists(running), round_every__gt=0, archived_at=None)
    for project in by_rule:
        if rounds.due_by_rule(project) and not rounds.why_not(project):
            yield rounds.START_BY_RULE, project.pk
    for project in suggesting.assisted():
        if suggesting.is_due(project):
            yield suggesting.ACTOR, project.pk
    for project_id in watch.due():
        yield watch.ACTOR, project_id
    for project_id in fast_loop.due():
        yield fast_loop.ACTOR, project_id

"""Doorbells of learning: each takes an id and looks into the database for what there is to do."""

from __future__ import annotations

import dramatiq

from annotation import doorbell
from annotation.models import Project

from . import rounds
from .assisting import suggesting
from .pool import fast_loop
from .triaging import watch

WITHOUT_LIMIT = float("inf")


@dramatiq.actor(
    actor_name=rounds.ACTOR,
    queue_name="training",
    max_retries=0,
    time_limit=WITHOUT_LIMIT,
    notify_shutdown=True,
)
def advance_round(round_id: int) -> None:
    """One slice; then the round rings for its next one, behind other rounds that wait."""
    if rounds.advance(round_id):
        doorbell.ring(rounds.ACTOR, round_id)


@dramatiq.actor(actor_name=rounds.START_BY_RULE, max_retries=0)
def start_round_by_rule(project_id: int) -> None:
    rounds.start_by_rule(Project.objects.get(pk=project_id))


@dramatiq.actor(
    actor_name=suggesting.ACTOR, queue_name="training", max_retries=0, time_limit=WITHOUT_LIMIT
)
def make_suggestions(project_id: int) -> None:
    """Some cases; then the project rings for the next ones, behind rounds that wait."""
    if suggesting.make_some(project_id):
        doorbell.ring(suggesting.ACTOR, project_id)


@dramatiq.actor(actor_name=watch.ACTOR, max_retries=0)
def watch_triage(project_id: int) -> None:
    """A piece of work; then the project rings for the next one."""
    if watch.follow(project_id):
        doorbell.ring(watch.ACTOR, project_id)


@dramatiq.actor(
    actor_name=fast_loop.ACTOR, queue_name="ranking", max_retries=0, time_limit=WITHOUT_LIMIT
)
def rerank_pool(project_id: int) -> None:
    """All reads so far, together."""
    fast_loop.run(project_id)

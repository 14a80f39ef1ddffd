"""Where learning stands in a project, and what would bring it on."""

from __future__ import annotations

from dataclasses import dataclass

from annotation.models import Project
from annotation.progress import NextStep

from . import labels, recipes, registry, rounds
from .curve import stop_decisions
from .errors import RoundNotPossible
from .labels import Labels
from .models import Arm, Round, TrainedModel
from .pool import fast_loop

NO_LABELS = Labels({}).summary()


@dataclass(frozen=True)
class Overview:
    can_start: bool
    why_not: str
    labels: dict[str, int]
    running_round: Round | None
    model_in_use: TrainedModel | None
    next_step: NextStep | None
    fast_loop: fast_loop.State


def of(project: Project) -> Overview:
    latest = project.rounds.order_by("-number").first()
    why_not = rounds.why_not(project)
    running = latest if latest is not None and latest.state == Round.State.RUNNING else None
    return Overview(
        can_start=not why_not,
        why_not=why_not,
        labels=_labels(project),
        running_round=running,
        model_in_use=registry.in_use(project),
        next_step=_next_step(project, latest, why_not),
        fast_loop=fast_loop.state(project),
    )


def _labels(project: Project) -> dict[str, int]:
    try:
        recipe = recipes.parsed(recipes.current(project))
    except RoundNotPossible:
        return NO_LABELS
    return labels.count(project, recipe).summary()


def _next_step(project: Project, latest: Round | None, why_not: str) -> NextStep | None:
    """None while reading on is what learning needs too."""
    if latest is not None and latest.state == Round.State.RUNNING:
        text = f"Round {latest.number}: {latest.get_step_display()}, {latest.progress:.0%} done."
        return NextStep("round_running", text, f"rounds/{latest.pk}")
    if latest is not None and latest.state == Round.State.FAILED:
        text = f"Round {latest.number} failed. Read why, then retry it."
        return NextStep("round_failed", text, f"rounds/{latest.pk}")
    if stop_decisions.standing_stop(project):
        return NextStep("stopped", "A lead signed that no more labels are needed.", "learning")
    if why_not:
        return None
    recipe = recipes.parsed(recipes.current(project))
    now = labels.count(project, recipe).summary()[Arm.ALL]
    if labels.shortage(labels.count(project, recipe), recipe):
        text = "The images alone can say which cases to read first. Start a round for that."
        return NextStep("start_round", text, "rounds")
    if latest is None or latest.cold:
        text = f"{now} training labels are there, enough for the first round. Start it."
        return NextStep("start_round", text, "rounds")
    new = now - _learnt_from(project)
    if new < recipe.batch:
        return None
    text = f"{new} labels are new since the last round. Start the next one to learn from them."
    return NextStep("start_round", text, "rounds")


def _learnt_from(project: Project) -> int:
    """Training labels that the last finished round had."""
    done = project.rounds.filter(state=Round.State.DONE, cold=False).order_by("-number").first()
    if done is None:
        return 0
    streams = labels.ARM_STREAMS[Arm.ALL]
    return labels.items(registry.snapshot_of(done), recipes.parsed(done.recipe), *streams).count()

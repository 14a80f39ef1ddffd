"""How far a round is: its steps as people see them, the share that is done, the time that is left."""

from __future__ import annotations

from django.utils import timezone

from .models import Round

WEIGHTS: dict[str, float] = {
    Round.Step.FREEZE: 0.02,
    Round.Step.PREPARE: 0.10,
    Round.Step.TRAIN: 0.60,
    Round.Step.EVALUATE: 0.08,
    Round.Step.SCORE: 0.13,
    Round.Step.TRIAGE: 0.02,
    Round.Step.RANK: 0.02,
    Round.Step.PROMOTE: 0.03,
}
ORDER = tuple(WEIGHTS)
COLD = (Round.Step.PREPARE, Round.Step.RANK)
"""The steps of a round that has too few labels to train with."""
TOO_EARLY_TO_TELL = 0.05


def share_done(step: str, within: float) -> float:
    """Of the whole round, when ``within`` of the step is done."""
    before = sum(WEIGHTS[name] for name in ORDER[: ORDER.index(step)])
    return before + WEIGHTS[step] * within


def of(round_: Round) -> tuple[str, ...]:
    return COLD if round_.cold else ORDER


def after(round_: Round, step: str) -> str | None:
    order = of(round_)
    following = order[order.index(step) + 1 :]
    return following[0] if following else None


def listed(round_: Round) -> list[dict[str, str]]:
    """Each step with its state: done, running, waiting, or how the round ended in it."""
    order = of(round_)
    here = order.index(round_.step)
    states = ["done"] * here + [round_.state] + ["waiting"] * (len(order) - here - 1)
    titles = dict(Round.Step.choices)
    return [
        {"name": str(name), "title": str(titles[name]), "state": state}
        for name, state in zip(order, states, strict=True)
    ]


def eta_seconds(round_: Round) -> int | None:
    """From the time so far; None when it is over or too early to tell."""
    if round_.state != Round.State.RUNNING or round_.progress < TOO_EARLY_TO_TELL:
        return None
    elapsed = (timezone.now() - round_.created_at).total_seconds()
    return round(elapsed * (1 - round_.progress) / round_.progress)

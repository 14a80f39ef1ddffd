"""Rounds: started, carried on slice by slice, cancelled, retried, failed. The only writer of Round's state.

A round waits in the database; a message only says "look". Whoever holds the lease does a slice and
gives it back, so a worker that is killed costs no more than the work since the last checkpoint.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from annotation import doorbell, ledger
from annotation.errors import ConsiliumError, ImageStoreUnavailable, StorageFull
from annotation.models import Case, Project, Read, Stream, User

from . import artifacts, labels, leases, recipes, stages
from .acquisition import AcquisitionError
from .curve import stop_decisions
from .engine.errors import EngineError
from .engine.spec import RANDOM, SEEDS, Recipe
from .errors import Interrupted, RoundFailure, RoundNotPossible, SliceEnded, StaleLease
from .leases import Lease
from .models import Round, RoundLog

ACTOR = "advance_round"
START_BY_RULE = "start_round_by_rule"
FAILURES_ALLOWED = 5
LOSSES_ALLOWED = 12
BACK_OFF_SECONDS = 5
PAUSE_SECONDS = 30

Steps = Mapping[str, Callable[[Lease, Round], bool]]

logger = logging.getLogger(__name__)


def why_not(project: Project) -> str:
    """Why no round can start now, in a sentence; '' if one can."""
    running = project.rounds.filter(state=Round.State.RUNNING).first()
    if running is not None:
        return f"Round {running.number} is still running. Wait for it, or cancel it."
    try:
        recipe = recipes.parsed(recipes.current(project))
    except RoundNotPossible as problem:
        return problem.detail
    missing = labels.shortage(labels.count(project, recipe), recipe)
    return "" if missing and _can_start_cold(project, recipe) else missing


def _can_start_cold(project: Project, recipe: Recipe) -> bool:
    """Whether images alone can say what to read first: once for each version of the recipe."""
    images = project.cases.filter(stream=Stream.POOL, state=Case.State.READY)
    done = project.rounds.filter(cold=True, state=Round.State.DONE, recipe=recipes.current(project))
    return recipe.start != RANDOM and images.exists() and not done.exists()


def start(project: Project, *, user: User | None, trigger: str) -> Round:
    """A new running round. Raises RoundNotPossible with what is missing."""
    if reason := why_not(project):
        raise RoundNotPossible(reason)
    recipe = recipes.current(project)
    parsed = recipes.parsed(recipe)
    missing = labels.shortage(labels.count(project, parsed), parsed)
    try:
        with transaction.atomic():
            latest = project.rounds.order_by("-number").first()
            number = 1 if latest is None else latest.number + 1
            round_ = Round.objects.create(
                project=project,
                number=number,
                recipe=recipe,
                seed=(parsed.seed + number) % SEEDS,
                cold=bool(missing),
                step=stages.COLD[0] if missing else Round.Step.FREEZE,
                started_by=user,
                trigger=trigger,
            )
            _note(round_, "round.start", user, f"Round {number} was started by {trigger}.")
            if missing:
                text = f"{missing} Until then the images alone say which cases to read first."
                RoundLog.objects.create(round=round_, text=text)
            doorbell.ring(ACTOR, round_.pk)
    except IntegrityError as clash:
        raise RoundNotPossible("Another round was started a moment ago. Reload.") from clash
    return round_


def advance(round_id: int) -> bool:
    """One slice of work, if the round is free for it. Returns whether it was.

    Only training workers call this: it loads torch, which the web process must never do.
    """
    from . import steps

    steps.prepare_process()
    taken = leases.take(round_id, seconds=settings.TRAINING_SLICE_SECONDS)
    if taken is None:
        return False
    lease, vanished = taken
    try:
        with lease.beating():
            _slice(lease, steps.RUN, vanished=vanished)
    finally:
        lease.give_back()
    return True


def cancel(round_: Round, *, user: User | None) -> Round:
    """At once if no worker holds the round, else within a step of the worker that does."""
    with transaction.atomic():
        locked = Round.objects.select_for_update(no_key=True).get(pk=round_.pk)
        if locked.state != Round.State.RUNNING:
            raise RoundNotPossible(
                f"Round {locked.number} is {locked.state}; there is nothing to cancel."
            )
        if locked.cancel_requested_at is None:
            locked.cancel_requested_at = timezone.now()
            locked.save(update_fields=["cancel_requested_at"])
            _note(locked, "round.ask_to_cancel", user, "Somebody asked to cancel the round.")
        if leases.idle(Round.objects.filter(pk=locked.pk)).exists():
            _close_cancelled(locked)
    return locked


def retry(round_: Round, *, user: User | None) -> Round:
    """Goes on where the project's last round failed or was cancelled."""
    try:
        with transaction.atomic():
            locked = Round.objects.select_for_update(no_key=True).get(pk=round_.pk)
            _require_retriable(locked)
            locked.state = Round.State.RUNNING
            locked.error, locked.attempts, locked.not_before = "", 0, None
            locked.finished_at = locked.cancel_requested_at = locked.lease_expires_at = None
            locked.save()
            _note(locked, "round.retry", user, "The round goes on where it stopped.")
            doorbell.ring(ACTOR, locked.pk)
    except IntegrityError as clash:
        raise RoundNotPossible("Another round was started a moment ago. Reload.") from clash
    return locked


def _require_retriable(round_: Round) -> None:
    if round_.state not in (Round.State.FAILED, Round.State.CANCELLED):
        raise RoundNotPossible(
            f"Round {round_.number} is {round_.state}; retrying needs a failure."
        )
    if round_.project.rounds.filter(number__gt=round_.number).exists():
        raise RoundNotPossible(
            f"A later round exists, and its labels are newer than those of round {round_.number}. "
            "Start a new round instead."
        )


def start_by_rule(project: Project) -> Round | None:
    """A round, if enough was submitted since the last one began and nothing is missing."""
    if not due_by_rule(project) or why_not(project):
        return None
    try:
        return start(project, user=None, trigger="rule")
    except RoundNotPossible as problem:
        logger.info("project %s: %s", project.slug, problem.detail)
        return None


def due_by_rule(project: Project) -> bool:
    """Whether ``round_every`` submissions came in since the last round began; never after a signed stop."""
    if not project.round_every or stop_decisions.standing_stop(project):
        return False
    reads = Read.objects.filter(label_schema__project=project, slot__isnull=False)
    latest = project.rounds.order_by("-number").first()
    if latest is not None:
        reads = reads.filter(submitted_at__gt=latest.created_at)
    return len(reads.values("pk")[: project.round_every]) == project.round_every


def _slice(lease: Lease, run: Steps, *, vanished: bool) -> None:
    """Whatever goes wrong is settled on the round: this is where a worker meets the unforeseen."""
    try:
        if vanished:
            _count_loss(lease)
        _work(lease, run)
    except Interrupted:
        _settle(lease, _close_cancelled)
    except SliceEnded as ended:
        logger.info("round %s: %s", lease.round_id, type(ended).__doc__)
    except Exception as problem:
        logger.exception("round %s stumbled", lease.round_id)
        _settle(lease, partial(_stumbled, problem=problem))


def _work(lease: Lease, run: Steps) -> None:
    while True:
        round_ = lease.read()
        if round_.cancel_requested_at is not None:
            raise Interrupted
        artifacts.require_space()
        if run[round_.step](lease, round_) and not _next_step(lease, round_.step):
            return
        lease.pause()


def _next_step(lease: Lease, done: str) -> bool:
    """Moves on from the step that is done; False if it was the last."""
    with lease.fenced() as round_:
        following = stages.after(round_, done)
        if following is None:
            _close(round_, Round.State.DONE, "round.finish", "The round is finished.", progress=1)
            return False
        round_.step = following
        round_.attempts, round_.error = 0, ""
        round_.progress = stages.share_done(following, 0)
        round_.save(update_fields=["step", "attempts", "error", "progress"])
    return True


def _count_loss(lease: Lease) -> None:
    """A worker that vanishes at the same place again and again is being killed by what it does there."""
    lease.log(
        "The worker of this round stopped without a word (killed, out of memory, or power lost). "
        "Going on from what was saved last.",
        level="warning",
    )
    losses = lease.read().attempts
    if losses >= LOSSES_ALLOWED:
        raise RoundFailure(
            f"The worker vanished {losses} times in a row without getting further, most likely because "
            "the machine ran out of memory. Make input_size or batch_size of the recipe smaller, or "
            "give the machine more memory, then retry."
        )


def _settle(lease: Lease, settle: Callable[[Round], None]) -> None:
    try:
        with lease.fenced() as round_:
            settle(round_)
    except StaleLease:
        logger.info("round %s went to another worker", lease.round_id)


def _stumbled(round_: Round, problem: Exception) -> None:
    """Pauses for what passes by itself, backs off for what may, and gives up on what will not."""
    title = round_.get_step_display()
    if isinstance(problem, ImageStoreUnavailable | StorageFull):
        _wait(round_, PAUSE_SECONDS, f"“{title}” is paused. {problem.detail}")
    elif isinstance(problem, RoundFailure | EngineError | AcquisitionError | ConsiliumError):
        _fail(round_, f"“{title}” failed. {problem}")
    elif round_.attempts + 1 < FAILURES_ALLOWED:
        round_.attempts += 1
        _wait(
            round_,
            BACK_OFF_SECONDS * 2**round_.attempts,
            f"“{title}” failed: {_said(problem)} It is tried again by itself "
            f"(attempt {round_.attempts} of {FAILURES_ALLOWED}).",
        )
    else:
        _fail(
            round_,
            f"“{title}” failed {FAILURES_ALLOWED} times: {_said(problem)} The log of the training "
            "worker has the details. Retry when the cause is gone.",
        )


def _said(problem: Exception) -> str:
    text = " ".join(str(problem).split())[:300]
    if isinstance(problem, MemoryError) or "out of memory" in text.lower():
        text = f"{text} Make input_size or batch_size of the recipe smaller".strip()
    return f"{type(problem).__name__}: {text}." if text else f"{type(problem).__name__}."


def _wait(round_: Round, seconds: float, sentence: str) -> None:
    if round_.error != sentence:
        RoundLog.objects.create(round=round_, level="warning", text=sentence)
    round_.error = sentence
    round_.not_before = Now() + timedelta(seconds=seconds)
    round_.save(update_fields=["error", "not_before", "attempts"])


def _fail(round_: Round, sentence: str) -> None:
    round_.error = sentence
    _close(round_, Round.State.FAILED, "round.fail", sentence, level="error")


def _close_cancelled(round_: Round) -> None:
    round_.error = ""
    _close(round_, Round.State.CANCELLED, "round.cancel", "The round was cancelled.")


def _close(
    round_: Round,
    state: str,
    verb: str,
    sentence: str,
    *,
    level: str = "info",
    progress: float | None = None,
) -> None:
    round_.state = state
    round_.finished_at = timezone.now()
    round_.lease_expires_at = None
    if progress is not None:
        round_.progress = progress
    round_.save()
    if state == Round.State.DONE:
        transaction.on_commit(partial(artifacts.discard_work, round_.pk))
    _note(round_, verb, None, sentence, level=level)


def _note(
    round_: Round, verb: str, user: User | None, sentence: str, *, level: str = "info"
) -> None:
    RoundLog.objects.create(round=round_, text=sentence, level=level)
    ledger.record(
        verb,
        project=round_.project,
        actor=user,
        obj=round_,
        data={"round": round_.number, "step": round_.step, "text": sentence},
    )

"""Each read re-ranks the pool between rounds. The only writer of FastLoop.

What is due is asked of the ledger: a submission after the last one that was looked at. A worker keeps
the pool in memory (``fast_pool``), learns the new labels, chooses anew by the function of the last
round and writes the places of the first cases alone. Killed anywhere, it is done again; reads that
come in meanwhile are done together; a round that ranks meanwhile wins. The web process imports this;
SciPy and torch come with the work.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet

from annotation import ledger, queue
from annotation.errors import StorageFull
from annotation.models import ChainHead, Event, Project, Read, Slot, Stream
from learning import artifacts, labels, recipes, registry
from learning.acquisition import AcquisitionError
from learning.alone import alone
from learning.errors import RoundNotPossible
from learning.models import FastLoop, Ranking, Round, TrainedModel
from learning.pool import ranking

if TYPE_CHECKING:
    from learning.engine.spec import Recipe
    from learning.pool.fast_pool import FastPool, Order

ACTOR = "rerank_pool"
LOCK = 0x46415354
NEXT = 100
"""Cases whose change is told."""
BAND = 0.9995
"""Places of the first cases lie above, those of new cases below: see ``annotation.queue.open_slots``."""
BELOW = 0.999
TURNS = 5
KEPT_OPEN = 2**31
"""Bytes of the pools that a worker keeps open, beyond the last one; mapped files, so page cache."""
BY_CHANCE = ("random", "stratified_random", "foreground_random")
BY_PLACES_ALONE = ("typiclust", "probcover")
OTHERS = ("disagreement", "box_doubt")
NOTES = {
    **dict.fromkeys(BY_CHANCE, "The last round ordered the pool at random, which no read changes."),
    **dict.fromkeys(
        BY_PLACES_ALONE,
        "The last round ordered the pool by clusters of all cases, which no read changes.",
    ),
    **dict.fromkeys(
        OTHERS,
        "The last round ordered the pool by what several networks say, which only the next round "
        "can change.",
    ),
}
FOR_MASKS = ("foreground_entropy", "disagreement", "kcenter", "herding", "density", "entropy")
logger = logging.getLogger(__name__)
_open: OrderedDict[int, FastPool] = OrderedDict()


@dataclass(frozen=True)
class Basis:
    """What a re-ranking starts from."""

    model: TrainedModel
    recipe: Recipe
    ranking: Ranking
    """Of the last round."""


@dataclass(frozen=True)
class State:
    """The fast loop as people see it."""

    applies: bool
    note: str
    latest: Ranking | None


def state(project: Project) -> State:
    basis = _basis(project)
    row = FastLoop.objects.filter(project=project).first()
    note = basis if isinstance(basis, str) else "" if row is None else row.note
    fast = Ranking.objects.filter(project=project, fast=True).exclude(applied_at=None)
    return State(not note, note, fast.order_by("-generation").first())


def due() -> Iterator[int]:
    """Projects in which a submission came in, or another model was put in use, since the last look."""
    in_use = TrainedModel.objects.filter(
        state=TrainedModel.State.IN_USE, project__archived_at=None
    ).select_related("project__fast_loop")
    for model in in_use:
        row = getattr(model.project, "fast_loop", None)
        if row is None or row.model_id != model.pk or _submitted_since(model.project, row.seq):
            yield model.project_id


def run(project_id: int) -> bool:
    """Brings the order up to date with the labels; whether there was anything to do."""
    with alone(LOCK, project_id) as mine:
        if not mine:
            return False
        done = False
        for _ in range(TURNS):
            project = Project.objects.get(pk=project_id)
            row, _ = FastLoop.objects.get_or_create(project=project)
            model = registry.in_use(project)
            if model is None or not (
                row.model_id != model.pk or _submitted_since(project, row.seq)
            ):
                break
            _turn(project, row)
            done = True
        return done


def close_all() -> None:
    """Forgets what is open."""
    _open.clear()


def _turn(project: Project, row: FastLoop) -> None:
    """Everything submitted so far, together."""
    started = time.monotonic()
    seq = _head_seq(project)
    basis = _basis(project)
    note = basis if isinstance(basis, str) else ""
    if not isinstance(basis, str):
        try:
            note = _rerank(project, basis, started)
        except (AcquisitionError, StorageFull, ValueError, OSError) as problem:
            logger.error("The pool of %s keeps its order: %s", project.slug, problem)
            note = f"The last re-ranking failed. {problem}"
            _open.pop(project.pk, None)
    row.seq, row.note, row.model = seq, note, registry.in_use(project)
    row.save()


def _basis(project: Project) -> Basis | str:
    """Or why the order stays as the round made it, in a sentence."""
    try:
        recipe = recipes.parsed(recipes.current(project))
    except RoundNotPossible as problem:
        return problem.detail
    if not recipe.fast:
        return "The recipe says that only rounds rank the pool (fast: false)."
    model = registry.in_use(project)
    if model is None:
        return "No model is in use yet, so no case has an embedding. The first round brings it."
    last = ranking.of_last_round(project)
    if last is None:
        return "No round has ranked the pool yet."
    if recipe.task == "segmentation" and last.acquisition in FOR_MASKS:
        return Basis(model, recipe, last)
    if last.acquisition in NOTES:
        return NOTES[last.acquisition]
    if recipe.task not in ("classification", "segmentation"):
        return f"No head for the task “{recipe.task}” learns from single reads."
    return Basis(model, recipe, last)


def _rerank(project: Project, basis: Basis, started: float) -> str:
    """The note to show: '' if the order is up to date."""
    reads = _reads_since(basis)
    last, count = reads.order_by("-pk").first(), reads.count()
    known = labels.known(project, basis.recipe)  # after the reads: it has at least these
    pool = _pool(basis, known)
    if pool is None:
        return "The model in use has no embeddings of this project's cases yet."
    if not pool.teach(known) and _is_applied(project, basis):
        return ""
    before = queue.next_in_order(project, NEXT)
    order = pool.order()
    if not order.cases:
        return "No case of the pool waits that has an embedding."
    caused = {
        "model": basis.model,
        "read": last,
        "reads": count,
        "reason": " ".join(
            [basis.ranking.reason, f"Re-ranked between rounds, after {count} reads."]
        ),
    }
    changed = len(set(order.cases[:NEXT]) - set(before))
    stored = ranking.store_fast(
        basis.ranking, order.pool, order.selection, changed=changed, said=caused
    )
    if stored is None:
        return ""
    queue.rerank(project, stored.generation, _priorities(project, pool, order), reserved=False)
    ranking.close_fast(stored, round(1000 * (time.monotonic() - started)))
    pool.settle()
    return ""


def _is_applied(project: Project, basis: Basis) -> bool:
    """Whether nothing was left undone: a new model is opened before its first read, not re-ranked."""
    unapplied = Ranking.objects.filter(
        project=project, fast=True, applied_at=None, generation__gt=basis.ranking.generation
    )
    return not unapplied.exists()


def _pool(basis: Basis, known: dict[int, str]) -> FastPool | None:
    """The pool of this model and round as it is kept in memory, or opened anew."""
    from learning.pool import pools
    from learning.pool.fast_pool import FastPool

    project = basis.model.project
    held = _open.get(project.pk)
    if held is not None and _still_fits(held, basis, known):
        _open.move_to_end(project.pk)
        return held
    _open.pop(project.pk, None)
    stored = pools.open_(basis.model)
    if stored is None:
        return None
    at_round = _labels_of_round(basis, known)
    made = FastPool.open(
        basis.model,
        basis.recipe,
        stored,
        rule=basis.ranking.acquisition,
        round_=0 if basis.ranking.round is None else basis.ranking.round.number,
        known=at_round,
    )
    _open[project.pk] = made
    _forget_some()
    return made


def _still_fits(held: FastPool, basis: Basis, known: dict[int, str]) -> bool:
    same = (held.model.pk, held.rule, held.recipe) == (
        basis.model.pk,
        basis.ranking.acquisition,
        basis.recipe,
    )
    return same and held.fits(known)


def _labels_of_round(basis: Basis, known: dict[int, str]) -> dict[int, str]:
    """Those that the round's ranking knew: what came in since is learnt as reads are."""
    fresh = set(_reads_since(basis).values_list("case_id", flat=True))
    return {case: target for case, target in known.items() if case not in fresh}


def _reads_since(basis: Basis) -> QuerySet[Read]:
    """What was submitted after the round froze what it learnt from."""
    last = basis.ranking
    since = last.created_at if last.round is None else last.round.created_at
    return Read.objects.filter(
        label_schema__project=basis.model.project, slot__isnull=False, submitted_at__gt=since
    )


def _forget_some() -> None:
    """The pools that were not used for longest, once all take more than KEPT_OPEN."""
    used = Q(state=TrainedModel.State.IN_USE) | Q(round__state=Round.State.RUNNING)
    artifacts.discard_pools(set(TrainedModel.objects.filter(used).values_list("pk", flat=True)))
    while len(_open) > 1 and sum(_bytes(pool) for pool in _open.values()) > KEPT_OPEN:
        _open.popitem(last=False)


def _bytes(pool: FastPool) -> int:
    rows = pool.stored.rows
    return rows.count * rows.width * 6


def _priorities(project: Project, pool: FastPool, order: Order) -> Iterator[tuple[int, float]]:
    """The first cases in a band above all others. Whoever stood there before goes to the place that the
    case is worth. If they are all that waits, evenly, so that new cases come among them.
    """
    low = 0.0 if order.whole else BAND
    count = len(order.cases)
    for place, case in enumerate(order.cases):
        yield case, 1 - (1 - low) * (place + 1) / (count + 1)
    if order.whole:
        return
    first = set(order.cases)
    above = Slot.objects.filter(
        project=project, stream=Stream.POOL, state=Slot.State.OPEN, priority__gte=BAND
    )
    fallen = [case for case in set(above.values_list("case_id", flat=True)) if case not in first]
    for case, share in pool.places(fallen).items():
        yield case, BELOW * min(max(share, 1e-6), 1 - 1e-6)


def _submitted_since(project: Project, seq: int) -> bool:
    acts = Event.objects.filter(chain=ledger.chain_of(project), seq__gt=seq)
    return acts.filter(verb="read.submit").exists()


def _head_seq(project: Project) -> int:
    head = ChainHead.objects.filter(chain=ledger.chain_of(project)).first()
    return 0 if head is None else head.seq

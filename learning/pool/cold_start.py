"""The first ranking, when no network has seen a label: by what the images alone have taught.

Embeddings are kept as files of the running round, batch by batch, so a killed worker loses one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotation.models import Case, Project, Reference, Stream
from learning import acquisition, artifacts, datasets
from learning.acquisition import PoolScores
from learning.engine import checkpoint, predict
from learning.engine.determinism import seed_all
from learning.engine.nets import Network, build
from learning.engine.spec import Recipe
from learning.engine.tasks import TASKS
from learning.leases import Lease
from learning.models import Round
from learning.pool import ranking, scoring
from learning.pool.ranking import Choice, Pool
from learning.preparing import starts

SHARD = 256
Embeddings = tuple[NDArray[np.int64], NDArray[np.float32]]


def networks(round_: Round, recipe: Recipe) -> dict[str, Network]:
    """Those that learnt from images; without any, random ones."""
    found = {}
    for name in recipe.networks:
        seed_all(recipe.seed, name, "weights")
        network = build(name, recipe)
        path = starts.of(round_, name)
        if path is not None:
            checkpoint.start_from(network, path)
            found[name] = network.eval()
    return found


def embed(lease: Lease, round_: Round, recipe: Recipe) -> None:
    """Every case of the pool, once; the round's slice may end after each shard."""
    folder = artifacts.embeddings_dir(round_.pk)
    known = networks(round_, recipe)
    if not known:
        return
    for shard in _shards(round_.project):
        file = folder / f"{shard[0]}.npz"
        if file.exists():
            continue
        data = datasets.of_cases(
            Case.objects.filter(pk__in=shard), recipe, after_each=datasets.pausing(lease)
        )
        said = predict.predict(known, recipe, data.samples, on_batch=lease.check)
        _write(file, np.array(said.ids, np.int64), said.embeddings)
        lease.pause()


def pool_of(round_: Round, recipe: Recipe) -> Pool:
    """What waits to be read, where it lies, and where that which has been read lies."""
    ids, embeddings = _read(artifacts.embeddings_dir(round_.pk))
    waiting = set(scoring.pool(round_.project).values_list("pk", flat=True))
    read = set(
        Reference.objects.filter(
            case__project=round_.project, case__stream=Stream.POOL, current=True
        ).values_list("case_id", flat=True)
    )
    if not len(ids):
        cases = sorted(waiting)
        return Pool(cases, PoolScores(np.zeros((len(cases), 0)), ids=np.array(cases, np.int64)))
    rows = np.array([case in waiting for case in ids.tolist()])
    known = np.array([case in read for case in ids.tolist()])
    return Pool(
        ids[rows].tolist(),
        PoolScores(
            np.zeros((int(rows.sum()), 0)),
            ids=ids[rows],
            embeddings=embeddings[rows],
            labelled=embeddings[known],
        ),
    )


def choice(recipe: Recipe, pool: Pool, *, seed: int) -> Choice:
    labelled = 0 if pool.scores.labelled is None else len(pool.scores.labelled)
    name, reason = acquisition.choose(
        TASKS[recipe.task].regime,
        labelled=labelled,
        pool=len(pool.cases),
        networks=0,
        classes=len(recipe.classes),
        embeddings=pool.scores.embeddings is not None,
    )
    asked = replace(ranking.constraints(recipe), rare=None)
    if pool.scores.embeddings is None:
        asked = replace(asked, distinct=None)
    selection = acquisition.select(name, pool.scores, recipe.batch, seed=seed, constraints=asked)
    return Choice(name, reason, selection)


def _shards(project: Project) -> Iterator[list[int]]:
    cases = project.cases.filter(stream=Stream.POOL, state=Case.State.READY).order_by("pk")
    last = 0
    while shard := list(cases.filter(pk__gt=last).values_list("pk", flat=True)[:SHARD]):
        yield shard
        last = shard[-1]


def _write(file: Path, ids: NDArray[np.int64], embeddings: NDArray[np.float32]) -> None:
    artifacts.write(file, lambda target: np.savez(target, ids=ids, embeddings=embeddings))


def _read(folder: Path) -> Embeddings:
    parts = []
    for file in sorted(folder.glob("*.npz"), key=lambda one: int(one.stem)):
        with np.load(file, allow_pickle=False) as kept:
            if len(kept["ids"]):
                parts.append((kept["ids"], kept["embeddings"]))
    if not parts:
        return np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
    ids, embeddings = zip(*parts, strict=True)
    return np.concatenate(ids), np.concatenate(embeddings)

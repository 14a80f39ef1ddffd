"""How soon a read changes what comes next: from the read committed to the priorities written.

    python tests/benchmarks/rerank.py [--cases 100000] [--width 512] [--classes 2] [--reads 20]

A scratch PostgreSQL with a pool of so many cases, each with an embedding (random, of two groups that
overlap) and a score, 1 000 of them read before. Prints how long the file of embeddings and the round's
own ranking of the whole pool take; then, for the functions asked for, the time of each re-ranking after
one read, beside the budget and beside a brute-force reference in the same process: a head fitted to all
labels, every case scored in single precision, the whole pool sorted, and every waiting case's priority
written. DIRECT at a million: the embeddings go straight into the worker's file, not through PostgreSQL.
"""

from __future__ import annotations

import argparse
import os
import resource
import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the service has it

import numpy as np
import scratch

BUDGETS = {100_000: 0.2, 1_000_000: 1.0}
KNOWN = 1000
DIRECT = 300_000
CASES = """
INSERT INTO annotation_patient (project_id, pseudonym, stream)
SELECT %(project)s, 'patient-' || number, 'pool' FROM generate_series(1, %(cases)s) AS number;
INSERT INTO annotation_case (project_id, patient_id, uid, stream, state, state_reason, modality,
    body_part, frame_count, reads_wanted, created_at)
SELECT project_id, id, '2.25.9' || id, stream, 'ready', '', 'CT', 'CHEST', 1, 1, now()
FROM annotation_patient WHERE project_id = %(project)s;
INSERT INTO annotation_case_series (case_id, series_id)
SELECT id, %(series)s FROM annotation_case WHERE project_id = %(project)s;
INSERT INTO annotation_slot (case_id, project_id, stream, modality, body_part, purpose, number, state,
    priority, generation, token)
SELECT id, project_id, stream, modality, body_part, 'primary', 1, 'open', 0.001 + 0.998 * random(), 1, 0
FROM annotation_case WHERE project_id = %(project)s;
"""
SCORES = """
INSERT INTO learning_score (case_id, model_id, probabilities, uncertainty, disagreement, created_at)
SELECT id, %(model)s, jsonb_build_object('densenet', jsonb_build_array(0.4, 0.6), 'vit',
    jsonb_build_array(0.45, 0.55), 'ensemble', jsonb_build_array(0.42, 0.58)), random(), random(), now()
FROM annotation_case WHERE project_id = %(project)s
"""


def vectors(count: int, width: int, start: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(start)
    sick = rng.random(count) < 0.3
    points = rng.normal(size=(count, width)).astype(np.float32)
    points[:, 0] += 2 * sick
    return points / np.sqrt(width), sick


def embed(model: int, cases: np.ndarray, width: int) -> None:
    from django.db import connection

    statement = "COPY learning_embedding (case_id, model_id, vector) FROM STDIN (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.cursor.copy(statement) as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for start in range(0, len(cases), 10_000):
            part = cases[start : start + 10_000]
            points = vectors(len(part), width, start)[0].astype(">f4")
            for case, point in zip(part.tolist(), points, strict=True):
                head = struct.pack(">hiqiqihh", 3, 8, case, 8, model, 4 + 4 * width, width, 0)
                copy.write(head + point.tobytes())
        copy.write(b"\xff\xff")


def straight_to_file(model: Any, cases: np.ndarray, width: int) -> None:
    from learning import artifacts
    from learning.head import Rows, write_rows
    from learning.pool import pools

    folder = artifacts.pool_dir(model.pk)
    parts = (vectors(len(cases[s : s + 10_000]), width, s)[0] for s in range(0, len(cases), 10_000))
    scale = write_rows(folder, len(cases), parts, artifacts.write)
    stored = pools.Stored(model.pk, cases, Rows(folder, len(cases), width, scale))
    pools.open_ = lambda asked: stored


def timed(name: str, work: Callable[[], Any]) -> Any:
    start = time.perf_counter()
    found = work()
    print(f"  {name:48s} {time.perf_counter() - start:8.2f} s", flush=True)
    return found


def prepared(options: argparse.Namespace) -> tuple[Any, Any, np.ndarray, np.ndarray]:
    from django.core.management import call_command
    from django.db import connection, transaction

    call_command("migrate", verbosity=0)
    import builders
    import fast_loop_builders as fast
    import learning_builders as lessons

    recipe = {**lessons.RECIPE, "batch": options.batch}
    project = lessons.project(recipe, evaluation_first=False, reading_mix={"pool": 1})
    given = {"project": project.pk, "cases": options.cases, "series": builders.series().pk}
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in filter(str.strip, CASES.split(";")):
            cursor.execute(statement, given)
    cases = np.array(project.cases.order_by("pk").values_list("pk", flat=True))
    sick = np.concatenate(
        [
            vectors(len(cases[s : s + 10_000]), options.width, s)[1]
            for s in range(0, len(cases), 10_000)
        ]
    )
    for at in range(KNOWN):
        case = project.cases.get(pk=cases[at])
        lessons.answer(case, "yes" if sick[at] else "no")
    model = fast.in_use(project)
    with connection.cursor() as cursor:
        cursor.execute(SCORES, {"model": model.pk, "project": project.pk})
    if options.cases >= DIRECT:
        timed(
            "embeddings straight into the file",
            lambda: straight_to_file(model, cases, options.width),
        )
    else:
        timed("embeddings into pgvector", lambda: embed(model.pk, cases, options.width))
        from learning.pool import pools

        timed("from pgvector into the worker's file", lambda: pools.open_(model))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return project, model, cases, sick


def round_ranks(project: Any, model: Any, cases: np.ndarray) -> None:
    from learning import recipes
    from learning.pool import costs, ranking

    recipe = recipes.parsed(model.round.recipe)
    labelled = cases[:KNOWN].tolist()
    pool = timed("round: scores to arrays", lambda: ranking.load(project, model, rounds=1))
    pool = timed(
        "round: sites, costs",
        lambda: ranking.in_circumstances(project, recipe, pool, costs.times(project)),
    )
    choice = timed(
        "round: herding or Falcun, with embeddings",
        lambda: ranking.pick(model, recipe, pool, labelled=labelled, seed=1),
    )
    made = ranking.store(model.round, model, pool, choice)
    timed("round: priorities written", lambda: ranking.apply(made, pool, choice.selection))


def brute(project: Any, model: Any, pool: Any) -> None:
    """The same without anything kept: fit, score all, sort all, write all."""
    from annotation import queue
    from learning import labels
    from learning.head import Logistic
    from learning.pool import ranking

    known = labels.known(project, pool.recipe)
    cases = np.array(sorted(known))
    rows = pool.stored.at(cases)
    answers = np.array([pool.recipe.classes.index(known[case]) for case in cases.tolist()])
    head = Logistic.fit(
        pool.stored.rows.features(rows), answers, 2, precision=pool.standing.head.precision
    )
    exact, variance = pool.stored.rows, np.empty(pool.stored.rows.count)
    logits = np.empty((exact.count, 1))
    for start in range(0, exact.count, 8192):
        part = np.arange(start, min(start + 8192, exact.count))
        phi = exact.features(part)
        logits[part], variance[part] = head.logits(phi), head.posterior.variance(phi)
    doubt = 1 - np.abs(np.diff(head.predictive(logits, variance), axis=1)[:, 0])
    open_ = pool.waiting & ~pool.labelled
    order = pool.stored.ids[np.argsort(-np.where(open_, doubt, -1))][: int(open_.sum())]
    places = ((case, 1 - (at + 1) / (len(order) + 1)) for at, case in enumerate(order.tolist()))
    queue.rerank(project, ranking.latest(project).generation, places)


def rerank(options: argparse.Namespace, rule: str, started: tuple[Any, ...], first: int) -> None:
    import builders

    from annotation import ledger
    from learning.models import Ranking
    from learning.pool import fast_loop

    project, model, cases, sick = started
    Ranking.objects.filter(project=project, fast=False).update(acquisition=rule)
    reader = builders.user(builders.Role.READER, project=project)
    timed(f"{rule}: pool opened", lambda: fast_loop.run(project.pk))
    took, busy = [], []
    for at in range(first, first + options.reads):
        case = project.cases.get(pk=int(cases[at]))
        read = builders.read(case, by=reader, value="yes" if sick[at] else "no")
        builders.reference(case, read, answers={"finding": "yes" if sick[at] else "no"})
        ledger.record("read.submit", project=project, actor=reader, obj=read, data={})
        start, busy_before = time.perf_counter(), time.process_time()
        assert fast_loop.run(project.pk)
        took.append(time.perf_counter() - start)
        busy.append(time.process_time() - busy_before)
    took_sorted = np.sort(took)
    budget = BUDGETS.get(options.cases)
    p50, p95 = np.quantile(took_sorted, [0.5, 0.95])
    said = "" if budget is None else f"  budget {budget} s: {'kept' if p95 <= budget else 'MISSED'}"
    print(
        f"  {rule}: read to priorities p50 {p50:.3f} s, p95 {p95:.3f} s, worst {took_sorted[-1]:.3f} s;"
        f" processor {np.median(busy):.3f} s, without PostgreSQL's{said}",
        flush=True,
    )
    if options.brute and rule == "margin":
        start = time.perf_counter()
        brute(project, model, fast_loop._open[project.pk])
        alone = time.perf_counter() - start
        print(f"  brute force: {alone:.2f} s, {alone / p50:.0f} times as long", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--reads", type=int, default=20)
    parser.add_argument("--rules", nargs="+", default=["margin", "falcun", "herding", "kcenter"])
    parser.add_argument("--no-brute", dest="brute", action="store_false")
    parser.add_argument("--no-round", dest="round", action="store_false")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="rerank-"))
    with scratch.stack(folder, keep=False):
        scratch.set_up_django()
        from django.conf import settings

        settings.ARTIFACTS_DIR, settings.FREE_SPACE_FLOOR = folder / "artifacts", 0.0
        print(f"{options.cases} cases × {options.width}, {KNOWN} labels, batch {options.batch}")
        started = prepared(options)
        if options.round:
            round_ranks(started[0], started[1], started[2])
        else:
            from learning.models import Ranking

            Ranking.objects.create(
                project=started[0], generation=2, round=started[1].round, model=started[1],
                acquisition="margin", reason="", size=options.cases,
            )  # fmt: skip
        for number, rule in enumerate(options.rules):
            rerank(options, rule, started, KNOWN + number * options.reads)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"  memory of the process at most {peak:.1f} GB, mapped files included")


if __name__ == "__main__":
    main()

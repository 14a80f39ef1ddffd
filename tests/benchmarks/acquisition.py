"""Acquisition over large pools: time and memory beside scikit-activeml and brute force.

    python tests/benchmarks/acquisition.py [--sizes 10000 100000 1000000] [--functions badge kcenter]
        [--threads 2] [--no-peers] [--agreement]

Embeddings of 512 features in 200 clusters, ten classes, a thousand labelled cases, a batch of a
hundred: seconds, processor seconds, and the most memory that was held beyond the pool itself. Peers
run in processes of their own, on the pools on which they end within minutes; the fused pass is what
can be done without bounds. ``--agreement`` compares what is picked with brute force instead:
covering radius, k-means potential over forty seeds, covered uncertainty.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from learning.acquisition import ACQUISITIONS, PoolScores, core_set, select  # noqa: E402
from learning.acquisition.badge import Gradients  # noqa: E402
from learning.acquisition.features import Features  # noqa: E402

WIDTH, CLASSES, LABELLED, BATCH, CLUSTERS = 512, 10, 1000, 100, 200
FUNCTIONS = [
    "random", "margin", "entropy", "power_margin", "bald", "disagreement", "falcun", "badge",
    "kcenter", "kcenter_kept", "density", "herding", "typiclust", "probcover",
]  # fmt: skip
BUDGETS = {
    ("badge", 100_000): 0.11, ("badge", 1_000_000): 0.9,
    ("kcenter", 100_000): 0.55, ("kcenter", 1_000_000): 4.9,
    ("kcenter_kept", 100_000): 0.024, ("kcenter_kept", 1_000_000): 0.031,
    ("herding", 1_000_000): 10.0,
}  # fmt: skip
"""Seconds on two idle cores."""
PEERS = {
    "badge": ("peer_badge", 10_000),
    "kcenter": ("peer_core_set", 100_000),
    "typiclust": ("peer_typiclust", 10_000),
    "probcover": ("peer_probcover", 10_000),
    "falcun": ("peer_falcun", 10_000),
}
"""scikit-activeml's, and the largest pool on which it ends within minutes and memory."""
BRUTE = {"badge": "fused_badge", "kcenter": "fused_kcenter"}
MEMORY_GB = 8.0
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Read by the processes that measure, when they start."""


def make_pool(n: int) -> PoolScores:
    rng = np.random.default_rng(7)
    middles = rng.normal(size=(CLUSTERS, WIDTH)).astype(np.float32)
    points = rng.standard_normal((n, WIDTH), dtype=np.float32)
    points *= 0.7
    for start in range(0, n, 50_000):
        part = points[start : start + 50_000]
        part += middles[rng.integers(0, CLUSTERS, len(part))]
    labelled = middles[rng.integers(0, CLUSTERS, LABELLED)] + 0.7 * rng.standard_normal(
        (LABELLED, WIDTH), dtype=np.float32
    )
    said = [rng.dirichlet(np.full(CLASSES, 0.4), size=n).astype(np.float32) for _ in range(2)]
    return PoolScores(
        (said[0] + said[1]) / 2,
        dict(zip(("first", "second"), said, strict=True)),
        embeddings=points,
        labelled=labelled,
    )


def ours(name: str, pool: PoolScores) -> np.ndarray:
    return select(name, pool, BATCH, seed=1).indices


def fused_kcenter(pool: PoolScores) -> np.ndarray:
    """One pass over the pool for each pick, and one for all the labelled cases."""
    points = pool.features
    origin = points.mean()
    nearest, _ = points.nearest(pool.known, origin)
    picks: list[int] = []
    while len(picks) < BATCH:
        picks.append(int(nearest.argmax()))
        centre = points.rows(np.array(picks[-1:]))
        nearest = np.minimum(nearest, points.nearest(centre, origin)[0])
        nearest[picks] = -1
    return np.array(picks)


def fused_badge(pool: PoolScores, seed: int = 1) -> np.ndarray:
    """k-means++ with one pass over the factorised gradients for each pick."""
    rng, gradients = np.random.default_rng(seed), Gradients.of(pool)
    picks = [int(gradients.squares.argmax())]
    nearest = np.full(len(gradients), np.inf, np.float32)
    while len(picks) < BATCH:
        centre = gradients.take(np.array(picks[-1:]))
        nearest = np.minimum(nearest, gradients.gaps_of_all(centre))
        running = np.cumsum(nearest, dtype=np.float64)
        picks.append(int(np.searchsorted(running, rng.random() * running[-1], side="right")))
    return np.array(picks)


def _peer(pool: PoolScores, name: str, **options: object) -> np.ndarray:
    import skactiveml.pool as peers
    from skactiveml.classifier import SklearnClassifier
    from sklearn.linear_model import LogisticRegression

    known = np.random.default_rng(0).integers(0, CLASSES, LABELLED).astype(float)
    answers = np.concatenate([known, np.full(len(pool), np.nan)])
    points = np.concatenate([pool.known, np.asarray(pool.embeddings)])
    asked = getattr(peers, name)(random_state=1, **options)
    extra = {}
    if name in ("Badge", "Falcun"):
        model = SklearnClassifier(LogisticRegression(max_iter=20), classes=list(range(CLASSES)))
        extra = {"clf": model.fit(points[:LABELLED], known), "fit_clf": False}
    start, spent = time.perf_counter(), time.process_time()
    picks = asked.query(points, answers, batch_size=BATCH, **extra)
    _clock.update(wall=time.perf_counter() - start, cpu=time.process_time() - spent)
    return np.asarray(picks) - LABELLED


def peer_badge(pool: PoolScores) -> np.ndarray:
    return _peer(pool, "Badge")


def peer_falcun(pool: PoolScores) -> np.ndarray:
    return _peer(pool, "Falcun")


def peer_core_set(pool: PoolScores) -> np.ndarray:
    return _peer(pool, "CoreSet")


def peer_typiclust(pool: PoolScores) -> np.ndarray:
    return _peer(pool, "TypiClust")


def peer_probcover(pool: PoolScores) -> np.ndarray:
    return _peer(pool, "ProbCover", n_classes=CLASSES)


_clock: dict[str, float] = {}
"""What a peer measured of its own query, without the model that it is given."""


def measure(names: list[str], n: int) -> dict[str, dict[str, float]]:
    """In one process, on one pool: seconds, processor seconds, and GB beyond the pool."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as workers:
        return workers.apply(_measured, (names, n))


def _measured(names: list[str], n: int) -> dict[str, dict[str, float]]:
    warnings.simplefilter("ignore")
    pool = make_pool(n)
    np.ones((256, 256), np.float32) @ np.ones((256, 256), np.float32)
    return {name: _cost(_task(name, pool)) for name in names}


def _task(name: str, pool: PoolScores) -> Callable[[], np.ndarray]:
    if name == "kcenter_kept":
        kept = core_set.distances(pool.features, pool.known)
        near = PoolScores(pool.ensemble, embeddings=pool.embeddings, distance=kept)
        return lambda: ours("kcenter", near)
    if name in globals():
        return lambda: globals()[name](pool)
    return lambda: ours(name, pool)


def _cost(task: Callable[[], np.ndarray]) -> dict[str, float]:
    held = _held()
    start, spent = time.perf_counter(), time.process_time()
    task()
    wall, cpu = time.perf_counter() - start, time.process_time() - spent
    whole = _gigabytes("VmHWM")
    return {
        "wall": _clock.get("wall", wall),
        "cpu": _clock.get("cpu", cpu),
        "extra": max(0.0, whole - held),
        "whole": whole,
    }


def _held() -> float:
    """GB that the process holds now, from where the most that it holds is counted anew."""
    Path("/proc/self/clear_refs").write_text("5")
    return _gigabytes("VmRSS")


def _gigabytes(field: str) -> float:
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(row.split()[1]) for row in status if row.startswith(field)) / 1e6


def report(sizes: list[int], functions: list[str], peers: bool) -> None:
    threads = os.environ[THREADS[0]]
    print(f"{os.cpu_count()} cores, {threads} threads, load {os.getloadavg()[0]:.1f} at the start")
    print(f"{'function':22s}{'pool':>9s}{'s':>9s}{'CPU-s':>8s}{'extra GB':>9s}  budget, ratio")
    for n in sizes:
        costs = measure(functions, n)
        for name, own in costs.items():
            budget = BUDGETS.get((name, n))
            said = "" if budget is None else f"{own['wall'] / budget:6.2f} of {budget} s"
            line(name, n, own, said)
            if own["whole"] > MEMORY_GB:
                print(f"{'':22s}{own['whole']:.1f} GB in all: above {MEMORY_GB} GB")
            for other in rivals(name, n, peers):
                theirs = measure([other], n)[other]
                faster, leaner = theirs["wall"] / own["wall"], theirs["cpu"] / own["cpu"]
                line(other, n, theirs, f"{faster:6.1f} x ours ({leaner:.1f} x by CPU-s)")
    print(f"load {os.getloadavg()[0]:.1f} at the end")


def rivals(name: str, n: int, peers: bool) -> list[str]:
    if not peers:
        return []
    found = [BRUTE[name]] if name in BRUTE else []
    if name in PEERS and n <= PEERS[name][1]:
        found.append(PEERS[name][0])
    return found


def line(name: str, n: int, cost: dict[str, float], said: str) -> None:
    print(
        f"{name:22s}{n:>9,d}{cost['wall']:9.3f}{cost['cpu']:8.2f}{cost['extra']:9.3f}  {said}",
        flush=True,
    )


def agreement(n: int) -> None:
    pool = make_pool(n)
    points = pool.features
    middle = points.mean()

    def radius(picks: np.ndarray) -> float:
        centres = np.concatenate([pool.known, points.rows(picks)])
        return float(np.sqrt(points.nearest(centres, middle)[0].max()))

    mine, theirs = ours("kcenter", pool), fused_kcenter(pool)
    print(f"k-center: {np.mean(mine == theirs):.0%} of the picks the same in the same place,")
    print(f"  covering radius {radius(mine):.5f}, exact greedy {radius(theirs):.5f}")
    gradients = Gradients.of(pool)

    def potential(picks: np.ndarray) -> float:
        return float(gradients.gaps_of_all(gradients.take(picks)).sum(dtype=np.float64))

    seeds = range(40)
    lazy = [potential(select("badge", pool, BATCH, seed=seed).indices) for seed in seeds]
    full = [potential(fused_badge(pool, seed)) for seed in seeds]
    gap = np.mean(lazy) / np.mean(full) - 1
    error = np.sqrt(np.var(lazy) + np.var(full)) / np.mean(full) / np.sqrt(len(lazy))
    print(f"BADGE: potential {np.mean(lazy):.4g}, full pass {np.mean(full):.4g}")
    print(f"  {gap:+.2%}, standard error {error:.2%} over {len(lazy)} seeds")
    herding_value(pool)


def herding_value(pool: PoolScores) -> None:
    """Covered uncertainty of the herding's picks, beside greedy over all candidates and anchors."""
    from learning.acquisition import coverage
    from learning.acquisition.uncertainty import doubt

    small = pool.take(np.arange(min(len(pool), 10_000)))
    sampled = ours("herding", small)
    bounds = coverage.ANCHORS, coverage.CANDIDATES
    coverage.ANCHORS = coverage.CANDIDATES = len(small)
    exact = ours("herding", small)
    rows = small.features.rows(np.arange(len(small)))
    project = coverage.projection(rows)
    there, known = project(rows), project(small.known)
    scale = coverage.radius_of(there, known, BATCH, np.random.default_rng(0))
    coverage.ANCHORS, coverage.CANDIDATES = bounds

    def value(picks: np.ndarray) -> float:
        centres = np.concatenate([known, there[picks]])
        gaps, _ = Features(there).nearest(centres, there.mean(axis=0))
        return float((doubt(small) * np.exp(-gaps / scale)).sum())

    print(f"herding: {value(sampled) / value(exact):.4f} of what greedy over all of 10 000 covers")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--functions", nargs="+", default=FUNCTIONS, choices=FUNCTIONS)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--no-peers", action="store_true", help="nor the fused passes")
    parser.add_argument("--agreement", action="store_true")
    options = parser.parse_args()
    assert all(name.removesuffix("_kept") in ACQUISITIONS for name in FUNCTIONS)
    os.environ.update(dict.fromkeys(THREADS, str(options.threads)))
    if options.agreement:
        agreement(options.sizes[0])
    else:
        report(options.sizes, options.functions, not options.no_peers)


if __name__ == "__main__":
    main()

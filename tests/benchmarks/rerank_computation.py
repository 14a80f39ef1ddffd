"""What of a re-ranking is computed, without PostgreSQL: one label, all cases scored, the first ones chosen.

    python tests/benchmarks/rerank_computation.py [--cases 1000000] [--width 512] [--rule falcun]

NumPy, SciPy and torch are enough, so it runs on any machine (``taskset -c 0,1`` for two cores of many).
With a GPU the pass runs on it; CUDA_VISIBLE_DEVICES= keeps it on the processor. Prints the median and the
95th percentile, and the median of processor seconds, which other work on the machine hardly changes, beside
a brute-force reference: a fit to all labels, single precision, all cases sorted.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from learning.acquisition import Features, PoolScores, select
from learning.head import Logistic, Rows, Standing, write_rows

KNOWN, BATCH, AMONG = 1000, 100, 1600


def write(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    with path.open("wb") as file:
        fill(file)


def parts(cases: int, width: int) -> Any:
    rng = np.random.default_rng(0)
    for start in range(0, cases, 10_000):
        points = rng.normal(size=(min(10_000, cases - start), width)).astype(np.float32)
        points[::3, 0] += 2
        yield points / np.float32(np.sqrt(width))


def chosen(standing: Standing, known: np.ndarray, rule: str, seed: int) -> np.ndarray:
    doubt = standing.doubt()
    doubt[known] = -np.inf
    top = np.argpartition(-doubt, AMONG // 2)[: AMONG // 2]
    lots = np.random.default_rng(seed).integers(0, len(doubt), AMONG // 2)
    rows = np.setdiff1d(np.union1d(top, lots), known)
    said, _ = standing.exactly(rows)
    exact = standing.rows.exact
    pool = PoolScores(
        said.astype(np.float32),
        embeddings=Features(exact[rows]),
        labelled=np.asarray(exact[known]),
        ids=rows,
    )
    return rows[select(rule, pool, BATCH, seed=1).order()]


def brute(rows: Rows, known: np.ndarray, answers: np.ndarray, precision: float) -> None:
    head = Logistic.fit(rows.features(known), answers, 2, precision=precision)
    doubt = np.empty(rows.count)
    for start in range(0, rows.count, 8192):
        phi = rows.scale(rows.exact[start : start + 8192])
        said = head.predictive(head.logits(phi), head.posterior.variance(phi))
        doubt[start : start + 8192] = 1 - np.abs(said[:, 1] - said[:, 0])
    np.argsort(-doubt)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--rules", nargs="+", default=["margin", "falcun", "herding"])
    parser.add_argument("--labels", type=int, default=20)
    parser.add_argument("--no-brute", dest="brute", action="store_false")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scale = write_rows(Path(folder), options.cases, parts(options.cases, options.width), write)
        rows = Rows(Path(folder), options.cases, options.width, scale)
        answers = (np.arange(options.cases) % 3 == 0).astype(np.int64)
        known = np.arange(KNOWN)
        start = time.perf_counter()
        standing = Standing.of_answers(rows, known, answers[known], 2)
        opened, way = time.perf_counter() - start, rows._halved
        said = "single precision" if way is None else f"bf16 on {way.device}"
        print(f"{options.cases} cases × {options.width}: opened in {opened:.1f} s, {said}")
        for rule in options.rules:
            took, busy = [], []
            for _ in range(options.labels):
                more = np.array([len(known)])
                start, before = time.perf_counter(), time.process_time()
                standing.learn(more, answers[more])
                known = np.append(known, more)
                chosen(standing, known, rule, seed=len(known))
                took.append(time.perf_counter() - start)
                busy.append(time.process_time() - before)
                busy.append(time.process_time() - before)
            p50, p95 = np.quantile(took, [0.5, 0.95])
            print(
                f"  {rule:8s} p50 {p50:.3f} s, p95 {p95:.3f} s, worst {max(took):.3f} s;"
                f" processor {np.median(busy):.3f} s",
                flush=True,
            )
        if options.brute:
            start, before = time.perf_counter(), time.process_time()
            brute(rows, known, answers[known], standing.head.precision)
            alone = time.process_time() - before
            print(f"  brute force {time.perf_counter() - start:.2f} s; processor {alone:.2f} s")


if __name__ == "__main__":
    main()

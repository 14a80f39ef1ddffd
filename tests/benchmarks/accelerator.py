"""Everything of the engine that a GPU changes, in one run of some minutes on a bare machine.

    python tests/benchmarks/accelerator.py FOLDER [--only tests,training,acquisition,rerank,resume]
                                           [--rows 1000000] [--device cuda]

Needs torch, MONAI, NumPy, SciPy, scikit-learn, safetensors and pytest; no Django, no database. Writes
``accelerator.json`` and ``accelerator.md`` to FOLDER, after each part, and what the parts printed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "unit")]

from learning.acquisition import PoolScores, features, select  # noqa: E402
from learning.acquisition.core_set import distances  # noqa: E402
from learning.engine import checkpoint, determinism, loop, spec  # noqa: E402

WIDTH, CLASSES, PICKS = 512, 10, 100
INI = """[pytest]
addopts = -q
filterwarnings =
    ignore
markers =
    timeout: seconds
"""
ON_THE_DEVICE = (
    "test_engine_loop.py",
    "test_engine_predict.py",
    "test_engine_checkpoint.py",
    "test_engine_pretrain.py",
    "test_acquisition_places.py",
)
"""Files of unit tests in which a GPU may make a difference."""
Row = dict[str, Any]


def tests(asked: argparse.Namespace) -> list[Row]:
    """Unit tests of engine and acquisition, without the project's plugins and fixtures."""
    files = [ROOT / "tests/unit" / name for name in ON_THE_DEVICE]
    skipped = [path.name for path in files if not _importable(path)]
    files = [path for path in files if path.name not in skipped]
    with tempfile.TemporaryDirectory() as folder:
        ini = Path(folder) / "pytest.ini"
        ini.write_text(INI)
        command = [sys.executable, "-m", "pytest", "-c", str(ini), "--rootdir", str(ROOT)]
        command += ["--noconftest", "-p", "no:cacheprovider", "-p", "no:django", "--tb=short"]
        command += ["--durations=8", *map(str, files)]
        if not importlib.util.find_spec("skactiveml"):
            command += ["-k", "not activeml"]
        started = time.perf_counter()
        before = os.environ.get("PYTHONPATH", "")
        parts = [str(ROOT), str(ROOT / "tests" / "unit"), str(ROOT / "tests"), before]
        path = os.pathsep.join(filter(None, parts))
        log = asked.folder / "tests.txt"
        with log.open("w") as target:
            done = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
                stdout=target,
                stderr=subprocess.STDOUT,
            )
            try:
                done.wait(asked.patience)
            except subprocess.TimeoutExpired:
                done.kill()
                done.wait()
    said = log.read_text().strip().splitlines()
    return [
        {
            "what": "unit tests of engine and acquisition",
            "result": said[-1] if said else "cut before it said anything",
            "seconds": time.perf_counter() - started,
            "failed": [line for line in said if line.startswith(("FAILED", "ERROR"))],
            "left_out": skipped,
            "passed": done.returncode == 0,
        }
    ]


def _importable(path: Path) -> bool:
    """Whether what the file imports beyond the engine is there; the product's own tests are not."""
    if not path.exists():
        return False
    text = path.read_text()
    if "django" in text or "from annotation" in text:
        return False
    needed = ("hypothesis", "monai", "sklearn")
    return all(importlib.util.find_spec(name) for name in needed if name in text)


def training(asked: argparse.Namespace) -> list[Row]:
    out = asked.folder / "training.json"
    command = [sys.executable, str(ROOT / "tests/benchmarks/training.py"), "--out", str(out)]
    command += ["--device", asked.device, "--seconds", str(asked.seconds)]
    log = asked.folder / "training.txt"
    with log.open("w") as said:
        started = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        try:
            started.wait(asked.patience)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()
    rows = json.loads(out.read_text())["rows"] if out.exists() else []
    found = [
        {
            "what": f"training {row['job']}",
            "result": "; ".join(_training_said(row)),
            "passed": max(row[n]["share"] for n in ("eager", "compiled") if n in row) >= 0.9,
        }
        for row in rows
        if "eager" in row
    ]
    if started.returncode:
        found.append(
            {"what": "training (cut or failed)", "result": log.read_text()[-600:], "passed": False}
        )
    return found


def _training_said(row: Row) -> Iterator[str]:
    for name in ("eager", "compiled"):
        if name in row:
            part = row[name]
            yield f"{name} {part['ours']:.0f}/s of {part['ceiling']:.0f}/s ({part['share']:.2f})"
            yield from part["notes"]
    if "plain" in row:
        yield f"plain MONAI loop {row['plain']:.0f}/s"


def acquisition(asked: argparse.Namespace) -> list[Row]:
    """Time at the full size on the device; at a tenth, the picks beside the processor's."""
    found: list[Row] = []
    few = _pool(asked.rows // 10)
    many = _pool(asked.rows)
    started = time.perf_counter()
    there = features(many.embeddings, asked.device)
    _wait(asked)
    found.append({"what": "copying the pool", "seconds": time.perf_counter() - started})
    for name in ("kcenter", "badge", "herding", "margin", "falcun"):
        cpu, cpu_seconds = _picked(name, few)
        moved = replace(few, embeddings=features(few.embeddings, asked.device))
        _picked(name, moved)
        gpu, gpu_seconds = _picked(name, moved)
        _, seconds = _picked(name, replace(many, embeddings=there))
        shared = len(set(cpu) & set(gpu))
        found.append(
            {
                "what": f"acquisition {name}",
                "result": f"{len(many):,} rows {seconds:.3f} s; {len(few):,} rows {gpu_seconds:.3f} s"
                f" (processor {cpu_seconds:.3f} s), {shared} of {PICKS} picks the same",
                "seconds": seconds,
                "same": shared,
                "passed": shared == PICKS or _as_good(name, few, cpu, gpu),
            }
        )
    return found


def _pool(rows: int) -> PoolScores:
    rng = np.random.default_rng(3)
    centres = rng.normal(0, 1, (50, WIDTH)).astype(np.float32)
    embeddings = rng.standard_normal((rows, WIDTH), np.float32)
    embeddings *= 0.5
    embeddings += centres[rng.integers(0, 50, rows)]
    logits = rng.normal(0, 2, (rows, CLASSES)).astype(np.float32)
    said = np.exp(logits)
    said /= said.sum(axis=1, keepdims=True)
    other = np.roll(said, 1, axis=1) * 0.3 + said * 0.7
    return PoolScores(
        ensemble=(said + other) / 2,
        probabilities={"first": said, "second": other},
        embeddings=embeddings,
        labelled=embeddings[:200] + 0.01,
        ids=np.arange(rows),
    )


def _picked(name: str, pool: PoolScores) -> tuple[list[int], float]:
    started = time.perf_counter()
    chosen = select(name, pool, PICKS, seed=5)
    return chosen.indices.tolist(), time.perf_counter() - started


def _as_good(name: str, pool: PoolScores, first: list[int], second: list[int]) -> bool:
    """Picks may part where single precision ties: then the covering radius must be the same."""
    if name != "kcenter":
        return len(set(first) & set(second)) >= 0.9 * PICKS
    points = features(pool.embeddings)
    known = np.asarray(pool.labelled, np.float32)
    radii = []
    for picks in (first, second):
        centres = np.concatenate([known, points.rows(np.array(picks))])
        radii.append(float(distances(points, centres).max()))
    return abs(radii[0] - radii[1]) <= 1e-3 * radii[0]


def rerank(asked: argparse.Namespace) -> list[Row]:
    """A head changed: the whole pool again, and the hundred first; half precision, rechecked in single."""
    where = torch.device(asked.device)
    generator = torch.Generator(where).manual_seed(1)
    pool = torch.randn(asked.rows, WIDTH, device=where, generator=generator)
    half = pool.bfloat16()
    heads = torch.randn(40, WIDTH, device=where, generator=generator) / WIDTH**0.5
    found: list[Row] = []
    exact = [_doubtful(pool, head) for head in heads]
    for name, look in (
        ("float32", lambda head: _doubtful(pool, head)),
        ("bfloat16, the first rechecked in float32", lambda head: _rechecked(pool, half, head)),
    ):
        look(heads[0])
        _wait(asked)
        seconds = []
        same = []
        for head, best in zip(heads, exact, strict=True):
            started = time.perf_counter()
            rows = look(head).cpu()
            seconds.append(time.perf_counter() - started)
            same.append(len(set(rows.tolist()) & set(best.cpu().tolist())))
        p95 = float(np.percentile(seconds, 95))
        found.append(
            {
                "what": f"re-rank {asked.rows:,} × {WIDTH}, {name}",
                "result": f"median {1000 * float(np.median(seconds)):.2f} ms, p95 {1000 * p95:.2f} ms,"
                f" at least {min(same)} of {PICKS} the same as in float32",
                "seconds": p95,
                "passed": p95 <= 0.1 and min(same) >= PICKS - 1,
            }
        )
    return found


def _doubtful(pool: torch.Tensor, head: torch.Tensor) -> torch.Tensor:
    """Rows with the logits nearest to zero, the nearest first."""
    return torch.topk(-(pool @ head).abs(), PICKS).indices


def _rechecked(pool: torch.Tensor, half: torch.Tensor, head: torch.Tensor) -> torch.Tensor:
    """Of the most doubtful in half precision three hundred times as many are looked at exactly.

    Half precision is off by some thousandths of a logit's spread; so many lie within eight times that.
    """
    many = min(300 * PICKS, len(pool))
    rough = torch.topk(-(half @ head.bfloat16()).float().abs(), many, sorted=False).indices
    few = (pool[rough] @ head).abs()
    return rough[torch.topk(-few, PICKS).indices]


def resume(asked: argparse.Namespace) -> list[Row]:
    """A training stopped in the middle of an epoch goes on, and ends where an undisturbed one does."""
    from engine_samples import make_images, make_mask_recipe, make_recipe, make_volumes

    found: list[Row] = []
    jobs = {
        "densenet": (make_recipe, make_images),
        "vit": (make_recipe, make_images),
        "unet": (make_mask_recipe, make_volumes),
    }
    for network, (recipe_of, samples_of) in jobs.items():
        with tempfile.TemporaryDirectory() as folder:
            samples = samples_of(Path(folder), 14)
            train = partial(
                _stopped, recipe_of(epochs=4, minimum_steps=6), network, samples, Path(folder)
            )
            whole, again, part = train("whole"), train("again"), train("parts", stop_after=9)
            done = train("parts", known=part.checkpoint)
            gap, noise = _apart(whole, done), _apart(whole, again)
        losses = [abs(a["train_loss"] - b["train_loss"]) for a, b in _epochs(whole, done)]
        found.append(
            {
                "what": f"stopped and resumed: {network}",
                "result": f"weights apart by at most {gap:.1e} (two undisturbed runs: {noise:.1e}),"
                f" losses by {max(losses):.1e}",
                "passed": done.finished and not part.finished and max(losses) <= 0.02,
            }
        )
    return found


def _stopped(
    recipe: spec.Recipe,
    network: str,
    samples: list[spec.Sample],
    folder: Path,
    name: str,
    *,
    stop_after: int = 10**9,
    known: Path | None = None,
) -> loop.TrainResult:
    steps = iter(range(10**9))
    return loop.train(
        recipe,
        network,
        samples[:-2],
        validation=samples[-2:],
        checkpoint_dir=folder / name,
        resume=known,
        should_stop=lambda: next(steps) >= stop_after,
    )


def _epochs(first: loop.TrainResult, second: loop.TrainResult) -> Any:
    return zip(first.history, second.history, strict=True)


def _apart(first: loop.TrainResult, second: loop.TrainResult) -> float:
    one, other = (checkpoint.read(result.checkpoint)[0] for result in (first, second))
    names = [name for name in one if name.startswith(checkpoint.WEIGHTS)]
    return max(float((one[n].float() - other[n].float()).abs().max()) for n in names)


def _wait(asked: argparse.Namespace) -> None:
    if asked.device == "cuda":
        torch.cuda.synchronize()


PARTS: dict[str, Callable[[argparse.Namespace], list[Row]]] = {
    "rerank": rerank,
    "resume": resume,
    "acquisition": acquisition,
    "training": training,
    "tests": tests,
}


def readable(facts: Row, rows: list[Row]) -> str:
    lines = [f"{facts['device']}, torch {facts['torch']}, Python {facts['python']}", ""]
    lines += ["| what | result | passed |", "| --- | --- | --- |"]
    for row in rows:
        said = row.get("result") or f"{row['seconds']:.2f} s"
        passed = {True: "yes", False: "NO"}.get(row.get("passed"), "")
        lines.append(f"| {row['what']} | {' '.join(said.split())} | {passed} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each training figure")
    parser.add_argument("--patience", type=float, default=200.0, help="seconds for a subprocess")
    parser.add_argument("--device", default=str(determinism.device()))
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    cuda = asked.device == "cuda"
    facts = {
        "device": torch.cuda.get_device_name() if cuda else platform.machine(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    rows: list[Row] = []
    for name in asked.only.split(","):
        started = time.perf_counter()
        try:
            rows += PARTS[name](asked)
        except Exception:
            rows.append({"what": name, "result": traceback.format_exc()[-900:], "passed": False})
        rows.append({"what": f"({name} altogether)", "seconds": time.perf_counter() - started})
        (asked.folder / "accelerator.json").write_text(
            json.dumps({"facts": facts, "rows": rows}, indent=1)
        )
        (asked.folder / "accelerator.md").write_text(readable(facts, rows))
        print(readable(facts, rows), flush=True)


if __name__ == "__main__":
    main()

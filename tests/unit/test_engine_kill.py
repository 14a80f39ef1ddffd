"""Training killed with SIGKILL at random moments ends bit-equal to one left in peace.

A launcher that has imported the engine but computed nothing forks one process per attempt, so a
kill costs milliseconds. What a database would remember is a file, replaced atomically. Every other
kill waits until a checkpoint is being written, and comes within the few milliseconds that takes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from engine_samples import make_images, make_recipe

from learning.engine import checkpoint

KILLS = 50
TORN = 10
"""Kills at least that left a checkpoint half written."""

LAUNCHER = """
import json, os, random, signal, sys, time
from pathlib import Path
from learning.engine import determinism, loop, spec

folder, kills = Path(sys.argv[1]), int(sys.argv[2])
recipe = spec.parse(json.loads((folder / "recipe.json").read_text()))
samples = [
    spec.Sample(row["id"], row["patient"], Path(row["image"]), target=row["target"])
    for row in json.loads((folder / "samples.json").read_text())
]


def remember(place, path):
    place.with_suffix(".tmp").write_text(path.name)
    place.with_suffix(".tmp").replace(place)


def attempt(name):
    determinism.limit_threads(1)
    place = folder / (name + ".known")
    known = folder / name / place.read_text() if place.exists() else None
    result = loop.train(
        recipe,
        "vit",
        samples[:-2],
        validation=samples[-2:],
        checkpoint_dir=folder / name,
        resume=known,
        on_epoch=lambda report: remember(place, report.checkpoint),
    )
    (folder / (name + ".result")).write_text(result.checkpoint.name)


def unfinished(name):
    if not (folder / name).is_dir():
        return set()
    return {entry for entry in os.listdir(folder / name) if entry.endswith(".tmp")}


def forked(name, patience, writing):
    # Whether the attempt was killed: after ``patience``, or sooner if it is seen writing.
    child = os.fork()
    if not child:
        code = 1
        try:
            attempt(name)
            code = 0
        finally:
            os._exit(code)
    deadline = time.monotonic() + patience
    seen, left = unfinished(name), rng.randint(1, 3)
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        if writing and (fresh := unfinished(name) - seen):
            seen |= fresh
            left -= 1
            if not left:
                time.sleep(rng.uniform(0, 0.002))
                break
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1] == signal.SIGKILL


rng = random.Random(7)
started = time.monotonic()
forked("peace", 300, False)
alone = time.monotonic() - started
killed, torn, run, forward, stalled = 0, 0, 0, 0, 0
while killed < kills:
    name = f"run{run}"
    while not (folder / (name + ".result")).exists():
        known = folder / (name + ".known")
        before = known.read_text() if known.exists() else ""
        if killed < kills:
            writing = killed % 2 and stalled < 3
            share = 3.0 if writing else rng.uniform(0.05, 1.0) * (1 + stalled / 4)
            hit = forked(name, share * alone, writing)
        else:
            hit = forked(name, 300, False)
        torn += hit and bool(unfinished(name))
        moved = known.exists() and known.read_text() != before
        stalled = 0 if moved else stalled + 1
        killed += hit
        forward += hit and moved
    run += 1
results = [(folder / f"run{number}.result").read_text() for number in range(run)]
peace = (folder / "peace.result").read_text()
report = {"killed": killed, "torn": torn, "forward": forward, "seconds": time.monotonic() - started}
print(json.dumps({**report, "results": results, "peace": peace}))
"""


@pytest.mark.timeout(590)
def test_killed_at_random_moments_training_ends_bit_equal(tmp_path: Path) -> None:
    recipe = make_recipe(epochs=10)
    rows = [
        {"id": s.id, "patient": s.patient, "image": str(s.image), "target": s.target}
        for s in make_images(tmp_path, 8)
    ]
    (tmp_path / "recipe.json").write_text(json.dumps(recipe.document()))
    (tmp_path / "samples.json").write_text(json.dumps(rows))
    done = subprocess.run(
        [sys.executable, "-c", LAUNCHER, str(tmp_path), str(KILLS)],
        cwd=Path(checkpoint.__file__).parents[2],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=550,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["killed"] >= KILLS
    assert report["torn"] >= TORN, "hardly a kill came while a checkpoint was being written"
    assert report["forward"] > 0, "no kill came after progress: it would prove little"
    assert set(report["results"]) == {report["peace"]}
    for run, name in enumerate(report["results"]):
        left = list((tmp_path / f"run{run}").iterdir())
        assert [path.name for path in left] == [name]
        checkpoint.read(left[0])
